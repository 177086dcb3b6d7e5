//! The request log: what is known of each call, bodies where they are switched on, and getting rid of both.

use std::time::Duration;

use http::Method;
use omniroute_testkit::{Client, Protocol, Running, Step, simulator};
use serde_json::{Value, json};

use crate::bench::{BOSS_LINE, Bench};
use crate::setup::{FORMATS, all_formats_with, ask, prefix};

const CI: &str = "ci-key-0123456789";
const PROMPT: &str = "canary prompt, twice: canary";

/// The settings of the filter, in a file that is otherwise as the tests of usage have it.
fn file(sim: &Running, request_log: &str) -> String {
    let keys = format!("client_keys:\n{BOSS_LINE}  - {{ name: ci, key: {CI} }}\n");
    let more = "combos: { pair: { targets: [chat/500, gemini-sim/echo] } }\n";
    let filters = format!("filters: {{ request_log: {request_log} }}\n");
    all_formats_with(sim, &format!("{keys}{more}{filters}"))
}

impl Bench {
    /// Calls a model and waits until the call is over; returns what the client got.
    async fn called(&mut self, id: &str, format: &str, model: &str, stream: bool) -> String {
        let (path, body) = ask(format, model, stream, PROMPT);
        let mut client = Client::connect(self.gateway.address(), Protocol::Http1).await;
        let bearer = format!("Bearer {CI}");
        let headers = [("x-request-id", id), ("authorization", bearer.as_str())];
        let answer = client.post(&path, &headers, &body).await;
        self.settle().await;
        answer.text()
    }

    /// Saves other settings of the filter and has them read.
    fn reconfigure(&self, file: &str) {
        std::fs::write(self.folder.path().join("omniroute.yaml"), file).unwrap();
        self.gateway.shared().live.reload().unwrap();
    }

    fn database_holds(&self, text: &str) -> bool {
        let database = std::fs::read(self.folder.path().join("data/omniroute.redb")).unwrap();
        memchr::memmem::find(&database, text.as_bytes()).is_some()
    }
}

