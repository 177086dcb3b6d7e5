//! Whole replies of this format. Reading one is reading a single chunk that has `message` in place of
//! `delta`, so only the writing is here.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::error;
use super::stream::finish::{self, RefusalText};
use super::stream::writer::count;
use super::stream::{details, sources, usage};
use crate::chat::{CallKind, Vendor};
use crate::codec::ReplyContext;
use crate::collect::{CollectedChoice, CollectedPart, collect};
use crate::event::{Event, Finish, PartHead};
use crate::{ids, json};

/// Bytes of a reply without its texts, as a rule.
const EXPECTED_BYTES: usize = 768;

/// A reply, as it is written. What hardly any reply has goes through [`Value`].
#[derive(Serialize)]
struct Reply<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u16,
    message: Message<'a>,
    logprobs: Option<Logprobs<'a>>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Logprobs<'a> {
    content: &'a [Value],
    refusal: Option<&'a [Value]>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Value>,
}

/// Writes the reply that these events make; an error body if they end in an error.
pub(crate) fn write(events: &[Event], context: &ReplyContext) -> Vec<u8> {
    let whole = collect(events);
    if let Some(error) = &whole.error {
        return error::write_upstream(error);
    }
    let nothing = [CollectedChoice::default()];
    let answers = if whole.choices.is_empty() { &nothing } else { &*whole.choices };
    let id = whole.id_or(&context.id);
    let reply = Reply {
        id,
        object: "chat.completion",
        created: whole.created.unwrap_or(context.created),
        model: whole.model_or(&context.model),
        choices: answers.iter().map(|answer| choice(answer, id)).collect(),
    };
    let texts = answers.iter().flat_map(|answer| &answer.parts).map(|part| part.text.len());
    let mut out = Vec::with_capacity(texts.sum::<usize>() + EXPECTED_BYTES);
    json::value(&reply, &mut out);
    if !whole.usage.is_empty() {
        out.pop();
        out.extend_from_slice(b",\"usage\":");
        usage::write(&whole.usage, &mut out);
        out.push(b'}');
    }
    out
}

fn choice<'a>(answer: &'a CollectedChoice, id: &str) -> Choice<'a> {
    let refused = answer.parts.iter().any(|part| part.head == PartHead::Refusal);
    let refusal = if refused { RefusalText::Sent } else { RefusalText::Absent };
    let reason = answer.finish.as_ref().map_or(Finish::Stop, |finish| finish.reason);
    let logprobs = Logprobs { content: &answer.logprobs, refusal: None };
    Choice {
        index: answer.index,
        message: message(answer, id),
        logprobs: (!answer.logprobs.is_empty()).then_some(logprobs),
        finish_reason: finish::write(reason, refusal),
    }
}

fn message<'a>(answer: &'a CollectedChoice, id: &str) -> Message<'a> {
    let text = joined(answer, |head| *head == PartHead::Text);
    let refusal = joined(answer, |head| *head == PartHead::Refusal);
    let tool_calls = calls(answer);
    let nothing_else = tool_calls.is_empty() && refusal.is_none();
    let (audio, images) = media(answer, id);
    Message {
        role: "assistant",
        content: text.or_else(|| nothing_else.then(Cow::default)),
        refusal,
        reasoning_content: joined(answer, is_reasoning),
        reasoning_details: details(answer),
        annotations: annotations(answer),
        tool_calls,
        audio,
        images,
    }
}

/// Joins the text of all parts of one kind; `None` if there is none.
fn joined(answer: &CollectedChoice, is_wanted: fn(&PartHead) -> bool) -> Option<Cow<'_, str>> {
    let wanted = answer.parts.iter().filter(|part| is_wanted(&part.head));
    let texts = wanted.map(|part| &*part.text).filter(|text| !text.is_empty());
    texts.fold(None, |joined, text| match joined {
        None => Some(Cow::Borrowed(text)),
        Some(before) => Some(before + text),
    })
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

/// Sound and pictures of all parts; of sounds the last.
fn media(answer: &CollectedChoice, reply: &str) -> (Option<Value>, Vec<Value>) {
    let (mut audio, mut images) = (None, Vec::new());
    for part in &answer.parts {
        let PartHead::Media { mime, data } = &part.head else { continue };
        if mime.starts_with("audio/") {
            let id = ids::made("audio_", reply, 0);
            audio = Some(json!({"id": id, "data": data, "expires_at": 0, "transcript": ""}));
        } else {
            let url = format!("data:{mime};base64,{data}");
            images.push(json!({"type": "image_url", "image_url": {"url": url}}));
        }
    }
    (audio, images)
}
