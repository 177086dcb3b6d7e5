//! Requests that are repeated: one call, the same answer for all.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use http_body_util::BodyExt;
use omniroute_testkit::{Answer, Client, Gate, Protocol, Step, TestGateway, simulator, whole};
use serde_json::Value;

use crate::setup::{
    FORMATS, all_formats, all_formats_with, ask, is_complete, prefix, text_of, two_accounts,
};

const KEY: [(&str, &str); 1] = [("idempotency-key", "one")];
const FIRST: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"one\"}}]}\n\n";
const SECOND: &str =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" two\"}}]}\n\n";
const REST: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" three\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

async fn connect(gateway: &TestGateway) -> Client {
    Client::connect(gateway.address(), Protocol::Http1).await
}

fn same(one: &Answer, other: &Answer, case: &str) {
    assert_eq!(one.status, other.status, "{case}");
    assert_eq!(one.body, other.body, "{case}");
    for name in ["content-type", "x-omniroute-provider", "x-omniroute-translation"] {
        assert_eq!(one.header(name), other.header(name), "{case}: {name}");
    }
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"), "{case}");
}

#[tokio::test]
async fn a_repetition_within_the_window_gets_the_answer_again_in_every_format() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for client_format in FORMATS {
        for provider_format in [client_format, "chat", "gemini"] {
            for stream in [false, true] {
                let mut client = connect(&gateway).await;
                let model = format!("{}/echo", prefix(provider_format));
                let (path, body) = ask(client_format, &model, stream, "hello");
                let case = format!("{client_format} at {provider_format}, stream {stream}");
                let id = case.replace(' ', "-");
                let headers = [("idempotency-key", id.as_str())];

                let first = client.post(&path, &headers, &body).await;
                let again = client.post(&path, &headers, &body).await;
                let asked = sim.take_seen().len();
                gateway.clock().advance(Duration::from_secs(5));
                let later = client.post(&path, &headers, &body).await;
                let unnamed = client.post(&path, &[], &body).await;

                assert_eq!(first.status, 200, "{case}: {}", first.text());
                same(&first, &again, &case);
                assert_eq!(again.header("x-omniroute-idempotent"), Some("true"), "{case}");
                assert_eq!(first.header("x-omniroute-idempotent"), None, "{case}");
                assert_eq!(asked, 1, "{case}: the provider was asked once");
                assert_eq!(later.header("x-omniroute-idempotent"), None, "{case}: window over");
                assert_eq!(unnamed.header("x-omniroute-idempotent"), None, "{case}");
                assert_eq!(sim.take_seen().len(), 2, "{case}");
                gateway.clock().advance(Duration::from_secs(5));
            }
        }
    }
}

/// Reads a body until a text has come; returns all that came.
pub async fn until<B>(response: &mut Response<B>, wanted: &str) -> String
where
    B: BodyExt<Data = Bytes, Error: Debug> + Unpin,
{
    let mut seen = String::new();
    while !seen.contains(wanted) {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
    seen
}

/// Reads the rest of a body.
pub async fn rest<B: BodyExt<Data = Bytes, Error: Debug>>(response: Response<B>) -> String {
    let rest = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&rest).into_owned()
}

fn bytes_of(body: &Value) -> omniroute_testkit::Pieces {
    whole(body.to_string().into())
}

#[tokio::test]
async fn a_repetition_of_a_running_stream_gets_it_from_the_beginning_and_then_live() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for format in FORMATS {
        for protocol in [Protocol::Http1, Protocol::H2c] {
            let gate = Gate::new();
            let step = Step::reply(200).header("content-type", "text/event-stream");
            sim.script([step.piece(FIRST).gate(&gate).piece(SECOND).piece(REST)]);
            let id = format!("{format}-{protocol:?}");
            let headers = [("x-request-id", id.as_str())];
            let (path, body) = ask(format, "chat/echo", true, "hello");
            let mut one = Client::connect(gateway.address(), protocol).await;
            let mut two = Client::connect(gateway.address(), protocol).await;

            let mut first = one.begin(Method::POST, &path, &headers, bytes_of(&body)).await;
            let first_half = until(&mut first, "one").await;
            let mut second = two.begin(Method::POST, &path, &headers, bytes_of(&body)).await;
            let second_half = until(&mut second, "one").await;
            gate.open();
            let first = first_half + &rest(first).await;
            let second = second_half + &rest(second).await;

            assert_eq!(first, second, "{format}");
            assert!(first.contains("three") && is_complete(format, &first), "{format}: {first}");
            assert_eq!(sim.take_seen().len(), 1, "{format}");
        }
    }
}

