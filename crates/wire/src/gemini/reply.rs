//! Whole replies: a whole reply is a stream of one object, read and written as such.

use crate::codec::{EventReader, ReplyContext};
use crate::collect::{Collected, CollectedChoice, CollectedPart, collect};
use crate::event::{Event, PartHead};
use crate::ids;

use super::stream::{Body, Reader, error_body, is_google};
use super::{emit, finish};

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
    let mut calls = 0;
    out.extend_from_slice(b"\"candidates\":[");
    for (place, choice) in choices.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"content\":{\"parts\":[");
        let begin = out.len();
        for part in &choice.parts {
            let before = out.len();
            if before > begin {
                out.push(b',');
            }
            let comma_end = out.len();
            write_part(part, &context.id, &mut calls, out);
            if out.len() == comma_end {
                out.truncate(before);
            }
        }
        if out.len() == begin {
            emit::text_part("", false, None, out);
        }
        out.extend_from_slice(b"],\"role\":\"model\"}");
        if let Some(ended) = &choice.finish {
            let word = finish::write(ended.reason, &ended.native);
            emit::finish(word, ended.detail.as_deref(), out);
        }
        out.extend_from_slice(format!(",\"index\":{}}}", choice.index).as_bytes());
    }
    out.push(b']');
}

fn write_part(part: &CollectedPart, seed: &str, calls: &mut usize, out: &mut Vec<u8>) {
    let signature = part.opaque.iter().find_map(|opaque| emit::signature(opaque));
    match &part.head {
        PartHead::Text | PartHead::Refusal | PartHead::Reasoning(_) => {
            let thought = matches!(part.head, PartHead::Reasoning(_));
            if !part.text.is_empty() || signature.is_some() {
                emit::text_part(&part.text, thought, signature, out);
            }
        }
        PartHead::ToolCall { id, name, .. } => {
            let made = if id.is_empty() { ids::made("call_", seed, *calls) } else { String::new() };
            *calls += 1;
            let id = if id.is_empty() { &made } else { id };
            emit::call_part(emit::Call { id, name, arguments: &part.text, signature }, out);
        }
        PartHead::Media { mime, data } => emit::media_part(mime, data, signature, out),
        PartHead::Server { raw, .. } if is_google(raw) => {
            out.extend_from_slice(raw.to_string().as_bytes());
        }
        PartHead::Server { .. } => {}
    }
}
