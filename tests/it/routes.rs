//! Chains, conversations and the routes of one provider; over the wire.

use omniroute_testkit::{Client, Protocol, TestGateway, simulator};
use serde_json::json;

use crate::setup::{all_formats_with, ask, two_accounts};

#[tokio::test]
async fn a_provider_may_be_asked_on_its_own_route() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats_with(&sim, "")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let body =
        |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    let path = "/v1/providers/anthropic-sim/chat/completions";
    for model in ["echo", "anthropic-sim/echo"] {
        let answer = client.post(path, &[], &body(model)).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        assert_eq!(answer.header("x-omniroute-provider"), Some("anthropic-sim"), "{model}");
    }
    let other = client.post(path, &[], &body("chat/echo")).await;
    assert_eq!(other.status, 400, "{}", other.text());
    let nobody = client.post("/v1/providers/nobody/chat/completions", &[], &body("x")).await;
    assert_eq!(nobody.status, 400, "{}", nobody.text());
    assert!(nobody.text().contains("nobody"), "{}", nobody.text());
}

#[tokio::test]
async fn a_chain_goes_on_where_a_model_fails() {
    let sim = simulator().await;
    let chains =
        "fallback_chains: { production: [chat/500, anthropic-sim/529, gemini-sim/echo] }\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, chains)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    for (model, attempts) in [("production", "3"), ("chat/500", "3"), ("anthropic-sim/529", "2")] {
        let (path, body) = ask("chat", model, false, "hello");
        let answer = client.post(&path, &[], &body).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        assert_eq!(answer.header("x-omniroute-provider"), Some("gemini-sim"), "{model}");
        if model == "production" {
            assert_eq!(answer.header("x-omniroute-attempts"), Some(attempts));
        }
    }
}

#[tokio::test]
async fn a_prompt_too_long_goes_on_to_a_larger_window() {
    let sim = simulator().await;
    let url = sim.url();
    let config = format!(
        "providers:
  small: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: none }}, models: [{{ id: context, context_tokens: 100 }}] }}
  large: {{ wire: anthropic, base_url: '{url}', auth: {{ kind: none }}, models: [{{ id: echo, context_tokens: 200000 }}] }}
combos:
  up: {{ targets: [small/context, large/echo] }}
  down: {{ targets: [small/context, small/other] }}
"
    );
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "up", false, "hello");
    let answer = client.post(&path, &[], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-omniroute-provider"), Some("large"));

    let (path, body) = ask("chat", "down", false, "hello");
    let refused = client.post(&path, &[], &body).await;
    assert_eq!(refused.json()["error"]["code"], "context_length_exceeded", "{}", refused.text());
    assert_eq!(refused.header("x-omniroute-attempts"), Some("1"));
}

#[tokio::test]
async fn a_conversation_stays_with_its_account() {
    let sim = simulator().await;
    let routing = "routing: { account_strategy: round_robin, sticky_calls: 1 }\n";
    let config = format!("{}{routing}", two_accounts(&sim, "sk-sim-ok", "sk-sim-ok"));
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let mut served = async |headers: &[(&str, &str)], key: Option<&str>| {
        let (path, mut body) = ask("chat", "chat/echo", false, "hello");
        if let Some(key) = key {
            body["prompt_cache_key"] = json!(key);
        }
        let answer = client.post(&path, headers, &body).await;
        answer.header("x-omniroute-account").unwrap().to_owned()
    };
    let first = served(&[], Some("conversation-a")).await;
    let second = served(&[], Some("conversation-b")).await;
    assert_ne!(first, second, "conversations take turns");
    for _ in 0..3 {
        assert_eq!(served(&[], Some("conversation-a")).await, first);
        assert_eq!(served(&[], Some("conversation-b")).await, second);
    }
    let claude = [("x-claude-code-session-id", "s-1")];
    let third = served(&claude, None).await;
    assert_eq!([served(&claude, None).await, served(&claude, None).await], [third.clone(), third]);
    let without = [served(&[], None).await, served(&[], None).await];
    assert_ne!(without[0], without[1], "without a conversation everybody has a turn");
}

#[tokio::test]
async fn blocked_providers_are_neither_listed_nor_asked() {
    let sim = simulator().await;
    let more = "combos: { only: { targets: [gemini-sim/echo] }, both: { targets: [gemini-sim/echo, chat/echo] } }
filters: [ model_access: { blocked_providers: [gemini-sim] } ]
";
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let listed = client.get("/v1/models", &[]).await.text();
    assert!(listed.contains("\"both\"") && !listed.contains("\"only\""), "{listed}");

    let (path, body) = ask("chat", "both", false, "hello");
    let answer = client.post(&path, &[], &body).await;
    assert_eq!(answer.header("x-omniroute-provider"), Some("chat"), "{}", answer.text());
    let (path, body) = ask("chat", "gemini-sim/echo", false, "hello");
    let blocked = client.post(&path, &[], &body).await;
    assert_eq!(blocked.status, 403, "{}", blocked.text());
}
