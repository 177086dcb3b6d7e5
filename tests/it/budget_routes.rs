//! Budgets over the administration: in the guide's words and in the existing product's, kept and obeyed.

use bytes::Bytes;
use http::Method;
use omniroute_testkit::{Running, simulator, whole};
use serde_json::{Value, json};

use crate::bench::{BOSS, BOSS_LINE, Bench};
use crate::setup::{all_formats_with, error_message};

/// A dollar for a million tokens in, two out; the file has a key `ci` with a budget of its own.
fn file(sim: &Running) -> String {
    let keys = format!(
        "client_keys:\n{BOSS_LINE}  - {{ name: ci, key: ci-key-0123456789, budget: {{ limit: $2, period: weekly }} }}\n"
    );
    all_formats_with(sim, &format!("{keys}pricing: {{ chat/*: {{ input: $1, output: $2 }} }}\n"))
}

async fn with_key(sim: &Running, name: &str) -> (Bench, String) {
    let mut bench = Bench::start(&file(sim)).await;
    let made = bench.done(Method::POST, "/api/keys", json!({ "name": name })).await;
    let key = made["key"].as_str().unwrap().to_owned();
    (bench, key)
}

const PATH: &str = "/api/usage/budget";

#[tokio::test]
async fn the_guides_lines_set_and_show_a_budget_that_is_kept_and_obeyed() {
    let sim = simulator().await;
    let (mut bench, key) = with_key(&sim, "key-123").await;
    // As curl sends it: byte for byte, with the zeros.
    let body = r#"{"keyId": "key-123", "limit": 50.00, "period": "monthly"}"#;
    let headers = [BOSS, ("content-type", "application/json")];
    let sent = whole(Bytes::from_static(body.as_bytes()));
    let set = bench.client.send(Method::POST, PATH, &headers, sent).await;
    assert_eq!(set.status, 200, "{}", set.text());
    assert_eq!(set.json()["success"], true);

    let all = bench.read(PATH).await;
    let names: Vec<_> =
        all["budgets"].as_array().unwrap().iter().map(|key| key["keyId"].clone()).collect();
    assert_eq!(names, ["boss", "ci", "key-123"]);
    let budget = &all["budgets"][2]["budgets"][0];
    assert_eq!((&budget["period"], &budget["limit"]), (&json!("monthly"), &json!("50.00")));
    assert_eq!(budget["limitNanodollars"], 50_000_000_000_u64);
    assert_eq!(all["budgets"][1]["origin"], "file");

    assert_eq!(bench.chat(&key, "chat/echo").await.status, 200);
    bench.settle().await;
    let cost = spent(&mut bench, "key-123", "monthly").await;
    assert!(cost > 0);
    let mut bench = bench.restarted().await;
    assert_eq!(spent(&mut bench, "key-123", "monthly").await, cost, "after a restart");

    // No room for one more call.
    let tight = json!({ "keyId": "key-123", "limit": "0.000050", "period": "daily" });
    bench.done(Method::POST, PATH, tight).await;
    assert_eq!(spent(&mut bench, "key-123", "daily").await, cost, "what came before counts");
    let refused = bench.chat(&key, "chat/echo").await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(error_message(&refused.json()).contains("daily budget"), "{}", refused.text());

    let gone =
        bench.done(Method::DELETE, "/api/usage/budget?keyId=key-123&period=daily", Value::Null);
    let left = gone.await;
    assert_eq!(left["budgets"].as_array().unwrap().len(), 1, "{left}");
    assert_eq!(bench.chat(&key, "chat/echo").await.status, 200);
    bench.done(Method::DELETE, "/api/usage/budget?keyId=key-123", Value::Null).await;
    assert_eq!(bench.read("/api/usage/budget?keyId=key-123").await["budget"], Value::Null);
}

/// Returns what a key has spent in nanodollars.
async fn spent(bench: &mut Bench, key: &str, period: &str) -> u64 {
    let shown = bench.read(&format!("/api/usage/budget?keyId={key}")).await;
    let budgets = shown["budgets"].as_array().unwrap();
    let budget = budgets.iter().find(|budget| budget["period"] == period).unwrap();
    let (limit, spent, left) = (
        budget["limitNanodollars"].as_u64().unwrap(),
        budget["spentNanodollars"].as_u64().unwrap(),
        budget["leftNanodollars"].as_u64().unwrap(),
    );
    assert_eq!((spent + left, &budget["reserved"]), (limit.max(spent), &json!("0.00")), "{shown}");
    spent
}

