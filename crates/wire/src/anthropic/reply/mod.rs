//! Whole replies, read as the events they would have been and written from them.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::block::{Block, delta_event};
use super::words::{StopSaid, is_server_block, write_stop_reason};
use super::{cite, error, sealed, search, usage};
use crate::api_error::UpstreamError;
use crate::argument_object::argument_object;
use crate::chat::{Opaque, OpaqueKind, Vendor};
use crate::codec::ReplyContext;
use crate::collect::{Collected, CollectedPart, collect};
use crate::envelope::Seal;
use crate::event::{Citation, Event, PartHead};
use crate::json;

#[derive(Deserialize)]
struct Wire<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(borrow)]
    content: Option<Vec<&'a RawValue>>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    stop_details: Option<StopDetails>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// `stop_details`, of a whole reply or of a stream's `message_delta`.
#[derive(Debug, Deserialize)]
pub(super) struct StopDetails {
    /// Why the model refused, for people.
    explanation: Option<String>,
    /// What kind of request was refused.
    category: Option<String>,
}

impl StopDetails {
    /// Returns why the model refused, for people.
    pub(super) fn into_text(self) -> Option<String> {
        self.explanation.or(self.category)
    }
}

/// Reads a whole reply.
pub(super) fn read(body: &[u8]) -> Vec<Event> {
    let failed = |error| vec![Event::Error(error)];
    if !body.trim_ascii_start().starts_with(b"{") {
        return failed(no_reply(body));
    }
    let Ok(wire) = serde_json::from_slice::<Wire<'_>>(body) else {
        return failed(no_reply(body));
    };
    let Some(content) = &wire.content else { return failed(no_reply(body)) };

    let mut events = vec![Event::Start {
        id: wire.id.unwrap_or_default(),
        model: wire.model.unwrap_or_default(),
        created: None,
    }];
    let mut has_calls = false;
    for (part, raw) in (0u32..).zip(content) {
        match Block::read(raw) {
            Ok(block) => {
                has_calls |= matches!(block.head, PartHead::ToolCall { .. });
                push_block(block, part, &mut events);
            }
            Err(fault) => {
                let message = format!("the upstream's reply has an unreadable block: {fault}");
                return failed(UpstreamError::truncated(message));
            }
        }
    }
    if let Some(raw) = wire.usage {
        events.push(Event::Usage(usage::read(raw)));
    }
    let stop = StopSaid {
        reason: wire.stop_reason,
        sequence: wire.stop_sequence,
        explanation: wire.stop_details.and_then(StopDetails::into_text),
    };
    events.push(stop.into_event(has_calls));
    events.push(Event::End);
    events
}

fn push_block(block: Block, part: u32, events: &mut Vec<Event>) {
    events.push(Event::PartStart { choice: 0, part, head: block.head.clone() });
    if !block.text.is_empty() {
        events.extend(delta_event(&block.head, part, block.text));
    }
    if let Some(opaque) = block.opaque {
        events.push(Event::Opaque { choice: 0, part, opaque });
    }
    let cites = block.citations.into_iter();
    events.extend(cites.map(|citation| Event::Cite { choice: 0, part, citation }));
    events.push(Event::PartEnd { choice: 0, part });
}

/// Says what a body with status 200 is that is no reply.
pub(super) fn no_reply(body: &[u8]) -> UpstreamError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if error::is_error_body(&value) => error::in_band(&value),
        Ok(_) => UpstreamError::truncated("the upstream's reply is JSON but no message"),
        Err(_) if body.trim_ascii_start().starts_with(b"<") => {
            UpstreamError::truncated("the upstream answered with an HTML page instead of a reply")
        }
        Err(_) if body.trim_ascii().is_empty() => {
            UpstreamError::truncated("the upstream's reply is empty")
        }
        Err(_) => UpstreamError::truncated("the upstream's reply is not valid JSON"),
    }
}

