//! Tool calls in each format.

use serde_json::{Value, json};

use super::client::{FORMATS, asking, fetch};
use super::sim;

const ARGUMENTS: &str = r#"{"city":"text","days":1}"#;

/// Offers `weather` and `clock` in a format.
fn offer(format: &str, body: &mut Value) {
    let schema = json!({"type": "object", "required": ["city", "days"],
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let tools = ["weather", "clock"].iter().map(|name| match format {
        "chat" => json!({"type": "function", "function": {"name": name, "parameters": schema}}),
        "messages" => json!({"name": name, "input_schema": schema}),
        "responses" => json!({"type": "function", "name": name, "parameters": schema}),
        _ => json!({"name": name, "parameters": schema}),
    });
    let tools: Vec<Value> = tools.collect();
    body["tools"] =
        if format == "generate" { json!([{"functionDeclarations": tools}]) } else { json!(tools) };
}

/// Collects names and arguments of the calls in a stream.
fn streamed_calls(format: &str, events: &[Value]) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = Vec::new();
    let mut add = |name: &Value, arguments: &Value| {
        if let Some(name) = name.as_str() {
            calls.push((name.to_owned(), String::new()));
        }
        if let (Some(call), Some(arguments)) = (calls.last_mut(), arguments.as_str()) {
            call.1.push_str(arguments);
        }
    };
    for event in events {
        match format {
            "chat" => {
                let function = &event["choices"][0]["delta"]["tool_calls"][0]["function"];
                add(&function["name"], &function["arguments"]);
            }
            "messages" => add(&event["content_block"]["name"], &event["delta"]["partial_json"]),
            "responses" if event["type"] == "response.output_item.added" => {
                add(&event["item"]["name"], &event["item"]["arguments"]);
            }
            "responses" if event["type"] == "response.function_call_arguments.delta" => {
                add(&Value::Null, &event["delta"]);
            }
            "responses" => {}
            _ => {
                let parts = event["candidates"][0]["content"]["parts"].as_array();
                let calls = parts.unwrap().iter().map(|part| &part["functionCall"]);
                for call in calls.filter(|call| call.is_object()) {
                    add(&call["name"], &json!(call["args"].to_string()));
                }
            }
        }
    }
    calls
}

#[tokio::test]
async fn the_first_tool_is_called_with_arguments_from_its_schema() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, mut body) = asking(format, "echo", true);
        offer(format, &mut body);

        let stream = fetch(&sim, &path, &body).await.unwrap();

        let calls = streamed_calls(format, &stream.events());
        assert_eq!(calls, [("weather".to_owned(), ARGUMENTS.to_owned())], "{format}");
    }
}

#[tokio::test]
async fn parallel_calls_are_made_on_request_and_not_when_forbidden() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, mut body) = asking(format, "echo?calls=2", true);
        offer(format, &mut body);
        let both = fetch(&sim, &path, &body).await.unwrap();
        let names: Vec<_> =
            streamed_calls(format, &both.events()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["weather", "clock"], "{format}");

        match format {
            "chat" | "responses" => body["parallel_tool_calls"] = json!(false),
            "messages" => {
                body["tool_choice"] = json!({"type": "auto", "disable_parallel_tool_use": true});
            }
            _ => continue,
        }
        let one = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!(streamed_calls(format, &one.events()).len(), 1, "{format}");
    }
}

#[tokio::test]
async fn the_forced_tool_is_called_and_none_means_none() {
    let sim = sim().await;
    let forced = [
        ("chat", json!({"type": "function", "function": {"name": "clock"}}), json!("none")),
        ("messages", json!({"type": "tool", "name": "clock"}), json!({"type": "none"})),
        ("responses", json!({"type": "function", "name": "clock"}), json!("none")),
        (
            "generate",
            json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]}}),
            json!({"functionCallingConfig": {"mode": "NONE"}}),
        ),
    ];
    for (format, one, none) in forced {
        let (path, mut body) = asking(format, "echo", true);
        offer(format, &mut body);
        let member = if format == "generate" { "toolConfig" } else { "tool_choice" };

        body[member] = one;
        let called = fetch(&sim, &path, &body).await.unwrap();
        body[member] = none;
        let silent = fetch(&sim, &path, &body).await.unwrap();

        assert_eq!(streamed_calls(format, &called.events())[0].0, "clock", "{format}");
        assert_eq!(streamed_calls(format, &silent.events()), [], "{format}");
    }
}

