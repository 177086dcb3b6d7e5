//! Reasoning of one vendor in the hands of another vendor's client: it comes back as it was made, to the
//! account that made it and to nobody else.

use omniroute_testkit::{Client, Protocol, Running, TestGateway, simulator};
use serde_json::{Value, json};

use crate::setup::{all_formats, ask, prefix};

/// What the simulator signs reasoning with.
const SIGNATURE: &str = "c2ltdWxhdGVkLXNpZ25hdHVyZQ==";

/// Makes the next request of a conversation: all so far, the reply, and one more question.
fn go_on(format: &str, mut body: Value, reply: &Value) -> Value {
    let member = match format {
        "chat" | "anthropic" => "messages",
        "responses" => "input",
        _ => "contents",
    };
    let turns = body[member].as_array_mut().unwrap();
    match format {
        "chat" => turns.push(reply["choices"][0]["message"].clone()),
        "responses" => turns.extend(reply["output"].as_array().unwrap().iter().cloned()),
        "anthropic" => turns.push(json!({ "role": "assistant", "content": reply["content"] })),
        _ => turns.push(reply["candidates"][0]["content"].clone()),
    }
    turns.push(match format {
        "gemini" => json!({ "role": "user", "parts": [{ "text": "and then" }] }),
        _ => json!({ "role": "user", "content": "and then" }),
    });
    body
}

/// Asks twice and returns the second answer's head value and what the provider got.
async fn converse(
    sim: &Running,
    gateway: &TestGateway,
    client_format: &str,
    model: &str,
) -> (String, String) {
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, mut body) = ask(client_format, model, false, "think");
    match client_format {
        "responses" => {
            body["reasoning"] = json!({ "effort": "low", "summary": "auto" });
            body["include"] = json!(["reasoning.encrypted_content"]);
        }
        "gemini" => {
            body["generationConfig"] = json!({ "thinkingConfig": { "includeThoughts": true } });
        }
        _ => {}
    }
    let first = client.post(&path, &[], &body).await;
    assert_eq!(first.status, 200, "{}", first.text());
    drop(sim.take_seen());

    let second = client.post(&path, &[], &go_on(client_format, body, &first.json())).await;

    assert_eq!(second.status, 200, "{}", second.text());
    let header = second.header("x-omniroute-translation").unwrap().to_owned();
    (header, sim.take_seen().pop().unwrap().text())
}

#[tokio::test]
async fn reasoning_comes_back_to_its_vendor_through_every_client() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for (client_format, provider_format) in [
        ("responses", "anthropic"),
        ("gemini", "anthropic"),
        ("anthropic", "gemini"),
        ("responses", "gemini"),
        ("anthropic", "responses"),
        ("gemini", "responses"),
        ("chat", "anthropic"),
    ] {
        let model = format!("{}/think", prefix(provider_format));

        let (header, sent) = converse(&sim, &gateway, client_format, &model).await;

        let pair = format!("{client_format} at {provider_format}: {header}: {sent}");
        assert!(!sent.contains("OmniEnvl"), "an envelope is ours to open: {pair}");
        assert!(sent.contains(SIGNATURE), "{pair}");
        assert!(!header.contains("dropped"), "{pair}");
    }
}

#[tokio::test]
async fn reasoning_of_another_account_is_left_out_and_noted() {
    let sim = simulator().await;
    let one = all_formats(&sim);
    let other = one.replace("id: anthropic-1", "id: anthropic-2");
    let (first, second) = (TestGateway::start(&one).await, TestGateway::start(&other).await);
    let mut client = Client::connect(first.address(), Protocol::Http1).await;
    let (path, mut body) = ask("responses", "anthropic-sim/think", false, "think");
    body["include"] = json!(["reasoning.encrypted_content"]);
    body["reasoning"] = json!({ "effort": "low", "summary": "auto" });
    let reply = client.post(&path, &[], &body).await.json();
    drop(sim.take_seen());

    let mut client = Client::connect(second.address(), Protocol::Http1).await;
    let answer = client.post(&path, &[], &go_on("responses", body, &reply)).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    let header = answer.header("x-omniroute-translation").unwrap();
    assert!(header.contains("dropped="), "{header}");
    assert!(!sim.take_seen().pop().unwrap().text().contains(SIGNATURE));
}
