//! Limits of client keys, over the wire.

use std::time::Duration;

use omniroute_testkit::{Client, Gate, Protocol, Running, Sim, Step, TestGateway};

use crate::setup::{FORMATS, all_formats_with, ask, error_message};

const KEY: (&str, &str) = ("x-api-key", "ci-key-0123456789");

async fn gateway(limits: &str) -> (Running, TestGateway) {
    let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let keys = format!("client_keys: [{{ name: ci, key: ci-key-0123456789, limits: {limits} }}]\n");
    let gateway = TestGateway::start(&all_formats_with(&sim, &keys)).await;
    (sim, gateway)
}

#[tokio::test]
async fn requests_in_a_minute_are_counted_and_told_in_each_format() {
    let (sim, gateway) = gateway("{ rpm: 4 }").await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    for (left, format) in (0..4).rev().zip(FORMATS) {
        let (path, body) = ask(format, "chat/echo", false, "hello");
        let answer = client.post(&path, &[KEY], &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let family = match format {
            "anthropic" => "anthropic-ratelimit-requests-",
            "gemini" => {
                let told = answer.headers.keys().any(|name| name.as_str().contains("ratelimit"));
                assert!(!told, "{:?}", answer.headers);
                continue;
            }
            _ => "x-ratelimit-",
        };
        let header = |part: &str| {
            let name = if family.starts_with('x') {
                format!("{family}{part}-requests")
            } else {
                format!("{family}{part}")
            };
            answer
                .header(&name)
                .unwrap_or_else(|| panic!("{name} of {:?}", answer.headers))
                .to_owned()
        };
        assert_eq!(header("limit"), "4");
        assert_eq!(header("remaining"), left.to_string(), "{format}");
        let reset = header("reset");
        assert!(
            if format == "anthropic" { reset.ends_with('Z') } else { reset.ends_with('s') },
            "{reset}"
        );
    }

    let asked = sim.counts().requests;
    for format in FORMATS {
        let (path, body) = ask(format, "chat/echo", false, "hello");
        let answer = client.post(&path, &[KEY], &body).await;
        let case = format!("{format}: {}", answer.text());
        assert_eq!(answer.status, 429, "{case}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{case}");
        assert_eq!(answer.header("x-should-retry"), None, "{case}");
        assert!(
            error_message(&answer.json()).contains("`ci` has reached its limit (rpm: 4)"),
            "{case}"
        );
    }
    assert_eq!(sim.counts().requests, asked, "nobody was asked");

    gateway.clock().advance(Duration::from_secs(60));
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(client.post(&path, &[KEY], &body).await.status, 200);
}

#[tokio::test]
async fn tokens_are_counted_as_they_were_in_the_end() {
    let (_sim, gateway) = gateway("{ tpm: 300 }").await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, &"word ".repeat(100));

    let first = client.post(&path, &[KEY], &body).await;
    assert_eq!((first.status, first.header("x-ratelimit-limit-tokens")), (200, Some("300")));
    // The next request on the connection comes after the end of this one.
    let took = first.json()["usage"]["total_tokens"].as_u64().unwrap();
    let second = client.post(&path, &[KEY], &body).await;

    assert!(took > 170, "{took}");
    assert_eq!(second.status, 429, "{}", second.text());
    assert!(error_message(&second.json()).contains("(tpm: 300)"), "{}", second.text());
    let left: u64 = second.header("x-ratelimit-remaining-tokens").unwrap().parse().unwrap();
    assert_eq!(left, 300 - took);
}

#[tokio::test]
async fn a_stream_takes_its_place_to_its_end() {
    let (sim, gateway) = gateway("{ concurrent: 1 }").await;
    let gate = Gate::new();
    sim.script([Step::reply(200)
        .header("content-type", "text/event-stream")
        .piece("data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"one\"},\"finish_reason\":null}]}\n\n")
        .gate(&gate)
        .piece("data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")]);
    let (path, body) = ask("chat", "chat/echo", true, "hello");
    let mut streaming = Client::connect(gateway.address(), Protocol::Http1).await;
    let mut other = Client::connect(gateway.address(), Protocol::Http1).await;
    {
        let stream = streaming.post(&path, &[KEY], &body);
        let mut stream = std::pin::pin!(stream);
        while sim.counts().requests == 0 {
            assert!(futures_util::poll!(stream.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
        let (path, body) = ask("chat", "chat/echo", false, "hello");
        let refused = other.post(&path, &[KEY], &body).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
        assert!(error_message(&refused.json()).contains("(concurrent: 1)"), "{}", refused.text());

        gate.open();
        let answer = stream.await;
        assert!(answer.complete && answer.text().contains("[DONE]"), "{}", answer.text());
    }
    while gateway.shared().metrics.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(other.post(&path, &[KEY], &body).await.status, 200);
}