#[tokio::test]
async fn a_logged_call_says_all_that_is_wanted_at_night() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "{}")).await;
    bench.called("night-1", "anthropic", "pair", false).await;
    sim.script([Step::reply(400).piece(r#"{"error":{"message":"no such thing"}}"#)]);
    bench.called("night-2", "chat", "chat/echo", false).await;

    let list = bench.read("/api/requests").await;
    let listed = list["requests"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{list}");
    let (failed, served) = (&listed[0], &listed[1]);
    assert_eq!((&failed["status"], &failed["error"]), (&json!(400), &json!("upstream_error")));
    assert_eq!(failed["error_text"], "no such thing");
    for (field, expected) in [
        ("request_id", json!("night-1")),
        ("client_key", json!("ci")),
        ("address", json!("127.0.0.1")),
        ("format", json!("anthropic")),
        ("method", json!("POST")),
        ("path", json!("/v1/messages")),
        ("asked", json!("pair")),
        ("combo", json!("pair")),
        ("provider", json!("gemini-sim")),
        ("account", json!("gemini-1")),
        ("model", json!("echo")),
        ("status", json!(200)),
        ("attempts", json!(2)),
        ("cache", json!("bypass")),
        ("dropped", json!([])),
        ("error_text", Value::Null),
        ("logged", json!(true)),
        ("has_bodies", json!(false)),
    ] {
        assert_eq!(served[field], expected, "{field}: {served}");
    }
    let attempt = &served["failed"][0];
    assert_eq!((&attempt["provider"], &attempt["status"]), (&json!("chat"), &json!(500)));
    assert!(attempt["verdict"].is_string() && served["failed"].as_array().unwrap().len() == 1);
    assert!(served["tokens"]["output"].as_u64().unwrap() > 0, "{served}");
    assert!(served["first_byte_us"].as_u64().unwrap() <= served["duration_us"].as_u64().unwrap());

    let whole = bench.read("/api/requests/night-1").await;
    assert_eq!(whole["explain"]["attempts"].as_array().unwrap().len(), 2, "{whole}");
    assert_eq!((&whole["request_body"], &whole["response_body"]), (&Value::Null, &Value::Null));
    let own = served["id"].as_str().unwrap();
    assert_eq!(bench.read(&format!("/api/requests/{own}")).await, whole);
    bench.called("night-1", "chat", "chat/echo", false).await;
    let first = bench.read(&format!("/api/requests/{own}")).await;
    assert_eq!(first["explain"], Value::Null, "the later request with the id has another decision");
}

#[tokio::test]
async fn requests_are_found_by_who_and_how_and_when() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "{}")).await;
    for (id, model) in
        [("f-1", "chat/echo"), ("f-2", "pair"), ("f-3", "nobody/echo"), ("f-4", "chat/echo")]
    {
        bench.called(id, "chat", model, false).await;
    }
    for (query, expected) in [
        ("", vec!["f-4", "f-3", "f-2", "f-1"]),
        ("provider=chat", vec!["f-4", "f-1"]),
        ("account=gemini-1", vec!["f-2"]),
        ("model=echo&key=ci", vec!["f-4", "f-2", "f-1"]),
        ("status=4xx", vec!["f-3"]),
        ("status=2xx&provider=chat", vec!["f-4", "f-1"]),
        ("status=error", vec!["f-3"]),
        ("status=5xx", vec![]),
        ("since=2020-01-01&until=2020-01-02", vec![]),
        ("since=2020-01-01&limit=1", vec!["f-4"]),
        ("request_id=f-2", vec!["f-2"]),
    ] {
        let list = bench.read(&format!("/api/requests?{query}")).await;
        let listed = list["requests"].as_array().unwrap().iter();
        let ids: Vec<&str> = listed.map(|entry| entry["request_id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let page = bench.read("/api/requests?limit=3").await;
    let next = page["next"].as_str().unwrap();
    let last = bench.read(&format!("/api/requests?limit=3&before={next}")).await;
    assert_eq!(last["requests"][0]["request_id"], "f-1");
    for (path, status) in [
        ("/api/requests?status=6xx", 400),
        ("/api/requests?keys=ci", 400),
        ("/api/requests/nobody", 404),
    ] {
        let refused = bench.send(Method::GET, path, Value::Null).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.text());
    }
}

#[tokio::test]
async fn bodies_are_what_the_client_sent_and_got_and_nobody_reads_them_from_the_file() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "{ bodies: true }")).await;
    for format in FORMATS {
        for (stream, provider) in [(false, "chat"), (true, "anthropic"), (true, format)] {
            let id = format!("{format}-{stream}-{provider}");
            let model = format!("{}/echo", prefix(provider));
            let got = bench.called(&id, format, &model, stream).await;

            let whole = bench.read(&format!("/api/requests/{id}")).await;

            let (_, sent) = ask(format, &model, stream, PROMPT);
            assert_eq!(whole["request_body"]["text"], sent.to_string(), "{id}");
            assert_eq!(whole["response_body"]["text"], got, "{id}");
            assert_eq!(whole["response_body"]["bytes"], got.len(), "{id}");
            assert_eq!(whole["response_body"]["cut"], false, "{id}");
        }
    }
    let refused = bench.called("refused", "chat", "nobody/echo", false).await;
    let whole = bench.read("/api/requests/refused").await;
    assert_eq!(whole["response_body"]["text"], refused, "our own errors too");

    let list = bench.read("/api/requests?limit=500").await;
    let listed = list["requests"].as_array().unwrap();
    assert!(listed.len() == 13 && listed.iter().all(|entry| entry["has_bodies"] == true), "{list}");
    assert!(!list.to_string().contains("canary"), "lists show no prompts");
    for text in ["canary", "127.0.0.1\"", "/v1/messages"] {
        assert!(!bench.database_holds(text), "{text} stands in the database");
    }
    assert!(bench.database_holds("refused"), "rows of usage can be read");
    for path in ["/api/db-backups/export", "/api/db-backups/exportAll"] {
        let exported = bench.send(Method::GET, path, Value::Null).await;
        assert_eq!(exported.status, 200, "{path}");
        let holds = |name: &str| memchr::memmem::find(&exported.body, name.as_bytes()).is_some();
        assert!(!holds("request_bodies") && !holds("canary"), "{path}");
    }
    let old = bench.read("/api/usage/call-logs/chat-false-chat").await;
    assert_eq!(old["hasRequestBody"], true);
    assert_eq!(old["requestBody"]["messages"][0]["content"], PROMPT);
    assert_eq!((&old["method"], &old["path"]), (&json!("POST"), &json!("/v1/chat/completions")));
    let text = String::from_utf8(bench.gateway.shared().metrics_text()).unwrap();
    assert!(text.contains("omniroute_request_log_bodies_lost 0") && !text.contains("canary"));
}

