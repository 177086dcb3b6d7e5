//! Clients that send back a call of a tool and nothing of the reasoning behind it: the gateway remembers.

use std::time::Duration;

use omniroute_testkit::{Client, Protocol, Running, Step, TestGateway, simulator};
use serde_json::{Value, json};

use crate::setup::{all_formats, all_formats_with, ask, data_lines, prefix};

/// What the simulator signs reasoning with.
const SIGNATURE: &str = "c2ltdWxhdGVkLXNpZ25hdHVyZQ==";

const SCHEMA: &str = r#"{"type":"object","properties":{"town":{"type":"string"}}}"#;

/// A client that keeps the calls of a reply and nothing else.
struct Forgetful<'a> {
    format: &'a str,
    path: String,
    body: Value,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Forgetful<'a> {
    /// A client that offers one tool to a model that thinks.
    fn new(format: &'a str, provider: &str) -> Self {
        let (path, mut body) = ask(format, &format!("{provider}/think"), false, "the weather?");
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        body["tools"] = match format {
            "chat" => {
                json!([{ "type": "function", "function": { "name": "look", "parameters": schema } }])
            }
            "responses" => {
                json!([{ "type": "function", "name": "look", "parameters": schema, "strict": false }])
            }
            "anthropic" => json!([{ "name": "look", "input_schema": schema }]),
            _ => {
                json!([{ "functionDeclarations": [{ "name": "look", "parametersJsonSchema": schema }] }])
            }
        };
        Self { format, path, body, headers: Vec::new() }
    }

    fn with_key(mut self, key: &'a str) -> Self {
        self.headers = vec![("x-api-key", key)];
        self
    }

    /// Asks once and returns the call.
    async fn first(&self, gateway: &TestGateway) -> Value {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let answer = client.post(&self.path, &self.headers, &self.body).await;
        assert_eq!(answer.status, 200, "{}: {}", self.format, answer.text());
        let reply = answer.json();
        let of_kind = |list: &Value, kind: &str| {
            let items = list.as_array().unwrap().iter();
            items.clone().find(|item| item["type"] == kind || item.get(kind).is_some()).cloned()
        };
        let call = match self.format {
            "chat" => of_kind(&reply["choices"][0]["message"]["tool_calls"], "function"),
            "responses" => of_kind(&reply["output"], "function_call"),
            "anthropic" => of_kind(&reply["content"], "tool_use"),
            _ => of_kind(&reply["candidates"][0]["content"]["parts"], "functionCall"),
        };
        let mut call = call.unwrap_or_else(|| panic!("{}: no call in {reply}", self.format));
        let members = call.as_object_mut().unwrap();
        members.retain(|name, _| name != "extra_content" && name != "thoughtSignature");
        call
    }

    /// Makes the request that answers a call.
    fn next(&self, call: &Value) -> Value {
        let mut body = self.body.clone();
        let (member, turns) = match self.format {
            "chat" => (
                "messages",
                json!([{ "role": "assistant", "content": null, "tool_calls": [call] },
                    { "role": "tool", "tool_call_id": call["id"], "content": "rain" }]),
            ),
            "responses" => (
                "input",
                json!([call, { "type": "function_call_output", "call_id": call["call_id"], "output": "rain" }]),
            ),
            "anthropic" => (
                "messages",
                json!([{ "role": "assistant", "content": [call] },
                    { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": call["id"], "content": "rain" }] }]),
            ),
            _ => {
                let id = &call["functionCall"]["id"];
                let response =
                    json!({ "id": id, "name": "look", "response": { "output": "rain" } });
                (
                    "contents",
                    json!([{ "role": "model", "parts": [call] },
                        { "role": "user", "parts": [{ "functionResponse": response }] }]),
                )
            }
        };
        let more = turns.as_array().unwrap().iter().cloned();
        body[member].as_array_mut().unwrap().extend(more);
        body
    }

    /// Answers a call and returns what was sent to providers for it.
    async fn second(&self, gateway: &TestGateway, sim: &Running, call: &Value) -> Vec<Value> {
        drop(sim.take_seen());
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let answer = client.post(&self.path, &self.headers, &self.next(call)).await;
        assert_eq!(answer.status, 200, "{}: {}", self.format, answer.text());
        sim.take_seen().iter().map(|seen| seen.json().unwrap()).collect()
    }
}

fn has_signature(sent: &Value) -> bool {
    sent.to_string().contains(SIGNATURE)
}

#[tokio::test]
async fn reasoning_behind_a_call_comes_back_without_the_clients_help() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for (client, provider) in [
        ("chat", "anthropic"),
        ("chat", "gemini"),
        ("chat", "responses"),
        ("responses", "anthropic"),
        ("responses", "gemini"),
        ("anthropic", "gemini"),
        ("anthropic", "responses"),
        ("gemini", "anthropic"),
        ("gemini", "responses"),
    ] {
        let client_at = Forgetful::new(client, prefix(provider));
        let call = client_at.first(&gateway).await;
        assert!(!call.to_string().contains("OmniEnvl"), "the client keeps none: {call}");

        let sent = client_at.second(&gateway, &sim, &call).await;

        let sent = &sent[0];
        let pair = format!("{client} at {provider}: {sent}");
        assert!(has_signature(sent), "{pair}");
        match provider {
            "anthropic" => {
                let blocks = &sent["messages"][1]["content"];
                assert_eq!(blocks[0]["type"], "thinking", "{pair}");
                assert!(blocks[0]["thinking"].as_str().unwrap().contains("weather"), "{pair}");
                assert_eq!(blocks[1]["type"], "tool_use", "{pair}");
            }
            "gemini" => {
                let parts = &sent["contents"][1]["parts"];
                assert!(parts[0].get("functionCall").is_some(), "{pair}");
                assert_eq!(parts[0]["thoughtSignature"], SIGNATURE, "{pair}");
            }
            _ => {
                let kinds = ["reasoning", "function_call"];
                assert_eq!([&sent["input"][1]["type"], &sent["input"][2]["type"]], kinds, "{pair}");
            }
        }
    }
}

#[tokio::test]
async fn a_call_of_a_stream_is_known_as_soon_as_the_client_can_answer_it() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for provider in ["anthropic", "gemini"] {
        let mut asking = Forgetful::new("chat", prefix(provider));
        asking.body["stream"] = json!(true);
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let answer = client.post(&asking.path, &[], &asking.body).await;
        let stream = answer.text();
        let id = data_lines(&stream)
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .find_map(|event| {
                let id = &event["choices"][0]["delta"]["tool_calls"][0]["id"];
                id.as_str().map(ToOwned::to_owned)
            })
            .unwrap_or_else(|| panic!("{provider}: no call in {stream}"));
        let function = json!({ "name": "look", "arguments": "{\"town\":\"Graz\"}" });
        let call = json!({ "id": id, "type": "function", "function": function });

        let sent = asking.second(&gateway, &sim, &call).await;

        assert!(has_signature(&sent[0]), "{provider}: {}", sent[0]);
    }
}

