//! Writes Gemini `generateContent` replies.

use serde_json::{Value, json};

use crate::answer::{Answer, Finish, Frame, SIGNATURE, Usage};
use crate::route::Delivery;

/// Writes a whole reply.
pub(crate) fn whole(answer: &Answer) -> Value {
    let mut parts = Vec::new();
    if !answer.reasoning.is_empty() {
        parts.push(json!({"text": answer.reasoning.concat(), "thought": true}));
    }
    if !answer.tokens.is_empty() {
        let mut part = json!({"text": answer.tokens.concat()});
        if !answer.reasoning.is_empty() && answer.calls.is_empty() {
            part["thoughtSignature"] = json!(SIGNATURE);
        }
        parts.push(part);
    }
    parts.extend(call_parts(answer));
    chunk(answer, &json!(parts), Some(finish(&answer.finish)), answer.usage)
}

/// Writes the events of a stream, or the pieces of a JSON array.
///
/// Every event reports the usage so far, as the vendor's do. There is no end marker: the stream is over
/// when a chunk had a finish reason and the body ends.
pub(crate) fn events(answer: &Answer, delivery: Delivery) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut so_far = Usage { output: 0, reasoning: 0, ..answer.usage };
    for token in &answer.reasoning {
        so_far.output += 1;
        so_far.reasoning += 1;
        let parts = json!([{"text": token, "thought": true}]);
        frames.push((true, chunk(answer, &parts, None, so_far)));
    }
    for token in &answer.tokens {
        so_far.output += 1;
        frames.push((true, chunk(answer, &json!([{"text": token}]), None, so_far)));
    }
    let calls = call_parts(answer);
    if !calls.is_empty() {
        frames.push((true, chunk(answer, &json!(calls), None, so_far)));
    }
    let mut last = json!([{"text": ""}]);
    if !answer.reasoning.is_empty() && answer.calls.is_empty() {
        last[0]["thoughtSignature"] = json!(SIGNATURE);
    }
    frames.push((false, chunk(answer, &last, Some(finish(&answer.finish)), answer.usage)));
    framed(frames, delivery)
}

/// Writes one in-band error as an event, or as the next element of the array.
pub(crate) fn error_frames(error: &Value, delivery: Delivery, is_first: bool) -> Vec<Frame> {
    match delivery {
        Delivery::Array if is_first => vec![Frame::other(format!("[{error}\r\n]"))],
        Delivery::Array => vec![Frame::other(format!("\r\n,\r\n{error}\r\n]"))],
        Delivery::Whole | Delivery::Events => vec![Frame::other(event(error))],
    }
}

fn framed(chunks: Vec<(bool, Value)>, delivery: Delivery) -> Vec<Frame> {
    let last = chunks.len() - 1;
    let frame = chunks.into_iter().enumerate().map(|(index, (is_token, chunk))| {
        let bytes = match delivery {
            Delivery::Whole | Delivery::Events => event(&chunk),
            Delivery::Array => {
                let before = if index == 0 { "[" } else { "\r\n,\r\n" };
                let after = if index == last { "\r\n]" } else { "" };
                format!("{before}{chunk}{after}")
            }
        };
        Frame { bytes: bytes.into(), is_token }
    });
    frame.collect()
}

fn event(data: &Value) -> String {
    format!("data: {data}\r\n\r\n")
}

/// Writes the calls; with reasoning the first of them carries the signature.
fn call_parts(answer: &Answer) -> Vec<Value> {
    let parts = answer.calls.iter().enumerate().map(|(index, call)| {
        let args: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        let mut part = json!({"functionCall": {"name": call.name, "args": args}});
        if index == 0 && !answer.reasoning.is_empty() {
            part["thoughtSignature"] = json!(SIGNATURE);
        }
        part
    });
    parts.collect()
}

fn chunk(answer: &Answer, parts: &Value, finish: Option<&str>, usage: Usage) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}});
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    candidate["index"] = json!(0);
    json!({
        "candidates": [candidate],
        "usageMetadata": usage_metadata(usage),
        "modelVersion": answer.model,
        "responseId": answer.id,
    })
}

/// Calls end with `STOP` too; there is no word of their own for them.
fn finish(finish: &Finish) -> &'static str {
    match finish {
        Finish::Length => "MAX_TOKENS",
        _ => "STOP",
    }
}

/// Writes usage as the vendor counts it: candidates without thoughts; zero counts are left out.
fn usage_metadata(usage: Usage) -> Value {
    let mut metadata = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.total(),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input}],
    });
    if usage.cached > 0 {
        metadata["cachedContentTokenCount"] = json!(usage.cached);
    }
    if usage.reasoning > 0 {
        metadata["thoughtsTokenCount"] = json!(usage.reasoning);
    }
    metadata
}
