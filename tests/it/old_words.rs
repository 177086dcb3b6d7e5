//! The existing product's routes: each changes what it says, and refuses what would have no effect.

use http::Method;
use omniroute_testkit::{Running, Step, simulator};
use serde_json::{Value, json};

use crate::bench::{BOSS_LINE, Bench};
use crate::setup::{ask, two_accounts};

const CI: &str = "ci-key-0123456789";

fn file(sim: &Running, more: &str) -> String {
    let keys = format!("client_keys:\n{BOSS_LINE}  - {{ name: ci, key: {CI} }}\n");
    format!("{}{keys}{more}", two_accounts(sim, "sk-sim-ok", "sk-sim-ok"))
}

/// Sends requests that have to be refused with this status and word, and change nothing.
async fn refused(bench: &mut Bench, method: Method, path: &str, cases: &[(Value, u16, &str)]) {
    let before = bench.gateway.shared().live.load().revision;
    for (body, status, word) in cases {
        let answer = bench.send(method.clone(), path, body.clone()).await;
        assert_eq!(answer.status, *status, "{path} {body}: {}", answer.text());
        assert!(answer.text().contains(word), "{path} {body}: {}", answer.text());
    }
    assert_eq!(bench.gateway.shared().live.load().revision, before, "{path}");
}

#[tokio::test]
async fn the_ip_filter_shuts_addresses_out_by_list_and_for_a_time() {
    const PATH: &str = "/api/settings/ip-filter";
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "")).await;
    let trusting = json!({ "filters.ip_access": { "trust_forwarded_from": ["127.0.0.1"] } });
    bench.done(Method::PATCH, "/api/settings/security", trusting).await;
    let from = async |bench: &mut Bench, address: &str| {
        let key = format!("Bearer {CI}");
        let (path, body) = ask("chat", "chat/echo", false, "hello");
        let headers = [("authorization", key.as_str()), ("x-forwarded-for", address)];
        bench.client.post(&path, &headers, &body).await.status
    };
    let empty = json!({
        "enabled": false, "mode": "blacklist", "blacklist": [], "whitelist": [], "tempBans": [],
    });
    assert_eq!(bench.read(PATH).await, empty);

    let listed = json!({ "enabled": true, "mode": "blacklist", "blacklist": ["192.0.2.0/24"] });
    bench.done(Method::PUT, PATH, listed).await;
    assert_eq!(from(&mut bench, "192.0.2.7").await, 403);
    let shown = bench.done(Method::PUT, PATH, json!({ "addBlacklist": "192.0.3.7" })).await;
    assert_eq!(shown["blacklist"], json!(["192.0.2.0/24", "192.0.3.7"]));
    assert_eq!(from(&mut bench, "192.0.3.7").await, 403);
    bench.done(Method::PUT, PATH, json!({ "removeBlacklist": "192.0.3.7" })).await;
    assert_eq!(from(&mut bench, "192.0.3.7").await, 200);

    let only = json!({ "mode": "whitelist", "addWhitelist": "192.0.3.0/24" });
    let shown = bench.done(Method::PUT, PATH, only).await;
    assert_eq!((&shown["mode"], &shown["enabled"]), (&json!("whitelist"), &json!(true)));
    assert_eq!(
        [from(&mut bench, "192.0.3.7").await, from(&mut bench, "192.0.4.7").await],
        [200, 403]
    );
    // The address of the proxy is no client's, so the administrator is one of the list's too.
    let all = json!({ "mode": "blacklist", "blacklist": [], "whitelist": [] });
    let boss = [crate::bench::BOSS, ("x-forwarded-for", "192.0.3.1")];
    assert_eq!(bench.send_with(&boss, Method::PUT, PATH, all).await.status, 200);
    assert_eq!(from(&mut bench, "192.0.2.7").await, 200);

    let ban = json!({ "tempBan": { "ip": "192.0.2.7", "durationMs": 60_000, "reason": "a test" } });
    let shown = bench.done(Method::PUT, PATH, ban).await;
    let banned = &shown["tempBans"][0];
    assert_eq!((&banned["ip"], &banned["reason"]), (&json!("192.0.2.7"), &json!("a test")));
    assert!((1..=60_000).contains(&banned["remainingMs"].as_u64().unwrap()), "{shown}");
    assert_eq!(
        [from(&mut bench, "192.0.2.7").await, from(&mut bench, "192.0.2.8").await],
        [403, 200]
    );
    bench.done(Method::POST, "/api/resilience/reset", Value::Null).await;
    assert_eq!(from(&mut bench, "192.0.2.7").await, 403, "a ban is no accident");
    let shown = bench.done(Method::PUT, PATH, json!({ "removeBan": "192.0.2.7" })).await;
    assert_eq!((&shown["tempBans"], from(&mut bench, "192.0.2.7").await), (&json!([]), 200));
    let audit = bench.read("/api/audit").await.to_string();
    assert!(audit.contains("address.ban") && audit.contains("address.unban"), "{audit}");
}

