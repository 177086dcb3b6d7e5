//! The administration's API: who may use it, and what it says of requests and accounts.

use std::time::Duration;

use http::Method;
use omniroute_testkit::{Answer, Client, Protocol, Running, Step, TestGateway, simulator, whole};
use serde_json::{Value, json};

use crate::setup::{ask, two_accounts};

const KEYS: &str = "client_keys:
  - { name: team, key: team-key-0123456789, models: ['chat/*'] }
  - { name: boss, key: boss-key-0123456789, scopes: [admin] }
";

const TEAM: [(&str, &str); 1] = [("authorization", "Bearer team-key-0123456789")];
const BOSS: [(&str, &str); 1] = [("authorization", "Bearer boss-key-0123456789")];

async fn started(sim: &Running) -> (TestGateway, Client) {
    let config = format!("{}{KEYS}", two_accounts(sim, "sk-sim-ok", "sk-sim-ok"));
    let gateway = TestGateway::start(&config).await;
    let client = Client::connect(gateway.address(), Protocol::Http1).await;
    (gateway, client)
}

async fn chat(client: &mut Client, model: &str, id: &str) -> Answer {
    let (path, body) = ask("chat", model, false, "hello");
    client.post(&path, &[TEAM[0], ("x-request-id", id)], &body).await
}

async fn bare(client: &mut Client, method: Method, path: &str) -> Answer {
    client.send(method, path, &BOSS, whole(bytes::Bytes::new())).await
}

#[tokio::test]
async fn only_an_admin_key_in_a_header_opens_it() {
    let sim = simulator().await;
    let (_gateway, mut client) = started(&sim).await;
    for path in ["/api/resilience", "/api/lockouts", "/api/requests/x/explain", "/api/nothing"] {
        let none = client.get(path, &[]).await;
        let in_url = client.get(&format!("{path}?key=boss-key-0123456789"), &[]).await;
        let team = client.get(path, &TEAM).await;
        assert_eq!((none.status, in_url.status, team.status), (401, 401, 403), "{path}");
        assert_eq!(none.json()["error"]["code"], "unauthenticated");
    }
    assert_eq!(client.get("/api/resilience", &BOSS).await.status, 200);
    let unknown = client.get("/api/nothing", &BOSS).await;
    assert_eq!((unknown.status, &unknown.json()["error"]["code"]), (404, &json!("not_found")));
    let wrong_method = client.post("/api/resilience", &BOSS, &json!({})).await;
    assert_eq!(wrong_method.status, 405);
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(client.post(&path, &BOSS, &body).await.status, 403, "and it calls no models");
}

#[tokio::test]
async fn a_request_is_explained_after_it_was_made() {
    let sim = simulator().await;
    let (_gateway, mut client) = started(&sim).await;
    sim.script([Step::reply(429).header("retry-after", "30").piece("{}")]);
    assert_eq!(chat(&mut client, "chat/echo", "request-1").await.status, 200);
    assert_eq!(chat(&mut client, "chat/echo", "request-2").await.status, 200);

    let first = client.get("/api/requests/request-1/explain", &BOSS).await.json();
    assert_eq!(first["model"], "chat/echo");
    assert_eq!(first["steps"][0]["rule"], "prefix");
    let attempts = first["attempts"].as_array().unwrap();
    let outcome = |attempt: &Value| format!("{} {}", attempt["account"], attempt["outcome"]);
    assert_eq!(
        attempts.iter().map(outcome).collect::<Vec<_>>(),
        ["\"first\" \"rate_limit\"", "\"second\" \"served\""]
    );
    assert_eq!((&attempts[0]["status"], &attempts[0]["rest_ms"]), (&json!(429), &json!(30_000)));

    let second = client.get("/api/requests/request-2/explain", &BOSS).await.json();
    let first_account = &second["candidates"][1];
    assert_eq!(
        (&first_account["account"], &first_account["order"]),
        (&json!("first"), &Value::Null)
    );
    assert!(first_account["why"].as_str().unwrap().contains("after rate_limit"), "{second}");

    let words = [BOSS[0], ("accept", "text/plain")];
    let words = client.get("/api/requests/request-1/explain", &words).await.text();
    assert!(
        words.contains("attempt 1: echo at chat, account first: rate_limit, status 429"),
        "{words}"
    );
    assert_eq!(client.get("/api/requests/request-9/explain", &BOSS).await.status, 404);
}

