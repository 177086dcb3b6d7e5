//! The six cards of the health screen, over the wire.

use std::time::Duration;

use http::Method;
use omniroute_testkit::{Running, Step, simulator};
use serde_json::{Value, json};

use crate::bench::{BOSS_LINE, Bench};
use crate::setup::{all_formats_with, ask};

const CI: &str = "ci-key-0123456789";

fn file(sim: &Running) -> String {
    let keys = format!("client_keys:\n{BOSS_LINE}  - {{ name: ci, key: {CI} }}\n");
    let resilience = "resilience: { profiles: { api_key: { failure_threshold: 2 } } }\n";
    all_formats_with(sim, &format!("{keys}{resilience}"))
}

#[tokio::test]
async fn the_system_card_tells_what_runs_where_since_when() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    bench.gateway.clock().advance(Duration::from_secs(3600));

    let health = bench.read("/api/health").await;

    assert_eq!((&health["status"], &health["troubles"]), (&json!("healthy"), &json!([])));
    let system = &health["system"];
    assert_eq!(system["version"], env!("CARGO_PKG_VERSION"));
    assert!((3600..3700).contains(&system["uptime"].as_u64().unwrap()), "{system}");
    assert!(system["memoryUsage"]["rss"].as_u64().unwrap() > 1024 * 1024, "{system}");
    let folder = bench.folder.path().join("data").display().to_string();
    assert_eq!(system["dataDir"], folder);
    assert_eq!((&system["accounts"], &system["pid"]), (&json!(4), &json!(std::process::id())));
    let store = &system["store"];
    assert_eq!((&store["available"], &store["lost"]), (&json!(true), &json!(0)));
    assert!(store["commits"].as_u64().unwrap() > 0 && store["lastCommitMs"].is_u64(), "{store}");
    assert_eq!(bench.client.get("/api/health", &[]).await.status, 401, "not for everybody");
    let broken = std::fs::write(bench.folder.path().join("omniroute.yaml"), "server: [");
    broken.unwrap();
    assert_eq!(bench.send(Method::POST, "/api/config/reload", Value::Null).await.status, 422);
    assert_eq!(bench.read("/api/monitoring/health").await["status"], "degraded");
}

#[tokio::test]
async fn breakers_rests_and_latencies_are_those_of_now() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    assert_eq!(bench.chat(CI, "gemini-sim/echo").await.status, 200);
    sim.script([Step::reply(429).header("retry-after", "30").piece("{}")]);
    bench.chat(CI, "anthropic-sim/echo").await;
    while bench.read("/api/health").await["providerHealth"]["chat"]["state"] != "open" {
        bench.chat(CI, "chat/500").await;
        // The account's rest is over before the next failure.
        bench.gateway.clock().advance(Duration::from_secs(4));
    }

    let health = bench.read("/api/health").await;

    assert_eq!(health["status"], "degraded");
    let trouble = health["troubles"][0].as_str().unwrap();
    assert!(trouble.contains("breaker of `chat` is open"), "{trouble}");
    let breaker = &health["providerHealth"]["chat"];
    assert_eq!(breaker["openings"], 1);
    assert!((1..=30_000).contains(&breaker["openForMs"].as_u64().unwrap()), "{breaker}");
    assert_eq!(health["providerHealth"]["gemini-sim"]["state"], "closed");
    let rests = health["rateLimits"].as_array().unwrap();
    let rest = rests.iter().find(|rest| rest["account"] == "anthropic-1").unwrap();
    assert_eq!(
        (&rest["provider"], &rest["reason"]),
        (&json!("anthropic-sim"), &json!("rate_limit"))
    );
    assert!((1..=30_000).contains(&rest["remainingMs"].as_u64().unwrap()), "{rest}");
    let latency = &health["latency"]["gemini-sim"];
    assert_eq!(latency["answers"], 1, "{health}");
    assert!(latency["p50_ms"].as_u64().unwrap() <= latency["p99_ms"].as_u64().unwrap());
    assert_eq!(health["latency"]["responses-sim"], Value::Null, "nobody asked it");

    bench.done(Method::DELETE, "/api/monitoring/health", Value::Null).await;
    let health = bench.read("/api/health").await;
    assert_eq!((&health["status"], &health["rateLimits"]), (&json!("healthy"), &json!([])));
}

#[tokio::test]
async fn lockouts_and_the_signature_cache_have_cards() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    let schema = json!({ "type": "object", "properties": { "town": { "type": "string" } } });
    let (path, mut body) = ask("chat", "anthropic-sim/think", false, "the weather?");
    body["tools"] =
        json!([{ "type": "function", "function": { "name": "look", "parameters": schema } }]);
    let key = format!("Bearer {CI}");
    let headers = [("authorization", key.as_str())];
    let reply = bench.client.post(&path, &headers, &body).await.json();
    let mut call = reply["choices"][0]["message"]["tool_calls"][0].clone();
    call.as_object_mut().unwrap().remove("extra_content");
    let cache = bench.read("/api/health").await["caches"]["signature"].clone();
    assert_eq!((&cache["activeKeys"], &cache["hitRate"]), (&json!(1), &Value::Null), "{cache}");
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
    turns.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": "rain" }));
    assert_eq!(bench.client.post(&path, &headers, &body).await.status, 200);
    let cache = bench.read("/api/health").await["caches"]["signature"].clone();
    assert_eq!((&cache["hits"], &cache["hitRate"]), (&json!(1), &json!(1.0)), "{cache}");

    for guess in 0..10 {
        assert_eq!(bench.chat(&format!("guess-0123456789-{guess}"), "chat/echo").await.status, 401);
    }
    let health = bench.read("/api/health").await;
    assert_eq!(health["lockouts"][0]["address"], "127.0.0.1");
    assert!(health["lockouts"][0]["left_ms"].as_u64().unwrap() > 800_000, "{health}");
}