#[tokio::test]
async fn an_edit_changes_at_once_what_is_kept() {
    let sim = simulator().await;
    let mut bench =
        Bench::start(&file(&sim, "{ bodies: true, max_body: 1KiB, max_entries: 2 }")).await;
    let (path, mut long) = ask("chat", "chat/echo", true, &"é".repeat(2000));
    long["temperature"] = json!(1);
    let bearer = format!("Bearer {CI}");
    let headers = [("x-request-id", "long"), ("authorization", bearer.as_str())];
    let answer = bench.client.post(&path, &headers, &long).await;
    bench.settle().await;
    let whole = bench.read("/api/requests/long").await;
    for (field, sent) in [("request_body", long.to_string()), ("response_body", answer.text())] {
        let kept = whole[field]["text"].as_str().unwrap();
        assert!(kept.len() <= 1024 && kept.len() > 1000 && sent.starts_with(kept), "{field}");
        assert_eq!(
            (&whole[field]["cut"], &whole[field]["bytes"]),
            (&json!(true), &json!(sent.len()))
        );
    }
    for id in ["two", "three"] {
        bench.called(id, "chat", "chat/echo", false).await;
    }
    let has_bodies = async |bench: &mut Bench, id: &str| {
        bench.read(&format!("/api/requests/{id}")).await["has_bodies"].clone()
    };
    assert_eq!(has_bodies(&mut bench, "long").await, false, "the newest two are kept");
    assert_eq!(has_bodies(&mut bench, "two").await, true);

    bench.reconfigure(&file(&sim, "{ keep: 1h }"));
    bench.called("four", "chat", "chat/echo", false).await;
    assert_eq!(has_bodies(&mut bench, "four").await, false, "bodies are off by default");
    assert_eq!(has_bodies(&mut bench, "three").await, true, "their time is not over");
    bench.gateway.clock().advance(Duration::from_secs(3601));
    assert_eq!(has_bodies(&mut bench, "three").await, false, "it is over, whatever is on the disk");
    let late = bench.read("/api/requests/three").await;
    assert_eq!((&late["request_body"], &late["logged"]), (&Value::Null, &json!(true)));

    let without = file(&sim, "{}").replace("filters: { request_log: {} }", "filters: [api_key]");
    bench.reconfigure(&without);
    bench.called("five", "chat", "chat/echo", false).await;
    let unlogged = bench.read("/api/requests/five").await;
    assert_eq!((&unlogged["logged"], &unlogged["path"]), (&json!(false), &Value::Null));
    assert_eq!((&unlogged["provider"], &unlogged["status"]), (&json!("chat"), &json!(200)));
}