#[tokio::test]
async fn the_other_products_form_sets_several_and_leaves_what_it_does_not_name() {
    let sim = simulator().await;
    let (mut bench, key) = with_key(&sim, "team").await;
    let both = json!({ "apiKeyId": "team", "dailyLimitUsd": 1.5, "monthlyLimitUsd": 20, "warningThreshold": 0.9 });
    let set = bench.done(Method::POST, PATH, both).await;
    assert_eq!((&set["success"], &set["apiKeyId"]), (&json!(true), &json!("team")));
    bench.done(Method::POST, PATH, json!({ "apiKeyId": "team", "weeklyLimitUsd": 5 })).await;
    bench.done(Method::POST, PATH, json!({ "keyId": "team", "limit": 2, "period": "daily" })).await;
    bench.chat(&key, "chat/echo").await;
    bench.settle().await;

    let shown = bench.client.get("/api/usage/budget?apiKeyId=team", &[BOSS]).await;
    let text = shown.text();
    let shown = shown.json();
    let old = &shown["budget"];
    assert_eq!(
        (&old["dailyLimitUsd"], &old["weeklyLimitUsd"], &old["monthlyLimitUsd"]),
        (&json!(2.0), &json!(5.0), &json!(20.0))
    );
    assert_eq!(old["warningThreshold"], 0.8, "the weekly one's own");
    assert_eq!(shown["budgets"][0]["warnAt"], json!([0.9]), "kept by the new limit");
    assert_eq!(
        (&shown["budgetCheck"]["allowed"], &shown["totalEntries"]),
        (&json!(true), &json!(1))
    );
    // A number, with all its digits.
    let cost = shown["budgets"][0]["spent"].as_str().unwrap();
    assert!(cost.len() > 5 && text.contains(&format!("\"dailyTotal\":{cost},")), "{text}");

    let one = json!({ "apiKeyId": "team", "dailyLimitUsd": null });
    let left = bench.done(Method::POST, PATH, one).await;
    let periods: Vec<_> =
        left["budgets"].as_array().unwrap().iter().map(|budget| budget["period"].clone()).collect();
    assert_eq!(periods, ["monthly", "weekly"]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let sim = simulator().await;
    let (mut bench, _) = with_key(&sim, "team").await;
    let before = bench.gateway.shared().live.load().revision;
    for (body, status, word) in [
        (json!({ "keyId": "nobody", "limit": 1, "period": "daily" }), 404, "nobody"),
        (json!({ "keyId": "ci", "limit": 1, "period": "weekly" }), 409, "configuration file"),
        (json!({ "keyId": "team", "limit": 0, "period": "daily" }), 400, "above 0"),
        (json!({ "keyId": "team", "limit": -1, "period": "daily" }), 400, "`-1`"),
        (json!({ "keyId": "team", "limit": "0.0000000001", "period": "daily" }), 400, "nine"),
        (json!({ "keyId": "team", "limit": 1, "period": "yearly" }), 400, "weekly"),
        (json!({ "keyId": "team", "limit": 1 }), 400, "period"),
        (json!({ "keyId": "team" }), 400, "limit"),
        (
            json!({ "keyId": "team", "limit": 1, "period": "daily", "resetTime": "1" }),
            400,
            "resetTime",
        ),
        (
            json!({ "keyId": "team", "limit": 1, "period": "daily", "timezone": "Mars/Base" }),
            422,
            "Mars/Base",
        ),
        (json!({ "apiKeyId": "team", "dailyLimitUsd": 1, "warningThreshold": 2 }), 422, "share"),
    ] {
        let answer = bench.send(Method::POST, PATH, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(word), "{body}: {}", answer.text());
    }
    for path in ["/api/usage/budget?keyId=nobody", "/api/usage/budget?keyId=nobody&limit=x"] {
        assert!(matches!(bench.send(Method::GET, path, Value::Null).await.status, 400 | 404));
    }
    assert_eq!(bench.send(Method::DELETE, PATH, Value::Null).await.status, 400);
    assert_eq!(bench.gateway.shared().live.load().revision, before);

    let stale = [BOSS, ("if-match", "\"0\"")];
    let body = json!({ "keyId": "team", "limit": 1, "period": "daily" });
    assert_eq!(bench.send_with(&stale, Method::POST, PATH, body.clone()).await.status, 412);
    bench.done(Method::POST, PATH, body).await;
    let log = bench.read("/api/audit?limit=1").await;
    let entry = &log["entries"][0];
    assert_eq!((&entry["action"], &entry["object"]), (&json!("client_key.update"), &json!("team")));
    assert_eq!(entry["after"]["budget"][0]["limit"], "$1");
}
