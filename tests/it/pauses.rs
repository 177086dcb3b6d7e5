//! Turns that Anthropic pauses, at clients that know no pause: the gateway has them gone on with.

use http::Method;
use http_body_util::BodyExt;
use omniroute_testkit::{Answer, Client, Protocol, Running, Step, TestGateway, simulator, whole};
use serde_json::{Value, json};

use crate::setup::{self, data_lines, has_error_event, is_complete, streamed_text, text_of};

/// The clients that know no pause.
const CLIENTS: [&str; 3] = ["chat", "responses", "gemini"];

/// Claude at the simulator: as it comes, asked for streams only, and for whole replies only.
const PROVIDERS: [&str; 3] = ["claude", "always", "never"];

fn providers(sim: &Running) -> String {
    let url = sim.url();
    let provider = |id: &str, more: &str| {
        format!(
            "  {id}: {{ wire: anthropic, base_url: '{url}', auth: {{ kind: static_key, header: x-api-key }}{more} }}"
        )
    };
    let [claude, always, never] = PROVIDERS;
    format!(
        "providers:
{}
{}
{}
accounts:
  - {{ id: claude-1, provider: claude, key: key-one }}
  - {{ id: claude-2, provider: claude, key: key-two }}
  - {{ id: always-1, provider: always, key: key-one }}
  - {{ id: never-1, provider: never, key: key-one }}
",
        provider(claude, ""),
        provider(always, ", streaming: always"),
        provider(never, ", streaming: never"),
    )
}

/// Makes a request that lets the provider search, without which it has nothing to pause for.
fn ask(format: &str, model: &str, stream: bool, text: &str) -> (String, Value) {
    let (path, mut body) = setup::ask(format, model, stream, text);
    match format {
        "chat" => body["web_search_options"] = json!({}),
        "responses" => body["tools"] = json!([{ "type": "web_search" }]),
        "gemini" => body["tools"] = json!([{ "googleSearch": {} }]),
        _ => body["tools"] = json!([{ "type": "web_search_20250305", "name": "web_search" }]),
    }
    (path, body)
}

async fn asked(gateway: &TestGateway, format: &str, model: &str, stream: bool) -> Answer {
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, mut body) = ask(format, model, stream, "hello");
    if format == "chat" && stream {
        body["stream_options"] = json!({ "include_usage": true });
    }
    client.post(&path, &[], &body).await
}

fn text(format: &str, answer: &Answer, stream: bool) -> String {
    match stream {
        true => streamed_text(format, &answer.text()),
        false => text_of(format, &answer.json()),
    }
}

/// Returns input and output tokens as a client of a format reads them.
fn usage(format: &str, answer: &Answer, stream: bool) -> (u64, u64) {
    let holders: Vec<Value> = match stream {
        true => data_lines(&answer.text())
            .filter_map(|data| serde_json::from_str(data).ok())
            .map(|event: Value| match &event["response"] {
                Value::Null => event,
                response => response.clone(),
            })
            .collect(),
        false => vec![answer.json()],
    };
    let (member, input, output) = match format {
        "chat" => ("usage", "prompt_tokens", "completion_tokens"),
        "responses" => ("usage", "input_tokens", "output_tokens"),
        _ => ("usageMetadata", "promptTokenCount", "candidatesTokenCount"),
    };
    let last = holders.iter().rev().map(|holder| &holder[member]).find(|usage| usage.is_object());
    let last = last.unwrap_or_else(|| panic!("{format}: no usage in {}", answer.text()));
    (last[input].as_u64().unwrap(), last[output].as_u64().unwrap())
}

/// Counts the marks by which a client knows that an answer is over.
fn finishes(format: &str, answer: &Answer) -> usize {
    let mark = match format {
        "chat" => "\"finish_reason\":\"stop\"",
        "responses" => "\"type\":\"response.completed\"",
        _ => "\"finishReason\":\"STOP\"",
    };
    answer.text().matches(mark).count()
}

