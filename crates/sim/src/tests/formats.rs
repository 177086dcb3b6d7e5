//! Each format, whole and streamed.

use serde_json::{Value, json};

use super::client::{Client, End, FORMATS, Got, asking, fetch};
use super::sim;

/// Joins the text of a stream.
fn streamed_text(format: &str, events: &[Value]) -> String {
    let texts = events.iter().map(|event| match format {
        "chat" => &event["choices"][0]["delta"]["content"],
        "messages" => &event["delta"]["text"],
        "responses" if event["type"] == "response.output_text.delta" => &event["delta"],
        "responses" => &Value::Null,
        _ => &event["candidates"][0]["content"]["parts"][0]["text"],
    });
    texts.filter_map(Value::as_str).collect()
}

/// The text of a whole reply.
fn whole_text(format: &str, reply: &Value) -> String {
    let text = match format {
        "chat" => &reply["choices"][0]["message"]["content"],
        "messages" => &reply["content"][0]["text"],
        "responses" => &reply["output"][0]["content"][0]["text"],
        _ => &reply["candidates"][0]["content"]["parts"][0]["text"],
    };
    text.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_same_text_is_echoed_whole_and_streamed_in_every_format() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, body) = asking(format, "sim/anything", false);
        let whole = fetch(&sim, &path, &body).await.unwrap();
        let (path, body) = asking(format, "sim/anything", true);
        let stream = fetch(&sim, &path, &body).await.unwrap();

        assert_eq!(whole_text(format, &whole.json()), "You said: one two three", "{format}");
        assert_eq!(streamed_text(format, &stream.events()), "You said: one two three", "{format}");
        assert!(stream.header("content-type").unwrap().starts_with("text/event-stream"));
        assert!(stream.header("request-id").or(stream.header("x-request-id")).is_some());
        assert_eq!((stream.end, whole.end), (End::Complete, End::Complete), "{format}");
    }
}

#[tokio::test]
async fn every_event_is_a_chunk_of_its_own() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, body) = asking(format, "echo", true);
        let stream = fetch(&sim, &path, &body).await.unwrap();

        for chunk in &stream.chunks {
            let text = std::str::from_utf8(chunk).unwrap();
            assert_eq!(text.matches("data: ").count(), 1, "{format}: {text}");
        }
        assert!(stream.chunks.len() > 5, "{format}: five tokens and more");
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_bytes() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, body) = asking(format, "echo", true);
        let first = fetch(&sim, &path, &body).await.unwrap();
        let second = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!(first.chunks, second.chunks, "{format}");
    }
}

#[tokio::test]
async fn chat_streams_end_with_finish_usage_and_done() {
    let sim = sim().await;
    let (path, mut body) = asking("chat", "echo?cached=3&input=10", true);
    body["stream_options"] = json!({"include_usage": true});

    let stream = fetch(&sim, &path, &body).await.unwrap();

    let events = stream.events();
    let [.., finish, usage] = events.as_slice() else { panic!("too short: {events:?}") };
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(finish.get("usage"), Some(&Value::Null));
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["prompt_tokens"], 10);
    assert_eq!(usage["usage"]["completion_tokens"], 5);
    assert_eq!(usage["usage"]["prompt_tokens_details"]["cached_tokens"], 3);
    assert!(stream.text().ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn messages_streams_name_their_events_and_count_cached_input_apart() {
    let sim = sim().await;
    let (path, body) = asking("messages", "echo?cached=3&input=10", true);

    let stream = fetch(&sim, &path, &body).await.unwrap();

    let text = stream.text();
    let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let events = stream.events();
    let types: Vec<_> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(names, types, "the name is the type");
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 7);
    assert_eq!(events[0]["message"]["usage"]["cache_read_input_tokens"], 3);
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "end_turn");
    assert_eq!(events[events.len() - 2]["usage"]["output_tokens"], 5);
}

#[tokio::test]
async fn generate_streams_have_crlf_and_no_end_marker() {
    let sim = sim().await;
    let (path, body) = asking("generate", "sim/echo", true);

    let stream = fetch(&sim, &path, &body).await.unwrap();

    let text = stream.text();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert!(!text.contains("[DONE]"));
    let last = stream.events().pop().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last["usageMetadata"]["candidatesTokenCount"], 5);
}

#[tokio::test]
async fn generate_streams_without_sse_are_one_array() {
    let sim = sim().await;
    let (path, body) = asking("generate", "echo", true);

    let stream = fetch(&sim, path.trim_end_matches("?alt=sse"), &body).await.unwrap();

    assert!(stream.chunks.len() > 5, "written piece by piece");
    let array = stream.json();
    assert_eq!(streamed_text("generate", array.as_array().unwrap()), "You said: one two three");
}

#[tokio::test]
async fn responses_streams_number_every_event_and_repeat_the_output() {
    let sim = sim().await;
    let (path, body) = asking("responses", "think", true);

    let events = fetch(&sim, &path, &body).await.unwrap().events();

    let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64()).collect();
    let wanted: Vec<_> = (0..events.len() as u64).map(Some).collect();
    assert_eq!(numbers, wanted);
    let done = events.iter().filter(|event| event["type"] == "response.output_item.done");
    let items: Vec<_> = done.map(|event| event["item"].clone()).collect();
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"], json!(items));
}

