//! A failing account or provider is replaced by the next, and the client does not notice.

use std::time::Duration;

use omniroute_testkit::{Client, Protocol, Step, TestGateway, simulator};
use serde_json::json;

use crate::setup::{FORMATS, all_formats_with, ask, prefix, text_of, two_accounts};

#[tokio::test]
async fn every_failure_before_content_moves_on_to_the_next_account() {
    for fault in [
        "429",
        "500",
        "503",
        "529",
        "401",
        "402",
        "408",
        "reset",
        "in-band-error",
        "garbage",
        "html",
        "empty",
    ] {
        for stream in [false, true] {
            let sim = simulator().await;
            let config = two_accounts(&sim, &format!("sk-sim-{fault}"), "sk-sim-ok");
            let gateway = TestGateway::start(&config).await;
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let (path, body) = ask("chat", "chat/echo", stream, "hello");

            let answer = client.post(&path, &[], &body).await;

            let case = format!("{fault}, stream {stream}: {}", answer.text());
            assert_eq!(answer.status, 200, "{case}");
            assert!(answer.text().contains("hello"), "{case}");
            assert!(!answer.text().contains("error"), "{case}");
            assert_eq!(answer.header("x-omniroute-attempts"), Some("2"), "{case}");
            assert_eq!(answer.header("x-omniroute-account"), Some("second"), "{case}");
        }
    }
}

#[tokio::test]
async fn a_combo_moves_on_over_providers_of_different_formats() {
    let sim = simulator().await;
    let combos = "combos:\n  mixed: { targets: [chat/500, anthropic-sim/429, gemini-sim/echo] }\n";
    let gateway = TestGateway::start(&all_formats_with(&sim, combos)).await;
    for format in FORMATS {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "mixed", false, "hello");

        let answer = client.post(&path, &[], &body).await;

        assert_eq!(answer.status, 200, "{format}: {}", answer.text());
        assert!(text_of(format, &answer.json()).contains("hello"), "{format}: {}", answer.text());
        assert_eq!(answer.header("x-omniroute-provider"), Some("gemini-sim"), "{format}");
    }
}

#[tokio::test]
async fn no_attempt_begins_after_the_client_has_given_up() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-500", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let patient = client.post(&path, &[("x-stainless-timeout", "600")], &body).await;
    assert_eq!(patient.status, 200, "{}", patient.text());

    gateway.clock().advance(Duration::from_secs(60));
    let impatient = client.post(&path, &[("x-stainless-timeout", "0.000001")], &body).await;
    assert_eq!(impatient.status, 500, "{}", impatient.text());
    assert_eq!(impatient.header("x-omniroute-attempts"), Some("1"));
}

#[tokio::test]
async fn a_request_at_fault_goes_nowhere_else_and_rests_nobody() {
    for fault in ["400", "413", "422", "context"] {
        let sim = simulator().await;
        let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

        let (path, body) = ask("chat", &format!("chat/{fault}"), false, "hello");
        let answer = client.post(&path, &[], &body).await;
        let (path, body) = ask("chat", "chat/echo", false, "hello");
        let next = client.post(&path, &[], &body).await;

        assert!((400..500).contains(&answer.status), "{fault}: {}", answer.text());
        assert_eq!(next.status, 200, "{fault}");
        assert_eq!(next.header("x-omniroute-account"), Some("first"), "{fault}: nobody rests");
        assert_eq!(sim.seen().len(), 2, "{fault}: one attempt each");
    }
}

#[tokio::test]
async fn a_wrong_model_name_rests_no_account() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let (path, body) = ask("chat", "chat/404", false, "hello");
    let answer = client.post(&path, &[], &body).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let next = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(sim.seen().len(), 2, "no second account was asked for the wrong name");
    assert_eq!(next.header("x-omniroute-account"), Some("first"));
}

#[tokio::test]
async fn a_rate_limited_account_rests_as_long_as_it_was_told() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let limited =
        Step::reply(429).header("retry-after", "30").piece("{\"error\":{\"message\":\"slow\"}}");
    sim.script([limited]);

    let first = client.post(&path, &[], &body).await;
    gateway.clock().advance(Duration::from_secs(29));
    let resting = client.post(&path, &[], &body).await;
    gateway.clock().advance(Duration::from_secs(2));
    let rested = client.post(&path, &[], &body).await;

    assert_eq!(first.header("x-omniroute-account"), Some("second"));
    assert_eq!(first.header("x-omniroute-attempts"), Some("2"));
    assert_eq!(resting.header("x-omniroute-account"), Some("second"));
    assert_eq!(resting.header("x-omniroute-attempts"), Some("1"), "not even tried");
    assert_eq!(rested.header("x-omniroute-account"), Some("first"));
}

#[tokio::test]
async fn a_wait_hidden_in_the_body_counts_too() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    let hint = json!({ "error": { "message": "Rate limit reached. Please try again in 20s.",
        "type": "requests", "code": "rate_limit_exceeded" } });
    sim.script([Step::reply(429)
        .header("content-type", "application/json")
        .piece(hint.to_string())]);

    client.post(&path, &[], &body).await;
    gateway.clock().advance(Duration::from_secs(19));
    let resting = client.post(&path, &[], &body).await;
    gateway.clock().advance(Duration::from_secs(2));
    let rested = client.post(&path, &[], &body).await;

    assert_eq!(resting.header("x-omniroute-account"), Some("second"));
    assert_eq!(rested.header("x-omniroute-account"), Some("first"));
}

