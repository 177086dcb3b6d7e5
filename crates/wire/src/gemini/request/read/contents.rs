//! Reads `contents`, and pairs results with calls where ids are missing.
//!
//! A call without id gets one made of its place, and a result without id that of the first unanswered
//! call of its name. Both depend on nothing that comes later, so a longer history gives the same ids.

use std::collections::{HashMap, VecDeque};

use serde_json::value::RawValue;

use super::media;
use super::plain::{Answer, Kind, Plain, Wire};
use crate::WireFormat;
use crate::chat::{CallKind, Opaque, OpaqueKind, Part, PartKind, Role, Turn, Vendor};
use crate::codec::WireError;
use crate::divided::Divided;
use crate::gemini::request::MADE_ID;
use crate::gemini::request::members::{self, Members};
use crate::ids;

/// The member of a content that holds its parts.
pub(super) const PARTS: &str = "parts";

/// Members of a part that are its content. A part has exactly one of them.
const KINDS: [&str; 9] = [
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// Members that say something about a part.
const BESIDE: [&str; 5] =
    ["thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"];

/// Values of `mediaResolution`, by number.
pub(super) const RESOLUTIONS: [&str; 4] = [
    "MEDIA_RESOLUTION_UNSPECIFIED",
    "MEDIA_RESOLUTION_LOW",
    "MEDIA_RESOLUTION_MEDIUM",
    "MEDIA_RESOLUTION_HIGH",
];

/// Reader of one conversation.
#[derive(Default)]
pub(super) struct Contents {
    calls: Vec<Call>,
    by_id: HashMap<String, VecDeque<usize>>,
    by_name: HashMap<String, VecDeque<usize>>,
}

struct Call {
    id: String,
    answered: bool,
}

/// A content: its parts in one list, the role among the other members.
pub(super) type Content<'a> = Divided<'a, Wire<'a>>;

/// Where a part stands.
#[derive(Clone, Copy)]
struct Place {
    content: usize,
    part: usize,
    role: Role,
}

impl Place {
    /// Returns its path, for a fault; most parts have none.
    fn path(self) -> String {
        format!("contents[{}].{PARTS}[{}]", self.content, self.part)
    }
}

impl Contents {
    /// Reads one content; `None` if it has no parts.
    pub(super) fn content(
        &mut self,
        content: Content<'_>,
        index: usize,
    ) -> Result<Option<Turn>, WireError> {
        let role = match content.members.get("role") {
            Some(role) => self::role(role, || format!("contents[{index}].role"))?,
            None => Role::User,
        };
        let Some(list) = content.list else { return Ok(None) };
        let mut parts = Vec::with_capacity(list.len());
        for (part, wire) in list.into_iter().enumerate() {
            let place = Place { content: index, part, role };
            parts.push(match wire {
                Wire::Plain(plain) => self.plain(plain, place)?,
                Wire::Raw(raw) => self.part(raw, place)?,
                Wire::Other => return Err(WireError::malformed(place.path(), "cannot be read")),
            });
        }
        Ok((!parts.is_empty()).then_some(Turn { role, parts, name: None }))
    }

    fn plain(&mut self, plain: Plain<'_>, place: Place) -> Result<Part, WireError> {
        let is_thought = plain.thought && place.role == Role::Assistant;
        let kind = match plain.kind {
            Kind::Text(text) if is_thought => PartKind::Reasoning(text),
            Kind::Text(text) => PartKind::Text(text),
            Kind::Call(call) => {
                let path = format!("{}.functionCall", place.path());
                self.called(place, &path, (call.id, call.name), call.args)?
            }
            Kind::Result(Answer { id, name, response, .. }) => {
                let said = response.map_or((Vec::new(), None), |said| said.parts());
                self.answer(place, (id, name), said)?
            }
        };
        let signature = |data| Opaque::new(Vendor::Google, OpaqueKind::Signature, data);
        Ok(Part { kind, opaque: plain.signature.map(signature), cache: None })
    }

    fn part(&mut self, raw: &RawValue, place: Place) -> Result<Part, WireError> {
        // In one pass, if it has nothing else.
        if let Ok(Wire::Plain(plain)) = serde_json::from_str(raw.get()) {
            return self.plain(plain, place);
        }
        let path = &place.path();
        let mut members = Members::of(raw, path)?;
        let mut kinds: Vec<&str> = members.names().filter(|name| KINDS.contains(name)).collect();
        kinds.dedup();
        if let [one, other, ..] = kinds.as_slice() {
            let detail = format!("has both `{one}` and `{other}`; a part has one of them");
            return Err(WireError::malformed(path, detail));
        }
        let kind = kinds.first().copied().map(str::to_owned);
        let opaque = match members.take("thoughtSignature") {
            Some(signature) => {
                let data = members::text(signature, &format!("{path}.thoughtSignature"))?;
                Some(Opaque::new(Vendor::Google, OpaqueKind::Signature, data))
            }
            None => None,
        };
        let kind = match kind {
            Some(kind) => self.kind(&kind, raw, &mut members, place)?,
            None => unknown(raw, &members, opaque.is_some(), place)?,
        };
        // A raw part keeps its own signature.
        let opaque = opaque.filter(|_| !matches!(kind, PartKind::Server { .. }));
        Ok(Part { kind, opaque, cache: None })
    }

    fn kind(
        &mut self,
        kind: &str,
        raw: &RawValue,
        members: &mut Members<'_>,
        place: Place,
    ) -> Result<PartKind, WireError> {
        let path = format!("{}.{kind}", place.path());
        let Some(value) = members.take(kind) else {
            return Err(WireError::malformed(place.path(), "is empty"));
        };
        match kind {
            "text" => {
                let text = members::text(value, &path)?;
                let thought = match members.take("thought") {
                    Some(raw) => members::flag(raw, &format!("{}.thought", place.path()))?,
                    None => false,
                };
                let is_thought = thought && place.role == Role::Assistant;
                Ok(if is_thought { PartKind::Reasoning(text) } else { PartKind::Text(text) })
            }
            "inlineData" => detailed(media::inline(value, &path)?, members, place),
            "fileData" => detailed(media::file(value, &path)?, members, place),
            "functionCall" => self.call(value, place, &path),
            "functionResponse" => self.result(value, place, &path),
            _ => Ok(PartKind::Server { format: WireFormat::Gemini, raw: raw.to_owned() }),
        }
    }

    fn call(&mut self, raw: &RawValue, place: Place, path: &str) -> Result<PartKind, WireError> {
        let (mut members, id, name) = named(raw, path)?;
        self.called(place, path, (id, name), members.take("args"))
    }

    fn called(
        &mut self,
        place: Place,
        path: &str,
        (id, name): (Option<String>, String),
        args: Option<&RawValue>,
    ) -> Result<PartKind, WireError> {
        if place.role != Role::Assistant {
            return Err(WireError::malformed(path, "must stand in a content of role `model`"));
        }
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| made_id(place));
        self.by_id.entry(id.clone()).or_default().push_back(self.calls.len());
        self.by_name.entry(name.clone()).or_default().push_back(self.calls.len());
        self.calls.push(Call { id: id.clone(), answered: false });
        let arguments = match args {
            Some(args) if args.get().starts_with('{') => args.get().to_owned(),
            Some(_) => {
                return Err(WireError::malformed(format!("{path}.args"), "must be an object"));
            }
            None => "{}".to_owned(),
        };
        Ok(PartKind::ToolCall { id, name, kind: CallKind::Function, arguments })
    }

    fn result(&mut self, raw: &RawValue, place: Place, path: &str) -> Result<PartKind, WireError> {
        let (mut members, id, name) = named(raw, path)?;
        let mut media = Vec::new();
        if let Some(list) = members.take("parts") {
            let list = members::list(list, &format!("{path}.parts"))?;
            for (index, raw) in list.into_iter().enumerate() {
                media.push(result_media(raw, &format!("{path}.parts[{index}]"))?);
            }
        }
        let (mut parts, is_error) = response(members.take("response"), path)?;
        parts.extend(media);
        self.answer(place, (id, name), (parts, is_error))
    }

    fn answer(
        &mut self,
        place: Place,
        (id, name): (Option<String>, String),
        (parts, is_error): (Vec<Part>, Option<bool>),
    ) -> Result<PartKind, WireError> {
        if place.role != Role::User {
            let path = format!("{}.functionResponse", place.path());
            return Err(WireError::malformed(path, "must stand in a content of role `user`"));
        }
        let id = id.filter(|id| !id.is_empty());
        let call = self.pair(id, &name).unwrap_or_else(|| made_id(place));
        Ok(PartKind::ToolResult { call, name: Some(name), parts, is_error })
    }

    /// Returns the id of the call that a result answers: its own, or that of the first unanswered call
    /// of its name. A result of no known call keeps its own id, if it has one.
    fn pair(&mut self, id: Option<String>, name: &str) -> Option<String> {
        if let Some(id) = &id
            && let Some(queue) = self.by_id.get_mut(id)
        {
            if let Some(found) = first_open(queue, &self.calls) {
                self.calls[found].answered = true;
            }
            return Some(id.clone());
        }
        let found = self.by_name.get_mut(name).and_then(|queue| first_open(queue, &self.calls));
        let fits = |call: &usize| id.is_none() || self.calls[*call].id.starts_with(MADE_ID);
        let Some(found) = found.filter(fits) else { return id };
        self.calls[found].answered = true;
        Some(self.calls[found].id.clone())
    }
}