#[tokio::test]
async fn a_request_that_was_not_made_is_explained_with_the_state_of_now() {
    let sim = simulator().await;
    let (_gateway, mut client) = started(&sim).await;
    sim.script([Step::reply(429).header("retry-after", "30").piece("{}")]);
    chat(&mut client, "chat/echo", "request-1").await;

    let asked = client.post("/api/explain", &BOSS, &json!({ "model": "chat/echo" })).await.json();
    let order: Vec<_> = asked["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (&c["account"], &c["order"]))
        .collect();
    assert_eq!(order, [(&json!("second"), &json!(1)), (&json!("first"), &Value::Null)]);

    let body = json!({ "model": "other/x", "client_key": "team" });
    let refused = client.post("/api/explain", &BOSS, &body).await.json();
    assert!(refused["error"].as_str().unwrap().contains("may not use"), "{refused}");
    let body = json!({ "model": "chat/echo", "provider": "openai" });
    let elsewhere = client.post("/api/explain", &BOSS, &body).await.json();
    assert!(elsewhere["error"].as_str().unwrap().contains("`openai`"), "{elsewhere}");
    for bad in [json!({}), json!({ "model": 7 }), json!({ "model": "x", "tokns": 1 })] {
        assert_eq!(client.post("/api/explain", &BOSS, &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn live_state_is_shown_and_can_be_forgotten() {
    let sim = simulator().await;
    let (gateway, mut client) = started(&sim).await;
    sim.script([Step::reply(429).header("retry-after", "30").piece("{}")]);
    chat(&mut client, "chat/echo", "request-1").await;

    let shown = client.get("/api/resilience", &BOSS).await.json();
    let chat_now = &shown["providers"][0];
    assert_eq!((&chat_now["id"], &chat_now["breaker"]), (&json!("chat"), &json!("closed")));
    assert_eq!(chat_now["latency"]["answers"], 1);
    let first = &chat_now["accounts"][0];
    assert_eq!((&first["standing"], &first["reason"]), (&json!("away"), &json!("rate_limit")));
    assert!(first["left_ms"].as_u64().unwrap() > 25_000, "{first}");
    let line = "omniroute_account_rest_left_seconds{account=\"first\",provider=\"chat\"}";
    assert!(gateway.metric(line) > 25.0);
    assert_eq!(gateway.metric("omniroute_breaker_state{provider=\"chat\"}"), 0.0);

    assert_eq!(bare(&mut client, Method::POST, "/api/resilience/reset").await.status, 204);
    let answer = chat(&mut client, "chat/echo", "request-2").await;
    assert_eq!(answer.header("x-omniroute-account"), Some("first"));
    assert_eq!(gateway.metric(line), 0.0);
}

#[tokio::test]
async fn the_catalogue_is_grouped_by_provider() {
    let sim = simulator().await;
    let (_gateway, mut client) = started(&sim).await;
    let catalog = client.get("/api/models/catalog", &BOSS).await.json();
    let openai = &catalog["catalog"]["openai"];
    assert_eq!((&openai["provider"], &openai["active"]), (&json!("openai"), &json!(false)));
    for model in openai["models"].as_array().unwrap() {
        assert!(model["id"].as_str().unwrap().starts_with("openai/"), "{model}");
    }
    let types = |kind: &str| {
        openai["models"].as_array().unwrap().iter().filter(|model| model["type"] == kind).count()
    };
    assert!(types("chat") > 0 && types("embedding") > 0 && types("image") > 0, "{openai}");
    assert_eq!(catalog["catalog"]["chat"]["active"], true);
}

#[tokio::test]
async fn a_tunnel_can_be_tried_in_the_guides_words() {
    let sim = simulator().await;
    let (_gateway, mut client) = started(&sim).await;
    let proxy = |kind: &str, port: &str| json!({ "proxy": { "type": kind, "host": "127.0.0.1", "port": port } });
    // The simulator speaks HTTP but is no proxy.
    let port = sim.addr().port().to_string();
    let tried = client.post("/api/settings/proxy/test", &BOSS, &proxy("http", &port)).await.json();
    assert_eq!(tried["success"], false, "{tried}");
    let steps = tried["steps"].as_array().unwrap();
    assert!(steps.len() >= 2 && steps[0]["failure"].is_null(), "{tried}");
    assert!(steps.last().unwrap()["failure"].is_string(), "{tried}");
    let bad = client.post("/api/settings/proxy/test", &BOSS, &proxy("ftp", &port)).await;
    assert_eq!(bad.status, 400, "{}", bad.text());
}

#[tokio::test]
async fn wrong_keys_lock_an_address_until_it_is_unlocked() {
    let sim = simulator().await;
    let (gateway, mut client) = started(&sim).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(chat(&mut client, "chat/echo", "request-1").await.status, 200);
    client.get("/api/resilience", &BOSS).await;
    let wrong = [("x-api-key", "guess-0123456789")];
    let guess = async |client: &mut Client, number: usize| {
        let key = format!("guess-0123456789-{number}");
        client.post(&path, &[("x-api-key", &key)], &body).await.status
    };
    for number in 0..10 {
        assert_eq!(guess(&mut client, number).await, 401);
    }
    let locked = client.post(&path, &wrong, &body).await;
    assert_eq!((locked.status, &locked.json()["error"]["code"]), (429, &json!("locked")));
    assert_eq!(locked.header("retry-after"), Some("900"));
    assert_eq!(locked.header("x-should-retry"), Some("false"));
    let team = chat(&mut client, "chat/echo", "request-2").await;
    assert_eq!(team.status, 200, "who served from here before goes on");
    assert_eq!(gateway.metric("omniroute_locked_addresses"), 1.0);

    let listed = client.get("/api/lockouts", &BOSS).await.json();
    assert_eq!(listed[0]["address"], "127.0.0.1");
    assert_eq!(bare(&mut client, Method::DELETE, "/api/lockouts/127.0.0.1").await.status, 204);
    assert_eq!(bare(&mut client, Method::DELETE, "/api/lockouts/127.0.0.1").await.status, 404);
    assert_eq!(client.post(&path, &wrong, &body).await.status, 401);

    for number in 0..10 {
        guess(&mut client, number).await;
    }
    assert_eq!(client.post(&path, &wrong, &body).await.status, 429);
    gateway.clock().advance(Duration::from_secs(900));
    assert_eq!(client.post(&path, &wrong, &body).await.status, 401, "the time is over");
}
