//! Writes OpenAI Chat Completions replies.

use serde_json::{Value, json};

use crate::answer::{Answer, CREATED, Call, Finish, Frame, Usage};
use crate::ask::{Ask, ToolKind};

/// Writes a whole reply.
pub(crate) fn whole(answer: &Answer) -> Value {
    let text = answer.tokens.concat();
    let content =
        if answer.calls.is_empty() || !text.is_empty() { json!(text) } else { Value::Null };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !answer.reasoning.is_empty() {
        message["reasoning_content"] = json!(answer.reasoning.concat());
    }
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().map(|call| opened(call, &call.arguments));
        message["tool_calls"] = calls.collect();
    }
    json!({
        "id": format!("chatcmpl-{}", answer.id),
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish(&answer.finish)}],
        "usage": usage(answer.usage),
        "service_tier": "default",
        "system_fingerprint": null,
    })
}

/// Writes the events of a stream.
pub(crate) fn events(answer: &Answer, ask: &Ask) -> Vec<Frame> {
    let chunk = Chunk::new(answer, ask.wants_usage);
    let content = if answer.calls.is_empty() { json!("") } else { Value::Null };
    let opening = json!({"role": "assistant", "content": content, "refusal": null});
    let mut frames = vec![Frame::other(chunk.write(&opening.to_string(), "null"))];
    for token in &answer.reasoning {
        let delta = format!("{{\"reasoning_content\":{}}}", json!(token));
        frames.push(Frame::token(chunk.write(&delta, "null")));
    }
    for token in &answer.tokens {
        let delta = format!("{{\"content\":{}}}", json!(token));
        frames.push(Frame::token(chunk.write(&delta, "null")));
    }
    for (index, call) in answer.calls.iter().enumerate() {
        let mut opening = opened(call, "");
        opening["index"] = json!(index);
        let opening = json!({"tool_calls": [opening]});
        frames.push(Frame::other(chunk.write(&opening.to_string(), "null")));
        for fragment in call.fragments() {
            let (member, payload) = names(call.kind);
            let delta = json!({"tool_calls": [{"index": index, member: {payload: fragment}}]});
            frames.push(Frame::token(chunk.write(&delta.to_string(), "null")));
        }
    }
    let reason = format!("\"{}\"", finish(&answer.finish));
    frames.push(Frame::other(chunk.write("{}", &reason)));
    if ask.wants_usage {
        frames.push(Frame::other(chunk.write_usage(answer.usage)));
    }
    frames.push(Frame::other("data: [DONE]\n\n"));
    frames
}

/// What all chunks of a stream share, written once.
struct Chunk {
    start: String,
    end: &'static str,
}

impl Chunk {
    fn new(answer: &Answer, wants_usage: bool) -> Self {
        let start = format!(
            "data: {{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":{},\"service_tier\":\"default\",\"system_fingerprint\":null,",
            answer.id,
            json!(answer.model),
        );
        let end = if wants_usage { ",\"usage\":null}\n\n" } else { "}\n\n" };
        Self { start, end }
    }

    /// Writes one chunk from a delta and a finish reason, both as JSON.
    fn write(&self, delta: &str, reason: &str) -> String {
        format!(
            "{}\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{reason}}}]{}",
            self.start, self.end
        )
    }

    fn write_usage(&self, counts: Usage) -> String {
        format!("{}\"choices\":[],\"usage\":{}}}\n\n", self.start, usage(counts))
    }
}

/// Writes a call with so much of its arguments.
fn opened(call: &Call, arguments: &str) -> Value {
    let (member, payload) = names(call.kind);
    json!({"id": call_id(&call.id), "type": member, member: {"name": call.name, payload: arguments}})
}

/// Returns what a call's kind and its arguments are called.
fn names(kind: ToolKind) -> (&'static str, &'static str) {
    match kind {
        ToolKind::Function => ("function", "arguments"),
        ToolKind::Custom => ("custom", "input"),
    }
}

fn call_id(id: &str) -> String {
    format!("call_{id}")
}

fn finish(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::Pause => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