/// Writes a whole reply, or an error body if the events say that there is none.
pub(super) fn write(events: &[Event], context: &ReplyContext) -> Vec<u8> {
    let whole = collect(events);
    if let Some(error) = &whole.error {
        return error::write_upstream(error);
    }
    let parts = whole.first().map_or(&[][..], |answer| &answer.parts);
    let finish = whole.first().and_then(|answer| answer.finish.as_ref());
    let has_calls = parts.iter().any(|part| matches!(part.head, PartHead::ToolCall { .. }));
    let stop = write_stop_reason(finish, has_calls);

    let mut out = Vec::with_capacity(512);
    head(&whole, context, &mut out);
    out.extend_from_slice(b",\"content\":[");
    content(parts, whole.id_or(&context.id), &context.seal, &mut out);
    out.extend_from_slice(b"],\"stop_reason\":");
    json::string(stop.reason, &mut out);
    out.extend_from_slice(b",\"stop_sequence\":");
    optional(stop.sequence, &mut out);
    if let Some(explanation) = stop.refusal {
        refusal_details(explanation, &mut out);
    }
    out.extend_from_slice(b",\"usage\":");
    usage::write(&whole.usage, &mut out);
    out.push(b'}');
    out
}

fn head(whole: &Collected, context: &ReplyContext, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    json::string(whole.id_or(&context.id), out);
    out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    json::string(whole.model_or(&context.model), out);
}

/// Appends the `stop_details` member of a refusal, with the comma before it.
pub(super) fn refusal_details(explanation: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b",\"stop_details\":{\"type\":\"refusal\",\"category\":null,\"explanation\":",
    );
    optional(explanation, out);
    out.push(b'}');
}

/// Appends a string or `null`.
pub(super) fn optional(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => json::string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Returns the text that stands for media this format cannot carry in a reply.
pub(super) fn media_note(mime: &str) -> String {
    format!("[The model returned {mime} data, which cannot be shown here.]")
}

/// Returns the blocks of a part of a vendor's own tools: this format's own as they are, another's
/// search with its sources, nothing else.
pub(super) fn server_blocks(raw: &Value, query: Option<&str>, reply_id: &str) -> Vec<Value> {
    if raw["type"].as_str().is_some_and(is_server_block) {
        return vec![raw.clone()];
    }
    search::blocks(raw, query, reply_id).into_iter().flatten().collect()
}

/// Returns the other vendors' data of a part.
fn foreign(part: &CollectedPart) -> Vec<Opaque> {
    part.opaque.iter().filter(|data| sealed::is_foreign(data)).cloned().collect()
}

/// Tells whether a part is reasoning that nobody signed: it takes what signs the call behind it.
fn is_unsigned(part: &CollectedPart) -> bool {
    matches!(part.head, PartHead::Reasoning(_)) && part.opaque.is_empty() && !part.text.is_empty()
}

/// Returns what stands in the envelope of a part: other vendors' data, of its own or of the call behind
/// unsigned reasoning.
fn sealed_in(parts: &[CollectedPart], index: usize) -> Vec<Opaque> {
    let is_call = |part: &CollectedPart| matches!(part.head, PartHead::ToolCall { .. });
    let neighbours = |first: Option<usize>, second: usize| {
        let (first, second) = (parts.get(first?)?, parts.get(second)?);
        (is_unsigned(first) && is_call(second)).then(|| foreign(second))
    };
    if let Some(of_call) = neighbours(Some(index), index + 1) {
        return of_call;
    }
    if neighbours(index.checked_sub(1), index).is_some() {
        return Vec::new();
    }
    foreign(&parts[index])
}

/// Appends the blocks of an answer, with commas between them.
pub(super) fn content(parts: &[CollectedPart], reply_id: &str, seal: &Seal, out: &mut Vec<u8>) {
    let start = out.len();
    for (index, part) in parts.iter().enumerate() {
        let before = out.len();
        if before > start {
            out.push(b',');
        }
        let begin = out.len();
        block(part, &sealed_in(parts, index), reply_id, seal, out);
        if out.len() == begin {
            out.truncate(before);
        }
    }
}

/// Appends one part as a block, or nothing if it has nothing to show.
///
/// Data of other vendors stand in a block of their own: before a call, behind a text.
fn block(part: &CollectedPart, foreign: &[Opaque], reply_id: &str, seal: &Seal, out: &mut Vec<u8>) {
    match &part.head {
        PartHead::Text | PartHead::Refusal => {
            let before = out.len();
            if part.text.is_empty() {
                // Sources that came when their text had ended.
                joined(search::late(&part.citations, reply_id).iter().flatten(), out);
            } else {
                text_block(&part.text, &part.citations, out);
            }
            if !foreign.is_empty() {
                if out.len() > before {
                    out.push(b',');
                }
                thinking_block("", &sealed::envelope(seal, foreign, true), out);
            }
        }
        PartHead::Reasoning(_) => reasoning_blocks(part, foreign, seal, out),
        PartHead::ToolCall { id, name, .. } => {
            if !foreign.is_empty() {
                thinking_block("", &sealed::envelope(seal, foreign, false), out);
                out.push(b',');
            }
            out.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
            json::string(id, out);
            out.extend_from_slice(b",\"name\":");
            json::string(name, out);
            out.extend_from_slice(b",\"input\":");
            out.extend_from_slice(argument_object(&part.text).json.as_bytes());
            out.push(b'}');
        }
        PartHead::Media { mime, .. } => text_block(&media_note(mime), &[], out),
        PartHead::Server { raw, query } => {
            joined(server_blocks(raw, query.as_deref(), reply_id).iter(), out);
        }
    }
}

/// Appends blocks, with commas between them.
fn joined<'b>(blocks: impl Iterator<Item = &'b Value>, out: &mut Vec<u8>) {
    for (place, block) in blocks.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(block.to_string().as_bytes());
    }
}

