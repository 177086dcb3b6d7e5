//! Settings by tab: what is in force, who owns it, and changes that the next request obeys.

use http::Method;
use omniroute_testkit::{Running, Step, simulator};
use serde_json::{Value, json};

use crate::bench::{BOSS, BOSS_LINE, Bench};
use crate::setup::{ask, two_accounts};

const CI: &str = "ci-key-0123456789";

fn file(sim: &Running, more: &str) -> String {
    let keys = format!("client_keys:\n{BOSS_LINE}  - {{ name: ci, key: {CI} }}\n");
    format!("{}{keys}{more}", two_accounts(sim, "sk-sim-ok", "sk-sim-ok"))
}

#[tokio::test]
async fn five_tabs_tell_what_is_in_force_and_who_owns_it() {
    let sim = simulator().await;
    let more = "routing: { deadline: 90s }\naliases: { fast-*: chat/echo }\n";
    let mut bench = Bench::start(&file(&sim, more)).await;
    bench.done(Method::PATCH, "/api/settings/routing", json!({ "routing.sticky_calls": 7 })).await;

    let all = bench.read("/api/settings").await;

    let names: Vec<&String> = all["tabs"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["security", "routing", "resilience", "ai", "advanced"]);
    assert_eq!(all["stickyRoundRobinLimit"], 7);
    assert_eq!(all["fallbackStrategy"], "fill-first");
    assert_eq!(all["wildcardAliases"], json!([{ "pattern": "fast-*", "target": "chat/echo" }]));
    assert_eq!((&all["requireLogin"], &all["requireAuthForModels"]), (&json!(true), &json!(true)));
    for (name, expected) in names.into_iter().zip([4, 6, 1, 3, 2]) {
        let tab = bench.read(&format!("/api/settings/{name}")).await;
        assert_eq!(tab, all["tabs"][name], "{name}");
        assert_eq!(tab["settings"].as_object().unwrap().len(), expected, "{name}");
    }
    let routing = &all["tabs"]["routing"]["settings"];
    let deadline = &routing["routing.deadline"];
    assert_eq!((&deadline["value"], &deadline["origin"]), (&json!("90s"), &json!("file")));
    assert!(deadline["position"].as_str().unwrap().contains("omniroute.yaml:"), "{deadline}");
    assert_eq!(deadline["editable"], false);
    let sticky = &routing["routing.sticky_calls"];
    assert_eq!((&sticky["origin"], &sticky["editable"]), (&json!("dashboard"), &json!(true)));
    assert_eq!(routing["routing.max_attempts"]["origin"], "default");
    assert_eq!(all["tabs"]["routing"]["aliases"][0]["name"], "fast-*");
    assert_eq!(all["tabs"]["resilience"]["profiles"]["oauth"]["open_for"], "60s");
    assert_eq!(bench.send(Method::GET, "/api/settings/general", Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_change_is_obeyed_at_once_and_after_a_restart_until_it_is_taken_back() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "")).await;
    let account = async |bench: &mut Bench| {
        let answer = bench.chat(CI, "chat/echo").await;
        answer.header("x-omniroute-account").unwrap_or("none").to_owned()
    };
    assert_eq!([account(&mut bench).await, account(&mut bench).await], ["first", "first"]);
    let wanted = json!({ "fallbackStrategy": "round-robin", "routing.sticky_calls": 1 });
    bench.done(Method::PATCH, "/api/settings", wanted).await;
    for _ in 0..2 {
        let mut served = [account(&mut bench).await, account(&mut bench).await];
        served.sort();
        assert_eq!(served, ["first", "second"]);
        bench = bench.restarted().await;
    }
    let back = json!({ "routing.account_strategy": null, "routing.sticky_calls": null });
    let shown = bench.done(Method::PATCH, "/api/settings/routing", back.clone()).await;
    assert_eq!(shown["settings"]["routing.account_strategy"]["origin"], "default");
    assert_eq!([account(&mut bench).await, account(&mut bench).await], ["first", "first"]);
    bench.done(Method::PATCH, "/api/settings/routing", back).await;
}

#[tokio::test]
async fn providers_are_blocked_and_addresses_are_shut_out() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "")).await;
    bench.done(Method::PATCH, "/api/settings", json!({ "blockedProviders": ["chat"] })).await;
    assert_eq!(bench.read("/api/settings").await["blockedProviders"], json!(["chat"]));
    assert!(bench.chat(CI, "chat/echo").await.status >= 400);
    assert_eq!(sim.counts().requests, 0, "nobody was asked");
    let free = json!({ "filters.model_access": { "blocked_providers": [] } });
    bench.done(Method::PATCH, "/api/settings/security", free).await;
    assert_eq!(bench.chat(CI, "chat/echo").await.status, 200);

    // Rules for others; and none that would shut out whoever writes them.
    let others = json!({ "filters.ip_access": { "deny": ["192.0.2.0/24"] } });
    bench.done(Method::PATCH, "/api/settings/security", others).await;
    let own = json!({ "filters.ip_access": { "allow": ["10.0.0.0/8"] } });
    let refused = bench.send(Method::PATCH, "/api/settings/security", own).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("127.0.0.1"), "{}", refused.text());
    let trusting = json!({ "filters.ip_access": { "trust_forwarded_from": ["127.0.0.1"] } });
    bench.done(Method::PATCH, "/api/settings/security", trusting).await;
    let key = format!("Bearer {CI}");
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let from = async |bench: &mut Bench, address: &str| {
        let headers = [("authorization", key.as_str()), ("x-forwarded-for", address)];
        bench.client.post(&path, &headers, &body).await.status
    };
    assert_eq!(from(&mut bench, "192.0.2.7").await, 403, "both fields count");
    assert_eq!(from(&mut bench, "192.0.3.7").await, 200);
    let shown = bench.read("/api/settings/security").await;
    let access = &shown["settings"]["filters.ip_access"];
    assert_eq!(
        access["value"],
        json!({ "deny": ["192.0.2.0/24"], "trust_forwarded_from": ["127.0.0.1"] })
    );
    assert_eq!((&access["origin"], &access["active"]), (&json!("dashboard"), &json!(true)));
}