#[tokio::test]
async fn when_everybody_rests_the_client_learns_for_how_long() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/429?retry_after=12", false, "hello");

    let refused = client.post(&path, &[], &body).await;
    let resting = client.post(&path, &[], &body).await;

    assert_eq!(refused.status, 429, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("12"));
    assert_eq!(resting.status, 429);
    assert_eq!(resting.header("retry-after"), Some("12"), "{}", resting.text());
    assert_eq!(resting.json()["error"]["code"], "none_available");
    assert_eq!(sim.seen().len(), 2, "nobody was asked while resting");
}

#[tokio::test]
async fn one_failing_account_still_serves_when_it_is_the_only_one() {
    let sim = simulator().await;
    let url = sim.url();
    let config = format!(
        "providers:\n  chat: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: none }} }}\n"
    );
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    sim.script([Step::reply(500).piece("{}")]);
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    let failed = client.post(&path, &[], &body).await;
    let next = client.post(&path, &[], &body).await;

    assert_eq!(failed.status, 500, "{}", failed.text());
    assert_eq!(next.status, 200, "one failure does not shut the door: {}", next.text());
}

#[tokio::test]
async fn our_credential_refused_is_not_shown_as_the_clients() {
    let sim = simulator().await;
    let config = two_accounts(&sim, "sk-sim-401", "sk-sim-401");
    for format in FORMATS {
        let gateway = TestGateway::start(&config).await;
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "chat/echo", false, "hello");

        let answer = client.post(&path, &[], &body).await;

        assert_eq!(answer.status, 502, "{format}: {}", answer.text());
        assert!(!answer.text().contains("sk-sim"), "{format}: {}", answer.text());
        assert_eq!(answer.header("x-should-retry"), Some("false"), "{format}");
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    let sim = simulator().await;
    let url = sim.url();
    let accounts: String = (1..=6)
        .map(|n| format!("  - {{ id: a{n}, provider: chat, key: sk-sim-500, priority: {n} }}\n"))
        .collect();
    let config = format!(
        "routing: {{ max_attempts: 3 }}\nproviders:\n  chat: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} }}\naccounts:\n{accounts}"
    );
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 500, "{}", answer.text());
    assert_eq!(answer.header("x-omniroute-attempts"), Some("3"));
    assert_eq!(sim.seen().len(), 3);
}

#[tokio::test]
async fn an_unreachable_provider_is_replaced() {
    let sim = simulator().await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let more = "combos:\n  pair: { targets: [dead/echo, chat/echo] }\n";
    let config = all_formats_with(&sim, more).replacen(
        "providers:\n",
        &format!("providers:\n  dead: {{ wire: openai_chat, base_url: 'http://{closed}', auth: {{ kind: none }} }}\n"),
        1,
    );
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let (path, body) = ask("chat", "pair", false, "hello");
    let answer = client.post(&path, &[], &body).await;
    let (path, body) = ask("chat", "dead/echo", false, "hello");
    let alone = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-omniroute-attempts"), Some("2"));
    assert_eq!(alone.status, 502, "{}", alone.text());
    assert_eq!(alone.json()["error"]["code"], "upstream_unreachable");
}

#[tokio::test]
async fn a_dead_kept_alive_connection_costs_no_attempt() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-ok", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    client.post(&path, &[], &body).await;
    sim.script([Step::new().close()]);

    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-omniroute-account"), Some("first"), "the same account again");
    assert_eq!(answer.header("x-omniroute-attempts"), Some("1"));
}

#[tokio::test]
async fn every_format_reaches_every_format_whole_and_streamed() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats_with(&sim, "")).await;
    for client_format in FORMATS {
        for provider_format in FORMATS {
            for protocol in [Protocol::Http1, Protocol::H2c] {
                let mut client = Client::connect(gateway.address(), protocol).await;
                let case = format!("{client_format} client at {provider_format}, {protocol:?}");
                let model = format!("{}/echo", prefix(provider_format));

                let (path, body) = ask(client_format, &model, false, "good morning");
                let whole = client.post(&path, &[], &body).await;
                let (path, body) = ask(client_format, &model, true, "good morning");
                let streamed = client.post(&path, &[], &body).await;

                assert_eq!(whole.status, 200, "{case}: {}", whole.text());
                let text = text_of(client_format, &whole.json());
                assert!(text.contains("good morning"), "{case}: {text}");
                assert_eq!(streamed.status, 200, "{case}: {}", streamed.text());
                assert!(streamed.complete, "{case}");
                assert_eq!(
                    crate::setup::streamed_text(client_format, &streamed.text()),
                    text,
                    "{case}: {}",
                    streamed.text()
                );
                assert!(
                    crate::setup::is_complete(client_format, &streamed.text()),
                    "{case}: {}",
                    streamed.text()
                );
                let expected =
                    if client_format == provider_format { "exact" } else { "translated" };
                let translation = whole.header("x-omniroute-translation").unwrap_or_default();
                assert!(translation.starts_with(expected), "{case}: {translation}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_breaks_before_content_or_inside_a_whole_reply_is_replaced() {
    for (fault, stream) in [
        ("reset-after-0", true),
        ("eof-after-0", true),
        ("reset-after-0", false),
        ("reset-after-3", false),
        ("eof-after-3", false),
    ] {
        let sim = simulator().await;
        let combos = format!("combos:\n  pair: {{ targets: ['chat/{fault}', gemini-sim/echo] }}\n");
        let gateway = TestGateway::start(&all_formats_with(&sim, &combos)).await;
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask("anthropic", "pair", stream, "one two three four five");

        let answer = client.post(&path, &[], &body).await;

        let case = format!("{fault}, stream {stream}: {}", answer.text());
        assert_eq!(answer.status, 200, "{case}");
        assert_eq!(answer.header("x-omniroute-provider"), Some("gemini-sim"), "{case}");
        assert_eq!(answer.header("x-omniroute-attempts"), Some("2"), "{case}");
        assert!(!answer.text().contains("error"), "{case}");
    }
}