#[tokio::test]
async fn nobody_shuts_himself_out_and_no_list_is_kept_without_effect() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "")).await;
    let listed = json!({ "blacklist": ["192.0.2.0/24"] });
    bench.done(Method::PUT, "/api/settings/ip-filter", listed).await;
    let cases = [
        (json!({ "mode": "whitelist", "whitelist": ["10.0.0.0/8"] }), 400, "127.0.0.1"),
        (json!({ "addBlacklist": "127.0.0.0/8" }), 400, "127.0.0.1"),
        (json!({ "tempBan": { "ip": "127.0.0.1" } }), 400, "your own address"),
        (json!({ "tempBan": { "ip": "nobody" } }), 400, "no IP address"),
        (json!({ "tempBan": { "ip": "192.0.2.1", "durationMs": 0 } }), 400, "durationMs"),
        (json!({ "removeBan": "192.0.2.1" }), 404, "not locked"),
        (json!({ "enabled": false }), 400, "empty `blacklist`"),
        (json!({ "addWhitelist": "127.0.0.1" }), 400, "whitelist"),
        (json!({ "mode": "whitelist" }), 400, "lets everybody in"),
        (json!({ "tempBans": [] }), 400, "only shown"),
        (json!({ "addBlacklist": "10.0.0.*" }), 422, "no IP address or network"),
        (json!({ "trustProxy": true }), 400, "trustProxy"),
    ];
    refused(&mut bench, Method::PUT, "/api/settings/ip-filter", &cases).await;

    let mut bench = Bench::start(&file(&sim, "filters: [api_key]\n")).await;
    let cases = [
        (json!({ "addBlacklist": "192.0.2.1" }), 409, "omniroute.yaml:"),
        (json!({ "tempBan": { "ip": "192.0.2.1" } }), 409, "ip_access"),
    ];
    refused(&mut bench, Method::PUT, "/api/settings/ip-filter", &cases).await;
}

#[tokio::test]
async fn instructions_and_the_cap_on_reasoning_reach_the_provider() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "")).await;
    let sent = async |bench: &mut Bench| {
        let (path, mut body) = ask("chat", "chat/echo", false, "hello");
        body["reasoning_effort"] = json!("high");
        let key = format!("Bearer {CI}");
        let answer = bench.client.post(&path, &[("authorization", &key)], &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = sim.seen();
        serde_json::from_slice::<Value>(&seen.last().unwrap().body).unwrap()
    };
    const PROMPT: &str = "/api/settings/system-prompt";
    const BUDGET: &str = "/api/settings/thinking-budget";
    assert_eq!(bench.read(PROMPT).await, json!({ "enabled": false, "prompt": "" }));
    assert_eq!(bench.read(BUDGET).await, json!({ "mode": "passthrough", "customBudget": 0 }));
    assert_eq!(sent(&mut bench).await["reasoning_effort"], "high");

    bench.done(Method::PUT, PROMPT, json!({ "enabled": true, "prompt": "be kind" })).await;
    bench.done(Method::PUT, BUDGET, json!({ "mode": "custom", "customBudget": 1024 })).await;
    let body = sent(&mut bench).await;
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "be kind" }));
    assert_eq!(body["reasoning_effort"], "low");
    assert_eq!(bench.read(PROMPT).await, json!({ "enabled": true, "prompt": "be kind" }));
    assert_eq!(bench.read(BUDGET).await, json!({ "mode": "custom", "customBudget": 1024 }));

    let cases = [
        (json!({ "enabled": false }), 400, "empty `prompt`"),
        (json!({ "enabled": true, "prompt": "" }), 400, "none to enable"),
        (json!({ "prompt": "x".repeat(50_001) }), 400, "50000"),
    ];
    refused(&mut bench, Method::PUT, PROMPT, &cases).await;
    let cases = [
        (json!({ "mode": "adaptive" }), 400, "customBudget"),
        (json!({ "mode": "auto" }), 400, "customBudget"),
        (json!({ "mode": "custom", "customBudget": 0 }), 400, "passthrough"),
        (json!({ "customBudget": 1000 }), 422, "1024"),
        (json!({ "customBudget": 131_073 }), 400, "131072"),
        (json!({ "effortLevel": "low" }), 400, "customBudget"),
        (json!({ "mode": "passthrough", "customBudget": 5 }), 400, "custom"),
    ];
    refused(&mut bench, Method::PUT, BUDGET, &cases).await;

    bench.done(Method::PUT, PROMPT, json!({ "enabled": false, "prompt": "" })).await;
    bench.done(Method::PUT, BUDGET, json!({ "mode": "passthrough" })).await;
    let body = sent(&mut bench).await;
    assert_eq!(
        (&body["messages"][0]["role"], &body["reasoning_effort"]),
        (&json!("user"), &json!("high"))
    );
}

