//! The translator's screen over the wire.

use omniroute_testkit::{Answer, Client, Protocol, TestGateway, simulator};
use serde_json::{Value, json};

use crate::setup::all_formats_with;

async fn ask(client: &mut Client, path: &str, body: Value) -> Answer {
    let boss = [("authorization", "Bearer boss-key-0123456789")];
    client.post(&format!("/api/translator/{path}"), &boss, &body).await
}

#[tokio::test]
async fn requests_replies_and_streams_are_shown_in_another_format() {
    let sim = simulator().await;
    let keys = "client_keys: [{ name: boss, key: boss-key-0123456789, scopes: [admin] }]\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, keys)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let chat =
        json!({ "model": "m", "messages": [{ "role": "user", "content": "hello" }], "seed": 7 });

    let detected = ask(&mut client, "detect", json!({ "body": chat })).await.json();
    assert_eq!(detected, json!({ "success": true, "format": "openai_chat" }));
    let direct = json!({ "step": "direct", "sourceFormat": "openai", "targetFormat": "claude", "model": "anthropic-sim/echo", "body": chat });
    let translated = ask(&mut client, "translate", direct).await.json();
    assert_eq!(translated["result"]["model"], "echo", "{translated}");
    assert_eq!(translated["result"]["messages"][0]["role"], "user");
    assert_eq!(translated["notes"][0]["field"], "seed", "{translated}");
    assert_eq!(translated["notes"][0]["mark"], "dropped");

    let reply = json!({ "kind": "reply", "from": "messages", "to": "chat", "body": {
        "id": "m1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{ "type": "text", "text": "hi" }], "usage": { "input_tokens": 1, "output_tokens": 1 } } });
    let reply = ask(&mut client, "translate", reply).await.json();
    assert_eq!(reply["result"]["choices"][0]["message"]["content"], "hi", "{reply}");
    let events =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n";
    let stream = json!({ "kind": "stream", "from": "chat", "to": "messages", "body": events });
    let stream = ask(&mut client, "translate", stream).await.json();
    assert!(stream["result"].as_str().unwrap().contains("event: message_stop"), "{stream}");

    for (body, text) in [
        (json!({ "targetFormat": "klingon", "body": chat }), "klingon"),
        (
            json!({ "targetFormat": "gemini", "body": { "model": "m", "messages": "no list" } }),
            "messages",
        ),
        (json!({ "targetFormat": "gemini", "step": 4, "body": chat }), "direct"),
        (json!({ "body": chat }), "targetFormat"),
    ] {
        let refused = ask(&mut client, "translate", body).await;
        assert!(refused.status == 400 && refused.text().contains(text), "{}", refused.text());
    }
}
