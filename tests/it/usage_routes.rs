//! Usage over the administration: lists, sums, exports and the check say the same, to the last digit.

use http::Method;
use omniroute_testkit::{Running, Step, simulator};
use serde_json::{Value, json};

use crate::bench::{BOSS, BOSS_LINE, Bench};
use crate::setup::all_formats_with;

const CI: &str = "ci-key-0123456789";
const TEAM: &str = "team-key-0123456789";

/// A dollar for a million tokens in, two out, at two of the providers.
fn file(sim: &Running) -> String {
    let keys = format!(
        "client_keys:\n{BOSS_LINE}  - {{ name: ci, key: {CI} }}\n  - {{ name: team, key: {TEAM} }}\n"
    );
    let prices = "pricing: { chat/*: { input: $1, output: $2 }, gemini-sim/*: { input: $0.30, output: $0.40 } }\n";
    let combos = "combos: { pair: { targets: [gemini-sim/echo] } }\n";
    all_formats_with(sim, &format!("{keys}{prices}{combos}"))
}

/// Seven calls: three good ones of `ci` at `chat`, two of `team` through a combo, one without a price, one
/// that nobody served.
async fn used(sim: &Running) -> Bench {
    let mut bench = Bench::start(&file(sim)).await;
    for (key, model, status) in [
        (CI, "chat/echo", 200),
        (CI, "chat/echo", 200),
        (TEAM, "pair", 200),
        (CI, "chat/echo", 200),
        (TEAM, "pair", 200),
        (TEAM, "anthropic-sim/echo", 200),
        (CI, "nobody/echo", 404),
    ] {
        assert_eq!(bench.chat(key, model).await.status, status, "{model}");
        bench.settle().await;
    }
    bench
}

fn sum(rows: &[Value], of: impl Fn(&Value) -> bool) -> u64 {
    let rows = rows.iter().filter(|row| of(row));
    rows.map(|row| row["cost_nanodollars"].as_u64().unwrap_or_default()).sum()
}

#[tokio::test]
async fn calls_are_listed_newest_first_in_pages_and_by_filter() {
    let sim = simulator().await;
    let mut bench = used(&sim).await;

    let mut paths = vec!["/api/usage?limit=3".to_owned()];
    let mut rows = Vec::new();
    while let Some(path) = paths.pop() {
        let page = bench.read(&path).await;
        rows.extend(page["requests"].as_array().unwrap().clone());
        if let Some(next) = page["next"].as_str() {
            paths.push(format!("/api/usage?limit=3&before={next}"));
        }
    }
    assert_eq!(rows.len(), 7);
    assert_eq!((&rows[0]["status"], &rows[0]["error"]), (&json!(404), &json!("model_not_found")));
    assert_eq!((&rows[6]["client_key"], &rows[6]["provider"]), (&json!("ci"), &json!("chat")));
    let nanodollars = rows[6]["cost_nanodollars"].as_u64().unwrap();
    assert!(nanodollars > 0);
    let digits = format!("0.{nanodollars:09}");
    assert_eq!(rows[6]["cost"].as_str().unwrap(), digits.trim_end_matches('0'));
    assert_eq!(rows[1]["cost"], Value::Null, "a price that nobody knows is none");
    let first = rows[6]["time"].as_str().unwrap().to_owned();
    let times: Vec<_> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
    assert!(times.windows(2).all(|two| two[0] >= two[1]), "{times:?}");

    for (query, expected) in [
        ("key=ci", 4),
        ("apiKey=team", 3),
        ("provider=chat", 3),
        ("account=gemini-1", 2),
        ("combo=pair", 2),
        ("model=echo", 6),
        ("status=ok", 6),
        ("status=error", 1),
        ("status=404", 1),
        ("status=500", 0),
        ("key=ci&status=200", 3),
        ("until=2020-01-01", 0),
        ("range=1d", 7),
        (&format!("until={first}"), 0),
        (&format!("from={first}"), 7),
    ] {
        let page = bench.read(&format!("/api/usage?{query}")).await;
        assert_eq!(page["requests"].as_array().unwrap().len(), expected, "{query}: {page}");
    }
    for (query, word) in [
        ("limit=0", "from 1 to 500"),
        ("limit=many", "limit"),
        ("status=bad", "429"),
        ("before=x", "id of a record"),
        ("from=yesterday", "2027-01-01"),
        ("range=1w", "90d"),
        ("range=1d&from=2027-01-01", "already"),
        ("from=2027-01-02&until=2027-01-01", "until"),
        ("keys=ci", "keys"),
    ] {
        let refused = bench.send(Method::GET, &format!("/api/usage?{query}"), Value::Null).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text());
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(word), "{query}: {message}");
    }
}

