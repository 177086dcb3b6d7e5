//! Counting tokens: at the provider where it can, by an estimate where it cannot.

use omniroute_testkit::{Client, Protocol, Step, TestGateway, simulator};
use serde_json::{Value, json};

use crate::setup::{FORMATS, all_formats, ask, prefix};

/// Where a format's clients count, and what for: the body of a chat request without what only an answer
/// needs.
fn ask_count(format: &str, model: &str, text: &str) -> (String, Value) {
    let (path, mut body) = ask(format, model, false, text);
    let path = match format {
        "responses" => format!("{path}/input_tokens"),
        "anthropic" => format!("{path}/count_tokens"),
        _ => path.replace(":generateContent", ":countTokens"),
    };
    if let Some(members) = body.as_object_mut() {
        members.remove("max_tokens");
        members.remove("stream");
    }
    (path, body)
}

fn counted(format: &str, reply: &Value) -> Option<u64> {
    let name = if format == "gemini" { "totalTokens" } else { "input_tokens" };
    reply[name].as_u64()
}

#[tokio::test]
async fn every_format_counts_at_every_provider() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for client_format in FORMATS.into_iter().filter(|format| *format != "chat") {
        for provider_format in FORMATS {
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let model = format!("{}/echo", prefix(provider_format));
            let (path, body) = ask_count(client_format, &model, "twelve chars");

            let answer = client.post(&path, &[], &body).await;

            let pair = format!("{client_format} at {provider_format}: {}", answer.text());
            assert_eq!(answer.status, 200, "{pair}");
            let reply: Value = serde_json::from_str(&answer.text()).unwrap();
            let tokens = counted(client_format, &reply).unwrap_or_else(|| panic!("{pair}"));
            assert!((2..40).contains(&tokens), "{pair}");
            let seen = sim.take_seen();
            let translation = answer.header("x-omniroute-translation").unwrap();
            if provider_format == "chat" {
                assert!(seen.is_empty(), "there is no such endpoint, so nobody is asked");
                assert_eq!(translation, "translated;estimated=tokens");
            } else {
                let path = &seen[0].path_and_query;
                assert!(
                    path.contains("count_tokens")
                        || path.contains("countTokens")
                        || path.contains("input_tokens"),
                    "{path}"
                );
                assert!(!translation.contains("estimated"), "{translation}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_without_the_endpoint_or_out_of_order_is_replaced_by_an_estimate() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for status in [404, 405, 503] {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        sim.script([Step::reply(status).piece("{}")]);
        let (path, body) = ask_count("anthropic", "anthropic-sim/echo", "hello");

        let answer = client.post(&path, &[], &body).await;

        assert_eq!(answer.status, 200, "{}", answer.text());
        let header = answer.header("x-omniroute-translation");
        assert_eq!(header, Some("translated;estimated=tokens"), "{status}");
    }
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("anthropic", "anthropic-sim/echo", false, "hello");
    let answer = client.post(&path, &[], &body).await;
    assert_eq!(answer.status, 200, "a missing endpoint rests no account: {}", answer.text());
}

#[tokio::test]
async fn a_count_of_a_bad_request_is_refused() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let body = json!({ "model": "anthropic-sim/echo", "messages": [{ "role": "user", "content": [{ "type": "text", "text": " " }] }] });

    let answer = client.post("/v1/messages/count_tokens", &[], &body).await;

    assert_eq!(answer.status, 400, "{}", answer.text());
}
