//! The items of a reply's output.

use crate::event::ReasoningKind;
use crate::json;

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It has begun.
    InProgress,
    /// It is whole.
    Completed,
    /// It was cut off.
    Incomplete,
}

/// A call of one of the client's tools.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The id under which the client answers it.
    pub(super) id: String,
    /// The namespace the client declared the tool in.
    pub(super) namespace: Option<String>,
    /// The tool's name.
    pub(super) name: String,
    /// Whether its input is free text.
    pub(super) is_custom: bool,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// Returns a message with these parts, which have commas between.
pub(super) fn message(id: &str, status: Status, content: &[u8]) -> Vec<u8> {
    let mut out = head("message", id, status);
    out.extend_from_slice(b",\"role\":\"assistant\",\"content\":[");
    out.extend_from_slice(content);
    out.extend_from_slice(b"]}");
    out
}

/// Returns a part of a message with text; annotations and tokens have commas between.
pub(super) fn output_text(text: &str, annotations: &[u8], logprobs: &[u8]) -> Vec<u8> {
    let mut out = b"{\"type\":\"output_text\",\"annotations\":[".to_vec();
    out.extend_from_slice(annotations);
    out.extend_from_slice(b"],\"logprobs\":[");
    out.extend_from_slice(logprobs);
    out.push(b']');
    member("text", text, &mut out);
    out.push(b'}');
    out
}

/// Returns a part with one text: a refusal or a piece of reasoning.
pub(super) fn text_part(kind: &str, name: &str, text: &str) -> Vec<u8> {
    let mut out = b"{\"type\":".to_vec();
    json::string(kind, &mut out);
    member(name, text, &mut out);
    out.push(b'}');
    out
}

/// Returns a reasoning item. Empty text leaves its list empty.
pub(super) fn reasoning(
    id: &str,
    status: Status,
    (kind, text): (ReasoningKind, &str),
    encrypted: Option<&str>,
) -> Vec<u8> {
    let mut out = head("reasoning", id, status);
    out.extend_from_slice(b",\"summary\":[");
    if kind == ReasoningKind::Summary && !text.is_empty() {
        out.extend_from_slice(&reasoning_part(kind, text));
    }
    out.push(b']');
    if kind == ReasoningKind::Raw {
        out.extend_from_slice(b",\"content\":[");
        if !text.is_empty() {
            out.extend_from_slice(&reasoning_part(kind, text));
        }
        out.push(b']');
    }
    if let Some(encrypted) = encrypted {
        member("encrypted_content", encrypted, &mut out);
    }
    out.push(b'}');
    out
}

/// Returns the text of a reasoning item as it stands in its list.
pub(super) fn reasoning_part(kind: ReasoningKind, text: &str) -> Vec<u8> {
    let name = match kind {
        ReasoningKind::Summary => "summary_text",
        ReasoningKind::Raw => "reasoning_text",
    };
    text_part(name, "text", text)
}

/// Returns a call with this input.
pub(super) fn call(id: &str, status: Status, call: &Call, input: &str) -> Vec<u8> {
    let (kind, input_name) =
        if call.is_custom { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
    let mut out = head(kind, id, status);
    member("call_id", &call.id, &mut out);
    if let Some(namespace) = &call.namespace {
        member("namespace", namespace, &mut out);
    }
    member("name", &call.name, &mut out);
    member(input_name, input, &mut out);
    out.push(b'}');
    out
}

/// Returns a search of the provider's.
pub(super) fn web_search(id: &str, status: Status, query: &str) -> Vec<u8> {
    let mut out = head("web_search_call", id, status);
    out.extend_from_slice(b",\"action\":{\"type\":\"search\"");
    member("query", query, &mut out);
    out.extend_from_slice(b"}}");
    out
}

/// Returns a picture; one that is not done has no data yet.
pub(super) fn image(id: &str, status: Status, mime: &str, data: &str) -> Vec<u8> {
    let mut out = head("image_generation_call", id, status);
    member("output_format", mime.strip_prefix("image/").unwrap_or(mime), &mut out);
    if status == Status::InProgress {
        out.extend_from_slice(b",\"result\":null");
    } else {
        member("result", data, &mut out);
    }
    out.push(b'}');
    out
}

fn head(kind: &str, id: &str, status: Status) -> Vec<u8> {
    let mut out = b"{\"id\":".to_vec();
    json::string(id, &mut out);
    member("type", kind, &mut out);
    member("status", status.word(), &mut out);
    out
}

fn member(name: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json::string(text, out);
}
