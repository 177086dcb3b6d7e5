//! Writes OpenAI Responses replies.

use serde_json::{Value, json};

use crate::answer::{Answer, CREATED, Call, Finish, Frame, SIGNATURE, Usage};
use crate::ask::ToolKind;

/// Writes a whole reply.
pub(crate) fn whole(answer: &Answer) -> Value {
    let mut output = Vec::new();
    if !answer.reasoning.is_empty() {
        output.push(reasoning_item(answer));
    }
    if !answer.tokens.is_empty() || answer.calls.is_empty() {
        output.push(message_item(answer));
    }
    output.extend(answer.calls.iter().map(|call| call_item(call, "completed")));
    finished(answer, output)
}

/// Writes the events of a stream: every item and part is opened, filled, closed and repeated at the end.
pub(crate) fn events(answer: &Answer) -> Vec<Frame> {
    let mut stream = Stream { frames: Vec::new(), output: Vec::new() };
    for kind in ["response.created", "response.in_progress"] {
        let response = response(answer, "in_progress", Vec::new(), Value::Null);
        stream.other(kind, json!({"response": response}));
    }
    if !answer.reasoning.is_empty() {
        stream_reasoning(answer, &mut stream);
    }
    if !answer.tokens.is_empty() || answer.calls.is_empty() {
        stream_message(answer, &mut stream);
    }
    for call in &answer.calls {
        stream_call(call, &mut stream);
    }
    let kind = match answer.finish {
        Finish::Length => "response.incomplete",
        _ => "response.completed",
    };
    let response = finished(answer, std::mem::take(&mut stream.output));
    stream.other(kind, json!({"response": response}));
    stream.frames
}

/// Writes an in-band error: the event, then the failed response, numbered after `sent` events.
pub(crate) fn error_frames(answer: &Answer, error: &Value, sent: usize) -> Vec<Frame> {
    let failure = json!({"code": error["error"]["code"], "message": error["error"]["message"]});
    let mut response = response(answer, "failed", Vec::new(), Value::Null);
    response["error"] = failure;
    let written = [("error", error.clone()), ("response.failed", json!({"response": response}))];
    let numbered = written.into_iter().zip(sent..);
    numbered.map(|((kind, members), number)| Frame::other(event(kind, members, number))).collect()
}

/// Collects frames, and the finished items for the last of them.
struct Stream {
    frames: Vec<Frame>,
    output: Vec<Value>,
}

impl Stream {
    fn token(&mut self, kind: &str, members: Value) {
        self.frames.push(Frame::token(event(kind, members, self.frames.len())));
    }

    fn other(&mut self, kind: &str, members: Value) {
        self.frames.push(Frame::other(event(kind, members, self.frames.len())));
    }

    fn open(&mut self, item: Value) {
        let index = self.output.len();
        self.other("response.output_item.added", json!({"output_index": index, "item": item}));
    }

    fn close(&mut self, item: Value) {
        let index = self.output.len();
        self.other("response.output_item.done", json!({"output_index": index, "item": &item}));
        self.output.push(item);
    }
}

fn stream_reasoning(answer: &Answer, stream: &mut Stream) {
    let item = reasoning_item(answer);
    let place =
        json!({"item_id": item["id"], "output_index": stream.output.len(), "summary_index": 0});
    stream.open(json!({"id": item["id"], "type": "reasoning", "summary": []}));
    let part = |text: &str| json!({"part": {"type": "summary_text", "text": text}});
    stream.other("response.reasoning_summary_part.added", joined(&place, part("")));
    for token in &answer.reasoning {
        let delta = joined(&place, json!({"delta": token}));
        stream.token("response.reasoning_summary_text.delta", delta);
    }
    let text = answer.reasoning.concat();
    stream.other("response.reasoning_summary_text.done", joined(&place, json!({"text": text})));
    stream.other("response.reasoning_summary_part.done", joined(&place, part(&text)));
    stream.close(item);
}