#[tokio::test]
async fn the_first_client_may_leave_and_the_second_still_gets_it_all() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for format in FORMATS {
        for protocol in [Protocol::Http1, Protocol::H2c] {
            let (gate, last) = (Gate::new(), Gate::new());
            let step = Step::reply(200).header("content-type", "text/event-stream");
            let step = step.piece(FIRST).gate(&gate).piece(SECOND).gate(&last).piece(REST);
            sim.script([step]);
            let (path, body) = ask(format, "chat/echo", true, "hello");
            let mut one = Client::connect(gateway.address(), protocol).await;
            let mut two = connect(&gateway).await;
            let mut first = one.begin(Method::POST, &path, &KEY, bytes_of(&body)).await;
            until(&mut first, "one").await;
            let mut second = two.begin(Method::POST, &path, &KEY, bytes_of(&body)).await;
            let mut seen = until(&mut second, "one").await;

            drop(first);
            drop(one);
            gate.open();
            seen.push_str(&until(&mut second, "two").await);
            last.open();
            seen.push_str(&rest(second).await);

            assert!(is_complete(format, &seen), "{format}: {seen}");
            let counts = sim.wait_until(|counts| counts.open_streams == 0).await;
            assert_eq!(counts.aborted, 0, "{format}: the provider's call went on");
            assert_eq!(sim.take_seen().len(), 1, "{format}");
            gateway.clock().advance(Duration::from_secs(5));
        }
    }
}

#[tokio::test]
async fn who_waits_for_one_that_left_before_its_answer_gets_it() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for stream in [false, true] {
        let gate = Gate::new();
        let whole = r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"three"},"finish_reason":"stop"}]}"#;
        sim.script([match stream {
            true => Step::reply(200)
                .header("content-type", "text/event-stream")
                .gate(&gate)
                .piece(FIRST)
                .piece(REST),
            false => {
                Step::reply(200).header("content-type", "application/json").gate(&gate).piece(whole)
            }
        }]);
        let (path, body) = ask("chat", "chat/echo", stream, "hello");
        let (mut one, mut two) = (connect(&gateway).await, connect(&gateway).await);
        let mut first = Box::pin(one.begin(Method::POST, &path, &KEY, bytes_of(&body)));
        tokio::select! {
            _ = &mut first => panic!("nothing has come"),
            () = gate.reached(1) => {}
        }
        let both_are_in = async {
            while gateway.shared().metrics.in_flight() < 2 {
                tokio::task::yield_now().await;
            }
        };
        let second = two.post(&path, &KEY, &body);
        let leaves = async {
            tokio::select! {
                _ = &mut first => panic!("nothing has come"),
                () = both_are_in => {}
            }
            drop(first);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            gate.open();
        };

        let (second, ()) = tokio::join!(second, leaves);

        assert!(second.text().contains("three"), "{}", second.text());
        assert_eq!(second.header("x-omniroute-idempotent"), Some("true"), "one call for both");
        assert_eq!((sim.take_seen().len(), sim.aborted()), (1, 0));
        gateway.clock().advance(Duration::from_secs(5));
    }
}

