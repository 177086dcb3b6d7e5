//! How a reply is delivered: usage nobody asked for, streams from whole replies and back, the legacy
//! form, and keys that want no losses.

use omniroute_testkit::{Client, Protocol, Step, TestGateway, simulator};
use serde_json::{Value, json};

use crate::setup::{
    FORMATS, all_formats, all_formats_with, ask, error_message, is_complete, prefix, streamed_text,
    text_of,
};

#[tokio::test]
async fn usage_of_a_chat_stream_is_asked_for_and_hidden_again() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo?input=11", true, "hello");

    let answer = client.post(&path, &[], &body).await;

    let text = answer.text();
    assert!(is_complete("chat", &text), "{text}");
    assert!(!text.contains("usage"), "{text}");
    let sent: Value = serde_json::from_str(&sim.seen()[0].text()).unwrap();
    assert_eq!(sent["stream_options"], json!({ "include_usage": true }));
    let metrics = client.get("/metrics", &[]).await.text();
    assert!(
        metrics.lines().any(|line| line.contains("input") && line.ends_with(" 11")),
        "{metrics}"
    );

    let mut asked = body.clone();
    asked["stream_options"] = json!({ "include_usage": true });
    let answer = client.post(&path, &[], &asked).await;
    assert!(answer.text().contains("\"prompt_tokens\":11"), "{}", answer.text());
}