#[tokio::test]
async fn what_the_file_owns_or_nobody_knows_is_refused_and_changes_nothing() {
    let sim = simulator().await;
    let more = "routing: { account_strategy: random }\nfilters: [ip_access, api_key]\n";
    let mut bench = Bench::start(&file(&sim, more)).await;
    let before = bench.gateway.shared().live.load().revision;
    for (path, body, status, word) in [
        ("", json!({ "routing.account_strategy": "random" }), 409, "omniroute.yaml:"),
        ("", json!({ "fallbackStrategy": "p2c" }), 409, "omniroute.yaml:"),
        ("", json!({ "filters.ip_access": { "deny": [] } }), 409, "omniroute.yaml:"),
        ("", json!({ "routing.sticky_calls": 3, "routing.max_attempts": 99 }), 422, "1 to 16"),
        ("", json!({ "fallbackStrategy": "best" }), 400, "least-used"),
        ("", json!({ "theme": "dark" }), 400, "routing.deadline"),
        ("", json!({ "tunnel": "http://exit:1" }), 400, "/api/settings/proxy"),
        ("", json!({ "filters.api_key": { "required": false } }), 400, "REQUIRE_API_KEY"),
        ("/ai", json!({ "routing.sticky_calls": 3 }), 400, "filters.system_prompt"),
        ("/routing", json!({ "routing.deadline": "soon" }), 422, "duration"),
        ("/resilience", json!({ "resilience.account_limits": 5 }), 400, "a map"),
    ] {
        let path = format!("/api/settings{path}");
        let answer = bench.send(Method::PATCH, &path, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(word), "{body}: {}", answer.text());
    }
    assert_eq!(bench.gateway.shared().live.load().revision, before);

    let one = json!({ "routing.sticky_calls": 3 });
    bench.done(Method::PATCH, "/api/settings", one.clone()).await;
    let stale = [BOSS, ("if-match", "\"1\"")];
    let path = "/api/settings/routing";
    assert_eq!(bench.send_with(&stale, Method::PATCH, path, one).await.status, 412);
    let two = json!({ "routing.sticky_calls": 3, "routing.max_attempts": 2 });
    assert_eq!(bench.send_with(&stale, Method::PATCH, path, two).await.status, 400);
}

#[tokio::test]
async fn profiles_and_limits_are_saved_through_the_resilience_api_and_obeyed() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "")).await;
    let wanted = json!({
        "profiles": { "apikey": { "circuitBreakerThreshold": 1, "circuitBreakerReset": 7000, "backoff": 3.0 } },
        "defaults": { "requestsPerMinute": 1, "minTimeBetweenRequests": 0 },
    });
    let saved = bench.done(Method::PATCH, "/api/resilience", wanted).await;
    assert_eq!(saved["ok"], true);
    let mut bench = bench.restarted().await;
    let shown = bench.read("/api/resilience").await;
    let profile = &shown["profiles"]["api_key"];
    assert_eq!((&profile["failure_threshold"], &profile["open_for"]), (&json!(1), &json!("7s")));
    assert_eq!((&profile["origin"], &profile["cool_down"]), (&json!("dashboard"), &json!("3s")));
    assert_eq!(shown["account_limits"]["rpm"], 1);
    let limits = &shown["providers"][0]["accounts"][0]["limits"];
    assert_eq!(limits["rpm"], 1, "of every account that names none");
    // One call in a minute for each of two accounts.
    let mut accounts = Vec::new();
    for _ in 0..2 {
        let answer = bench.chat(CI, "chat/echo").await;
        accounts.push(answer.header("x-omniroute-account").unwrap().to_owned());
    }
    assert_eq!(accounts, ["first", "second"]);
    let limits = json!({ "account_limits": { "rpm": 0 } });
    bench.done(Method::PATCH, "/api/resilience", limits).await;
    // The first failure opens the breaker.
    sim.script([Step::reply(500), Step::reply(500)]);
    bench.chat(CI, "chat/echo").await;
    assert_eq!(bench.read("/api/resilience").await["providers"][0]["breaker"], "open");

    for (body, status, word) in [
        (json!({}), 400, "profiles"),
        (json!({ "profiles": { "oauth": { "maxBackoffLevel": 3 } } }), 400, "max_cool_down"),
        (json!({ "profiles": { "oauth": { "open_for": "never" } } }), 422, "duration"),
        (json!({ "profiles": { "oauth": { "circuitBreakerReset": "x" } } }), 400, "milliseconds"),
        (json!({ "limits": {} }), 400, "limits"),
    ] {
        let answer = bench.send(Method::PATCH, "/api/resilience", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(word), "{body}: {}", answer.text());
    }
    let back = json!({ "profiles": { "api_key": null } });
    let shown = bench.done(Method::PATCH, "/api/resilience", back).await;
    assert_eq!(shown["profiles"]["api_key"]["origin"], "default");
}
