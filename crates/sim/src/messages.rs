//! Writes Anthropic Messages replies.

use serde_json::{Value, json};

use crate::answer::{Answer, Finish, Frame, SIGNATURE, Usage};

/// Writes a whole reply.
pub(crate) fn whole(answer: &Answer) -> Value {
    let mut content = Vec::new();
    if !answer.reasoning.is_empty() {
        let thinking = answer.reasoning.concat();
        content.push(json!({"type": "thinking", "thinking": thinking, "signature": SIGNATURE}));
    }
    if !answer.tokens.is_empty() {
        content.push(json!({"type": "text", "text": answer.tokens.concat()}));
    }
    if let Some(query) = &answer.search {
        content.extend([search(answer, &json!({"query": query})), found(answer)]);
    }
    for call in &answer.calls {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        let id = call_id(&call.id);
        content.push(json!({"type": "tool_use", "id": id, "name": call.name, "input": input}));
    }
    let mut message = message(answer, content);
    message["stop_reason"] = json!(stop_reason(&answer.finish));
    message["stop_sequence"] = stop_sequence(&answer.finish);
    message["usage"] = usage(answer.usage, answer.usage.output);
    message
}

/// Writes the events of a stream.
pub(crate) fn events(answer: &Answer) -> Vec<Frame> {
    let mut blocks = Blocks { frames: Vec::new(), index: 0 };
    let mut start = message(answer, Vec::new());
    start["usage"] = usage(answer.usage, 1);
    blocks.other("message_start", json!({"message": start}));
    if !answer.reasoning.is_empty() {
        blocks.open(json!({"type": "thinking", "thinking": "", "signature": ""}));
        for token in &answer.reasoning {
            blocks.delta("thinking_delta", "thinking", token);
        }
        let signature = json!({"type": "signature_delta", "signature": SIGNATURE});
        blocks.other("content_block_delta", json!({"index": blocks.index, "delta": signature}));
        blocks.close();
    }
    if !answer.tokens.is_empty() {
        blocks.open(json!({"type": "text", "text": ""}));
        for token in &answer.tokens {
            blocks.delta("text_delta", "text", token);
        }
        blocks.close();
    }
    if let Some(query) = &answer.search {
        blocks.open(search(answer, &json!({})));
        blocks.delta("input_json_delta", "partial_json", &json!({"query": query}).to_string());
        blocks.close();
        blocks.open(found(answer));
        blocks.close();
    }
    for call in &answer.calls {
        let id = call_id(&call.id);
        blocks.open(json!({"type": "tool_use", "id": id, "name": call.name, "input": {}}));
        let empty = json!({"type": "input_json_delta", "partial_json": ""});
        blocks.other("content_block_delta", json!({"index": blocks.index, "delta": empty}));
        // A call without arguments has the empty fragment alone.
        let fragments = call.fragments();
        for fragment in fragments.iter().filter(|_| call.arguments != "{}") {
            blocks.delta("input_json_delta", "partial_json", fragment);
        }
        blocks.close();
    }
    let delta = json!({"stop_reason": stop_reason(&answer.finish),
        "stop_sequence": stop_sequence(&answer.finish)});
    let counts = json!({
        "input_tokens": answer.usage.input - answer.usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.usage.cached,
        "output_tokens": answer.usage.output,
    });
    blocks.other("message_delta", json!({"delta": delta, "usage": counts}));
    blocks.other("message_stop", json!({}));
    blocks.frames
}

/// Collects frames and keeps the index of the block at hand.
struct Blocks {
    frames: Vec<Frame>,
    index: usize,
}

impl Blocks {
    fn open(&mut self, block: Value) {
        self.other("content_block_start", json!({"index": self.index, "content_block": block}));
        // The vendor pings once, right after the first block has opened.
        if self.index == 0 {
            self.frames.push(Frame::other("event: ping\ndata: {\"type\": \"ping\"}\n\n"));
        }
    }

    fn delta(&mut self, kind: &str, member: &str, text: &str) {
        self.frames.push(Frame::token(format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{},\"delta\":{{\"type\":\"{kind}\",\"{member}\":{}}}}}\n\n",
            self.index,
            json!(text),
        )));
    }

    fn close(&mut self) {
        self.other("content_block_stop", json!({"index": self.index}));
        self.index += 1;
    }

    fn other(&mut self, name: &str, members: Value) {
        self.frames.push(Frame::other(event(name, members)));
    }
}

/// Writes one event; its name is its `type` too.
fn event(name: &str, mut members: Value) -> String {
    let mut data = json!({"type": name});
    if let (Some(data), Some(members)) = (data.as_object_mut(), members.as_object_mut()) {
        data.append(members);
    }
    format!("event: {name}\ndata: {data}\n\n")
}

fn message(answer: &Answer, content: Vec<Value>) -> Value {
    json!({
        "model": answer.model,
        "id": format!("msg_{}", answer.id),
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": null,
        "stop_sequence": null,
    })
}

/// Writes a call of the vendor's own search.
fn search(answer: &Answer, input: &Value) -> Value {
    let id = search_id(answer);
    json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": input})
}

/// Writes what the search found.
fn found(answer: &Answer) -> Value {
    let page = json!({"type": "web_search_result", "url": "https://example.com/", "title": "Example",
        "encrypted_content": SIGNATURE, "page_age": null});
    json!({"type": "web_search_tool_result", "tool_use_id": search_id(answer), "content": [page]})
}

fn search_id(answer: &Answer) -> String {
    format!("srvtoolu_{}", answer.id)
}

fn call_id(id: &str) -> String {
    format!("toolu_{id}")
}

fn stop_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::StopSequence(_) => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
        Finish::Pause => "pause_turn",
    }
}

fn stop_sequence(finish: &Finish) -> Value {
    match finish {
        Finish::StopSequence(stop) => json!(stop),
        _ => Value::Null,
    }
}

/// Writes usage as the vendor counts it: input without what the cache gave.
fn usage(usage: Usage, output: u64) -> Value {
    json!({
        "input_tokens": usage.input - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    })
}
