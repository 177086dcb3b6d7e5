//! Whole replies of this format. Reading one is reading a single chunk that has `message` in place of
//! `delta`, so only the writing is here.

use serde_json::{Map, Value, json};

use super::error;
use super::stream::finish::{self, RefusalText};
use super::stream::usage;
use super::stream::writer::{call_signature, invalid_call, reasoning_detail};
use crate::chat::Vendor;
use crate::codec::ReplyContext;
use crate::collect::{Collected, CollectedChoice, CollectedPart, collect};
use crate::event::{Event, Finish, PartHead, ReasoningKind};
use crate::ids;

/// Writes the reply that these events make; an error body if they end in an error.
pub(crate) fn write(events: &[Event], context: &ReplyContext) -> Vec<u8> {
    let whole = collect(events);
    if let Some(error) = &whole.error {
        return error::write_upstream(error);
    }
    let unusable = |choice: &CollectedChoice| {
        choice.finish.as_ref().filter(|finish| finish.reason == Finish::InvalidCall).cloned()
    };
    if let Some(finish) = whole.choices.iter().find_map(unusable) {
        return error::write_upstream(&invalid_call(&finish.native));
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
    json!({
        "index": answer.index,
        "message": message(answer, id),
        "logprobs": null,
        "finish_reason": finish::write(reason, refusal),
    })
}

fn message(answer: &CollectedChoice, id: &str) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    let text = joined(answer, &PartHead::Text);
    let refusal = joined(answer, &PartHead::Refusal);
    let calls = calls(answer, id);
    let nothing_else = calls.is_empty() && refusal.is_none();
    let content = text.or_else(|| nothing_else.then(String::new));
    message.insert("content".to_owned(), content.into());
    message.insert("refusal".to_owned(), refusal.into());
    if let Some(reasoning) = joined(answer, &PartHead::Reasoning(ReasoningKind::Raw)) {
        message.insert("reasoning_content".to_owned(), reasoning.into());
    }
    let details: Vec<Value> = answer
        .parts
        .iter()
        .flat_map(|part| part.opaque.iter().map(move |opaque| (part, opaque)))
        .filter(|(part, opaque)| !(is_call(part) && opaque.vendor == Vendor::Google))
        .enumerate()
        .map(|(index, (_, opaque))| reasoning_detail(opaque, index))
        .collect();
    if !details.is_empty() {
        message.insert("reasoning_details".to_owned(), details.into());
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls.into());
    }
    add_media(answer, id, &mut message);
    Value::Object(message)
}

/// Joins the text of all parts of one kind; `None` if there is none.
fn joined(answer: &CollectedChoice, head: &PartHead) -> Option<String> {
    let texts = answer.parts.iter().filter(|part| part.head == *head).map(|part| &*part.text);
    let joined: String = texts.collect();
    (!joined.is_empty()).then_some(joined)
}

fn is_call(part: &CollectedPart) -> bool {
    matches!(part.head, PartHead::ToolCall { .. })
}

fn calls(answer: &CollectedChoice, reply: &str) -> Vec<Value> {
    let calls = answer.parts.iter().filter_map(|part| match &part.head {
        PartHead::ToolCall { id, name, .. } => Some((part, id, name)),
        _ => None,
    });
    let write = |(position, (part, id, name)): (usize, (&CollectedPart, &String, &String))| {
        let id = if id.is_empty() { ids::made("call_", reply, position) } else { id.clone() };
        let arguments = if part.text.trim().is_empty() { "{}" } else { &part.text };
        let mut call = json!({
            "id": id,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        });
        let signature = part.opaque.iter().find(|opaque| opaque.vendor == Vendor::Google);
        if let Some(signature) = signature {
            call["extra_content"] = call_signature(&signature.data);
        }
        call
    };
    calls.enumerate().map(write).collect()
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
