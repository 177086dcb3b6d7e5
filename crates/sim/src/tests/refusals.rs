//! Requests the vendors would refuse: what makes the simulator a judge of the gateway's translators.

use serde_json::{Value, json};

use super::client::{asking, fetch};
use super::sim;

/// Asserts that the request with these members changed is a 400 whose message contains `wanted`.
async fn check(format: &str, changed: Value, wanted: &str) {
    let sim = sim().await;
    let (path, mut body) = asking(format, "echo", false);
    for (name, value) in changed.as_object().unwrap() {
        body[name] = value.clone();
    }

    let got = fetch(&sim, &path, &body).await.unwrap();

    assert_eq!(got.status, 400, "{format} {changed}");
    let reply = got.json();
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(message.contains(wanted), "{format} {changed}: {message}");
}

#[tokio::test]
async fn chat_requests_are_checked() {
    let call = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let user = json!({"role": "user", "content": "x"});
    for (changed, wanted) in [
        (json!({"model": null}), "model"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": [{"role": "robot", "content": "x"}]}), "robot"),
        (json!({"messages": [user, call]}), "did not have response messages: c1"),
        (json!({"messages": [user, call, user]}), "did not have response messages: c1"),
        (
            json!({"messages": [user, {"role": "tool", "tool_call_id": "c9", "content": "x"}]}),
            "must be a response",
        ),
        (json!({"messages": [user, {"role": "assistant", "content": null}]}), "got null"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]}),
            "input_text",
        ),
        (json!({"tools": [{"type": "function", "function": {"name": "a b"}}]}), "a b"),
        (json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}), "tool_choice"),
        (json!({"stream_options": {"include_usage": true}}), "only allowed when 'stream'"),
        (json!({"max_tokens": "9"}), "max_tokens"),
    ] {
        check("chat", changed, wanted).await;
    }
}

#[tokio::test]
async fn messages_requests_are_checked() {
    let user = json!({"role": "user", "content": "x"});
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]});
    let result = json!({"type": "tool_result", "tool_use_id": "c1", "content": "y"});
    let text = json!({"type": "text", "text": "x"});
    for (changed, wanted) in [
        (json!({"max_tokens": null}), "max_tokens"),
        (json!({"messages": [{"role": "assistant", "content": "x"}]}), "first message"),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "tool"),
        (json!({"messages": [user, call, user]}), "without `tool_result`"),
        (json!({"messages": [user, call]}), "without `tool_result`"),
        (
            json!({"messages": [user, call, {"role": "user", "content": [text, result]}]}),
            "unexpected `tool_use_id`",
        ),
        (json!({"messages": [{"role": "user", "content": [result]}]}), "unexpected `tool_use_id`"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}),
            "non-empty",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": "x "}]}),
            "trailing whitespace",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": [
            {"type": "tool_use", "id": "a:b", "name": "f", "input": {}}]}]}),
            "pattern",
        ),
        (
            json!({"messages": [user, {"role": "assistant", "content": [
            {"type": "tool_use", "id": "c1", "name": "f", "input": "{}"}]}]}),
            "dictionary",
        ),
        (json!({"tools": [{"name": "f", "input_schema": {}}]}), "input_schema"),
        (json!({"tool_choice": {"type": "tool", "name": "f"}}), "not found"),
    ] {
        check("messages", changed, wanted).await;
    }
}

#[tokio::test]
async fn generate_requests_are_checked() {
    let user = json!({"role": "user", "parts": [{"text": "x"}]});
    let call = json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]});
    for (changed, wanted) in [
        (json!({"contents": []}), "contents is not specified"),
        (json!({"contents": [{"role": "user", "parts": []}]}), "must not be empty"),
        (json!({"contents": [{"role": "user", "parts": [{}]}]}), "oneof"),
        (
            json!({"contents": [{"role": "user", "parts": [{"text": "x", "functionCall": {"name": "f"}}]}]}),
            "oneof",
        ),
        (json!({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}), "valid role"),
        (json!({"contents": [user, call, user]}), "number of function response parts"),
        (json!({"contents": [user, {"role": "model", "parts": [{"text": "x"}]}]}), "last content"),
        (json!({"tools": [{"functionDeclarations": [{"name": "1f"}]}]}), "letter"),
    ] {
        check("generate", changed, wanted).await;
    }
}

#[tokio::test]
async fn responses_requests_are_checked() {
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c2", "output": "x"});
    for (changed, wanted) in [
        (json!({"input": []}), "input"),
        (json!({"input": [call]}), "No tool output found for function call c1"),
        (json!({"input": [output]}), "No tool call found"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
            "'text'",
        ),
        (json!({"input": [{"role": "tool", "content": "x"}]}), "'tool'"),
        (json!({"tool_choice": "sometimes"}), "tool_choice"),
    ] {
        check("responses", changed, wanted).await;
    }
}