#[tokio::test]
async fn defaults_of_combos_and_the_login_are_what_their_settings_say() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "combos: { pair: { targets: [chat/echo] } }\n")).await;
    const COMBOS: &str = "/api/settings/combo-defaults";
    const LOGIN: &str = "/api/settings/require-login";
    assert_eq!(bench.read(COMBOS).await["comboDefaults"]["strategy"], "priority");
    let wanted = json!({ "comboDefaults": { "strategy": "round-robin" }, "providerOverrides": {} });
    assert_eq!(bench.done(Method::PATCH, COMBOS, wanted.clone()).await, wanted);
    let strategy = bench.gateway.shared().live.load().groups["pair"].strategy.name;
    assert_eq!(strategy, "round_robin");
    let cases = [
        (json!({ "comboDefaults": { "strategy": "auto" } }), 400, "cost-optimized"),
        (json!({ "comboDefaults": { "maxRetries": 3 } }), 400, "routing.max_attempts"),
        (json!({ "comboDefaults": { "theme": 3 } }), 400, "strategy"),
        (json!({ "providerOverrides": { "openai": {} } }), 400, "/api/accounts"),
        (json!({}), 400, "strategy"),
    ];
    refused(&mut bench, Method::PATCH, COMBOS, &cases).await;

    assert_eq!(bench.read(LOGIN).await, json!({ "requireLogin": true }));
    bench.done(Method::POST, LOGIN, json!({ "requireLogin": false })).await;
    assert!(!bench.gateway.shared().live.load().require_login);
    let cases = [
        (json!({ "password": "guess-me" }), 400, "/api/auth/password"),
        (json!({}), 400, "requireLogin"),
    ];
    refused(&mut bench, Method::POST, LOGIN, &cases).await;
}