/// Reads a content level by level.
///
/// # Errors
///
/// [`WireError::Malformed`] with the place of what has not the expected shape.
pub(super) fn divided(raw: &RawValue, index: usize) -> Result<Content<'_>, WireError> {
    let path = format!("contents[{index}]");
    let mut members = Members::of(raw, &path)?;
    let list = match members.take(PARTS) {
        Some(list) => {
            let list = members::list(list, &format!("{path}.{PARTS}"))?;
            Some(list.into_iter().map(Wire::Raw).collect())
        }
        None => None,
    };
    Ok(Content { members: members.into(), list })
}

/// Returns the first unanswered call of a queue, forgetting the answered ones before it.
fn first_open(queue: &mut VecDeque<usize>, calls: &[Call]) -> Option<usize> {
    while queue.front().is_some_and(|call| calls[*call].answered) {
        queue.pop_front();
    }
    queue.front().copied()
}

fn made_id(place: Place) -> String {
    ids::made(MADE_ID, &place.content.to_string(), place.part)
}

fn role(raw: &RawValue, path: impl Fn() -> String) -> Result<Role, WireError> {
    match raw.get() {
        "\"user\"" => return Ok(Role::User),
        "\"model\"" => return Ok(Role::Assistant),
        _ => {}
    }
    let path = path();
    match members::text(raw, &path)?.as_str() {
        "model" | "assistant" => Ok(Role::Assistant),
        "user" | "function" | "tool" | "" => Ok(Role::User),
        _ => Err(WireError::malformed(path, "must be `user` or `model`")),
    }
}

