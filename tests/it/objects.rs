//! What the administration changes: in force at once, kept over a restart, owned by one side.

use http::Method;
use omniroute_testkit::{Running, simulator};
use serde_json::{Value, json};

use crate::bench::{BOSS, Bench};
use crate::setup::ask;

/// A file with a provider and an admin key; the dashboard has to add the rest.
fn file(sim: &Running) -> String {
    format!(
        "providers:
  chat: {{ wire: openai_chat, base_url: '{}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}
combos:
  written: {{ targets: [chat/echo] }}
client_keys:
  - {{ name: boss, key: boss-key-0123456789, scopes: [admin] }}
",
        sim.url()
    )
}

#[tokio::test]
async fn what_the_dashboard_adds_serves_at_once_and_after_a_restart() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;

    let account = json!({ "id": "main", "provider": "chat", "key": "sk-sim-ok" });
    let made = bench.done(Method::POST, "/api/accounts", account).await;
    assert_eq!(made["origin"], "dashboard");
    assert_eq!(made["key"], "***");
    bench
        .done(Method::POST, "/api/combos", json!({ "name": "mine", "targets": ["chat/echo"] }))
        .await;
    bench.done(Method::POST, "/api/aliases", json!({ "name": "a/b+c", "target": "mine" })).await;
    let key =
        bench.done(Method::POST, "/api/keys", json!({ "name": "team", "models": ["mine"] })).await;
    let secret = key["key"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("sk-omni-") && secret.len() > 40, "{secret}");

    for _ in 0..2 {
        assert_eq!(bench.chat(&secret, "mine").await.status, 200);
        assert_eq!(bench.chat(&secret, "written").await.status, 403, "not its model");
        let listed = bench.done(Method::GET, "/api/keys", Value::Null).await.to_string();
        assert!(!listed.contains(&secret) && listed.contains(&secret[..12]), "{listed}");
        let aliases = bench.done(Method::GET, "/api/aliases/a/b%2Bc", Value::Null).await;
        assert_eq!(aliases["target"], "mine");
        bench = bench.restarted().await;
    }
    let listed = bench.done(Method::GET, "/api/combos", Value::Null).await;
    assert_eq!(listed["combos"][0]["origin"], "file");
    assert_eq!(listed["combos"][1]["name"], "mine");

    bench.done(Method::DELETE, "/api/keys/team", Value::Null).await;
    assert_eq!(bench.chat(&secret, "mine").await.status, 401, "revoked");
    let file = std::fs::read(bench.folder.path().join("data/omniroute.redb")).unwrap();
    for secret in [secret.as_bytes(), b"sk-sim-ok"] {
        assert!(!file.windows(secret.len()).any(|window| window == secret), "in clear on the disk");
    }
}

#[tokio::test]
async fn a_change_that_does_not_fit_changes_nothing_and_names_its_fields() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    let before = bench.gateway.shared().live.load().revision;
    for (path, body, status, field) in [
        (
            "/api/accounts",
            json!({ "id": "x", "provider": "nobody", "key": "k" }),
            422,
            "accounts[\"x\"].provider",
        ),
        (
            "/api/accounts",
            json!({ "id": "x", "provider": "chat", "kye": "k" }),
            422,
            "accounts[\"x\"].kye",
        ),
        ("/api/accounts", json!({ "provider": "chat", "key": "k" }), 400, "id"),
        (
            "/api/accounts",
            json!({ "id": "x", "provider": "chat", "key": { "env": "HOME" } }),
            422,
            "accounts[\"x\"]",
        ),
        (
            "/api/combos",
            json!({ "name": "c", "targets": ["nobody/x"] }),
            422,
            "combos[\"c\"].targets[0]",
        ),
        ("/api/combos", json!({ "name": "written", "targets": ["chat/x"] }), 409, ""),
        ("/api/keys", json!({ "name": "k", "key_hash": "00" }), 400, "key_hash"),
        (
            "/api/provider-nodes",
            json!({ "id": "in", "wire": "openai_chat", "base_url": "http://169.254.169.254", "auth": { "kind": "none" } }),
            422,
            "providers[\"in\"].base_url",
        ),
        (
            "/api/provider-nodes",
            json!({ "id": "in", "wire": "openai_chat", "base_url": "http://2130706433:80", "auth": { "kind": "none" } }),
            422,
            "providers[\"in\"].base_url",
        ),
    ] {
        let refused = bench.send(Method::POST, path, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text());
        let said = refused.json();
        let details = said["error"]["details"].as_array();
        let is_named = details.is_some_and(|all| all.iter().any(|one| one["field"] == field));
        assert!(field.is_empty() || is_named, "{body}: {}", refused.text());
    }
    assert_eq!(bench.gateway.shared().live.load().revision, before);
    let edited =
        bench.send(Method::PATCH, "/api/combos/written", json!({ "strategy": "random" })).await;
    assert_eq!(edited.status, 409, "the file owns it: {}", edited.text());
}