#[tokio::test]
async fn sums_are_those_of_the_calls_and_the_check_says_so() {
    let sim = simulator().await;
    let mut bench = used(&sim).await;
    let rows = bench.read("/api/usage").await["requests"].as_array().unwrap().clone();
    let total = sum(&rows, |_| true);

    let whole = bench.read("/api/usage/summary").await;
    assert_eq!(whole["total"]["calls"], 7);
    assert_eq!(whole["total"]["cost_nanodollars"], total);
    assert_eq!(whole["total"]["unpriced"], 1);
    assert_eq!(whole["groups"], json!([]));
    for (by, field) in [
        ("provider", "provider"),
        ("account", "account"),
        ("key", "client_key"),
        ("combo", "combo"),
    ] {
        let summary = bench.read(&format!("/api/usage/summary?by={by}&step=day&range=7d")).await;
        let groups = summary["groups"].as_array().unwrap();
        for group in groups {
            let name = group[by].as_str().unwrap();
            let of_name = |row: &Value| row[field].as_str().unwrap_or_default() == name;
            assert_eq!(group["cost_nanodollars"], sum(&rows, of_name), "{by}: {group}");
            assert!(group["start"].as_str().unwrap().ends_with("T00:00:00.000Z"), "{group}");
        }
        let calls: u64 = groups.iter().map(|group| group["calls"].as_u64().unwrap()).sum();
        assert_eq!(calls, 7, "{by}: {summary}");
    }
    let filtered = bench.read("/api/usage/summary?by=model,provider&step=hour&key=team").await;
    assert_eq!(filtered["total"]["calls"], 3);
    assert_eq!(
        filtered["total"]["cost_nanodollars"],
        sum(&rows, |row| row["client_key"] == "team")
    );
    for query in [
        "by=price",
        "by=key,key",
        "step=week",
        "status=ok",
        "offset_minutes=9999&step=day",
        "offset_minutes=-2147483648",
    ] {
        let path = format!("/api/usage/summary?{query}");
        assert_eq!(bench.send(Method::GET, &path, Value::Null).await.status, 400, "{query}");
    }

    let checked = bench.read("/api/usage/check").await;
    assert_eq!(
        (&checked["ok"], &checked["rows"], &checked["faults"]),
        (&json!(true), &json!(7), &json!([]))
    );
    assert!(checked["hours"].as_u64().unwrap() >= 1);
}

#[tokio::test]
async fn exports_hold_the_same_calls_in_both_forms() {
    let sim = simulator().await;
    let mut bench = used(&sim).await;
    let rows = bench.read("/api/usage").await["requests"].as_array().unwrap().clone();

    let csv = bench.client.get("/api/usage/export?format=csv", &[BOSS]).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"usage.csv\""));
    let text = csv.text();
    let lines: Vec<&str> = text.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 8, "{text}");
    let column = lines[0].split(',').position(|name| name == "cost_usd").unwrap();
    let costs = lines[1..].iter().map(|line| line.split(',').nth(column).unwrap());
    let nanodollars = costs.filter(|cost| !cost.is_empty()).map(|cost| {
        let (dollars, decimals) = cost.split_once('.').unwrap();
        dollars.parse::<u64>().unwrap() * 1_000_000_000 + decimals.parse::<u64>().unwrap()
    });
    assert_eq!(nanodollars.sum::<u64>(), sum(&rows, |_| true));

    let exported = bench.read("/api/usage/export?format=json&key=team").await;
    let exported = exported.as_array().unwrap();
    assert_eq!(exported.len(), 3);
    assert_eq!(exported[0]["id"], rows[1]["id"]);
    let path = "/api/usage/export?format=xml";
    assert_eq!(bench.send(Method::GET, path, Value::Null).await.status, 400);
}

