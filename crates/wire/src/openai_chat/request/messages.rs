//! Reads `messages` into turns.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::content::{self, Speaker};
use super::members::parse;
use super::wire::{Detail, Function, Message, ThinkingBlock, ToolCall};
use crate::chat::{CallKind, Opaque, OpaqueKind, Part, PartKind, RawJson, Role, Turn, Vendor};
use crate::codec::WireError;
use crate::ids;
use crate::openai_chat::stream::assembly::vendor;

/// Reads all messages, in order.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the first fault; [`WireError::Unsupported`] for sound in
/// the history, which is only an id at its vendor.
pub(super) fn read(messages: &[&RawValue]) -> Result<Vec<Turn>, WireError> {
    let mut reader = Reader { legacy_call: None };
    let read = |(position, raw): (usize, &&RawValue)| {
        let path = format!("messages[{position}]");
        let message: Message<'_> = parse(raw, || path.clone())?;
        reader.turn(&message, position, &path)
    };
    messages.iter().enumerate().map(read).collect()
}

struct Reader {
    /// Id made for the last legacy `function_call`, which its result must name.
    legacy_call: Option<String>,
}

impl Reader {
    fn turn(
        &mut self,
        message: &Message<'_>,
        position: usize,
        path: &str,
    ) -> Result<Turn, WireError> {
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
            Role::Assistant => self.assistant(message, position, path)?,
            Role::Tool => vec![self.result(message, path)?],
            Role::System | Role::Developer | Role::User => {
                content::read(message.content.as_ref(), Speaker::Other, path)?
            }
        };
        let name = message.name.clone().filter(|_| role != Role::Tool);
        Ok(Turn { role, parts, name })
    }

    fn assistant(
        &mut self,
        message: &Message<'_>,
        position: usize,
        path: &str,
    ) -> Result<Vec<Part>, WireError> {
        if message.audio.is_some() {
            let why = "sound of an earlier answer is known to its own provider alone";
            return Err(WireError::unsupported(format!("{path}.audio"), why));
        }
        let mut parts = reasoning(message);
        parts.extend(content::read(message.content.as_ref(), Speaker::Assistant, path)?);
        if let Some(refusal) = message.refusal.clone().filter(|text| !text.is_empty()) {
            parts.push(Part::new(PartKind::Refusal(refusal)));
        }
        for (place, raw) in message.tool_calls.iter().flatten().enumerate() {
            let at = format!("{path}.tool_calls[{place}]");
            parts.push(call(parse(raw, || at.clone())?, &at)?);
        }
        if let Some(function) = &message.function_call {
            let at = format!("{path}.function_call");
            let id = ids::made("call_", function.name.as_deref().unwrap_or(""), position);
            self.legacy_call = Some(id.clone());
            parts.push(function_call(id, function, &at)?);
        }
        Ok(parts)
    }

    fn result(&mut self, message: &Message<'_>, path: &str) -> Result<Part, WireError> {
        let legacy = message.role.as_deref() == Some("function");
        let call = match message.tool_call_id.clone() {
            Some(id) if !id.is_empty() => id,
            _ if legacy => self.legacy_call.take().unwrap_or_default(),
            _ => {
                let detail = "is missing; name the call this result answers";
                return Err(WireError::malformed(format!("{path}.tool_call_id"), detail));
            }
        };
        let parts = content::read(message.content.as_ref(), Speaker::Other, path)?;
        let name = message.name.clone();
        Ok(Part::new(PartKind::ToolResult { call, name, parts, is_error: None }))
    }
}

fn call(call: ToolCall, at: &str) -> Result<Part, WireError> {
    let Some(function) = &call.function else {
        let kind = call.kind.as_deref().unwrap_or("nothing");
        let why = format!("a call of type `{kind}` has no form at another provider");
        return Err(WireError::unsupported(at, why));
    };
    let id = call.id.unwrap_or_default();
    let mut part = function_call(id, function, &format!("{at}.function"))?;
    let signature = call
        .extra_content
        .as_ref()
        .and_then(|extra| extra.pointer("/google/thought_signature")?.as_str());
    part.opaque = signature.map(|data| Opaque::new(Vendor::Google, OpaqueKind::Signature, data));
    Ok(part)
}

