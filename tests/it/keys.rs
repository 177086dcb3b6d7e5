//! Who may call: keys in every place an SDK puts them, model lists, expiry, addresses, origins.

use omniroute_testkit::{Client, Protocol, TestGateway, simulator};

use crate::setup::{FORMATS, all_formats_with, ask, error_message};

const KEYS: &str = "client_keys:
  - { name: ci, key: client-key-one }
  - { name: narrow, key: client-key-two, models: ['chat/*', 'fast'] }
  - { name: old, key: client-key-old, expires: 2020-01-01T00:00:00Z }
  - { name: watcher, key: client-key-adm, scopes: [admin] }
aliases: { fast: chat/echo }
";

async fn gateway(more: &str) -> (omniroute_testkit::Running, TestGateway) {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    (sim, gateway)
}

#[tokio::test]
async fn a_key_is_found_in_every_place() {
    let (_sim, gateway) = gateway(KEYS).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    for header in [
        ("authorization", "Bearer client-key-one"),
        ("x-api-key", "client-key-one"),
        ("x-goog-api-key", "client-key-one"),
        ("api-key", "client-key-one"),
    ] {
        let answer = client.post(&path, &[header], &body).await;
        assert_eq!(answer.status, 200, "{header:?}: {}", answer.text());
    }
    let answer = client.post(&format!("{path}?key=client-key-one"), &[], &body).await;
    assert_eq!(answer.status, 200, "query: {}", answer.text());
}

#[tokio::test]
async fn no_wrong_and_expired_keys_get_401_in_the_clients_format() {
    let (sim, gateway) = gateway(KEYS).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    for format in FORMATS {
        for (key, word) in [
            (None, "no API key"),
            (Some("wrong-key-1"), "not known"),
            (Some("client-key-old"), "expired"),
        ] {
            let (path, body) = ask(format, "chat/echo", false, "hello");
            let header = key.map(|key| ("x-api-key", key));

            let answer = client.post(&path, header.as_slice(), &body).await;

            let case = format!("{format} {key:?}: {}", answer.text());
            assert_eq!(answer.status, 401, "{case}");
            assert!(error_message(&answer.json()).contains(word), "{case}");
            assert_eq!(answer.header("x-should-retry"), Some("false"), "{case}");
            let kind = match format {
                "chat" | "responses" => answer.json()["error"]["code"] == "invalid_api_key",
                "anthropic" => answer.json()["error"]["type"] == "authentication_error",
                _ => answer.json()["error"]["status"] == "UNAUTHENTICATED",
            };
            assert!(kind, "{case}");
        }
    }
    assert_eq!(sim.seen().len(), 0, "no provider was asked");
}

#[tokio::test]
async fn a_key_may_only_ask_for_its_models() {
    let (_sim, gateway) = gateway(KEYS).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let key = [("x-api-key", "client-key-two")];
    for (model, status) in [("chat/echo", 200), ("fast", 200), ("gemini-sim/echo", 403)] {
        let (path, body) = ask("chat", model, false, "hello");
        let answer = client.post(&path, &key, &body).await;
        assert_eq!(answer.status, status, "{model}: {}", answer.text());
    }
    let models = client.get("/v1/models", &key).await.json();
    let ids: Vec<&str> = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["fast"], "the list shows what may be asked for");
}

#[tokio::test]
async fn an_admin_key_calls_no_models() {
    let (_sim, gateway) = gateway(KEYS).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    let answer = client.post(&path, &[("x-api-key", "client-key-adm")], &body).await;

    assert_eq!(answer.status, 403, "{}", answer.text());
}

#[tokio::test]
async fn without_any_key_loopback_is_served() {
    let (_sim, gateway) = gateway("").await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("anthropic", "chat/echo", false, "hello");

    let answer = client.post(&path, &[("x-api-key", "placeholder")], &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn denied_addresses_are_refused() {
    let filters =
        "filters:\n  - cors\n  - ip_access: { deny: [127.0.0.1] }\n  - api_key\n  - model_access\n";
    let (sim, gateway) = gateway(filters).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("gemini", "chat/echo", false, "hello");

    let forged = [("x-forwarded-for", "10.0.0.1")];
    let answer = client.post(&path, &forged, &body).await;

    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(answer.json()["error"]["status"], "PERMISSION_DENIED");
    assert_eq!(sim.seen().len(), 0);
}

#[tokio::test]
async fn foreign_pages_are_refused_and_listed_ones_get_their_headers() {
    let filters = "filters:\n  - cors: { allow_origins: ['https://chat.example'] }\n  - api_key\n  - model_access\n";
    let (sim, gateway) = gateway(filters).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    let foreign = client.post(&path, &[("origin", "https://evil.example")], &body).await;
    let listed = client.post(&path, &[("origin", "https://chat.example")], &body).await;
    let preflight = client
        .send(
            http::Method::OPTIONS,
            &path,
            &[
                ("origin", "https://chat.example"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization"),
            ],
            omniroute_testkit::whole(bytes::Bytes::new()),
        )
        .await;

    assert_eq!(foreign.status, 403, "{}", foreign.text());
    assert_eq!(listed.status, 200);
    assert_eq!(listed.header("access-control-allow-origin"), Some("https://chat.example"));
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization"));
    assert_eq!(sim.seen().len(), 1, "the foreign page spent nothing");
}

#[tokio::test]
async fn an_open_address_without_a_key_refuses_to_start() {
    let sim = simulator().await;
    for open in ["server: { listen: 0.0.0.0:20128 }\n", "server: { listen: '[::]:20128' }\n"] {
        let yaml = format!("{open}{}", all_formats_with(&sim, ""));
        let text = omniroute::live::Text::BuiltIn("test.yaml", yaml);
        let Err(error) = TestGateway::try_start(text).await else { panic!("it started") };
        let message = error.to_string();
        assert!(message.contains("client_keys"), "says what to write: {message}");
    }
}