fn stream_message(answer: &Answer, stream: &mut Stream) {
    let item = message_item(answer);
    let place =
        json!({"item_id": item["id"], "output_index": stream.output.len(), "content_index": 0});
    stream.open(json!({"id": item["id"], "type": "message", "status": "in_progress",
        "content": [], "role": "assistant"}));
    let part = |text: &str| json!({"part": output_text(text)});
    stream.other("response.content_part.added", joined(&place, part("")));
    for token in &answer.tokens {
        let delta = joined(&place, json!({"delta": token, "logprobs": []}));
        stream.token("response.output_text.delta", delta);
    }
    let text = answer.tokens.concat();
    let done = json!({"text": text, "logprobs": []});
    stream.other("response.output_text.done", joined(&place, done));
    stream.other("response.content_part.done", joined(&place, part(&text)));
    stream.close(item);
}

fn stream_call(call: &Call, stream: &mut Stream) {
    let item = call_item(call, "completed");
    let place = json!({"item_id": item["id"], "output_index": stream.output.len()});
    let mut opened = call_item(call, "in_progress");
    let (event, payload) = match call.kind {
        ToolKind::Function => ("response.function_call_arguments", "arguments"),
        ToolKind::Custom => ("response.custom_tool_call_input", "input"),
    };
    opened[payload] = json!("");
    stream.open(opened);
    for fragment in call.fragments() {
        let delta = joined(&place, json!({"delta": fragment}));
        stream.token(&format!("{event}.delta"), delta);
    }
    let done = json!({payload: call.arguments});
    stream.other(&format!("{event}.done"), joined(&place, done));
    stream.close(item);
}

fn joined(place: &Value, mut members: Value) -> Value {
    let mut all = place.clone();
    if let (Some(all), Some(members)) = (all.as_object_mut(), members.as_object_mut()) {
        all.append(members);
    }
    all
}

/// Writes one event; `sequence_number` counts all events of the stream from 0.
fn event(kind: &str, members: Value, number: usize) -> String {
    let mut data = joined(&json!({"type": kind}), members);
    data["sequence_number"] = json!(number);
    format!("event: {kind}\ndata: {data}\n\n")
}

fn reasoning_item(answer: &Answer) -> Value {
    json!({
        "id": format!("rs_{}", answer.id),
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": answer.reasoning.concat()}],
        "encrypted_content": SIGNATURE,
    })
}

fn message_item(answer: &Answer) -> Value {
    let status = if answer.finish == Finish::Length { "incomplete" } else { "completed" };
    json!({
        "id": format!("msg_{}", answer.id),
        "type": "message",
        "status": status,
        "content": [output_text(&answer.tokens.concat())],
        "role": "assistant",
    })
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

fn call_item(call: &Call, status: &str) -> Value {
    if call.kind == ToolKind::Custom {
        return json!({
            "id": format!("ctc_{}", call.id),
            "type": "custom_tool_call",
            "status": status,
            "input": call.arguments,
            "call_id": format!("call_{}", call.id),
            "name": call.name,
        });
    }
    json!({
        "id": format!("fc_{}", call.id),
        "type": "function_call",
        "status": status,
        "arguments": call.arguments,
        "call_id": format!("call_{}", call.id),
        "name": call.name,
    })
}

fn finished(answer: &Answer, output: Vec<Value>) -> Value {
    if answer.finish == Finish::Length {
        let mut response = response(answer, "incomplete", output, usage(answer.usage));
        response["incomplete_details"] = json!({"reason": "max_output_tokens"});
        return response;
    }
    let mut response = response(answer, "completed", output, usage(answer.usage));
    response["completed_at"] = json!(CREATED + 1);
    response
}

fn response(answer: &Answer, status: &str, output: Vec<Value>, usage: Value) -> Value {
    json!({
        "id": format!("resp_{}", answer.id),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "completed_at": null,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": null,
        "metadata": {},
    })
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total(),
    })
}