fn function_call(id: String, function: &Function, at: &str) -> Result<Part, WireError> {
    let Some(name) = function.name.clone().filter(|name| !name.is_empty()) else {
        return Err(WireError::malformed(format!("{at}.name"), "is missing"));
    };
    let arguments = arguments(function.arguments.as_ref()).into_owned();
    Ok(Part::new(PartKind::ToolCall { id, name, kind: CallKind::Function, arguments }))
}

/// Returns the characters of the arguments: those of the text, or of the object as it was written.
fn arguments(raw: Option<&RawJson>) -> Cow<'_, str> {
    let raw = raw.map_or("null", |raw| raw.get());
    if raw == "null" {
        return Cow::Borrowed("");
    }
    if !raw.starts_with('"') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str::<String>(raw).map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// Reads the reasoning members of an assistant message; the first convention that has any counts.
fn reasoning(message: &Message<'_>) -> Vec<Part> {
    let details: Vec<Part> =
        message.reasoning_details.iter().flatten().flat_map(of_detail).collect();
    let has_opaque = details.iter().any(|part| part.opaque.is_some());
    let has_text =
        |part: &Part| matches!(&part.kind, PartKind::Reasoning(text) if !text.is_empty());
    let blocks: Vec<Part> = message.thinking_blocks.iter().flatten().flat_map(of_block).collect();
    if !blocks.is_empty() {
        return blocks;
    }
    let plain = [&message.reasoning_content, &message.reasoning]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty());
    let Some(plain) = plain else { return details };
    if !has_opaque {
        return vec![Part::new(PartKind::Reasoning(plain.clone()))];
    }
    if details.iter().any(has_text) {
        return details;
    }
    // We send the text in one member and the vendor's data in the other: put them together again.
    let mut parts = details;
    let signed = |part: &&mut Part| {
        part.opaque.as_ref().is_some_and(|opaque| opaque.kind == OpaqueKind::Signature)
    };
    match parts.iter_mut().find(signed) {
        Some(part) => part.kind = PartKind::Reasoning(plain.clone()),
        None => parts.insert(0, Part::new(PartKind::Reasoning(plain.clone()))),
    }
    parts
}

fn of_detail(detail: &Detail) -> Option<Part> {
    let text = detail.text.clone().or_else(|| detail.summary.clone()).unwrap_or_default();
    let vendor = detail.format.as_deref().and_then(vendor);
    let opaque = vendor.and_then(|vendor| {
        let (kind, data) = match (&detail.signature, &detail.data) {
            (Some(signature), _) if !signature.is_empty() => (OpaqueKind::Signature, signature),
            (_, Some(data)) if vendor == Vendor::Google => (OpaqueKind::Signature, data),
            (_, Some(data)) => (OpaqueKind::Redacted, data),
            _ => return None,
        };
        Some(Opaque::new(vendor, kind, data.clone()))
    });
    let empty = text.is_empty() && opaque.is_none();
    (!empty).then(|| Part { kind: PartKind::Reasoning(text), opaque, cache: None })
}

fn of_block(block: &ThinkingBlock) -> Option<Part> {
    let text = block.thinking.clone().unwrap_or_default();
    let of = |kind, data: &String| Opaque::new(Vendor::Anthropic, kind, data.clone());
    let opaque = match (&block.signature, &block.data) {
        (Some(signature), _) if !signature.is_empty() => Some(of(OpaqueKind::Signature, signature)),
        (_, Some(data)) => Some(of(OpaqueKind::Redacted, data)),
        _ => None,
    };
    let empty = text.is_empty() && opaque.is_none();
    (!empty).then(|| Part { kind: PartKind::Reasoning(text), opaque, cache: None })
}
