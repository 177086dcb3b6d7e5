//! Streams: held until good, honest when they break, stopped when nobody listens.

use http::Method;
use http_body_util::BodyExt;
use omniroute_testkit::{Client, Gate, Protocol, Step, TestGateway, simulator, whole};

use crate::setup::{
    FORMATS, all_formats, all_formats_with, ask, has_error_event, is_complete, prefix, two_accounts,
};

#[tokio::test]
async fn a_provider_that_dies_mid_stream_ends_in_an_error_event_of_the_clients_format() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for client_format in FORMATS {
        for provider_format in FORMATS {
            for fault in ["reset-after-3", "eof-after-3", "in-band-error-after-3"] {
                for protocol in [Protocol::Http1, Protocol::H2c] {
                    let mut client = Client::connect(gateway.address(), protocol).await;
                    let model = format!("{}/{fault}", prefix(provider_format));
                    let (path, body) = ask(client_format, &model, true, "one two three four five");

                    let answer = client.post(&path, &[], &body).await;

                    let case = format!(
                        "{client_format} at {provider_format}, {fault}, {protocol:?}: {}",
                        answer.text()
                    );
                    assert_eq!(answer.status, 200, "{case}");
                    assert!(answer.complete, "the HTTP body ends properly: {case}");
                    assert!(has_error_event(client_format, &answer.text()), "{case}");
                    assert!(
                        !is_complete(client_format, &answer.text()),
                        "no false success: {case}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_ends_a_stream_of_any_pair_in_an_error() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let good = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one two\"}}]}\n\n";
    let rest = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for format in FORMATS {
        for bad in [
            &b"data: {not json\n\n"[..],
            b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n",
        ] {
            // Together, each by itself, and with an end that is none.
            for (pieces, close) in [
                (vec![[good.as_bytes(), bad, rest.as_bytes()].concat()], false),
                (vec![good.into(), bad.to_vec(), rest.into()], false),
                (vec![good.into(), bad.to_vec()], true),
            ] {
                let step = Step::reply(200).header("content-type", "text/event-stream");
                let step = pieces.into_iter().fold(step, Step::piece);
                sim.script([if close { step.close() } else { step }]);
                let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
                let (path, body) = ask(format, "chat/echo", true, "hello");

                let answer = client.post(&path, &[], &body).await;

                let case = format!("{format}: {}", String::from_utf8_lossy(&answer.body));
                assert!(answer.complete && case.contains("one two"), "{case}");
                assert!(has_error_event(format, &case), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_in_a_stream_before_content_is_replaced_by_the_next_attempt() {
    let sim = simulator().await;
    let more = "combos:\n  pair: { targets: [anthropic-sim/in-band-error, chat/echo] }\n";
    for format in FORMATS {
        let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "pair", true, "hello");

        let answer = client.post(&path, &[], &body).await;

        assert!(is_complete(format, &answer.text()), "{format}: {}", answer.text());
        assert!(!has_error_event(format, &answer.text()), "{format}: {}", answer.text());
        assert_eq!(answer.header("x-omniroute-attempts"), Some("2"));
    }
}

#[tokio::test]
async fn an_error_in_a_stream_before_content_with_nobody_left_is_a_plain_error() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for format in FORMATS {
        for provider in FORMATS {
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let model = format!("{}/in-band-error", prefix(provider));
            let (path, body) = ask(format, &model, true, "hello");

            let answer = client.post(&path, &[], &body).await;

            let case = format!("{format} at {provider}: {}", answer.text());
            assert!(answer.status >= 500 || answer.status == 429, "{} {case}", answer.status);
            assert!(answer.json()["error"].is_object(), "{case}");
        }
    }
}

#[tokio::test]
async fn the_first_token_reaches_the_client_before_the_second_is_made() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let first = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"one\"}}]}\n\n";
    let rest = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" two\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for format in FORMATS {
        let gate = Gate::new();
        let step = Step::reply(200).header("content-type", "text/event-stream");
        sim.script([step.piece(first).gate(&gate).piece(rest)]);
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "chat/echo", true, "hello");
        let body = whole(body.to_string().into());

        let mut response = client.begin(Method::POST, &path, &[], body).await;
        let mut seen = String::new();
        while !seen.contains("one") {
            let frame = response.body_mut().frame().await.expect("more comes").unwrap();
            seen.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
        }
        assert!(!seen.contains("two"), "{format}: the gate is shut: {seen}");
        gate.open();
        let rest = response.into_body().collect().await.unwrap().to_bytes();

        assert!(String::from_utf8_lossy(&rest).contains("two"), "{format}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_provider_at_every_stage() {
    for model in ["slow?first_byte=60s", "stall-after-0", "stall-after-3"] {
        for protocol in [Protocol::Http1, Protocol::H2c] {
            let sim = simulator().await;
            let gateway = TestGateway::start(&all_formats(&sim)).await;
            let mut client = Client::connect(gateway.address(), protocol).await;
            let (path, body) =
                ask("chat", &format!("anthropic-sim/{model}"), true, "one two three four");
            let body = whole(body.to_string().into());
            {
                let headers = [];
                let request = client.begin(Method::POST, &path, &headers, body);
                tokio::select! {
                    _answer = request => {}
                    _ = sim.wait_until(|counts| counts.open_streams == 1) => {}
                }
            }

            drop(client);

            let counts = sim.wait_until(|counts| counts.open_streams == 0).await;
            assert_eq!(
                counts.aborted, 1,
                "{model} {protocol:?}: the provider's call was cancelled"
            );
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_rests_no_account() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/stall-after-3", true, "one two three four");
    let response = client.begin(Method::POST, &path, &[], whole(body.to_string().into())).await;
    drop(response);
    drop(client);
    sim.wait_until(|counts| counts.open_streams == 0).await;

    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let next = client.post(&path, &[], &body).await;

    assert_eq!(next.header("x-omniroute-account"), Some("first"));
}

#[tokio::test]
async fn a_silent_provider_is_given_up_before_and_after_the_first_byte() {
    let sim = simulator().await;
    let config = format!(
        "server: {{ timeouts: {{ first_byte: 150ms, idle: 150ms }} }}\n{}",
        all_formats(&sim)
    );
    let gateway = TestGateway::start(&config).await;
    for format in FORMATS {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "chat/slow?first_byte=60s", true, "hello");
        let before = client.post(&path, &[], &body).await;
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "chat/stall-after-2", true, "one two three four");
        let after = client.post(&path, &[], &body).await;

        assert_eq!(before.status, 504, "{format}: {}", before.text());
        assert_eq!(after.status, 200, "{format}: {}", after.text());
        assert!(has_error_event(format, &after.text()), "{format}: {}", after.text());
        assert!(!is_complete(format, &after.text()), "{format}: {}", after.text());
    }
}

#[tokio::test]
async fn a_silent_provider_before_the_first_byte_is_replaced() {
    let sim = simulator().await;
    let more = "combos:\n  pair: { targets: ['chat/slow?first_byte=60s', gemini-sim/echo] }\n";
    let config = format!(
        "server: {{ timeouts: {{ first_byte: 150ms }} }}\n{}",
        all_formats_with(&sim, more)
    );
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let (path, body) = ask("anthropic", "pair", true, "hello");
    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(is_complete("anthropic", &answer.text()), "{}", answer.text());
}

#[tokio::test]
async fn a_whole_reply_where_a_stream_was_asked_for_is_played_as_one() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let reply = r#"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let said = |kind| Step::reply(200).header("content-type", kind);
    for (format, step) in FORMATS
        .into_iter()
        .flat_map(|format| [(format, said("application/json")), (format, Step::reply(200))])
    {
        sim.script([step.piece(reply)]);
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "chat/echo", true, "hello");

        let answer = client.post(&path, &[], &body).await;

        assert_eq!(answer.status, 200, "{format}: {}", answer.text());
        assert!(is_complete(format, &answer.text()), "{format}: {}", answer.text());
        assert_eq!(crate::setup::streamed_text(format, &answer.text()), "whole", "{format}");
    }
}

#[tokio::test]
async fn gemini_without_sse_is_one_json_array() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for provider in FORMATS {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let path = format!("/v1beta/models/{}/echo:streamGenerateContent", prefix(provider));
        let (_, body) = ask("gemini", "", true, "good morning");

        let answer = client.post(&path, &[], &body).await;

        assert_eq!(answer.status, 200, "{provider}: {}", answer.text());
        let array = answer.json();
        assert!(array.as_array().is_some_and(|items| !items.is_empty()), "{provider}: {array}");
        assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    }
}