#[tokio::test]
async fn clients_that_know_no_pause_get_one_answer() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&providers(&sim)).await;
    for format in CLIENTS {
        for provider in PROVIDERS {
            for stream in [false, true] {
                drop(sim.take_seen());
                let model = format!("{provider}/echo?pauses=2&input=7");

                let answer = asked(&gateway, format, &model, stream).await;

                let case = format!("{format} at {provider}, stream {stream}: {}", answer.text());
                assert_eq!(answer.status, 200, "{case}");
                let said = text(format, &answer, stream);
                assert_eq!(said, "Search 1. Search 2. You said: hello", "{case}");
                assert_eq!(usage(format, &answer, stream), (21, 7), "three replies: {case}");
                if stream {
                    assert!(is_complete(format, &answer.text()), "{case}");
                    assert_eq!(finishes(format, &answer), 1, "{case}");
                }
                assert_eq!(answer.header("x-omniroute-attempts"), Some("1"), "{case}");
                assert_eq!(answer.header("x-omniroute-translation"), Some("translated"), "{case}");
                let sent = sim.take_seen();
                let keys: Vec<_> = sent.iter().map(|seen| seen.header("x-api-key")).collect();
                assert_eq!(keys, [keys[0]; 3], "one account for all: {case}");
            }
        }
    }
}

#[tokio::test]
async fn the_provider_gets_its_own_words_back_behind_the_same_bytes() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&providers(&sim)).await;
    for stream in [false, true] {
        drop(sim.take_seen());

        asked(&gateway, "chat", "claude/think?pauses=2", stream).await;

        let sent = sim.take_seen();
        let [first, second, third] = &sent[..] else { panic!("{sent:?}") };
        let same = first.text();
        let same = same.rsplit_once(']').unwrap().0;
        assert!(second.text().starts_with(same) && third.text().starts_with(same), "{same}");
        let said = |seen: &omniroute_sim::Seen| {
            let body = seen.json().unwrap();
            let messages = body["messages"].as_array().unwrap();
            assert_eq!((messages.len(), &messages[1]["role"]), (2, &json!("assistant")));
            messages[1]["content"].as_array().unwrap().clone()
        };
        let kinds = |blocks: &[Value]| -> Vec<String> {
            blocks.iter().map(|block| block["type"].as_str().unwrap().to_owned()).collect()
        };
        let leg = ["thinking", "text", "server_tool_use", "web_search_tool_result"];
        let (once, twice) = (said(second), said(third));
        assert_eq!(kinds(&once), leg);
        assert_eq!(kinds(&twice), [leg, leg].concat());
        assert_eq!(once, twice[..4]);
        assert_eq!(once[0]["signature"], "c2ltdWxhdGVkLXNpZ25hdHVyZQ==");
        assert_eq!(once[1]["text"], "Search 1. ");
        assert_eq!(once[2]["input"]["query"], "hello");
    }
}

#[tokio::test]
async fn the_ninth_pause_ends_the_answer() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&providers(&sim)).await;
    let expected: String = (1..=9).map(|place| format!("Search {place}. ")).collect();
    for format in CLIENTS {
        for stream in [false, true] {
            drop(sim.take_seen());

            let answer = asked(&gateway, format, "claude/echo?pauses=20", stream).await;

            let case = format!("{format}, stream {stream}: {}", answer.text());
            assert_eq!(text(format, &answer, stream), expected, "{case}");
            assert_eq!(sim.take_seen().len(), 9, "{case}");
            if stream {
                assert_eq!(finishes(format, &answer), 1, "{case}");
                assert!(!has_error_event(format, &answer.text()), "{case}");
            } else if format == "chat" {
                assert_eq!(answer.json()["choices"][0]["finish_reason"], "stop");
            }
        }
    }
}