#[tokio::test]
async fn who_follows_may_leave_before_and_within_the_answer_and_the_first_gets_it_all() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let running = async |count: i64| {
        while gateway.shared().metrics.in_flight() != count {
            tokio::task::yield_now().await;
        }
    };
    for has_begun in [false, true] {
        let (gate, last) = (Gate::new(), Gate::new());
        let step = Step::reply(200).header("content-type", "text/event-stream");
        sim.script([step.gate(&gate).piece(FIRST).gate(&last).piece(REST)]);
        let (path, body) = ask("chat", "chat/echo", true, "hello");
        let (mut one, mut two) = (connect(&gateway).await, connect(&gateway).await);
        let mut first = Box::pin(one.begin(Method::POST, &path, &KEY, bytes_of(&body)));
        tokio::select! {
            _ = &mut first => panic!("nothing has come"),
            () = gate.reached(1) => {}
        }
        let mut second = Box::pin(two.begin(Method::POST, &path, &KEY, bytes_of(&body)));
        tokio::select! {
            _ = &mut second => panic!("nothing has come"),
            () = running(2) => {}
        }

        let seen = if has_begun {
            gate.open();
            let mut second = second.await;
            let mut first = first.await;
            until(&mut second, "one").await;
            let seen = until(&mut first, "one").await;
            drop(second);
            drop(two);
            running(1).await;
            last.open();
            seen + &rest(first).await
        } else {
            drop(second);
            drop(two);
            // The first waits all the time, so that its connection is looked after.
            tokio::select! {
                _ = &mut first => panic!("nothing has come"),
                () = running(1) => {}
            }
            gate.open();
            last.open();
            rest(first.await).await
        };

        assert!(is_complete("chat", &seen) && seen.contains("three"), "{has_begun}: {seen}");
        assert_eq!((sim.take_seen().len(), sim.aborted()), (1, 0), "{has_begun}");
        gateway.clock().advance(Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_provider_that_breaks_off_does_so_for_all_and_is_asked_again_later() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let gate = Gate::new();
    let step = Step::reply(200).header("content-type", "text/event-stream");
    sim.script([step.piece(FIRST).gate(&gate).reset()]);
    let (path, body) = ask("anthropic", "chat/echo", true, "hello");
    let (mut one, mut two) = (connect(&gateway).await, connect(&gateway).await);
    let mut first = one.begin(Method::POST, &path, &KEY, bytes_of(&body)).await;
    until(&mut first, "one").await;
    let mut second = two.begin(Method::POST, &path, &KEY, bytes_of(&body)).await;
    until(&mut second, "one").await;
    gate.open();

    let (first, second) = (rest(first).await, rest(second).await);
    let later = two.post(&path, &KEY, &body).await;

    assert!(first.contains("event: error"), "{first}");
    assert_eq!(first, second);
    assert!(is_complete("anthropic", &later.text()), "not kept: {}", later.text());
    assert_eq!(later.header("x-omniroute-idempotent"), None);
}

#[tokio::test]
async fn a_key_that_comes_with_another_request_is_refused_in_every_format() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for format in FORMATS {
        let mut client = connect(&gateway).await;
        let model = format!("{}/echo", prefix(format));
        let (path, body) = ask(format, &model, false, "hello");
        let (_, other) = ask(format, &model, false, "goodbye");
        client.post(&path, &KEY, &body).await;
        let _ = sim.take_seen();

        let refused = client.post(&path, &KEY, &other).await;

        assert_eq!(refused.status, 422, "{format}: {}", refused.text());
        assert!(refused.text().contains("idempotency key"), "{format}: {}", refused.text());
        assert_eq!(refused.header("x-should-retry"), Some("false"), "{format}");
        let trace = [("x-request-id", "constant")];
        for text in ["hello", "goodbye", "hello"] {
            let (_, body) = ask(format, &model, false, text);
            let answer = client.post(&path, &trace, &body).await;
            let said = text_of(format, &answer.json());
            assert_eq!(said, format!("You said: {text}"), "{format}: a trace id is no key");
            assert_eq!(answer.header("x-omniroute-idempotent"), None, "{format}");
        }
        assert_eq!(sim.take_seen().len(), 3, "{format}");
    }
}

#[tokio::test]
async fn keys_of_two_clients_never_meet() {
    let sim = simulator().await;
    let keys = "client_keys:
  - { name: one, key: key-of-the-one }
  - { name: two, key: key-of-the-two }
";
    let gateway = TestGateway::start(&all_formats_with(&sim, keys)).await;
    let mut client = connect(&gateway).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    for bearer in ["Bearer key-of-the-one", "Bearer key-of-the-two"] {
        let headers = [KEY[0], ("authorization", bearer)];
        let answer = client.post(&path, &headers, &body).await;
        assert_eq!(answer.header("x-omniroute-idempotent"), None, "{bearer}");
    }
    assert_eq!(sim.seen().len(), 2);
}

#[tokio::test]
async fn an_error_that_may_pass_is_not_kept() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = connect(&gateway).await;
    let failing = || Step::reply(500).header("content-type", "application/json").piece("{}");
    sim.script([failing(), failing()]);
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    let failed = client.post(&path, &KEY, &body).await;
    let mut client = connect(&gateway).await;
    let served = client.post(&path, &KEY, &body).await;

    assert_eq!(failed.status, 500, "{}", failed.text());
    assert_eq!(served.status, 200, "{}", served.text());
    let bad = Step::reply(400).header("content-type", "application/json");
    sim.script([bad.piece("{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\"}}")]);
    let headers = [("idempotency-key", "two")];
    let refused = client.post(&path, &headers, &body).await;
    let mut client = connect(&gateway).await;
    let again = client.post(&path, &headers, &body).await;
    assert_eq!((refused.status, again.status), (400, 400), "the request's own fault stays");
    assert_eq!(refused.body, again.body);
}
