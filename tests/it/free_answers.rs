//! Answers that are given again: what they cost, and what the administration says of them.

use http::Method;
use omniroute_core::money::Nanodollars;
use omniroute_testkit::{
    Answer, Client, Gate, Protocol, Running, Step, TestGateway, simulator, whole,
};
use serde_json::{Value, json};

use crate::budgets::{KEY, settled};
use crate::repeats::{rest, until};
use crate::setup::{FORMATS, all_formats_with, ask};
use crate::usage::rows;

const BOSS: [(&str, &str); 1] = [("authorization", "Bearer boss-key-0123456789")];

/// One key with a budget and a limit, one for the administration; a dollar for a million tokens in, two out.
const SETTINGS: &str = "client_keys:
  - { name: ci, key: ci-key-0123456789, budget: { limit: $1, period: daily }, limits: { rpm: 100 } }
  - { name: boss, key: boss-key-0123456789, scopes: [admin] }
pricing: { chat/*: { input: $1, output: $2 } }
";

async fn started(sim: &Running) -> (TestGateway, Client) {
    let gateway = TestGateway::start(&all_formats_with(sim, SETTINGS)).await;
    let client = Client::connect(gateway.address(), Protocol::Http1).await;
    (gateway, client)
}

/// A request with a bound on its answer, so that a budget has room for it.
fn bounded(format: &str, stream: bool, temperature: f64) -> (String, Value) {
    let (path, mut body) = ask(format, "chat/echo?input=11", stream, "hello");
    let (limit, sampling) = match format {
        "gemini" => {
            let config = json!({ "maxOutputTokens": 50, "temperature": temperature });
            body["generationConfig"] = config;
            return (path, body);
        }
        "responses" => ("max_output_tokens", "temperature"),
        _ => ("max_tokens", "temperature"),
    };
    body[limit] = 50.into();
    body[sampling] = temperature.into();
    (path, body)
}

#[tokio::test]
async fn an_answer_given_again_takes_nothing_of_a_budget_and_counts_as_a_request() {
    let sim = simulator().await;
    let (gateway, mut client) = started(&sim).await;
    let mut expected = Vec::new();
    for format in FORMATS {
        for (filter, stream, temperature) in [
            ("response_cache", false, 0.0),
            ("idempotency", false, 0.5),
            ("idempotency", true, 0.5),
        ] {
            let (path, body) = bounded(format, stream, temperature);
            let id = format!("{format}-{filter}-{stream}");
            let names = [format!("{id}-first"), format!("{id}-again")];
            let headers = |name| {
                let key = (filter == "idempotency").then_some(("idempotency-key", id.as_str()));
                [KEY, ("x-request-id", name)].into_iter().chain(key).collect::<Vec<_>>()
            };

            let first = client.post(&path, &headers(&names[0]), &body).await;
            let before = settled(&gateway).await;
            let again = client.post(&path, &headers(&names[1]), &body).await;
            let after = settled(&gateway).await;

            let case = format!("{id}: {}", again.text());
            assert_eq!((first.status, again.status), (200, 200), "{case}");
            assert_eq!(first.body, again.body, "{case}");
            assert_eq!(sim.take_seen().len(), 1, "{case}");
            assert_eq!((before.spent, before.reserved), (after.spent, after.reserved), "{case}");
            assert_eq!(again.header("x-omniroute-cost"), Some("0.00"), "{case}");
            if format == "chat" {
                assert_eq!(left(&first) - 1, left(&again), "{case}: limits count it");
            }
            expected.extend(names.into_iter().zip([None, Some(filter)]));
        }
    }
    // The next request on the connection comes after the last one's end.
    client.get("/livez", &[]).await;
    let spent = settled(&gateway).await.spent;

    let rows = rows(&gateway).await;

    assert_eq!(rows.len(), expected.len());
    for (name, filter) in expected {
        let row = rows.iter().find(|row| *row.request_id == *name).unwrap();
        assert_eq!(row.answered_by.as_deref(), filter, "{row:?}");
    }
    for row in &rows {
        let is_free = row.answered_by.is_some();
        assert_eq!(row.cost_nanodollars == Some(0), is_free, "{row:?}");
        assert_eq!(row.attempts == 0 && row.tokens.output == 0, is_free, "{row:?}");
    }
    let sum: u64 = rows.iter().filter_map(|row| row.cost_nanodollars).sum();
    assert_eq!(Nanodollars::new(sum), spent);
    assert!(spent > Nanodollars::ZERO);
}

/// Returns how many requests the key may still make.
fn left(answer: &Answer) -> u32 {
    answer.header("x-ratelimit-remaining-requests").unwrap().parse().unwrap()
}

#[tokio::test]
async fn who_follows_pays_nothing_and_who_was_first_pays_also_after_leaving() {
    let sim = simulator().await;
    let (gateway, mut one) = started(&sim).await;
    let mut two = Client::connect(gateway.address(), Protocol::Http1).await;
    let gate = Gate::new();
    let event = |text: &str, rest: &str| {
        format!(
            "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}{rest}}}]}}\n\n"
        )
    };
    let end = event("two", ",\"finish_reason\":\"stop\"");
    let usage = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\ndata: [DONE]\n\n";
    let step = Step::reply(200).header("content-type", "text/event-stream");
    sim.script([step.piece(event("one", "")).gate(&gate).piece(end + usage)]);
    let (path, body) = bounded("chat", true, 0.5);
    let headers = [KEY, ("idempotency-key", "one")];
    let bytes = || whole(body.to_string().into());

    let mut first = one.begin(Method::POST, &path, &headers, bytes()).await;
    until(&mut first, "one").await;
    let mut second = two.begin(Method::POST, &path, &headers, bytes()).await;
    until(&mut second, "one").await;
    drop(first);
    drop(one);
    gate.open();
    assert!(rest(second).await.contains("[DONE]"));
    two.get("/livez", &[]).await;
    let spent = settled(&gateway).await.spent;

    let rows = rows(&gateway).await;
    let row = |by: Option<&str>| rows.iter().find(|row| row.answered_by.as_deref() == by).unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((row(None).status, row(None).cost_nanodollars), (499, Some(17_000)));
    assert_eq!(row(Some("idempotency")).cost_nanodollars, Some(0));
    assert_eq!(spent, Nanodollars::new(17_000), "7 tokens in and 5 out, once");
}

#[tokio::test]
async fn the_administration_shows_what_kept_answers_save_and_forgets_them() {
    let sim = simulator().await;
    let (gateway, mut client) = started(&sim).await;
    let (path, body) = bounded("chat", false, 0.0);
    let empty = client.get("/api/cache/stats", &BOSS).await.json();
    let first = client.post(&path, &[KEY], &body).await;
    for _ in 0..3 {
        assert_eq!(
            client.post(&path, &[KEY], &body).await.header("x-omniroute-cache"),
            Some("hit")
        );
    }
    let anew = [KEY, ("x-omniroute-no-cache", "true"), ("idempotency-key", "one")];
    client.post(&path, &anew, &body).await;

    let stats = client.get("/api/cache/stats", &BOSS).await.json();
    let old = client.get("/api/cache", &BOSS).await.json();
    let health = client.get("/api/health", &BOSS).await.json();

    assert_eq!((&empty["entries"], &empty["hitRate"]), (&json!(0), &Value::Null));
    let usage = &first.json()["usage"];
    let (input, output) =
        (usage["prompt_tokens"].as_u64().unwrap(), usage["completion_tokens"].as_u64().unwrap());
    let cost = Nanodollars::new(3 * (input * 1_000 + output * 2_000));
    let length = first.body.len();
    let expected = json!({
        "entries": 1, "bytes": length, "hits": 3, "misses": 1, "bypassed": 1, "hitRate": 0.75,
        "saved": {
            "inputTokens": 3 * input, "outputTokens": 3 * output, "costUsd": cost.in_digits(),
        },
        "idempotency": { "active": 1, "bytes": length },
    });
    assert_eq!(stats, expected);
    assert_eq!(health["caches"]["response"], expected);
    let dollars = gateway.metric("omniroute_cache_saved_dollars_total");
    assert!((dollars - cost.as_dollars()).abs() < 1e-12, "{dollars}");
    let expected = json!({
        "semanticCache": {
            "memoryEntries": 1, "dbEntries": 0, "hits": 3, "misses": 1, "hitRate": 75.0,
            "tokensSaved": 3 * (input + output),
        },
        "idempotency": { "activeKeys": 1 },
    });
    assert_eq!(old, expected);
    for path in ["/api/cache", "/api/cache/stats"] {
        assert_eq!(client.get(path, &[KEY]).await.status, 403, "{path}");
    }
    for (clear, count) in [("/api/cache", 1), ("/api/cache/stats", 1)] {
        let cleared = client.send(Method::DELETE, clear, &BOSS, whole(bytes::Bytes::new())).await;
        assert_eq!(cleared.json(), json!({ "cleared": count }), "{clear}");
        let said = client.post(&path, &[KEY], &body).await;
        assert_eq!(said.header("x-omniroute-cache"), Some("miss"), "{clear}");
    }
}
