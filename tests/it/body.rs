//! Bodies of every size and framing reach the provider whole, also after a failed first attempt.

use bytes::Bytes;
use http::Method;
use omniroute_testkit::{Client, Protocol, TestGateway, chunked, simulator, whole};
use serde_json::json;

use crate::setup::two_accounts;

const KIB: usize = 1024;

/// Sizes of the text in the body; Pingora's own retry buffer ends at 64 KiB.
const SIZES: [usize; 5] = [KIB, 64 * KIB, 64 * KIB + 1, KIB * KIB, 8 * KIB * KIB];

fn request(size: usize) -> Bytes {
    let text = "x".repeat(size);
    json!({ "model": "chat/echo", "max_tokens": 5, "messages": [{ "role": "user", "content": text }] })
        .to_string()
        .into()
}

/// What the provider must see: the same bytes, the model's name apart.
fn forwarded(request: &Bytes) -> Vec<u8> {
    let text = String::from_utf8(request.to_vec()).unwrap();
    text.replacen("\"chat/echo\"", "\"echo\"", 1).into_bytes()
}

async fn matrix(first_key: &str, first_outcome: &str) {
    let sim = simulator().await;
    let config =
        format!("server: {{ max_body: 32MiB }}\n{}", two_accounts(&sim, first_key, "sk-sim-ok"));
    for protocol in [Protocol::Http1, Protocol::H2c] {
        for size in SIZES {
            for framing in ["length", "chunks"] {
                let case = format!("{protocol:?} {size} {framing} after {first_outcome}");
                let gateway = TestGateway::start(&config).await;
                let mut client = Client::connect(gateway.address(), protocol).await;
                let body = request(size);
                let pieces =
                    if framing == "length" { whole(body.clone()) } else { chunked(&body, 60_000) };
                let headers = [("content-type", "application/json")];

                let answer =
                    client.send(Method::POST, "/v1/chat/completions", &headers, pieces).await;

                assert_eq!(answer.status, 200, "{case}: {}", answer.text());
                assert!(answer.complete, "{case}");
                let seen = sim.take_seen();
                assert_eq!(seen.len(), if first_outcome == "success" { 1 } else { 2 }, "{case}");
                for attempt in &seen {
                    assert!(attempt.body == forwarded(&body), "{case}: the body was changed");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_any_size_and_framing_reach_the_provider_unchanged() {
    matrix("sk-sim-ok", "success").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_replayed_whole_after_a_429() {
    matrix("sk-sim-429", "429").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_replayed_whole_after_a_reset() {
    matrix("sk-sim-reset", "reset").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_replayed_whole_after_an_in_band_error() {
    matrix("sk-sim-in-band-error", "in-band error").await;
}

#[tokio::test]
async fn an_empty_body_is_refused_with_what_is_expected() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    for protocol in [Protocol::Http1, Protocol::H2c] {
        let mut client = Client::connect(gateway.address(), protocol).await;

        let answer =
            client.send(Method::POST, "/v1/chat/completions", &[], whole(Bytes::new())).await;

        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("body is empty"), "{}", answer.text());
    }
    assert_eq!(sim.seen().len(), 0);
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    for _ in 0..20 {
        let body =
            json!({ "model": "chat/echo", "messages": [{ "role": "user", "content": "hi" }] });
        let answer = client.post("/v1/chat/completions", &[], &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }

    let counts = sim.counts();
    assert_eq!((counts.requests, counts.connections), (20, 1), "one connection to the provider");
}

#[tokio::test]
async fn expect_100_continue_is_answered_before_the_body_is_read() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut raw = omniroute_testkit::RawConnection::connect(gateway.address()).await;
    let body = request(10);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );

    raw.send(head.as_bytes()).await;
    let interim = raw.read_until(|text| text.contains("\r\n\r\n")).await;
    assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
    raw.send(&body).await;
    let answer = raw.read_until(|_| false).await;

    assert!(answer.contains("200 OK"), "{answer}");
    assert_eq!(sim.seen()[0].header("expect"), None, "ours to answer, not to forward");
}
