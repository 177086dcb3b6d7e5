//! Bad input gets the status and body that the client's SDK turns into its proper exception.

use omniroute_testkit::{Client, Protocol, RawConnection, TestGateway, simulator, whole};
use serde_json::json;

use crate::setup::{FORMATS, all_formats, all_formats_with, ask, error_message};

fn path_of(format: &str) -> &'static str {
    match format {
        "chat" => "/v1/chat/completions",
        "responses" => "/v1/responses",
        "anthropic" => "/v1/messages",
        _ => "/v1beta/models/chat%2Fecho:generateContent",
    }
}

/// The words each format has for an error class.
fn assert_kind(
    format: &str,
    body: &serde_json::Value,
    openai: &str,
    anthropic: &str,
    gemini: &str,
) {
    let (word, expected) = match format {
        "chat" | "responses" => (&body["error"]["type"], openai),
        "anthropic" => (&body["error"]["type"], anthropic),
        _ => (&body["error"]["status"], gemini),
    };
    assert_eq!(word, expected, "{format}: {body}");
}

#[tokio::test]
async fn malformed_json_names_the_place() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for format in FORMATS {
        for (bad, word) in [
            (&b"{\"model\": \"chat/echo\", "[..], "line 1"),
            (b"[]", "shape"),
            (b"{\"model\":\"\xff\"}", "UTF-8"),
            (b"", "empty"),
        ] {
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let body = whole(bytes::Bytes::copy_from_slice(bad));

            let answer = client.send(http::Method::POST, path_of(format), &[], body).await;

            assert_eq!(answer.status, 400, "{format}: {}", answer.text());
            let message = answer.json();
            assert!(error_message(&message).contains(word), "{format}: {message}");
            assert_kind(
                format,
                &message,
                "invalid_request_error",
                "invalid_request_error",
                "INVALID_ARGUMENT",
            );
        }
    }
    assert_eq!(sim.seen().len(), 0);
}

#[tokio::test]
async fn a_missing_model_is_named() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    for format in ["chat", "anthropic"] {
        let answer = client.post(path_of(format), &[], &json!({ "messages": [] })).await;
        assert_eq!(answer.status, 400);
        assert!(error_message(&answer.json()).contains("model: is missing"), "{}", answer.text());
    }
}

#[tokio::test]
async fn an_unknown_model_is_404_and_names_the_nearest() {
    let sim = simulator().await;
    let more = "combos: { premium-coding: { targets: [chat/echo] } }\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    for format in FORMATS {
        let (path, body) = ask(format, "premium-codin", false, "hello");
        let answer = client.post(&path, &[], &body).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        let message = answer.json();
        assert!(error_message(&message).contains("`premium-coding`"), "{message}");
        assert_kind(format, &message, "invalid_request_error", "not_found_error", "NOT_FOUND");
    }
    let (path, body) = ask("chat", "nonsense", false, "hello");
    let answer = client.post(&path, &[], &body).await;
    assert_eq!(answer.json()["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn too_large_a_body_is_413_with_length_and_in_chunks() {
    let sim = simulator().await;
    let config = format!("server: {{ max_body: 64KiB }}\n{}", all_formats(&sim));
    let gateway = TestGateway::start(&config).await;
    for format in FORMATS {
        for protocol in [Protocol::Http1, Protocol::H2c] {
            let big = bytes::Bytes::from(vec![b' '; 70_000]);
            for pieces in [whole(big.clone()), omniroute_testkit::chunked(&big, 9_000)] {
                let mut client = Client::connect(gateway.address(), protocol).await;
                let answer = client.send(http::Method::POST, path_of(format), &[], pieces).await;
                assert_eq!(answer.status, 413, "{format} {protocol:?}: {}", answer.text());
                let message = answer.json();
                assert!(error_message(&message).contains("65536"), "names the limit: {message}");
                assert_kind(
                    format,
                    &message,
                    "invalid_request_error",
                    "request_too_large",
                    "INVALID_ARGUMENT",
                );
            }
        }
    }
    assert_eq!(sim.seen().len(), 0);
}

#[tokio::test]
async fn wrong_methods_and_paths_say_what_is_right() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let method = client.get("/v1/chat/completions", &[]).await;
    let path = client.get("/v1/nothing", &[]).await;
    let later = client.post("/v1/embeddings", &[], &json!({})).await;
    let twice = client.post("/v1//messages", &[], &json!({})).await;

    assert_eq!((method.status, method.header("allow")), (405, Some("POST")));
    assert_eq!(path.status, 404, "{}", path.text());
    assert!(error_message(&path.json()).contains("/v1/nothing"));
    assert_eq!(later.status, 501, "{}", later.text());
    assert!(error_message(&later.json()).contains("not available yet"));
    assert_eq!(twice.status, 400);
}

#[tokio::test]
async fn compressed_bodies_are_415() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let answer = client.post(&path, &[("content-encoding", "gzip")], &body).await;

    assert_eq!(answer.status, 415, "{}", answer.text());
    assert!(error_message(&answer.json()).contains("gzip"));
}

#[tokio::test]
async fn a_slow_body_is_408_and_the_connection_is_closed() {
    let sim = simulator().await;
    let config = format!("server: {{ timeouts: {{ client_body: 100ms }} }}\n{}", all_formats(&sim));
    let gateway = TestGateway::start(&config).await;
    let mut raw = RawConnection::connect(gateway.address()).await;

    raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"mo").await;
    let answer = raw.read_until(|_| false).await;

    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("client_body"), "names the limit: {answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn too_large_a_head_is_431_and_too_long_a_target_414() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let long = "x".repeat(70_000);
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    let head = client.post(&path, &[("x-long", &long)], &body).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let target = client.get(&format!("/v1/models?{}", &long[..20_000]), &[]).await;

    assert_eq!(head.status, 431, "{}", head.text());
    assert_eq!(target.status, 414, "{}", target.text());
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named_by_its_path() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let body = json!({ "model": "gemini-sim/echo", "messages": [
        { "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "telepathy" }] }] });

    let answer = client.post("/v1/chat/completions", &[], &body).await;

    assert_eq!(answer.status, 400, "{}", answer.text());
    let json = answer.json();
    assert!(error_message(&json).contains("messages[0].content[1]"), "{json}");
}

#[tokio::test]
async fn models_are_listed_in_three_shapes() {
    let sim = simulator().await;
    let more = "combos: { premium: { targets: [chat/echo] } }\naliases: { fast: chat/echo }\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let openai = client.get("/v1/models", &[]).await.json();
    let anthropic = client.get("/v1/models", &[("anthropic-version", "2023-06-01")]).await.json();
    let gemini = client.get("/v1beta/models", &[]).await.json();
    let one = client.get("/v1/models/premium", &[]).await.json();
    let none = client.get("/v1/models/nothing", &[]).await;

    assert_eq!(openai["data"][0]["id"], "fast");
    assert_eq!(openai["data"][1]["id"], "premium");
    assert_eq!(anthropic["data"][0]["type"], "model");
    assert_eq!(gemini["models"][0]["name"], "models/fast");
    assert_eq!(one["id"], "premium");
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn health_tells_the_truth() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let empty = TestGateway::start("{}").await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let mut to_empty = Client::connect(empty.address(), Protocol::Http1).await;

    assert_eq!(client.get("/healthz", &[]).await.status, 200);
    assert_eq!(client.get("/readyz", &[]).await.status, 200);
    assert_eq!(to_empty.get("/livez", &[]).await.status, 200);
    assert_eq!(to_empty.get("/readyz", &[]).await.status, 503, "no account: it cannot serve");
}