/// Reads id and name, which calls and results have in common.
fn named<'a>(
    raw: &'a RawValue,
    path: &str,
) -> Result<(Members<'a>, Option<String>, String), WireError> {
    let mut members = Members::of(raw, path)?;
    let id = match members.take("id") {
        Some(id) => Some(members::text(id, &format!("{path}.id"))?).filter(|id| !id.is_empty()),
        None => None,
    };
    let Some(name) = members.take("name") else {
        return Err(WireError::malformed(path, "lacks `name`"));
    };
    let name = members::text(name, &format!("{path}.name"))?;
    Ok((members, id, name))
}

/// Reads the object of a result: `error` alone is an error, `output` or `result` alone is unwrapped,
/// anything else is JSON text as written.
fn response(raw: Option<&RawValue>, path: &str) -> Result<(Vec<Part>, Option<bool>), WireError> {
    let Some(raw) = raw else { return Ok((Vec::new(), None)) };
    let members = Members::of(raw, &format!("{path}.response"))?.rest();
    let plain = |value: &RawValue| {
        let text = serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
        vec![Part::text(text)]
    };
    Ok(match members.as_slice() {
        [] => (Vec::new(), None),
        [(name, value)] if name == "error" => (plain(value), Some(true)),
        [(name, value)] if matches!(&**name, "output" | "result") => match value.get() {
            "\"\"" => (Vec::new(), None),
            _ => (plain(value), None),
        },
        _ => (vec![Part::text(raw.get())], None),
    })
}

fn result_media(raw: &RawValue, path: &str) -> Result<Part, WireError> {
    let mut members = Members::of(raw, path)?;
    if let Some(value) = members.take("inlineData") {
        return Ok(Part::new(media::inline(value, &format!("{path}.inlineData"))?));
    }
    if let Some(value) = members.take("fileData") {
        return Ok(Part::new(media::file(value, &format!("{path}.fileData"))?));
    }
    if let Some(value) = members.take("text") {
        return Ok(Part::text(members::text(value, &format!("{path}.text"))?));
    }
    Err(WireError::malformed(path, "must have `inlineData` or `fileData`"))
}

/// Reads a part without known content: a signature alone, or a kind that came after this was written.
fn unknown(
    raw: &RawValue,
    members: &Members<'_>,
    signed: bool,
    place: Place,
) -> Result<PartKind, WireError> {
    let stranger = members.names().find(|name| !BESIDE.contains(name));
    match stranger {
        Some(_) if place.role == Role::Assistant => {
            Ok(PartKind::Server { format: WireFormat::Gemini, raw: raw.to_owned() })
        }
        Some(name) => {
            let detail = format!("`{name}` is no known kind of part");
            Err(WireError::malformed(place.path(), detail))
        }
        None if signed => Ok(PartKind::Text(String::new())),
        None => Err(WireError::malformed(place.path(), "is empty; a part has one kind of content")),
    }
}

/// Adds the resolution a picture is wanted in.
fn detailed(
    mut kind: PartKind,
    members: &mut Members<'_>,
    place: Place,
) -> Result<PartKind, WireError> {
    let Some(raw) = members.take("mediaResolution") else { return Ok(kind) };
    let path = format!("{}.mediaResolution", place.path());
    let level =
        if raw.get().starts_with('{') { Members::of(raw, &path)?.take("level") } else { Some(raw) };
    let word = match level {
        Some(level) => members::word(level, &path, &RESOLUTIONS)?,
        None => String::new(),
    };
    if let PartKind::Image(media) = &mut kind {
        media.detail = match word.as_str() {
            "MEDIA_RESOLUTION_LOW" => Some("low".to_owned()),
            "MEDIA_RESOLUTION_HIGH" => Some("high".to_owned()),
            _ => None,
        };
    }
    Ok(kind)
}