#[tokio::test]
async fn another_client_key_gets_nothing() {
    const KEYS: &str = "client_keys:
  - { name: one, key: client-key-one }
  - { name: other, key: client-key-two }
";
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats_with(&sim, KEYS)).await;
    let one = Forgetful::new("chat", "anthropic-sim").with_key("client-key-one");
    let other = Forgetful::new("chat", "anthropic-sim").with_key("client-key-two");
    let call = one.first(&gateway).await;

    let of_other = other.second(&gateway, &sim, &call).await;
    let of_one = one.second(&gateway, &sim, &call).await;

    assert!(!has_signature(&of_other[0]), "{}", of_other[0]);
    assert!(has_signature(&of_one[0]), "{}", of_one[0]);
}

#[tokio::test]
async fn another_account_gets_nothing() {
    let sim = simulator().await;
    let url = sim.url();
    let gateway = TestGateway::start(&format!(
        "providers:
  claude: {{ wire: anthropic, base_url: '{url}', auth: {{ kind: static_key, header: x-api-key }} }}
accounts:
  - {{ id: first, provider: claude, key: sk-sim-ok, priority: 1 }}
  - {{ id: second, provider: claude, key: sk-sim-ok, priority: 2 }}
"
    ))
    .await;
    let asking = Forgetful::new("chat", "claude");
    let call = asking.first(&gateway).await;
    sim.script([Step::reply(500).header("content-type", "application/json").piece("{}")]);

    let sent = asking.second(&gateway, &sim, &call).await;

    let carried: Vec<bool> = sent.iter().map(has_signature).collect();
    assert_eq!(carried, [true, false], "the account that made it, then the other: {sent:?}");
}

#[tokio::test]
async fn a_call_is_forgotten_after_hours() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let asking = Forgetful::new("chat", "anthropic-sim");
    let call = asking.first(&gateway).await;

    gateway.clock().advance(Duration::from_hours(5));
    let soon = asking.second(&gateway, &sim, &call).await;
    gateway.clock().advance(Duration::from_hours(7));
    let late = asking.second(&gateway, &sim, &call).await;

    assert_eq!([&soon[0], &late[0]].map(has_signature), [true, false]);
}

#[tokio::test]
async fn bytes_that_pass_through_are_left_alone() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let asking = Forgetful::new("anthropic", "anthropic-sim");
    let call = asking.first(&gateway).await;

    let sent = asking.second(&gateway, &sim, &call).await;

    let mut expected = asking.next(&call);
    expected["model"] = json!("think");
    assert_eq!(sent[0], expected);
}