#[tokio::test]
async fn a_provider_with_one_delivery_serves_clients_who_want_the_other() {
    let sim = simulator().await;
    for (streaming, wants_stream) in [("never", true), ("always", false)] {
        let config =
            all_formats(&sim).replace("base_url:", &format!("streaming: {streaming}, base_url:"));
        let gateway = TestGateway::start(&config).await;
        for client_format in FORMATS {
            for provider_format in FORMATS {
                let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
                let model = format!("{}/echo", prefix(provider_format));
                let (path, body) = ask(client_format, &model, wants_stream, "hello");

                let answer = client.post(&path, &[], &body).await;

                let pair = format!(
                    "{client_format} at {provider_format} ({streaming}): {}",
                    answer.text()
                );
                assert_eq!(answer.status, 200, "{pair}");
                let seen = sim.take_seen().pop().unwrap();
                let asked = seen.text().contains("\"stream\":true")
                    || seen.path_and_query.contains("streamGenerate");
                assert_eq!(asked, !wants_stream, "{pair}");
                let text = if wants_stream {
                    assert!(is_complete(client_format, &answer.text()), "{pair}");
                    streamed_text(client_format, &answer.text())
                } else {
                    text_of(client_format, &serde_json::from_str(&answer.text()).unwrap())
                };
                assert_eq!(text, "You said: hello", "{pair}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_streams_and_fails_is_replaced_for_a_whole_answer_too() {
    let sim = simulator().await;
    let combo = "combos: { both: { targets: [chat/in-band-error, responses-sim/echo] } }\n";
    let config = all_formats_with(&sim, combo).replace("base_url:", "streaming: always, base_url:");
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    sim.script([Step::reply(200)
        .header("content-type", "text/event-stream")
        .piece("data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n")]);
    let (path, body) = ask("anthropic", "both", false, "hello");

    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-omniroute-attempts"), Some("2"));
}

#[tokio::test]
async fn legacy_completions_are_served_by_every_format() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for provider_format in FORMATS {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let model = format!("{}/echo", prefix(provider_format));
        let ask = |stream: bool| json!({ "model": model, "prompt": "hello", "max_tokens": 50, "stream": stream });

        let whole = client.post("/v1/completions", &[], &ask(false)).await;
        let stream = client.post("/v1/completions", &[], &ask(true)).await.text();

        assert_eq!(whole.status, 200, "{provider_format}: {}", whole.text());
        let reply: Value = serde_json::from_str(&whole.text()).unwrap();
        assert_eq!(reply["object"], "text_completion", "{provider_format}");
        assert_eq!(reply["choices"][0]["text"], "You said: hello", "{provider_format}");
        let mut text = String::new();
        for data in crate::setup::data_lines(&stream).filter(|data| *data != "[DONE]") {
            let event: Value = serde_json::from_str(data).unwrap();
            text.push_str(event["choices"][0]["text"].as_str().unwrap_or_default());
        }
        assert_eq!(text, "You said: hello", "{provider_format}: {stream}");
        assert!(stream.trim_end().ends_with("data: [DONE]"), "{stream}");
    }
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let body = json!({ "model": "chat/echo", "prompt": [1, 2, 3] });
    let answer = client.post("/v1/completions", &[], &body).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test]
async fn a_key_that_wants_no_losses_gets_none() {
    let sim = simulator().await;
    let keys = "client_keys:
  - { name: lax, key: key-of-the-lax }
  - { name: strict, key: key-of-the-strict, strict_translation: true }
";
    let gateway = TestGateway::start(&all_formats_with(&sim, keys)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, mut body) = ask("chat", "anthropic-sim/echo", false, "hello");
    body["seed"] = 7.into();
    let lax = [("authorization", "Bearer key-of-the-lax")];
    let strict = [("authorization", "Bearer key-of-the-strict")];

    let served = client.post(&path, &lax, &body).await;
    let refused = client.post(&path, &strict, &body).await;

    assert_eq!(served.header("x-omniroute-translation"), Some("translated;dropped=seed"));
    assert_eq!(refused.status, 400, "{}", refused.text());
    let error: Value = serde_json::from_str(&refused.text()).unwrap();
    assert!(error_message(&error).contains("`seed`"), "{error}");
    assert_eq!(error["error"]["param"], "seed");
    assert_eq!(error["error"]["code"], "unsupported_by_target");
}

#[tokio::test]
async fn tokens_that_no_provider_counted_are_estimated() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let text = "word ".repeat(40);
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        format!("data: {}\n\n", json!({ "id": "c", "choices": [choice] }))
    };
    sim.script([Step::reply(200)
        .header("content-type", "text/event-stream")
        .piece(chunk(json!({ "content": text }), Value::Null))
        .piece(chunk(json!({}), "stop".into()))
        .piece("data: [DONE]\n\n")]);
    let (path, body) = ask("anthropic", "chat/echo", true, &"question ".repeat(20));

    let answer = client.post(&path, &[], &body).await;

    assert!(is_complete("anthropic", &answer.text()), "{}", answer.text());
    let metrics = client.get("/metrics", &[]).await.text();
    let counted = |kind: &str| -> f64 {
        let line = metrics.lines().find(|line| {
            line.contains("tokens")
                && !line.starts_with('#')
                && line.contains(&format!("\"{kind}\""))
        });
        let line = line.unwrap_or_else(|| panic!("no {kind} in {metrics}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!((30.0..80.0).contains(&counted("output")), "{metrics}");
    assert!((20.0..80.0).contains(&counted("input")), "{metrics}");
}

#[tokio::test]
async fn a_stop_sequence_that_a_provider_cannot_be_told_cuts_its_answer() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for stream in [false, true] {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, mut body) =
            ask("anthropic", "responses-sim/echo?pace=1ms", stream, "one two three four");
        body["stop_sequences"] = json!(["three"]);

        let answer = client.post(&path, &[], &body).await;

        let sent = sim.take_seen().pop().unwrap().text();
        assert!(!sent.contains("stop"), "{sent}");
        let text = if stream {
            assert!(is_complete("anthropic", &answer.text()), "{}", answer.text());
            assert!(answer.text().contains("\"stop_sequence\":\"three\""), "{}", answer.text());
            streamed_text("anthropic", &answer.text())
        } else {
            assert_eq!(answer.json()["stop_sequence"], "three");
            text_of("anthropic", &answer.json())
        };
        assert_eq!(text, "You said: one two ");
    }
}
