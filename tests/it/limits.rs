//! Limits of accounts, waits, and what providers say of their own limits; over the wire.

use std::time::Duration;

use futures_util::future::join_all;
use omniroute_testkit::{Answer, Client, Protocol, Running, Step, TestGateway, simulator};

use crate::setup::ask;

fn one_account(sim: &Running, limits: &str, more: &str) -> String {
    let url = sim.url();
    format!(
        "providers:
  chat: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
accounts:
  - {{ id: only, provider: chat, key: sk-sim-ok, limits: {{ {limits} }} }}
{more}"
    )
}

async fn call(gateway: &TestGateway, model: &str, stream: bool) -> Answer {
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", model, stream, "one two three");
    client.post(&path, &[], &body).await
}

#[tokio::test]
async fn calls_wait_their_turn_until_streams_have_ended() {
    let sim = simulator().await;
    let config =
        one_account(&sim, "concurrent: 1", "resilience: { account_limits: { max_wait: 20s } }\n");
    let gateway = TestGateway::start(&config).await;
    let calls = (0..8).map(|index| call(&gateway, "chat/echo?pace=5ms", index % 2 == 0));
    for answer in join_all(calls).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // A call of the simulator is over before the next begins, so no two ever overlapped.
    let running =
        gateway.shared().live.load().accounts.values().flatten().next().unwrap().state.running();
    assert_eq!(running, 0);
    assert_eq!(sim.connections(), 1, "one connection was enough for all of them");
}

#[tokio::test]
async fn a_wait_is_bounded_and_says_what_it_waited_for() {
    let sim = simulator().await;
    let config =
        one_account(&sim, "rpm: 1", "resilience: { account_limits: { max_wait: 50ms } }\n");
    let gateway = TestGateway::start(&config).await;
    assert_eq!(call(&gateway, "chat/echo", false).await.status, 200);

    let full = call(&gateway, "chat/echo", false).await;
    assert_eq!(full.status, 429);
    assert!(full.text().contains("rpm"), "{}", full.text());
    let wait: u64 = full.header("retry-after").unwrap().parse().unwrap();
    assert!((58..=60).contains(&wait), "{wait}");
    assert_eq!(sim.seen().len(), 1);

    gateway.clock().advance(Duration::from_secs(60));
    assert_eq!(call(&gateway, "chat/echo", false).await.status, 200);
}

#[tokio::test]
async fn who_is_only_full_can_be_asked_later_even_if_another_failed() {
    let sim = simulator().await;
    let combos = "combos: { both: { targets: [down/m, chat/echo] } }
resilience: { account_limits: { max_wait: 10ms } }
";
    let config = one_account(&sim, "rpm: 1", combos).replace(
        "accounts:",
        "  down: { wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: { kind: none } }\naccounts:",
    );
    let gateway = TestGateway::start(&config).await;
    assert_eq!(call(&gateway, "both", false).await.status, 200);
    let full = call(&gateway, "both", false).await;
    assert_eq!(full.status, 429, "{}", full.text());
    assert!(full.header("retry-after").is_some(), "{}", full.text());
}

#[tokio::test]
async fn what_a_provider_says_is_left_is_kept_to() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&one_account(&sim, "", "")).await;
    let last = Step::reply(200)
        .header("content-type", "application/json")
        .header("x-ratelimit-remaining-requests", "0")
        .header("x-ratelimit-reset-requests", "30s")
        .piece("{\"id\":\"1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}");
    sim.script([last]);
    assert_eq!(call(&gateway, "chat/echo", false).await.status, 200);

    let spared = call(&gateway, "chat/echo", false).await;
    assert_eq!((spared.status, sim.seen().len()), (429, 1), "the 429 is not asked for");
    gateway.clock().advance(Duration::from_secs(31));
    assert_eq!(call(&gateway, "chat/echo", false).await.status, 200);
}

#[tokio::test]
async fn tokens_are_counted_as_the_provider_counted_them() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&one_account(&sim, "tpm: 1000", "")).await;
    assert_eq!(call(&gateway, "chat/echo?input=990", false).await.status, 200);
    let full = call(&gateway, "chat/echo", false).await;
    assert_eq!(full.status, 429, "{}", full.text());
    assert!(full.text().contains("tpm"), "{}", full.text());
}
