//! The response cache: the same request at temperature 0 is answered without a provider.

use std::time::Duration;

use omniroute_testkit::{Client, Protocol, Step, TestGateway, simulator};
use serde_json::{Value, json};

use crate::setup::{FORMATS, all_formats, all_formats_with, ask, prefix};

/// A whole request with this temperature.
fn cold(format: &str, model: &str, temperature: &Value) -> (String, Value) {
    let (path, mut body) = ask(format, model, false, "hello");
    match format {
        "gemini" => body["generationConfig"] = json!({ "temperature": temperature }),
        _ => body["temperature"] = temperature.clone(),
    }
    (path, body)
}

#[tokio::test]
async fn the_same_request_at_temperature_zero_asks_no_provider() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut expected = 0.0;
    for client_format in FORMATS {
        for provider_format in FORMATS {
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let model = format!("{}/echo?input=11", prefix(provider_format));
            let (path, body) = cold(client_format, &model, &json!(0));

            let first = client.post(&path, &[], &body).await;
            let again = client.post(&path, &[], &body).await;

            let case = format!("{client_format} at {provider_format}: {}", again.text());
            assert_eq!((first.status, again.status), (200, 200), "{case}");
            assert_eq!(first.header("x-omniroute-cache"), Some("miss"), "{case}");
            assert_eq!(again.header("x-omniroute-cache"), Some("hit"), "{case}");
            assert_eq!(first.body, again.body, "{case}");
            assert_eq!(
                first.header("x-omniroute-provider"),
                again.header("x-omniroute-provider"),
                "{case}"
            );
            assert_ne!(first.header("x-request-id"), again.header("x-request-id"), "{case}");
            assert_eq!(sim.take_seen().len(), 1, "{case}");
            expected += 1.0;
        }
    }
    let metric = |line: &str| gateway.metric(line);
    assert_eq!(metric("omniroute_cache_requests_total{result=\"hit\"}"), expected);
    assert_eq!(metric("omniroute_cache_requests_total{result=\"miss\"}"), expected);
    assert_eq!(metric("omniroute_cache_entries"), expected);
    assert_eq!(metric("omniroute_cache_saved_tokens_total{kind=\"input\"}"), 11.0 * expected);
    assert_eq!(metric("omniroute_cache_saved_tokens_total{kind=\"output\"}"), 3.0 * expected);
    assert_eq!(gateway.shared().state.answers.clear(), 16, "what the administration calls");
    assert_eq!(metric("omniroute_cache_entries"), 0.0);
}

#[tokio::test]
async fn nothing_is_kept_that_may_differ_or_that_the_client_wants_anew() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for format in FORMATS {
        let model = format!("{}/echo", prefix(format));
        let (path, body) = cold(format, &model, &json!(0));
        let warm = cold(format, &model, &json!(0.5)).1;
        let unsaid = ask(format, &model, false, "hello").1;
        let (stream_path, _) = ask(format, &model, true, "hello");
        let mut stream = body.clone();
        if format != "gemini" {
            stream["stream"] = true.into();
        }
        let anew = [("x-omniroute-no-cache", "true")];
        for (what, path, headers, body) in [
            ("warm", &path, &[][..], &warm),
            ("unsaid", &path, &[][..], &unsaid),
            ("stream", &stream_path, &[][..], &stream),
            ("anew", &path, &anew[..], &body),
        ] {
            for _ in 0..2 {
                let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
                let answer = client.post(path, headers, body).await;
                assert_eq!(answer.status, 200, "{format}, {what}: {}", answer.text());
                assert_eq!(answer.header("x-omniroute-cache"), Some("bypass"), "{format}, {what}");
            }
            assert_eq!(sim.take_seen().len(), 2, "{format}, {what}");
        }
    }
    assert_eq!(gateway.metric("omniroute_cache_requests_total{result=\"bypass\"}"), 8.0);
    assert_eq!(gateway.metric("omniroute_cache_entries"), 0.0);
}

#[tokio::test]
async fn an_answer_is_given_for_its_time_to_its_key_and_only_if_it_was_good() {
    let sim = simulator().await;
    let more = "client_keys:
  - { name: one, key: key-of-the-one }
  - { name: two, key: key-of-the-two }
filters: [api_key, { response_cache: { max_entries: 2, ttl: 60s } }]
";
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = cold("chat", "chat/echo", &json!(0));
    let one = [("authorization", "Bearer key-of-the-one")];
    let two = [("authorization", "Bearer key-of-the-two")];
    sim.script([Step::reply(500).header("content-type", "application/json").piece("{}")]);
    let failed = client.post(&path, &one, &body).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let mut said = vec![failed.header("x-omniroute-cache").map(ToOwned::to_owned)];
    for (key, later) in [(&one, 0), (&one, 59), (&two, 0), (&two, 0), (&one, 1)] {
        gateway.clock().advance(Duration::from_secs(later));
        let answer = client.post(&path, key, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        said.push(answer.header("x-omniroute-cache").map(ToOwned::to_owned));
    }

    let said: Vec<&str> = said.iter().map(|said| said.as_deref().unwrap_or("none")).collect();
    assert_eq!(said, ["miss", "miss", "hit", "miss", "hit", "miss"]);
}