/// Appends a text block. Empty ones are left out: sent back in a history the API refuses them.
fn text_block(text: &str, citations: &[Citation], out: &mut Vec<u8>) {
    if !text.is_empty() {
        out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
        json::string(text, out);
        let citations: Vec<Value> = citations.iter().filter_map(cite::write).collect();
        if !citations.is_empty() {
            out.extend_from_slice(b",\"citations\":");
            out.extend_from_slice(Value::Array(citations).to_string().as_bytes());
        }
        out.push(b'}');
    }
}

fn reasoning_blocks(part: &CollectedPart, foreign: &[Opaque], seal: &Seal, out: &mut Vec<u8>) {
    let own = |kind| {
        let of_kind =
            move |opaque: &&Opaque| opaque.vendor == Vendor::Anthropic && opaque.kind == kind;
        part.opaque.iter().find(of_kind).map(|opaque| &*opaque.data)
    };
    let signature = own(OpaqueKind::Signature);
    let redacted = own(OpaqueKind::Redacted);
    if let Some(signature) = signature {
        thinking_block(&part.text, signature, out);
    } else if !part.text.is_empty() || (!foreign.is_empty() && !sealed::is_redacted(foreign)) {
        thinking_block(&part.text, &sealed::envelope(seal, foreign, false), out);
    } else if !foreign.is_empty() {
        redacted_block(&sealed::envelope(seal, foreign, false), out);
    }
    if let Some(data) = redacted {
        if signature.is_some() || !part.text.is_empty() || !foreign.is_empty() {
            out.push(b',');
        }
        redacted_block(data, out);
    }
}

/// Appends a block of reasoning.
fn thinking_block(text: &str, signature: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":");
    json::string(text, out);
    out.extend_from_slice(b",\"signature\":");
    json::string(signature, out);
    out.push(b'}');
}

/// Appends a block of hidden reasoning.
pub(super) fn redacted_block(data: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"redacted_thinking\",\"data\":");
    json::string(data, out);
    out.push(b'}');
}