#[tokio::test]
async fn whole_replies_carry_the_same_calls_and_say_so() {
    let sim = sim().await;
    let parsed: Value = serde_json::from_str(ARGUMENTS).unwrap();
    for format in FORMATS {
        let (path, mut body) = asking(format, "echo?talk=1", false);
        offer(format, &mut body);

        let reply = fetch(&sim, &path, &body).await.unwrap().json();

        match format {
            "chat" => {
                let choice = &reply["choices"][0];
                assert_eq!(choice["message"]["tool_calls"][0]["function"]["arguments"], ARGUMENTS);
                assert_eq!(choice["message"]["content"], "Calling weather. ");
                assert_eq!(choice["finish_reason"], "tool_calls");
            }
            "messages" => {
                assert_eq!(reply["content"][1]["input"], parsed);
                assert_eq!(reply["stop_reason"], "tool_use");
            }
            "responses" => assert_eq!(reply["output"][1]["arguments"], ARGUMENTS),
            _ => {
                let parts = &reply["candidates"][0]["content"]["parts"];
                assert_eq!(parts[1]["functionCall"]["args"], parsed);
                assert_eq!(reply["candidates"][0]["finishReason"], "STOP");
            }
        }
    }
}

#[tokio::test]
async fn the_models_name_may_choose_the_tool_and_its_arguments() {
    let sim = sim().await;
    for format in FORMATS {
        let chosen = "echo?tool=clock&args=%7B%22city%22%3A%22Oslo%22%7D";
        let (path, mut body) = asking(format, chosen, true);
        offer(format, &mut body);
        let (other_path, mut other) = asking(format, "echo?tool=nobody&text=fixed%20words", true);
        offer(format, &mut other);

        let called = fetch(&sim, &path, &body).await.unwrap();
        let silent = fetch(&sim, &other_path, &other).await.unwrap();

        let calls = streamed_calls(format, &called.events());
        assert_eq!(calls, [("clock".to_owned(), r#"{"city":"Oslo"}"#.to_owned())], "{format}");
        assert_eq!(streamed_calls(format, &silent.events()), [], "{format}: it is not offered");
        assert!(silent.text().contains("words"), "{format}: the text is the one asked for");
    }
}

#[tokio::test]
async fn a_custom_tool_is_called_with_plain_text() {
    let sim = sim().await;
    let (path, mut body) = asking("chat", "echo?args=a%20b", false);
    body["tools"] = json!([{"type": "custom", "custom": {"name": "patch"}}]);
    let chat = fetch(&sim, &path, &body).await.unwrap().json();
    body["stream"] = json!(true);
    let chat_stream = fetch(&sim, &path, &body).await.unwrap().text();
    let (path, mut body) = asking("responses", "echo?args=a%20b", false);
    body["tools"] = json!([{"type": "custom", "name": "patch"}]);
    let whole = fetch(&sim, &path, &body).await.unwrap().json();
    body["stream"] = json!(true);
    let stream = fetch(&sim, &path, &body).await.unwrap().events();

    let call = &chat["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["type"], "custom");
    assert_eq!(call["custom"], json!({"name": "patch", "input": "a b"}));
    assert!(chat_stream.contains(r#""custom":{"input":"a b"}"#), "{chat_stream}");
    assert_eq!(whole["output"][0]["type"], "custom_tool_call");
    assert_eq!(whole["output"][0]["input"], "a b");
    let deltas =
        stream.iter().filter(|event| event["type"] == "response.custom_tool_call_input.delta");
    assert_eq!(deltas.map(|event| event["delta"].as_str().unwrap()).collect::<String>(), "a b");
}

#[tokio::test]
async fn a_result_ends_the_calling_even_though_tools_are_offered() {
    let sim = sim().await;
    let (path, mut body) = asking("chat", "echo", false);
    offer("chat", &mut body);
    let called = fetch(&sim, &path, &body).await.unwrap().json();
    let message = called["choices"][0]["message"].clone();
    let id = message["tool_calls"][0]["id"].clone();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(message);
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": "rain"}));

    let answered = fetch(&sim, &path, &body).await.unwrap().json();

    let text = &answered["choices"][0]["message"]["content"];
    assert_eq!(text, "You said: one two three Tool weather returned: rain");
}