#[tokio::test]
async fn aliases_resolve_under_both_names_and_patterns_stay_apart() {
    let sim = simulator().await;
    let more = "aliases: { written: chat/echo, any-*: chat/echo }\n";
    let mut bench = Bench::start(&file(&sim, more)).await;
    const ALL: &str = "/api/settings/model-aliases";
    const ONE: &str = "/api/models/alias";
    let written = json!({ "written": "chat/echo" });
    assert_eq!(bench.read(ALL).await, json!({ "builtIn": {}, "custom": written, "all": written }));
    assert!(bench.chat(CI, "old").await.status >= 400);

    bench.done(Method::POST, ALL, json!({ "from": "old", "to": "chat/echo" })).await;
    bench.done(Method::PUT, ONE, json!({ "alias": "short", "model": "chat/echo" })).await;
    assert_eq!(
        [bench.chat(CI, "old").await.status, bench.chat(CI, "short").await.status],
        [200, 200]
    );
    let shown = bench.read(ONE).await["aliases"].clone();
    let both = json!({ "written": "chat/echo", "old": "chat/echo", "short": "chat/echo" });
    assert_eq!(shown, both);
    let kept = json!({ "aliases": { "written": "chat/echo", "new": "chat/echo" } });
    bench.done(Method::PUT, ALL, kept).await;
    assert!(bench.chat(CI, "short").await.status >= 400);
    assert_eq!(
        [bench.chat(CI, "new").await.status, bench.chat(CI, "any-1").await.status],
        [200, 200]
    );
    bench.done(Method::DELETE, "/api/models/alias?alias=new", Value::Null).await;
    assert!(bench.chat(CI, "new").await.status >= 400);

    refused(
        &mut bench,
        Method::POST,
        ALL,
        &[
            (json!({ "from": "gpt-*", "to": "chat/echo" }), 400, "/api/aliases"),
            (json!({ "from": "written", "to": "chat/500" }), 409, "configuration file"),
            (json!({ "from": "x", "to": "nowhere-at-all" }), 422, "nowhere-at-all"),
        ],
    )
    .await;
    refused(&mut bench, Method::PUT, ALL, &[(json!({ "aliases": {} }), 409, "written")]).await;
    refused(&mut bench, Method::DELETE, ALL, &[(json!({ "from": "none" }), 404, "none")]).await;
}

#[tokio::test]
async fn chains_go_from_provider_to_provider() {
    const PATH: &str = "/api/fallback/chains";
    let sim = simulator().await;
    let file = crate::setup::all_formats_with(
        &sim,
        &format!("client_keys:\n{BOSS_LINE}  - {{ name: ci, key: {CI} }}\n"),
    );
    let mut bench = Bench::start(&file).await;
    let chain =
        json!([{ "provider": "gemini-sim", "priority": 2 }, { "provider": "chat", "priority": 1 }]);
    let set = json!({ "model": "echo", "chain": chain });
    assert_eq!(bench.done(Method::POST, PATH, set).await["success"], true);
    let link =
        |provider, priority| json!({ "provider": provider, "priority": priority, "enabled": true });
    assert_eq!(bench.read(PATH).await, json!({ "echo": [link("chat", 1), link("gemini-sim", 2)] }));
    sim.script([Step::reply(500)]);
    let answer = bench.chat(CI, "echo").await;
    assert_eq!((answer.status, answer.header("x-omniroute-account")), (200, Some("gemini-1")));
    refused(
        &mut bench,
        Method::POST,
        PATH,
        &[
            (json!({ "model": "echo", "chain": [] }), 400, "DELETE"),
            (json!({ "model": "echo", "chain": [{ "provider": "nobody" }] }), 400, "nobody"),
            (
                json!({ "model": "echo", "chain": [{ "provider": "chat", "enabled": false }] }),
                400,
                "leave it out",
            ),
        ],
    )
    .await;
    let gone = bench.done(Method::DELETE, PATH, json!({ "model": "echo" })).await;
    assert_eq!((&gone["removed"], bench.read(PATH).await), (&json!(true), json!({})));
}