#[tokio::test]
async fn answers_given_again_are_logged_as_the_client_got_them() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "{ bodies: true }")).await;
    let bearer = format!("Bearer {CI}");
    let (path, mut body) = ask("chat", "chat/echo", false, PROMPT);
    body["temperature"] = json!(0);
    let mut got = Vec::new();
    for id in ["miss", "hit"] {
        let headers = [("x-request-id", id), ("authorization", bearer.as_str())];
        got.push(bench.client.post(&path, &headers, &body).await.text());
        bench.settle().await;
    }
    let (path, body) = ask("chat", "chat/echo", true, PROMPT);
    for _ in 0..2 {
        let headers = [("idempotency-key", "again"), ("authorization", bearer.as_str())];
        got.push(bench.client.post(&path, &headers, &body).await.text());
        bench.settle().await;
    }

    let list = bench.read("/api/requests").await;
    let listed = list["requests"].as_array().unwrap().iter().rev();
    let cache: Vec<&Value> = listed.clone().map(|entry| &entry["cache"]).collect();
    assert_eq!(cache, ["miss", "hit", "bypass", "bypass"], "{list}");
    let by: Vec<&Value> = listed.clone().map(|entry| &entry["answered_by"]).collect();
    assert_eq!(by, [&Value::Null, &json!("response_cache"), &Value::Null, &json!("idempotency")]);
    for (entry, got) in listed.zip(got) {
        let id = entry["id"].as_str().unwrap();
        let whole = bench.read(&format!("/api/requests/{id}")).await;
        assert_eq!(whole["response_body"]["text"], got, "{entry}");
        assert!(whole["request_body"]["text"].as_str().unwrap().contains("canary"));
    }
}

#[tokio::test]
async fn a_purge_takes_what_it_says_at_once_and_leaves_the_ledger() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "{ bodies: true }")).await;
    for id in ["p-1", "p-2"] {
        bench.called(id, "chat", "chat/echo", false).await;
    }
    let before = bench.read("/api/usage/summary").await;

    let gone = bench.done(Method::DELETE, "/api/requests?only=bodies", Value::Null).await;
    assert_eq!(gone, json!({ "requests": 0, "bodies": 2 }));
    let left = bench.read("/api/requests/p-1").await;
    assert_eq!((&left["has_bodies"], &left["logged"]), (&json!(false), &json!(true)));
    bench.called("p-3", "chat", "chat/echo", false).await;
    let gone = bench.done(Method::DELETE, "/api/requests", Value::Null).await;
    assert_eq!(gone, json!({ "requests": 3, "bodies": 1 }));

    let left = bench.read("/api/requests/p-3").await;
    assert_eq!((&left["logged"], &left["address"]), (&json!(false), &Value::Null));
    let after = bench.read("/api/usage/summary").await;
    assert_eq!(after["total"]["calls"], 3);
    assert_eq!(before["total"]["calls"], 2);
    assert_eq!(bench.read("/api/usage/check").await["faults"], json!([]));
    let audit = bench.read("/api/audit").await;
    let purges = audit["entries"].as_array().unwrap().iter();
    let purges: Vec<&Value> =
        purges.filter(|entry| entry["action"] == "requests.purge").map(|e| &e["object"]).collect();
    assert_eq!(purges, ["request log", "bodies of requests"]);
    let wrong = bench.send(Method::DELETE, "/api/requests?only=half", Value::Null).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn only_administrators_open_the_log() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "{ bodies: true }")).await;
    bench.called("mine", "chat", "chat/echo", false).await;
    let bearer = format!("Bearer {CI}");
    for (headers, status) in [(vec![], 401), (vec![("authorization", bearer.as_str())], 403)] {
        for (method, path) in [
            (Method::GET, "/api/requests"),
            (Method::GET, "/api/requests/mine"),
            (Method::GET, "/api/requests/mine/explain"),
            (Method::DELETE, "/api/requests"),
        ] {
            let refused = bench.send_with(&headers, method, path, Value::Null).await;
            assert_eq!(refused.status, status, "{path}");
            assert!(!refused.text().contains("canary"), "{path}");
        }
    }
    assert_eq!(bench.read("/api/requests/mine").await["has_bodies"], true, "nothing was purged");
}

#[tokio::test]
async fn bodies_and_log_outlive_a_restart_and_the_explanation_does_not() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "{ bodies: true }")).await;
    bench.called("kept", "gemini", "pair", true).await;
    let before = bench.read("/api/requests/kept").await;

    let mut bench = bench.restarted().await;

    let mut after = bench.read("/api/requests/kept").await;
    assert_eq!(after["explain"], Value::Null);
    after["explain"] = before["explain"].clone();
    assert_eq!(after, before);
    assert_eq!(after["failed"][0]["status"], 500, "the verdicts stay");
}
