//! What a provider gets to see of a request, and a client of an answer.

use omniroute_testkit::{Client, Protocol, Step, TestGateway, simulator};
use serde_json::json;

use crate::setup::{FORMATS, all_formats, all_formats_with, ask, prefix, two_accounts};

#[tokio::test]
async fn same_format_calls_pass_byte_for_byte_but_for_the_model() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let body = "{ \"temperature\":1.0,\n \"model\" : \"chat/echo\", \"x_unknown\":{\"b\":1,\"a\":1e3},\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9\"}] }";
    let reply = "{\"id\":\"r\", \"odd\": 1.50, \"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"ok\"},\"finish_reason\":\"stop\"}]}\n";
    sim.script([Step::reply(200)
        .header("content-type", "application/json")
        .header("openai-processing-ms", "7")
        .header("x-ratelimit-remaining-requests", "3")
        .piece(reply)]);

    let answer = client
        .send(
            http::Method::POST,
            "/v1/chat/completions",
            &[],
            omniroute_testkit::whole(body.into()),
        )
        .await;

    assert_eq!(sim.seen()[0].text(), body.replace("chat/echo", "echo"));
    assert_eq!(answer.text(), reply);
    assert_eq!(answer.header("x-omniroute-translation"), Some("exact"));
    assert_eq!(answer.header("openai-processing-ms"), Some("7"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), None, "describes our account");
}

#[tokio::test]
async fn same_format_streams_pass_byte_for_byte() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let pieces = [
        ": comment\r\n\r\ndata: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"ro",
        "le\":\"assistant\",\"content\":\"h\"}}],\"zz\":1.0}\r\n\r\nda",
        "ta: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n",
    ];
    let mut step = Step::reply(200).header("content-type", "text/event-stream");
    for piece in pieces {
        step = step.piece(piece);
    }
    sim.script([step]);

    let (path, body) = ask("chat", "chat/echo", true, "hello");
    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.text(), pieces.concat());
    assert!(answer.complete);
}

#[tokio::test]
async fn credentials_cookies_and_addresses_of_a_client_never_pass() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let secrets = [
        ("authorization", "Bearer canary-client"),
        ("x-api-key", "canary-client"),
        ("x-goog-api-key", "canary-client"),
        ("api-key", "canary-client"),
        ("cookie", "s=canary-client"),
        ("x-forwarded-for", "203.0.113.99"),
        ("forwarded", "for=203.0.113.99"),
        ("proxy-authorization", "Basic canary-client"),
        ("openai-organization", "canary-client"),
        ("anthropic-beta", "feature-2026"),
        ("user-agent", "tool/1.0"),
    ];
    for client_format in FORMATS {
        for provider_format in FORMATS {
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let model = format!("{}/echo", prefix(provider_format));
            let (path, body) = ask(client_format, &model, false, "hello");
            let path = if path.contains('?') { path } else { format!("{path}?key=canary-client") };

            let answer = client.post(&path, &secrets, &body).await;

            assert_eq!(answer.status, 200, "{}", answer.text());
            let seen = sim.take_seen().pop().unwrap();
            let head = format!("{} {:?}", seen.path_and_query, seen.headers);
            assert!(!head.contains("canary-client"), "{head}");
            assert!(!head.contains("203.0.113.99"), "{head}");
            let beta = seen.header("anthropic-beta");
            let exact = client_format == provider_format;
            assert_eq!(beta, exact.then_some("feature-2026"), "{client_format} {provider_format}");
            assert_eq!(seen.header("accept-encoding"), Some("identity"));
        }
    }
}

#[tokio::test]
async fn the_providers_own_credential_and_headers_are_sent() {
    let sim = simulator().await;
    let url = sim.url();
    let config = format!(
        "providers:
  vllm: {{ prefix: v, wire: openai_chat, base_url: '{url}/prefix', paths: {{ chat: /custom/chat/completions }}, auth: {{ kind: static_key, header: x-key }}, headers: {{ x-team: edge }} }}
accounts:
  - {{ id: one, provider: vllm, key: sk-sim-ok }}
"
    );
    let gateway = TestGateway::start(&config).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;

    let (path, body) = ask("chat", "v/echo", false, "hello");
    let answer = client.post(&path, &[], &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = &sim.seen()[0];
    assert_eq!(seen.path_and_query, "/prefix/custom/chat/completions");
    assert_eq!(seen.header("x-key"), Some("sk-sim-ok"));
    assert_eq!(seen.header("x-team"), Some("edge"));
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn a_credential_that_a_provider_repeats_is_blotted_out() {
    let sim = simulator().await;
    let config = two_accounts(&sim, "sk-canary-1234", "sk-canary-1234");
    let gateway = TestGateway::start(&config).await;
    for format in FORMATS {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let body =
            json!({ "error": { "message": "your key sk-canary-1234 may not", "type": "x" } });
        let refusal =
            Step::reply(400).header("content-type", "application/json").piece(body.to_string());
        sim.script([refusal]);

        let (path, request) = ask(format, "chat/echo", false, "hello");
        let answer = client.post(&path, &[], &request).await;

        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains("your key *** may not"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_request_id_of_the_client_is_kept_and_a_missing_one_is_made() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    let own = client.post(&path, &[("x-request-id", "my-id-1")], &body).await;
    let made = client.post(&path, &[], &body).await;

    assert_eq!(own.header("x-request-id"), Some("my-id-1"));
    assert_eq!(made.header("x-request-id").map(str::len), Some(32));
}

#[tokio::test]
async fn aliases_exact_and_wild_lead_to_their_targets() {
    let sim = simulator().await;
    let more = "aliases:
  fast: chat/echo
  claude-*: anthropic-sim/echo
  claude-opus-?: gemini-sim/echo
combos:
  inner: { targets: [fast] }
  outer: { targets: [chat/500, inner] }
";
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    for (model, provider) in [
        ("fast", "chat"),
        ("claude-sonnet", "anthropic-sim"),
        ("claude-opus-5", "gemini-sim"),
        ("outer", "chat"),
    ] {
        let (path, body) = ask("chat", model, false, "hello");
        let answer = client.post(&path, &[], &body).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        assert_eq!(answer.header("x-omniroute-provider"), Some(provider), "{model}");
    }
}

#[tokio::test]
async fn what_happened_is_counted() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&two_accounts(&sim, "sk-sim-429", "sk-sim-ok")).await;
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    client.post(&path, &[], &body).await;

    let served = gateway.metric("omniroute_attempts_total{outcome=\"served\",provider=\"chat\"}");
    let limited =
        gateway.metric("omniroute_attempts_total{outcome=\"rate_limit\",provider=\"chat\"}");
    let requests =
        gateway.metric("omniroute_request_seconds_count{format=\"openai_chat\",status=\"200\"}");
    assert_eq!((served, limited, requests), (1.0, 1.0, 1.0));
    let metrics = client.get("/metrics", &[]).await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4"));
    let text = metrics.text();
    assert!(text.contains("omniroute_tokens_total{kind=\"output\""), "{text}");
    assert!(text.contains("omniroute_account_cool_down_seconds{account=\"first\""), "{text}");
    assert!(text.contains("omniroute_config_revision 1"), "{text}");
    assert!(!text.contains("sk-sim"), "no key in metrics");
}