#[tokio::test]
async fn the_old_names_say_the_same_in_their_own_words() {
    let sim = simulator().await;
    let mut bench = used(&sim).await;
    let rows = bench.read("/api/usage").await["requests"].as_array().unwrap().clone();
    let digits = |nanodollars: u64| format!("0.{nanodollars:09}").trim_end_matches('0').to_owned();
    let total = digits(sum(&rows, |_| true));

    let history = bench.client.get("/api/usage/history", &[BOSS]).await;
    let text = history.text();
    assert!(text.contains(&format!("\"totalCost\":{total},")), "all digits of {total}: {text}");
    let history = history.json();
    assert_eq!(history["totalRequests"], 7);
    assert_eq!(history["byProvider"]["chat"]["requests"], 3);
    assert_eq!(history["byApiKey"]["team"]["requests"], 3);
    assert_eq!(history["byModel"]["echo (gemini-sim)"]["requests"], 2);
    assert_eq!(history["byAccount"]["(none)"]["failedRequests"], 1);
    let minutes = history["last10Minutes"].as_array().unwrap();
    let in_minutes: u64 = minutes.iter().map(|minute| minute["requests"].as_u64().unwrap()).sum();
    assert_eq!((minutes.len(), in_minutes), (10, 7));

    let analytics = bench.client.get("/api/usage/analytics?range=7d", &[BOSS]).await;
    assert!(analytics.text().contains(&format!("\"cost\":{total},")), "{}", analytics.text());
    let analytics = analytics.json();
    let summary = &analytics["summary"];
    assert_eq!((&summary["totalRequests"], &summary["uniqueApiKeys"]), (&json!(7), &json!(2)));
    assert_eq!((&summary["uniqueAccounts"], &summary["streak"]), (&json!(3), &json!(1)));
    assert_eq!(analytics["weeklyPattern"].as_array().unwrap().len(), 7);
    let tokens = summary["totalTokens"].as_u64().unwrap();
    let days = analytics["dailyTrend"].as_array().unwrap();
    let of_days: u64 = days.iter().map(|day| day["totalTokens"].as_u64().unwrap()).sum();
    let activity = analytics["activityMap"].as_object().unwrap();
    let of_year: u64 = activity.values().map(|tokens| tokens.as_u64().unwrap()).sum();
    assert!(tokens > 0 && of_days == tokens && of_year == tokens, "{analytics}");

    let log = bench.read("/api/usage/call-logs?status=error").await;
    let failed = &log.as_array().unwrap()[0];
    assert_eq!((&failed["status"], &failed["apiKeyName"]), (&json!(404), &json!("ci")));
    let found = bench.read("/api/usage/call-logs?search=GEMINI").await;
    assert_eq!(found.as_array().unwrap().len(), 2);
    for id in ["id", "requestId"] {
        let path = format!("/api/usage/call-logs/{}", failed[id].as_str().unwrap());
        assert_eq!(bench.read(&path).await["id"], failed["id"], "{path}");
    }
    let none = bench.send(Method::GET, "/api/usage/call-logs/nothing", Value::Null).await;
    assert_eq!(none.status, 404);
    let lines = bench.read("/api/usage/request-logs?limit=2").await;
    assert!(lines[0].as_str().unwrap().ends_with("| 404"), "{lines}");
    assert_eq!(lines.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn running_calls_are_pending() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    sim.script([Step::new().hang()]);
    let address = bench.gateway.address();
    let mut asking =
        omniroute_testkit::Client::connect(address, omniroute_testkit::Protocol::Http1).await;
    let (path, body) = crate::setup::ask("chat", "chat/echo", false, "hello");
    let header = format!("Bearer {CI}");
    let headers = [("authorization", header.as_str())];
    let mut asked = std::pin::pin!(asking.post(&path, &headers, &body));
    while sim.counts().requests == 0 {
        assert!(futures_util::poll!(asked.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    let history = bench.read("/api/usage/history").await;
    assert_eq!(history["pending"]["byAccount"]["chat-1"], 1, "{history}");
    assert_eq!(history["activeRequests"][0]["provider"], "chat");
}

#[tokio::test]
async fn the_store_has_metrics_of_what_waits_and_what_was_written() {
    let sim = simulator().await;
    let mut bench = used(&sim).await;
    bench.read("/api/usage/check").await;

    let metric = |name: &str| bench.gateway.metric(&format!("omniroute_store_{name}"));
    assert!((metric("up ") - 1.0).abs() < f64::EPSILON);
    assert!(metric("commits ") >= 1.0);
    assert!(metric("last_commit_age_seconds ") > 0.0);
    let places = ["queue", "spill", "lost"];
    let text = String::from_utf8(bench.gateway.shared().metrics_text()).unwrap();
    for place in places {
        let line = format!("omniroute_store_backlog_records{{place=\"{place}\"}} 0");
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    assert!(text.lines().any(|found| found == "omniroute_store_queued_changes 0"));
}
