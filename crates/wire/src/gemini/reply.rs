//! Whole replies: a whole reply is a stream of one object, read and written as such.

use crate::codec::{EventReader, ReplyContext};
use crate::collect::{Collected, CollectedChoice, CollectedPart, collect};
use crate::envelope::Seal;
use crate::event::{Event, PartHead, ReasoningKind};

use super::carry::Carry;
use super::sources::Sources;
use super::stream::{Body, Reader, error_body, is_google};
use super::{emit, finish, logprobs};

/// Reads a whole reply as the events it would have been as a stream.
pub(super) fn read(body: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut reader = Reader::new(Body::Whole);
    reader.push(body, &mut events);
    reader.finish(&mut events);
    events
}

/// Writes a whole reply; events that end in an error give the error's body.
pub(super) fn write(events: &[Event], context: &ReplyContext) -> Vec<u8> {
    let whole = collect(events);
    if let Some(failure) = &whole.error {
        return error_body(failure).to_string().into_bytes();
    }
    let mut out = b"{".to_vec();
    match blocked(&whole) {
        Some((word, message)) => emit::prompt_feedback(word, message, &mut out),
        None => candidates(&whole, context, &mut out),
    }
    emit::usage(&whole.usage, &mut out);
    out.extend_from_slice(&emit::tail(whole.model_or(&context.model), whole.id_or(&context.id)));
    out
}

/// Returns why the prompt was blocked, if that is all there is.
fn blocked(whole: &Collected) -> Option<(&str, Option<&str>)> {
    let [choice] = whole.choices.as_slice() else { return None };
    let ended = choice.finish.as_ref()?;
    let word = finish::blocked_prompt(ended.reason, &ended.native)?;
    choice.parts.is_empty().then_some((word, ended.detail.as_deref()))
}

fn candidates(whole: &Collected, context: &ReplyContext, out: &mut Vec<u8>) {
    let empty = [CollectedChoice::default()];
    let choices = if whole.choices.is_empty() { &empty[..] } else { &whole.choices };
    out.extend_from_slice(b"\"candidates\":[");
    for (place, choice) in choices.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"content\":{\"parts\":[");
        let begin = out.len();
        let mut carry = Carry::default();
        let mut sources = Sources::quoting();
        for (number, part) in (0..).zip(&choice.parts) {
            let before = out.len();
            if before > begin {
                out.push(b',');
            }
            let comma_end = out.len();
            note_sources(number, part, &mut sources);
            write_part(part, &context.seal, &mut carry, out);
            if out.len() == comma_end {
                out.truncate(before);
            }
        }
        let signature = carry.signature(&[], &context.seal);
        if out.len() == begin || signature.is_some() {
            if out.len() > begin {
                out.push(b',');
            }
            emit::text_part("", false, signature.as_deref(), out);
        }
        out.extend_from_slice(b"],\"role\":\"model\"}");
        if let Some(ended) = &choice.finish {
            let word = finish::write(ended.reason, &ended.native);
            emit::finish(word, ended.detail.as_deref(), out);
        }
        sources.write(out);
        logprobs::write(&choice.logprobs, out);
        out.extend_from_slice(format!(",\"index\":{}}}", choice.index).as_bytes());
    }
    out.push(b']');
}

fn note_sources(number: u32, part: &CollectedPart, sources: &mut Sources) {
    match &part.head {
        PartHead::Text | PartHead::Refusal => sources.text(number, &part.text),
        PartHead::Server { query: Some(query), .. } => sources.query(query),
        _ => {}
    }
    for citation in &part.citations {
        sources.cite(number, citation);
    }
}

/// Writes a piece of reasoning: Google's own data as its signature, others' for the next part.
fn write_thought(part: &CollectedPart, kind: ReasoningKind, carry: &mut Carry, out: &mut Vec<u8>) {
    let native = part.opaque.iter().find_map(emit::signature);
    if !part.text.is_empty() || native.is_some() {
        emit::text_part(&part.text, true, native, out);
    }
    let others = part.opaque.iter().filter(|opaque| emit::signature(opaque).is_none());
    carry.thought(&part.text, kind, others.cloned().collect());
}

fn write_part(part: &CollectedPart, seal: &Seal, carry: &mut Carry, out: &mut Vec<u8>) {
    match &part.head {
        PartHead::Reasoning(kind) => return write_thought(part, *kind, carry, out),
        PartHead::Server { raw, .. } => {
            if is_google(raw) {
                out.extend_from_slice(raw.to_string().as_bytes());
            }
            return;
        }
        PartHead::Text | PartHead::Refusal if part.text.is_empty() && part.opaque.is_empty() => {
            return;
        }
        _ => {}
    }
    let signature = carry.signature(&part.opaque, seal);
    let signature = signature.as_deref();
    match &part.head {
        PartHead::Text | PartHead::Refusal => {
            emit::text_part(&part.text, false, signature, out);
        }
        PartHead::ToolCall { id, name, .. } => {
            emit::call_part(emit::Call { id, name, arguments: &part.text, signature }, out);
        }
        PartHead::Media { mime, data } => emit::media_part(mime, data, signature, out),
        PartHead::Reasoning(_) | PartHead::Server { .. } => {}
    }
}
