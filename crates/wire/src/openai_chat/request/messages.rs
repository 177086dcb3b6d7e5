//! Reads `messages` into turns.

use super::content;
use super::members::{AsWritten, Place, parse};
use super::thoughts;
use super::wire::{CustomCall, Function, Message, ToolCall};
use crate::chat::{CallKind, Opaque, OpaqueKind, Part, PartKind, Role, Turn, Vendor};
use crate::codec::WireError;
use crate::ids;
use crate::openai_media::Speaker;
use crate::text::characters;

/// The member that holds the conversation.
pub(super) const MESSAGES: &str = "messages";

/// Reads all messages of a body, in order.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the first fault; [`WireError::Unsupported`] for sound in
/// the history, which is only an id at its vendor.
pub(super) fn read<'a>(messages: Vec<Message<'a>>, body: &'a [u8]) -> Result<Vec<Turn>, WireError> {
    let mut reader = Reader { legacy_call: None, body: AsWritten::new(body) };
    let read = |(position, message)| reader.turn(message, Place { list: MESSAGES, position });
    messages.into_iter().enumerate().map(read).collect()
}

struct Reader<'a> {
    body: AsWritten<'a>,
    /// Id made for the last legacy `function_call`, which its result must name.
    legacy_call: Option<String>,
}

impl<'a> Reader<'a> {
    fn turn(&mut self, mut message: Message<'a>, path: Place) -> Result<Turn, WireError> {
        let role = match message.role.as_deref() {
            Some("system") => Role::System,
            Some("developer") => Role::Developer,
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("tool" | "function") => Role::Tool,
            Some(other) => {
                let detail =
                    format!("`{other}` is unknown; use system, developer, user, assistant or tool");
                return Err(WireError::malformed(format!("{path}.role"), detail));
            }
            None => return Err(WireError::malformed(format!("{path}.role"), "is missing")),
        };
        let parts = match role {
            Role::Assistant => self.assistant(&mut message, path)?,
            Role::Tool => vec![self.result(&mut message, path)?],
            Role::System | Role::Developer | Role::User => {
                content::read(message.content.take(), Speaker::Other, path, &mut self.body)?
            }
        };
        let name = message.name.filter(|_| role != Role::Tool);
        Ok(Turn { role, parts, name })
    }

    fn assistant(
        &mut self,
        message: &mut Message<'a>,
        path: Place,
    ) -> Result<Vec<Part>, WireError> {
        if message.audio.is_some() {
            let why = "sound of an earlier answer is known to its own provider alone";
            return Err(WireError::unsupported(format!("{path}.audio"), why));
        }
        let mut parts = thoughts::read(message);
        parts.extend(content::read(
            message.content.take(),
            Speaker::Assistant,
            path,
            &mut self.body,
        )?);
        if let Some(refusal) = message.refusal.take().filter(|text| !text.is_empty()) {
            parts.push(Part::new(PartKind::Refusal(refusal)));
        }
        for (place, raw) in message.tool_calls.iter().flatten().enumerate() {
            let at = format!("{path}.tool_calls[{place}]");
            parts.push(call(parse(raw, || at.clone())?, &at)?);
        }
        if let Some(function) = &message.function_call {
            let at = format!("{path}.function_call");
            let id = ids::made("call_", function.name.as_deref().unwrap_or(""), path.position);
            self.legacy_call = Some(id.clone());
            parts.push(function_call(id, function, &at)?);
        }
        Ok(parts)
    }

    fn result(&mut self, message: &mut Message<'a>, path: Place) -> Result<Part, WireError> {
        let legacy = message.role.as_deref() == Some("function");
        let call = match message.tool_call_id.as_deref() {
            Some(id) if !id.is_empty() => split_id(id).0.to_owned(),
            _ if legacy => self.legacy_call.take().unwrap_or_default(),
            _ => {
                let detail = "is missing; name the call this result answers";
                return Err(WireError::malformed(format!("{path}.tool_call_id"), detail));
            }
        };
        let parts = content::read(message.content.take(), Speaker::Other, path, &mut self.body)?;
        let name = message.name.take();
        Ok(Part::new(PartKind::ToolResult { call, name, parts, is_error: None }))
    }
}

fn call(call: ToolCall, at: &str) -> Result<Part, WireError> {
    let (id, in_id) = split_id(call.id.as_deref().unwrap_or_default());
    let mut part = match (&call.function, call.custom) {
        (Some(function), _) => function_call(id.to_owned(), function, &format!("{at}.function"))?,
        (None, Some(custom)) => custom_call(id.to_owned(), custom, &format!("{at}.custom"))?,
        (None, None) => {
            let kind = call.kind.as_deref().unwrap_or("function");
            return Err(WireError::malformed(format!("{at}.{kind}"), "is missing"));
        }
    };
    let in_member = call
        .extra_content
        .as_ref()
        .and_then(|extra| extra.pointer("/google/thought_signature")?.as_str());
    let signature = in_member.or(in_id);
    part.opaque = signature.map(|data| Opaque::new(Vendor::Google, OpaqueKind::Signature, data));
    Ok(part)
}

/// Takes an id apart into the id proper and the signature that some gateways hide in it.
///
/// LiteLLM and agentgateway write `call_x__thought__<base64>`; conversations that began there go on here.
fn split_id(id: &str) -> (&str, Option<&str>) {
    match id.split_once("__thought__") {
        Some((id, signature)) if !signature.is_empty() => (id, Some(signature)),
        _ => (id, None),
    }
}

fn custom_call(id: String, custom: CustomCall, at: &str) -> Result<Part, WireError> {
    let Some(name) = custom.name.filter(|name| !name.is_empty()) else {
        return Err(WireError::malformed(format!("{at}.name"), "is missing"));
    };
    let arguments = custom.input.unwrap_or_default();
    Ok(Part::new(PartKind::ToolCall { id, name, kind: CallKind::Custom, arguments }))
}

fn function_call(id: String, function: &Function, at: &str) -> Result<Part, WireError> {
    let Some(name) = function.name.clone().filter(|name| !name.is_empty()) else {
        return Err(WireError::malformed(format!("{at}.name"), "is missing"));
    };
    let arguments = characters(function.arguments.as_deref()).into_owned();
    Ok(Part::new(PartKind::ToolCall { id, name, kind: CallKind::Function, arguments }))
}
