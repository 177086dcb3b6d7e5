//! Whole replies of this format. Reading one is reading a single chunk that has `message` in place of
//! `delta`, so only the writing is here.

use serde_json::{Map, Value, json};

use super::error;
use super::stream::finish::{self, RefusalText};
use super::stream::writer::count;
use super::stream::{details, sources, usage};
use crate::chat::{CallKind, Vendor};
use crate::codec::ReplyContext;
use crate::collect::{Collected, CollectedChoice, CollectedPart, collect};
use crate::event::{Event, Finish, PartHead};
use crate::ids;

/// Writes the reply that these events make; an error body if they end in an error.
pub(crate) fn write(events: &[Event], context: &ReplyContext) -> Vec<u8> {
    let whole = collect(events);
    if let Some(error) = &whole.error {
        return error::write_upstream(error);
    }
    let id = whole.id_or(&context.id);
    let mut choices: Vec<Value> = whole.choices.iter().map(|answer| choice(answer, id)).collect();
    if choices.is_empty() {
        choices.push(choice(&CollectedChoice::default(), id));
    }
    head(&whole, context, &choices)
}

fn head(whole: &Collected, context: &ReplyContext, choices: &[Value]) -> Vec<u8> {
    let reply = json!({
        "id": whole.id_or(&context.id),
        "object": "chat.completion",
        "created": whole.created.unwrap_or(context.created),
        "model": whole.model_or(&context.model),
        "choices": choices,
    });
    let mut out = reply.to_string().into_bytes();
    if !whole.usage.is_empty() {
        out.pop();
        out.extend_from_slice(b",\"usage\":");
        usage::write(&whole.usage, &mut out);
        out.push(b'}');
    }
    out
}

fn choice(answer: &CollectedChoice, id: &str) -> Value {
    let refused = answer.parts.iter().any(|part| part.head == PartHead::Refusal);
    let refusal = if refused { RefusalText::Sent } else { RefusalText::Absent };
    let reason = answer.finish.as_ref().map_or(Finish::Stop, |finish| finish.reason);
    let logprobs =
        (!answer.logprobs.is_empty()).then(|| json!({"content": answer.logprobs, "refusal": null}));
    json!({
        "index": answer.index,
        "message": message(answer, id),
        "logprobs": logprobs,
        "finish_reason": finish::write(reason, refusal),
    })
}

fn message(answer: &CollectedChoice, id: &str) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    let text = joined(answer, |head| *head == PartHead::Text);
    let refusal = joined(answer, |head| *head == PartHead::Refusal);
    let calls = calls(answer);
    let nothing_else = calls.is_empty() && refusal.is_none();
    let content = text.or_else(|| nothing_else.then(String::new));
    message.insert("content".to_owned(), content.into());
    message.insert("refusal".to_owned(), refusal.into());
    if let Some(reasoning) = joined(answer, is_reasoning) {
        message.insert("reasoning_content".to_owned(), reasoning.into());
    }
    for (name, list) in
        [("reasoning_details", details(answer)), ("annotations", annotations(answer))]
    {
        if !list.is_empty() {
            message.insert(name.to_owned(), list.into());
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls.into());
    }
    add_media(answer, id, &mut message);
    Value::Object(message)
}

/// Joins the text of all parts of one kind; `None` if there is none.
fn joined(answer: &CollectedChoice, is_wanted: fn(&PartHead) -> bool) -> Option<String> {
    let texts = answer.parts.iter().filter(|part| is_wanted(&part.head)).map(|part| &*part.text);
    let joined: String = texts.collect();
    (!joined.is_empty()).then_some(joined)
}

const fn is_reasoning(head: &PartHead) -> bool {
    matches!(head, PartHead::Reasoning(_))
}

/// Vendor data of all parts, except Google's signatures of calls, which the calls carry.
fn details(answer: &CollectedChoice) -> Vec<Value> {
    let mut entries = Vec::new();
    for part in &answer.parts {
        let text = if is_reasoning(&part.head) { &*part.text } else { "" };
        for opaque in &part.opaque {
            if !(is_call(part) && opaque.vendor == Vendor::Google) {
                entries.extend(details::entries(text, opaque, entries.len()));
            }
        }
    }
    entries
}

/// Sources of all texts, by their places in the joined text.
fn annotations(answer: &CollectedChoice) -> Vec<Value> {
    let mut annotations = Vec::new();
    let mut before = 0;
    for part in answer.parts.iter().filter(|part| part.head == PartHead::Text) {
        let length = count(&part.text);
        let of = |citation| sources::annotation(citation, before, length);
        annotations.extend(part.citations.iter().filter_map(of));
        before += length;
    }
    annotations
}

fn is_call(part: &CollectedPart) -> bool {
    matches!(part.head, PartHead::ToolCall { .. })
}

fn calls(answer: &CollectedChoice) -> Vec<Value> {
    let calls = answer.parts.iter().filter_map(|part| match &part.head {
        PartHead::ToolCall { id, name, kind } => Some((part, id, name, *kind)),
        _ => None,
    });
    let write = |(part, id, name, kind)| {
        let part: &CollectedPart = part;
        let mut call = match kind {
            CallKind::Function => {
                let arguments = if part.text.trim().is_empty() { "{}" } else { &part.text };
                let function = json!({"name": name, "arguments": arguments});
                json!({"id": id, "type": "function", "function": function})
            }
            CallKind::Custom => {
                let custom = json!({"name": name, "input": part.text});
                json!({"id": id, "type": "custom", "custom": custom})
            }
        };
        let signature = part.opaque.iter().find(|opaque| opaque.vendor == Vendor::Google);
        if let Some(signature) = signature {
            call["extra_content"] = details::call_signature(&signature.data);
        }
        call
    };
    calls.map(write).collect()
}

fn add_media(answer: &CollectedChoice, reply: &str, message: &mut Map<String, Value>) {
    let mut images = Vec::new();
    for part in &answer.parts {
        let PartHead::Media { mime, data } = &part.head else { continue };
        if mime.starts_with("audio/") {
            let id = ids::made("audio_", reply, 0);
            let audio = json!({"id": id, "data": data, "expires_at": 0, "transcript": ""});
            message.insert("audio".to_owned(), audio);
        } else {
            let url = format!("data:{mime};base64,{data}");
            images.push(json!({"type": "image_url", "image_url": {"url": url}}));
        }
    }
    if !images.is_empty() {
        message.insert("images".to_owned(), images.into());
    }
}
