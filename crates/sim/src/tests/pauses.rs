//! Turns that the vendor pauses after searches of its own.

use serde_json::{Value, json};

use super::client::{asking, fetch};
use super::sim;

#[tokio::test]
async fn a_turn_pauses_as_often_as_asked_and_goes_on_from_its_own_words() {
    let sim = sim().await;
    let (path, mut body) = asking("messages", "echo?pauses=2", false);
    let mut said = Vec::new();
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let reply = fetch(&sim, &path, &body).await.unwrap().json();
        reasons.push(reply["stop_reason"].as_str().unwrap().to_owned());
        let content = reply["content"].as_array().unwrap().clone();
        said.push(content[0]["text"].as_str().unwrap().to_owned());
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": content}));
    }

    assert_eq!(reasons, ["pause_turn", "pause_turn", "end_turn"]);
    assert_eq!(said[..2], ["Search 1. ", "Search 2. "]);
    assert!(said[2].starts_with("You said: "), "{said:?}");
}

#[tokio::test]
async fn a_paused_stream_has_the_blocks_of_the_whole_reply() {
    let sim = sim().await;
    let (path, body) = asking("messages", "echo?pauses=1", false);
    let whole = fetch(&sim, &path, &body).await.unwrap().json();
    let (path, body) = asking("messages", "echo?pauses=1", true);
    let events = fetch(&sim, &path, &body).await.unwrap().events();

    let opened = events.iter().filter(|event| event["type"] == "content_block_start");
    let kinds: Vec<&Value> = opened.map(|event| &event["content_block"]["type"]).collect();
    assert_eq!(kinds, ["text", "server_tool_use", "web_search_tool_result"]);
    let blocks = whole["content"].as_array().unwrap();
    assert_eq!(blocks.iter().map(|block| &block["type"]).collect::<Vec<_>>(), kinds);
    assert_eq!(blocks[1]["id"], blocks[2]["tool_use_id"]);
    let input = events.iter().find(|event| event["delta"]["type"] == "input_json_delta").unwrap();
    let input = input["delta"]["partial_json"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(input).unwrap(), blocks[1]["input"]);
    let end = events.iter().find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!(end["delta"]["stop_reason"], "pause_turn");
}

#[tokio::test]
async fn vendors_that_know_no_pause_make_none() {
    let sim = sim().await;
    for format in ["chat", "responses", "generate"] {
        let (path, body) = asking(format, "echo?pauses=1", false);

        let reply = fetch(&sim, &path, &body).await.unwrap();

        assert!(reply.text().contains("You said: "), "{format}: {}", reply.text());
    }
}
