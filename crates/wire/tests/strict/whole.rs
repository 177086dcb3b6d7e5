//! Whole replies: what each official library demands, and what users of it reach for.

use omniroute_wire::WireFormat;
use serde_json::Value;

use super::generate::check_part;

/// Fails if a client of this format would stumble over the body.
pub(crate) fn check_whole(client: WireFormat, body: &[u8]) {
    let reply: Value = serde_json::from_slice(body).unwrap();
    match client {
        WireFormat::OpenAiChat => chat(&reply),
        WireFormat::OpenAiResponses => responses(&reply),
        WireFormat::Anthropic => messages(&reply),
        WireFormat::Gemini => generate(&reply),
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list but {value}"))
}

fn chat(reply: &Value) {
    assert_eq!(reply["object"], "chat.completion", "{reply}");
    assert!(reply["id"].is_string() && reply["created"].is_u64(), "{reply}");
    for choice in list(&reply["choices"]) {
        let message = &choice["message"];
        assert_eq!(message["role"], "assistant", "{reply}");
        assert!(message.get("content").is_some() && choice["finish_reason"].is_string(), "{reply}");
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let input = [&call["function"]["arguments"], &call["custom"]["input"]];
            assert!(
                call["id"].is_string() && input.iter().any(|input| input.is_string()),
                "{reply}"
            );
        }
        assert_ne!(message["tool_calls"], Value::Array(Vec::new()), "{reply}");
    }
    assert!(!list(&reply["choices"]).is_empty(), "{reply}");
}

fn responses(reply: &Value) {
    assert_eq!(reply["object"], "response", "{reply}");
    for member in ["id", "status", "tools", "tool_choice", "parallel_tool_calls"] {
        assert!(!reply[member].is_null(), "{member}: {reply}");
    }
    for item in list(&reply["output"]) {
        assert!(item["id"].is_string() && item["type"].is_string(), "{reply}");
        if item["type"] == "message" {
            let texts = |part: &Value| part["text"].is_string() || part["refusal"].is_string();
            assert!(list(&item["content"]).iter().all(texts), "{reply}");
        }
        if item["type"] == "reasoning" {
            assert!(item["summary"].is_array(), "{reply}");
        }
    }
}

fn messages(reply: &Value) {
    assert_eq!((&reply["type"], &reply["role"]), (&"message".into(), &"assistant".into()));
    assert!(reply["usage"]["input_tokens"].is_u64(), "{reply}");
    assert!(reply["usage"]["output_tokens"].is_u64(), "{reply}");
    assert!(reply["stop_reason"].is_string(), "{reply}");
    for block in list(&reply["content"]) {
        let is_good = match block["type"].as_str().unwrap() {
            "text" => block["text"].as_str().is_some_and(|text| !text.is_empty()),
            "thinking" => {
                let signature = block["signature"].as_str();
                block["thinking"].is_string() && signature.is_some_and(|text| !text.is_empty())
            }
            "tool_use" => block["input"].is_object(),
            _ => true,
        };
        assert!(is_good, "{block} in {reply}");
    }
    let has_calls = list(&reply["content"]).iter().any(|block| block["type"] == "tool_use");
    assert!(has_calls || reply["stop_reason"] != "tool_use", "{reply}");
}

fn generate(reply: &Value) {
    let candidates = reply["candidates"].as_array().into_iter().flatten();
    let mut is_blocked = reply["promptFeedback"]["blockReason"].is_string();
    for candidate in candidates {
        is_blocked = true;
        assert!(candidate["finishReason"].is_string(), "{reply}");
        let parts = list(&candidate["content"]["parts"]);
        assert!(!parts.is_empty(), "users of the library reach for the first part: {reply}");
        parts.iter().for_each(|part| check_part(part, ""));
    }
    assert!(is_blocked, "neither an answer nor a block: {reply}");
}