/// How a provider fails to go on.
fn failures() -> [(&'static str, Step); 4] {
    let json = |status| Step::reply(status).header("content-type", "application/json");
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    [
        ("refuses", json(529).piece(error)),
        ("says in its reply that it will not", json(200).piece(error)),
        ("resets the connection", Step::new().reset()),
        ("breaks its reply off", json(200).piece("{\"type\":\"message\",").reset()),
    ]
}

#[tokio::test]
async fn a_stream_whose_provider_does_not_go_on_ends_in_an_error() {
    for format in CLIENTS {
        for (how, step) in failures() {
            let sim = simulator().await;
            let gateway = TestGateway::start(&providers(&sim)).await;
            sim.script([Step::own(), step]);

            let answer = asked(&gateway, format, "claude/echo?pauses=1", true).await;

            let case = format!("{format}: it {how}: {}", answer.text());
            assert_eq!(answer.status, 200, "{case}");
            assert_eq!(streamed_text(format, &answer.text()), "Search 1. ", "{case}");
            assert!(has_error_event(format, &answer.text()), "{case}");
            assert_eq!(finishes(format, &answer), 0, "{case}");
            assert_eq!(sim.seen().len(), 2, "no other account can: {case}");
        }
    }
}

#[tokio::test]
async fn a_whole_answer_whose_provider_does_not_go_on_is_what_was_said() {
    for format in CLIENTS {
        for provider in PROVIDERS {
            for (how, step) in failures() {
                let sim = simulator().await;
                let gateway = TestGateway::start(&providers(&sim)).await;
                sim.script([Step::own(), step]);

                let model = format!("{provider}/echo?pauses=1&input=7");
                let answer = asked(&gateway, format, &model, false).await;

                let case = format!("{format} at {provider}: it {how}: {}", answer.text());
                assert_eq!(answer.status, 200, "{case}");
                assert_eq!(text_of(format, &answer.json()), "Search 1. ", "{case}");
                assert_eq!(usage(format, &answer, false), (7, 2), "{case}");
                let header = answer.header("x-omniroute-translation");
                assert_eq!(header, Some("translated;dropped=rest_of_answer"), "{case}");
                assert_eq!(sim.seen().len(), 2, "no other account can: {case}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_not_waited_for() {
    let sim = simulator().await;
    let yaml = format!("server: {{ timeouts: {{ first_byte: 150ms }} }}\n{}", providers(&sim));
    let gateway = TestGateway::start(&yaml).await;
    for stream in [false, true] {
        sim.script([Step::own(), Step::new().hang()]);

        let answer = asked(&gateway, "chat", "claude/echo?pauses=1", stream).await;

        let case = format!("stream {stream}: {}", answer.text());
        assert_eq!(text("chat", &answer, stream), "Search 1. ", "{case}");
        assert_eq!(has_error_event("chat", &answer.text()), stream, "{case}");
        assert_eq!(finishes("chat", &answer), usize::from(!stream), "{case}");
    }
    assert_eq!(sim.seen().len(), 4, "no other account can");
}

#[tokio::test]
async fn a_client_that_leaves_while_the_provider_goes_on_cancels_it() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&providers(&sim)).await;
    sim.script([Step::own(), Step::new().hang()]);
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", "claude/echo?pauses=1", true, "hello");
    let body = whole(body.to_string().into());
    let mut response = client.begin(Method::POST, &path, &[], body).await;
    let mut seen = String::new();
    while !seen.contains("1. ") {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
    sim.wait_seen(2).await;

    drop((response, client));

    sim.wait_until(|counts| counts.open_streams == 0).await;
    assert_eq!(sim.seen().len(), 2, "nobody else is asked");
}

#[tokio::test]
async fn a_client_over_http_2_gets_one_stream() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&providers(&sim)).await;
    let mut client = Client::connect(gateway.address(), Protocol::H2c).await;
    for _ in 0..2 {
        let (path, body) = ask("chat", "claude/echo?pauses=1", true, "hello");

        let answer = client.post(&path, &[], &body).await;

        assert_eq!(streamed_text("chat", &answer.text()), "Search 1. You said: hello");
        assert!(is_complete("chat", &answer.text()));
    }
}

#[tokio::test]
async fn clients_of_messages_go_on_themselves() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&providers(&sim)).await;
    for stream in [false, true] {
        drop(sim.take_seen());

        let answer = asked(&gateway, "anthropic", "claude/echo?pauses=1", stream).await;

        assert!(answer.text().contains("pause_turn"), "{}", answer.text());
        assert_eq!(sim.take_seen().len(), 1);
    }
}
