//! Progress of a stream, for clients that ask for it.

use http::Method;
use omniroute_testkit::{Client, Gate, Protocol, Step, TestGateway, simulator, whole};
use serde_json::Value;

use crate::repeats::{rest, until};
use crate::setup::{
    FORMATS, all_formats, all_formats_with, ask, is_complete, prefix, streamed_text,
};

const ASKS: [(&str, &str); 1] = [("x-omniroute-progress", "true")];

/// Takes the messages out of a stream; returns them and what is left.
fn told(format: &str, stream: &str) -> (Vec<Value>, String) {
    let (mut messages, mut left) = (Vec::new(), String::new());
    for event in stream.replace("\r\n", "\n").split_inclusive("\n\n") {
        let json = match format {
            "chat" | "responses" => event.strip_prefix(": progress "),
            "anthropic" => event.strip_prefix("event: progress\ndata: "),
            _ => event.strip_prefix("data: {\"progress\":").map(|rest| &rest[..rest.len() - 3]),
        };
        match json {
            Some(json) => messages.push(serde_json::from_str(json).unwrap()),
            None => left.push_str(event),
        }
    }
    (messages, left)
}

#[tokio::test]
async fn a_stream_tells_its_phases_between_its_own_events() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for client_format in FORMATS {
        for provider_format in FORMATS {
            let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
            let model = format!("{}/echo", prefix(provider_format));
            let (path, body) = ask(client_format, &model, true, "hello there");

            let answer = client.post(&path, &ASKS, &body).await;
            let plain = client.post(&path, &[], &body).await;

            let case = format!("{client_format} at {provider_format}: {}", answer.text());
            assert_eq!(answer.header("x-omniroute-progress"), Some("enabled"), "{case}");
            let (messages, left) = told(client_format, &answer.text());
            let phases: Vec<&str> =
                messages.iter().map(|said| said["phase"].as_str().unwrap()).collect();
            assert_eq!(phases, ["queued", "attempt", "first_token", "done"], "{case}");
            assert_eq!(messages[1]["provider"], prefix(provider_format), "{case}");
            assert_eq!(messages[1]["model"], "echo", "{case}");
            assert!(messages[3]["tokens_generated"].as_u64().unwrap() > 0, "{case}");
            assert!(is_complete(client_format, &left), "{case}");
            assert_eq!(streamed_text(client_format, &left), "You said: hello there", "{case}");
            assert_eq!(plain.header("x-omniroute-progress"), None, "{case}");
            assert!(told(client_format, &plain.text()).0.is_empty(), "{}", plain.text());
        }
    }
}

#[tokio::test]
async fn attempts_that_failed_are_told_and_a_refusal_stays_what_it_is() {
    let sim = simulator().await;
    let more = "combos:
  pair: { targets: [anthropic-sim/500, gemini-sim/echo] }
  none: { targets: [anthropic-sim/500] }
";
    let gateway = TestGateway::start(&all_formats_with(&sim, more)).await;
    for format in FORMATS {
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "pair", true, "hello");
        let served = client.post(&path, &ASKS, &body).await;
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "none", true, "hello");
        let refused = client.post(&path, &ASKS, &body).await;

        let (messages, _) = told(format, &served.text());
        let attempts = messages.iter().filter(|said| said["phase"] == "attempt");
        let asked: Vec<(u64, &str)> = attempts
            .map(|said| (said["attempt"].as_u64().unwrap(), said["provider"].as_str().unwrap()))
            .collect();
        assert_eq!(asked.last(), Some(&(asked.len() as u64, "gemini-sim")), "{}", served.text());
        assert!(refused.status >= 400, "{format}: {}", refused.text());
        assert!(refused.json()["error"].is_object(), "{format}: {}", refused.text());
        assert_eq!(refused.header("x-omniroute-progress"), None, "{format}");
    }
}

#[tokio::test]
async fn tokens_are_told_every_two_seconds_and_a_played_reply_tells_too() {
    let sim = simulator().await;
    let gateway = TestGateway::start(&all_formats(&sim)).await;
    for format in FORMATS {
        let gate = Gate::new();
        let chunk = |text: &str, finish: &str| {
            format!(
                "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":{finish}}}]}}\n\n"
            )
        };
        let step = Step::reply(200).header("content-type", "text/event-stream");
        let step = step.piece(chunk("one", "null")).gate(&gate).piece(chunk(" two", "null"));
        sim.script([step.piece(chunk(" three", "\"stop\"") + "data: [DONE]\n\n")]);
        let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
        let (path, body) = ask(format, "chat/echo", true, "hello");
        let asked = whole(body.to_string().into());
        let mut response = client.begin(Method::POST, &path, &ASKS, asked).await;
        let mut seen = until(&mut response, "one").await;
        gateway.clock().advance(std::time::Duration::from_secs(2));
        gate.open();
        seen.push_str(&rest(response).await);

        let (messages, _) = told(format, &seen);
        let counts: Vec<&Value> =
            messages.iter().filter(|said| said["phase"] == "streaming").collect();
        assert!(!counts.is_empty(), "{format}: {seen}");
        assert!(counts[0]["elapsed_ms"].as_u64().unwrap() >= 2000, "{format}: {counts:?}");

        let reply = r#"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
        sim.script([Step::reply(200).header("content-type", "application/json").piece(reply)]);
        let played = client.post(&path, &ASKS, &body).await;
        let (messages, left) = told(format, &played.text());
        assert!(is_complete(format, &left), "{format}: {}", played.text());
        let last = messages.last().unwrap_or_else(|| panic!("{format}: {}", played.text()));
        assert_eq!((&last["phase"], &last["tokens_generated"]), (&"done".into(), &4.into()));
    }
}
