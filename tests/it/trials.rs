//! Accounts as the existing product's scripts add, try and take them away.

use http::Method;
use omniroute_testkit::{Answer, Client, Protocol, Running, TestGateway, simulator, whole};
use serde_json::{Value, json};

use crate::setup::{FORMATS, all_formats_with};

const BOSS: (&str, &str) = ("authorization", "Bearer boss-key-0123456789");

async fn start(sim: &Running) -> (TestGateway, Client) {
    let keys =
        "client_keys: [{ name: boss, key: boss-key-0123456789, scopes: [admin, inference] }]\n";
    let gateway = TestGateway::start(&all_formats_with(sim, keys)).await;
    let client = Client::connect(gateway.address(), Protocol::Http1).await;
    (gateway, client)
}

async fn send(client: &mut Client, method: Method, path: &str, body: Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.send(method, path, &[BOSS], whole(body.into())).await
}

#[tokio::test]
async fn an_account_of_each_format_is_tried_with_one_question() {
    let sim = simulator().await;
    let (_gateway, mut client) = start(&sim).await;
    let before = send(&mut client, Method::GET, "/api/resilience", json!(null)).await.json();
    for format in FORMATS {
        let id = format!("{format}-1");
        let path = format!("/api/accounts/{id}/test");
        for (model, valid, kind, status) in [
            ("echo", true, "ok", json!(200)),
            ("429", false, "rate_limit", json!(429)),
            ("401", false, "credential", json!(401)),
            ("in-band-error", false, "server_error", json!(200)),
            ("reset", false, "reset", json!(null)),
        ] {
            let answer = send(&mut client, Method::POST, &path, json!({ "model": model })).await;
            let tried = answer.json();
            let case = format!("{format} {model}: {tried}");
            assert_eq!(answer.status, 200, "{case}");
            assert_eq!(tried["valid"], valid, "{case}");
            // Which error stands inside a 2xx answer is the format's own.
            if model != "in-band-error" {
                assert_eq!(tried["diagnosis"]["type"], kind, "{case}");
            }
            assert_eq!(tried["statusCode"], status, "{case}");
            assert!(!tried.to_string().contains("sk-sim"), "{case}");
        }
    }
    let after = send(&mut client, Method::GET, "/api/resilience", json!(null)).await.json();
    assert_eq!(after, before, "trials rest nobody");
}

#[tokio::test]
async fn what_cannot_be_tried_is_said() {
    let sim = simulator().await;
    let (_gateway, mut client) = start(&sim).await;
    for (path, body, status, text) in [
        ("/api/accounts/nobody/test", json!(null), 404, "nobody"),
        ("/api/accounts/chat-1/test", json!({ "modell": "echo" }), 400, "modell"),
        ("/api/accounts/chat-1/test", json!(null), 400, "which to ask"),
        ("/api/accounts/chat-1", json!({}), 405, "PATCH"),
    ] {
        let answer = send(&mut client, Method::POST, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_connection_is_an_account_by_another_name() {
    let sim = simulator().await;
    let (_gateway, mut client) = start(&sim).await;
    let added =
        json!({ "provider": "chat", "apiKey": "sk-sim-canary", "name": "My key", "priority": 3 });
    let answer = send(&mut client, Method::POST, "/api/providers", added).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json()["connection"]["id"], "My-key");
    let list = send(&mut client, Method::GET, "/api/providers", json!(null)).await;
    assert_eq!(list.json()["connections"].as_array().unwrap().len(), 5);
    assert!(!list.text().contains("sk-sim"), "{}", list.text());

    let path = "/api/providers/My-key";
    let tried =
        send(&mut client, Method::POST, &format!("{path}/test"), json!({ "model": "echo" })).await;
    assert_eq!(tried.json()["valid"], true, "{}", tried.text());
    let off = send(&mut client, Method::PUT, path, json!({ "isActive": false })).await;
    assert_eq!(off.json()["connection"]["isActive"], false, "{}", off.text());
    let renamed = send(&mut client, Method::PUT, path, json!({ "name": "other" })).await;
    assert_eq!(renamed.status, 400, "{}", renamed.text());
    assert_eq!(send(&mut client, Method::DELETE, path, json!(null)).await.status, 200);
    assert_eq!(send(&mut client, Method::GET, path, json!(null)).await.status, 404);
}