#[tokio::test]
async fn two_people_do_not_overwrite_each_other_unseen() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    let account = json!({ "id": "main", "provider": "chat", "key": "sk-sim-ok" });
    bench.done(Method::POST, "/api/accounts", account).await;
    let read = bench.send(Method::GET, "/api/accounts/main", Value::Null).await;
    let tag = read.header("etag").unwrap().to_owned();

    let change = json!({ "priority": 5 });
    let if_match = [BOSS, ("if-match", tag.as_str())];
    let path = "/api/accounts/main";
    let first = bench.send_with(&if_match, Method::PATCH, path, change.clone()).await;
    let second = bench.send_with(&if_match, Method::PATCH, path, change).await;

    assert_eq!((first.status, second.status), (200, 412));
    assert_eq!(first.json()["priority"], 5);
    assert_eq!(first.json()["key"], "***");
    // What was shown may be sent back: the stars stay the key that is kept.
    let whole = first.json();
    bench.done(Method::PUT, path, whole).await;
    let (asked, body) = ask("chat", "chat/echo", false, "hello");
    let served = bench.client.post(&asked, &[BOSS], &body).await;
    assert_eq!(served.status, 403, "an admin key calls no models");
    let key = bench.done(Method::POST, "/api/keys", json!({ "name": "team" })).await;
    assert_eq!(bench.chat(key["key"].as_str().unwrap(), "chat/echo").await.status, 200);
}

#[tokio::test]
async fn changes_are_planned_made_together_and_taken_back() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    let wanted = json!({ "changes": [
        { "kind": "account", "name": "main", "value": { "provider": "chat", "key": "sk-sim-ok" } },
        { "kind": "fallback chain", "name": "chain", "value": ["chat/echo"] },
        { "kind": "setting", "name": "routing.account_strategy", "value": "random" },
    ] });
    let planned = bench.done(Method::POST, "/api/config/plan", wanted.clone()).await;
    assert_eq!(planned["changes"].as_array().unwrap().len(), 3, "{planned}");
    assert_eq!(bench.done(Method::GET, "/api/config", Value::Null).await["generation"], 1);

    let applied = bench.done(Method::POST, "/api/config/apply", wanted).await;
    assert_eq!(applied["changes"], planned["changes"]);
    let strategy = bench.gateway.shared().live.load().routing.account_strategy.name;
    assert_eq!(strategy, "random");

    let bad = json!({ "changes": [
        { "kind": "account", "name": "more", "value": { "provider": "chat", "key": "sk-2" } },
        { "kind": "combo", "name": "broken", "value": { "targets": ["nobody/x"] } },
    ] });
    assert_eq!(bench.send(Method::POST, "/api/config/apply", bad).await.status, 422);
    assert_eq!(bench.send(Method::GET, "/api/accounts/more", Value::Null).await.status, 404);

    // The file changes too, and the way back takes both.
    let path = bench.folder.path().join("omniroute.yaml");
    let edited = file(&sim).replace("written:", "renamed:");
    std::fs::write(&path, edited).unwrap();
    bench.done(Method::POST, "/api/config/reload", Value::Null).await;
    assert_eq!(bench.send(Method::GET, "/api/combos/written", Value::Null).await.status, 404);
    let generations = bench.done(Method::GET, "/api/config/generations", Value::Null).await;
    let numbers: Vec<_> = generations["generations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["generation"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 2, 1]);

    bench.done(Method::POST, "/api/config/rollback/1", Value::Null).await;
    for _ in 0..2 {
        assert_eq!(bench.send(Method::GET, "/api/combos/written", Value::Null).await.status, 200);
        assert_eq!(bench.send(Method::GET, "/api/accounts/main", Value::Null).await.status, 404);
        let state = bench.done(Method::GET, "/api/config", Value::Null).await;
        assert_eq!(state["fileHeldBack"], true);
        bench = bench.restarted().await;
    }
    // Saving the file ends that.
    std::fs::write(&path, file(&sim).replace("written:", "saved:")).unwrap();
    bench.done(Method::POST, "/api/config/reload", Value::Null).await;
    assert_eq!(bench.send(Method::GET, "/api/combos/saved", Value::Null).await.status, 200);
    assert_eq!(bench.done(Method::GET, "/api/config", Value::Null).await["fileHeldBack"], false);
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_without_secrets() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim)).await;
    let account = json!({ "id": "main", "provider": "chat", "key": "sk-canary-77" });
    bench.done(Method::POST, "/api/accounts", account).await;
    bench
        .done(Method::PATCH, "/api/accounts/main", json!({ "key": "sk-canary-78", "priority": 3 }))
        .await;
    bench.done(Method::POST, "/api/keys", json!({ "name": "team" })).await;
    bench.done(Method::DELETE, "/api/accounts/main", Value::Null).await;

    let log = bench.done(Method::GET, "/api/audit", Value::Null).await;
    let entries = log["entries"].as_array().unwrap();
    let said: Vec<_> = entries
        .iter()
        .map(|e| (e["action"].as_str().unwrap(), e["object"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("account.delete", "main"),
            ("client_key.create", "team"),
            ("account.update", "main"),
            ("account.create", "main")
        ]
    );
    assert_eq!(entries[2]["by"], "key boss");
    assert_eq!(entries[2]["from"], "127.0.0.1");
    assert_eq!(entries[2]["after"]["priority"], 3);
    assert!(!log.to_string().contains("canary"), "{log}");
    let verified = bench.done(Method::GET, "/api/audit/verify", Value::Null).await;
    assert_eq!((&verified["ok"], &verified["entries"]), (&json!(true), &json!(4)));
}