#[tokio::test]
async fn what_rests_is_locked_and_is_left_is_told_and_nothing_made_up() {
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "resilience: { account_limits: { rpm: 9 } }\n")).await;
    let unknown = bench.read("/api/usage/first").await;
    assert_eq!(unknown["quotas"], json!({}));
    assert!(unknown["message"].as_str().unwrap().contains("no answer"), "{unknown}");
    sim.script([Step::reply(200)
        .header("x-ratelimit-remaining-requests", "7")
        .header("x-ratelimit-reset-requests", "30s")
        .piece("{}")]);
    bench.chat(CI, "chat/echo").await;

    let quota = bench.read("/api/usage/quota?provider=chat&connectionId=first").await;
    let first = &quota["providers"][0];
    assert_eq!(
        (&first["connectionId"], &first["quotas"]["requests"]["remaining"]),
        (&json!("first"), &json!(7))
    );
    assert!(first["resetAt"].is_string() && first["message"].is_null(), "{quota}");
    let one = bench.read("/api/usage/first").await;
    assert_eq!(one["quotas"]["requests"]["remaining"], 7, "{one}");
    assert_eq!(bench.read("/api/usage/quota?provider=none").await["providers"], json!([]));
    assert_eq!(bench.send(Method::GET, "/api/usage/nobody", Value::Null).await.status, 404);

    sim.script([Step::reply(429).header("retry-after", "30").piece("{}")]);
    bench.chat(CI, "chat/echo").await;
    let limits = bench.read("/api/rate-limits").await;
    assert_eq!(limits["connections"][0]["limits"]["requestsPerMinute"], 9, "{limits}");
    assert!(
        limits["lockouts"].as_array().unwrap().iter().any(|rest| rest["reason"] == "rate_limit"),
        "{limits}"
    );
    assert_eq!(bench.read("/api/rate-limit").await["connections"][0]["connectionId"], "first");

    let ban = json!({ "tempBan": { "ip": "192.0.2.7" } });
    bench.done(Method::PUT, "/api/settings/ip-filter", ban).await;
    let policies = bench.read("/api/policies").await;
    assert_eq!(policies["circuitBreakers"][0]["state"], "closed", "{policies}");
    assert_eq!(policies["lockedIdentifiers"][0]["identifier"], "192.0.2.7");
    refused(
        &mut bench,
        Method::POST,
        "/api/policies",
        &[
            (json!({ "action": "lock", "identifier": "192.0.2.7" }), 400, "unlock"),
            (json!({ "action": "unlock", "identifier": "192.0.2.8" }), 404, "not locked"),
        ],
    )
    .await;
    let unlock = json!({ "action": "unlock", "identifier": "192.0.2.7" });
    assert_eq!(bench.done(Method::POST, "/api/policies", unlock).await["action"], "unlocked");
    assert_eq!(bench.read("/api/policies").await["lockedIdentifiers"], json!([]));
}

#[tokio::test]
async fn tunnels_are_objects_whose_password_stays_behind_stars() {
    const PATH: &str = "/api/settings/proxy";
    let sim = simulator().await;
    let mut bench = Bench::start(&file(&sim, "")).await;
    let made = json!({ "id": "made", "provider": "chat", "key": "sk-sim-ok" });
    bench.done(Method::POST, "/api/accounts", made).await;
    let proxy = |password: &str| json!({ "type": "socks5", "host": "exit.example", "port": 1080, "username": "me", "password": password });
    let set = json!({ "global": proxy("first-password"), "accounts": { "made": proxy("other-password") } });
    let shown = bench.done(Method::PUT, PATH, set).await;
    assert_eq!((&shown["global"], &shown["accounts"]["made"]), (&proxy("***"), &proxy("***")));
    let one = bench.read("/api/settings/proxy?level=account&id=made").await;
    assert_eq!(one, json!({ "level": "account", "id": "made", "proxy": proxy("***") }));
    let resolved = bench.read("/api/settings/proxy?resolve=made").await;
    assert_eq!(resolved, json!({ "proxy": proxy("***"), "level": "account", "levelId": "made" }));
    let resolved = bench.read("/api/settings/proxy?resolve=first").await;
    assert_eq!(resolved, json!({ "proxy": proxy("***"), "level": "global", "levelId": null }));

    // What was shown may be sent back: the password stays what it is.
    bench.done(Method::PUT, PATH, json!({ "global": shown["global"] })).await;
    let live = bench.gateway.shared().live.load();
    let Some(omniroute_core::snapshot::Way::Through(tunnel)) = &live.tunnels.global else {
        panic!("no tunnel")
    };
    assert_eq!(tunnel.login.as_ref().unwrap().password.expose(), "first-password");
    let gone = bench.done(Method::DELETE, "/api/settings/proxy?level=global", Value::Null).await;
    assert_eq!(gone["global"], Value::Null);
    let resolved = bench.read("/api/settings/proxy?resolve=first").await;
    assert_eq!(resolved, json!({ "proxy": null, "level": "direct", "levelId": null }));
    assert_eq!(
        bench.send(Method::GET, "/api/settings/proxy?resolve=no", Value::Null).await.status,
        404
    );
    refused(&mut bench, Method::PUT, PATH, &[(json!({ "global": proxy("***") }), 400, "stars")])
        .await;
}
