//! Configurations and requests that many tests use.

use omniroute_testkit::Running;
use serde_json::{Value, json};

/// The four formats: the simulator's provider of each, the client's path and headers.
pub const FORMATS: [&str; 4] = ["chat", "responses", "anthropic", "gemini"];

/// One provider of each format at the simulator, one account each.
pub fn all_formats(sim: &Running) -> String {
    all_formats_with(sim, "")
}

/// The same with more YAML after it.
pub fn all_formats_with(sim: &Running, more: &str) -> String {
    let url = sim.url();
    format!(
        "providers:
  chat: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
  responses-sim: {{ prefix: responses-sim, wire: openai_responses, base_url: '{url}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
  anthropic-sim: {{ prefix: anthropic-sim, wire: anthropic, base_url: '{url}', auth: {{ kind: static_key, header: x-api-key }} }}
  gemini-sim: {{ prefix: gemini-sim, wire: gemini, base_url: '{url}', auth: {{ kind: static_key, header: x-goog-api-key }} }}
accounts:
  - {{ id: chat-1, provider: chat, key: sk-sim-ok }}
  - {{ id: responses-1, provider: responses-sim, key: sk-sim-ok }}
  - {{ id: anthropic-1, provider: anthropic-sim, key: sk-sim-ok }}
  - {{ id: gemini-1, provider: gemini-sim, key: sk-sim-ok }}
{more}"
    )
}

/// One OpenAI-shaped provider with two accounts of these keys, the first going first.
pub fn two_accounts(sim: &Running, first: &str, second: &str) -> String {
    let url = sim.url();
    format!(
        "providers:
  chat: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
accounts:
  - {{ id: first, provider: chat, key: {first}, priority: 1 }}
  - {{ id: second, provider: chat, key: {second}, priority: 2 }}
"
    )
}

/// Returns the prefix of a format's provider in [`all_formats`].
pub fn prefix(format: &str) -> &'static str {
    match format {
        "chat" => "chat",
        "responses" => "responses-sim",
        "anthropic" => "anthropic-sim",
        "gemini" => "gemini-sim",
        other => panic!("no format {other}"),
    }
}

/// A request of a format's client: path and body.
pub fn ask(format: &str, model: &str, stream: bool, text: &str) -> (String, Value) {
    match format {
        "chat" => (
            "/v1/chat/completions".to_owned(),
            json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": text }] }),
        ),
        "responses" => (
            "/v1/responses".to_owned(),
            json!({ "model": model, "stream": stream, "input": [{ "role": "user", "content": text }] }),
        ),
        "anthropic" => (
            "/v1/messages".to_owned(),
            json!({ "model": model, "stream": stream, "max_tokens": 1000,
                    "messages": [{ "role": "user", "content": text }] }),
        ),
        "gemini" => {
            let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let escaped = model.replace('?', "%3F").replace('&', "%26");
            (
                format!("/v1beta/models/{escaped}:{action}"),
                json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] }),
            )
        }
        other => panic!("no format {other}"),
    }
}

/// Returns the visible text of a whole reply in a format.
pub fn text_of(format: &str, reply: &Value) -> String {
    let text = match format {
        "chat" => reply["choices"][0]["message"]["content"].as_str().map(ToOwned::to_owned),
        "responses" => reply["output"].as_array().and_then(|items| {
            let messages = items.iter().filter(|item| item["type"] == "message");
            let texts: Vec<String> = messages.filter_map(|item| joined(&item["content"])).collect();
            (!texts.is_empty()).then(|| texts.concat())
        }),
        "anthropic" => joined(&reply["content"]),
        "gemini" => joined(&reply["candidates"][0]["content"]["parts"]),
        other => panic!("no format {other}"),
    };
    text.unwrap_or_else(|| panic!("no text in {reply}"))
}

fn joined(parts: &Value) -> Option<String> {
    let texts = parts.as_array()?.iter().filter_map(|part| part["text"].as_str());
    Some(texts.collect())
}

/// Returns the visible text of a stream in a format.
pub fn streamed_text(format: &str, stream: &str) -> String {
    let mut text = String::new();
    for data in data_lines(stream) {
        let Ok(event) = serde_json::from_str::<Value>(data) else { continue };
        let piece = match format {
            "chat" => &event["choices"][0]["delta"]["content"],
            "responses" if event["type"] == "response.output_text.delta" => &event["delta"],
            "responses" => &Value::Null,
            "anthropic" => &event["delta"]["text"],
            _ => &event["candidates"][0]["content"]["parts"][0]["text"],
        };
        text.push_str(piece.as_str().unwrap_or_default());
    }
    text
}

/// Iterates over the data of a stream's events.
pub fn data_lines(stream: &str) -> impl Iterator<Item = &str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: "))
}

/// Tells whether a stream ends as its format's complete streams do.
pub fn is_complete(format: &str, stream: &str) -> bool {
    let trimmed = stream.trim_end();
    match format {
        "chat" => {
            trimmed.ends_with("data: [DONE]") && stream.contains("\"finish_reason\":\"stop\"")
        }
        "responses" => data_lines(trimmed)
            .last()
            .is_some_and(|data| data.contains("\"type\":\"response.completed\"")),
        "anthropic" => trimmed.ends_with("{\"type\":\"message_stop\"}"),
        _ => stream.contains("\"finishReason\""),
    }
}

/// Tells whether a stream holds an error event of its format.
pub fn has_error_event(format: &str, stream: &str) -> bool {
    match format {
        "anthropic" | "responses" => stream.contains("event: error"),
        _ => data_lines(stream).any(|data| data.starts_with("{\"error\"")),
    }
}

/// Returns the message of an error body in a format.
pub fn error_message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_else(|| panic!("no error in {body}"))
}