#[tokio::test]
async fn system_images_and_tool_results_are_mentioned() {
    let sim = sim().await;
    let image = "data:image/png;base64,AA==";
    let chat = json!({"model": "echo", "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": image}}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
            "function": {"name": "find", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "sun"}]});
    let messages = json!({"model": "echo", "max_tokens": 99,
        "system": [{"type": "text", "text": "be brief"}], "messages": [
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "find", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "sun"}]}]});
    let generate = json!({"system_instruction": {"parts": [{"text": "be brief"}]}, "contents": [
        {"role": "user", "parts": [{"text": "look"},
            {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "find", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "find", "response": {"result": "sun"}}}]}]});
    let responses = json!({"model": "echo", "instructions": "be brief", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "look"},
            {"type": "input_image", "image_url": image}]},
        {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sun"}]});
    for (format, body) in FORMATS.iter().zip([chat, messages, generate, responses]) {
        let (path, _) = asking(format, "echo", false);

        let reply = fetch(&sim, &path, &body).await.unwrap().json();

        let wanted = "You said: look (system: be brief) [1 image] Tool find returned: sun";
        assert_eq!(whole_text(format, &reply), wanted, "{format}: {reply}");
    }
}

#[tokio::test]
async fn a_limit_cuts_the_answer_and_says_so() {
    let sim = sim().await;
    let finish = |format: &str, got: &Got| {
        let reply = got.json();
        match format {
            "chat" => reply["choices"][0]["finish_reason"].clone(),
            "messages" => reply["stop_reason"].clone(),
            "responses" => reply["incomplete_details"]["reason"].clone(),
            _ => reply["candidates"][0]["finishReason"].clone(),
        }
    };
    for (format, limit, wanted) in [
        ("chat", "max_completion_tokens", "length"),
        ("messages", "max_tokens", "max_tokens"),
        ("responses", "max_output_tokens", "max_output_tokens"),
        ("generate", "generationConfig", "MAX_TOKENS"),
    ] {
        let (path, mut body) = asking(format, "echo", false);
        body[limit] = if format == "generate" { json!({"maxOutputTokens": 2}) } else { json!(2) };

        let got = fetch(&sim, &path, &body).await.unwrap();

        assert_eq!(finish(format, &got), wanted, "{format}");
        assert_eq!(whole_text(format, &got.json()), "You said: ", "{format}");
    }
}

#[tokio::test]
async fn a_stop_sequence_ends_the_answer() {
    let sim = sim().await;
    let (path, mut body) = asking("messages", "echo", false);
    body["stop_sequences"] = json!(["two"]);

    let reply = fetch(&sim, &path, &body).await.unwrap().json();

    assert_eq!(reply["content"][0]["text"], "You said: one ");
    assert_eq!(reply["stop_reason"], "stop_sequence");
    assert_eq!(reply["stop_sequence"], "two");
}

#[tokio::test]
async fn reasoning_comes_first_and_is_counted() {
    let sim = sim().await;
    let reply = async |format: &str| {
        let (path, body) = asking(format, "sim/think", false);
        fetch(&sim, &path, &body).await.unwrap().json()
    };

    let chat = reply("chat").await;
    assert_eq!(chat["choices"][0]["message"]["reasoning_content"], "Thinking about: one two three");
    assert_eq!(chat["usage"]["completion_tokens"], 10);
    assert_eq!(chat["usage"]["completion_tokens_details"]["reasoning_tokens"], 5);
    let messages = reply("messages").await;
    assert_eq!(messages["content"][0]["type"], "thinking");
    assert!(messages["content"][0]["signature"].is_string());
    let generate = reply("generate").await;
    let parts = &generate["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0]["thought"], true);
    assert!(parts[1]["thoughtSignature"].is_string());
    assert_eq!(generate["usageMetadata"]["thoughtsTokenCount"], 5);
    assert_eq!(generate["usageMetadata"]["candidatesTokenCount"], 5);
    assert_eq!(reply("responses").await["output"][0]["type"], "reasoning");
}

#[tokio::test]
async fn tokens_and_big_have_the_asked_length() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, body) = asking(format, "sim/tokens?n=7", true);
        let stream = fetch(&sim, &path, &body).await.unwrap();
        let text = streamed_text(format, &stream.events());
        assert_eq!(text, "token ".repeat(7), "{format}");

        let (path, body) = asking(format, "tokens?n=7&coalesce=1", true);
        let joined = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!(joined.chunks.len(), 1, "{format}");
        assert_eq!(streamed_text(format, &joined.events()), text, "{format}");

        let (path, body) = asking(format, "big?kb=3", false);
        let big = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!(whole_text(format, &big.json()).len(), 3072, "{format}");
    }
}

#[tokio::test]
async fn models_are_listed_in_the_callers_format() {
    let sim = sim().await;
    for (request, list, id) in [
        ("GET /v1/models HTTP/1.1", "data", "echo"),
        ("GET /v1/models HTTP/1.1\r\nanthropic-version: 2023-06-01", "data", "echo"),
        ("GET /v1beta/models HTTP/1.1", "models", "models/echo"),
    ] {
        let mut client = Client::connect(&sim).await;
        client.write(format!("{request}\r\nhost: sim\r\n\r\n").as_bytes()).await;

        let reply = client.reply().await.unwrap().json();

        let first = &reply[list][0];
        assert_eq!(first.get("id").unwrap_or(&first["name"]), id, "{request}");
    }
}
