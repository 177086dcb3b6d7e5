//! Each fault, by model and by credential.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::client::{Client, End, FORMATS, asking, fetch, fetch_as};
use super::{ANY_PORT, sim};
use crate::{Running, Sim};

/// What a vendor calls the error, in one word.
fn word(format: &str, body: &Value) -> Value {
    let error = &body["error"];
    match format {
        "messages" => error["type"].clone(),
        "generate" => error["status"].clone(),
        _ if error["code"].is_null() => error["type"].clone(),
        _ => error["code"].clone(),
    }
}

#[tokio::test]
async fn statuses_come_in_each_vendors_words() {
    let sim = sim().await;
    for (model, status, openai, anthropic, google) in [
        ("sim/400", 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
        ("sim/401", 401, "invalid_api_key", "authentication_error", "UNAUTHENTICATED"),
        ("sim/403", 403, "permission_error", "permission_error", "PERMISSION_DENIED"),
        ("sim/404", 404, "model_not_found", "not_found_error", "NOT_FOUND"),
        ("sim/429", 429, "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"),
        ("sim/500", 500, "server_error", "api_error", "INTERNAL"),
        ("sim/503", 503, "server_error", "overloaded_error", "UNAVAILABLE"),
        ("sim/529", 529, "server_error", "overloaded_error", "UNAVAILABLE"),
    ] {
        for (format, wanted) in FORMATS.iter().zip([openai, anthropic, google, openai]) {
            let (path, body) = asking(format, model, true);
            let got = fetch(&sim, &path, &body).await.unwrap();
            assert_eq!(got.status, status, "{format} {model}");
            assert_eq!(word(format, &got.json()), wanted, "{format} {model}");
        }
    }
}

#[tokio::test]
async fn quota_and_context_are_told_apart_from_rate_and_mistake() {
    let sim = sim().await;
    let get = async |format: &str, model: &str| {
        let (path, body) = asking(format, model, false);
        let got = fetch(&sim, &path, &body).await.unwrap();
        (got.status, got.json())
    };

    let (status, body) = get("chat", "quota").await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("insufficient_quota")));
    let (status, body) = get("messages", "quota").await;
    assert_eq!((status, &body["error"]["type"]), (402, &json!("billing_error")));
    let (status, body) = get("generate", "quota").await;
    assert_eq!(status, 429);
    assert_eq!(body["error"]["details"][0]["@type"], "type.googleapis.com/google.rpc.QuotaFailure");
    let (status, body) = get("responses", "context").await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("context_length_exceeded")));
    let (status, body) = get("messages", "context").await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().starts_with("prompt is too long"));
}

#[tokio::test]
async fn the_wait_is_in_the_header_or_in_the_body() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, body) = asking(format, "429?retry_after=2", true);
        let header = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!(header.header("retry-after"), Some("2"), "{format}");
        assert!(!header.text().contains("2s"), "{format}");

        let (path, body) = asking(format, "429?retry_after=2&body_hint=1", true);
        let hinted = fetch(&sim, &path, &body).await.unwrap();
        match format {
            "messages" => assert_eq!(hinted.header("retry-after"), Some("2")),
            "generate" => {
                assert_eq!(hinted.header("retry-after"), None);
                assert_eq!(hinted.json()["error"]["details"][0]["retryDelay"], "2s");
            }
            _ => {
                assert_eq!(hinted.header("retry-after"), None);
                assert!(hinted.text().contains("Please try again in 2s."));
            }
        }
    }
}

/// Counts the tokens of the echo that arrived.
fn words_in(text: &str) -> usize {
    ["You ", "said: ", "one ", "two ", "three"].iter().filter(|word| text.contains(**word)).count()
}

#[tokio::test]
async fn cuts_come_behind_the_asked_number_of_tokens() {
    let sim = sim().await;
    for format in FORMATS {
        for tokens in [0, 1, 3, 9] {
            let (path, body) = asking(format, &format!("sim/reset-after-{tokens}"), true);
            let reset = fetch(&sim, &path, &body).await.unwrap();
            let (path, body) = asking(format, &format!("sim/eof-after-{tokens}"), true);
            let eof = fetch(&sim, &path, &body).await.unwrap();

            assert_eq!((reset.status, reset.end), (200, End::Reset), "{format} {tokens}");
            assert_eq!((eof.status, eof.end), (200, End::Complete), "{format} {tokens}");
            let events = [&reset, &eof].map(|got| got.events().len());
            assert_eq!(events[0], events[1], "{format} {tokens}: all before the cut");
            assert_eq!(words_in(&reset.text()), tokens.min(5), "{format} {tokens}");
            assert_eq!(words_in(&eof.text()), tokens.min(5), "{format} {tokens}");
            for end in ["[DONE]", "message_stop", "finishReason", "response.completed"] {
                assert!(!eof.text().contains(end), "{format} {tokens}");
            }
        }
    }
}

#[tokio::test]
async fn whole_replies_are_cut_in_half() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, body) = asking(format, "reset-after-1", false);
        let reset = fetch(&sim, &path, &body).await.unwrap();
        let (path, body) = asking(format, "eof-after-1", false);
        let eof = fetch(&sim, &path, &body).await.unwrap();

        assert_eq!((reset.end, eof.end), (End::Reset, End::Complete), "{format}");
        for half in [reset, eof] {
            assert_eq!(half.chunks.len(), 1, "{format}");
            assert!(serde_json::from_str::<Value>(&half.text()).is_err(), "{format}");
        }
    }
}

#[tokio::test]
async fn a_reset_before_the_head_leaves_nothing_to_read() {
    let sim = sim().await;
    for format in FORMATS {
        let (path, body) = asking(format, "sim/reset", true);
        assert_eq!(fetch(&sim, &path, &body).await.unwrap_err(), End::Reset, "{format}");
    }
    assert_eq!(sim.aborted(), 0, "a cut of our own is no abort");
}

#[tokio::test]
async fn errors_come_inside_a_good_stream() {
    let sim = sim().await;
    for (format, wanted) in
        FORMATS.iter().zip(["server_error", "overloaded_error", "UNAVAILABLE", "server_error"])
    {
        let (path, body) = asking(format, "in-band-error", true);
        let first = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!((first.status, first.end), (200, End::Complete), "{format}");
        assert_eq!(word(format, &first.events()[0]), wanted, "{format}: the first event");

        let (path, body) = asking(format, "in-band-error-after-2?status=500", true);
        let later = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!(words_in(&later.text()), 2, "{format}");
        let error = later.events().into_iter().find(|event| event["error"].is_object());
        let error = error.unwrap_or_else(|| panic!("{format}: no error"));
        assert!(
            ["server_error", "api_error", "INTERNAL"]
                .contains(&word(format, &error).as_str().unwrap())
        );

        let (path, body) = asking(format, "in-band-error", false);
        let whole = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!((whole.status, word(format, &whole.json())), (200, json!(wanted)), "{format}");
    }
}

#[tokio::test]
async fn errors_inside_an_array_leave_it_well_formed() {
    let sim = sim().await;
    for (model, length) in [("in-band-error", 1), ("in-band-error-after-2", 3)] {
        let (path, body) = asking("generate", model, true);
        let got = fetch(&sim, path.trim_end_matches("?alt=sse"), &body).await.unwrap();
        let array = got.json();
        assert_eq!(array.as_array().unwrap().len(), length, "{model}");
        assert_eq!(array[length - 1]["error"]["code"], 503, "{model}");
    }
}

#[tokio::test]
async fn replies_that_are_no_replies_have_status_200() {
    let sim = sim().await;
    for format in FORMATS {
        for (model, media_type) in [
            ("garbage", "text/event-stream"),
            ("html", "text/html"),
            ("empty", "text/event-stream"),
        ] {
            let (path, body) = asking(format, model, true);
            let got = fetch(&sim, &path, &body).await.unwrap();
            assert_eq!((got.status, got.end), (200, End::Complete), "{format} {model}");
            assert!(
                got.header("content-type").unwrap().starts_with(media_type),
                "{format} {model}"
            );
            let bytes = got.chunks.concat();
            match model {
                "garbage" => assert!(String::from_utf8(bytes).is_err()),
                "html" => assert!(bytes.starts_with(b"<!DOCTYPE html>")),
                _ => assert!(bytes.is_empty()),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn slow_answers_take_their_time_on_the_runtimes_clock() {
    let sim = sim().await;
    let start = Instant::now();
    let (path, body) = asking("chat", "slow?first_byte=2s&first_token=1s&pace=500ms", true);
    let mut client = Client::connect(&sim).await;
    client.send(&path, &[], body.to_string().as_bytes()).await;

    let head = client.head().await.unwrap();
    let until_head = start.elapsed();
    let stream = client.rest(head).await;

    assert!(until_head >= Duration::from_secs(2), "{until_head:?}");
    assert!(start.elapsed() >= Duration::from_secs(5), "one second, then four waits of a half");
    assert_eq!(words_in(&stream.text()), 5);
}

#[tokio::test(start_paused = true)]
async fn the_simulators_own_pace_holds_for_all_models() {
    let sim = Sim::new().pace(Duration::from_secs(60)).bind(ANY_PORT).await.unwrap();
    for model in ["echo", "tokens?n=5"] {
        for is_stream in [true, false] {
            let start = Instant::now();
            let (path, body) = asking("messages", model, is_stream);
            fetch(&sim, &path, &body).await.unwrap();
            let is_written_at_once = !is_stream && model != "echo";
            assert_eq!(start.elapsed() >= Duration::from_secs(240), !is_written_at_once, "{model}");
        }
    }
}

#[tokio::test]
async fn a_stalled_stream_lasts_until_the_client_leaves() {
    let sim = sim().await;
    let (path, body) = asking("chat", "stall-after-2", true);
    let mut client = Client::connect(&sim).await;
    client.send(&path, &[], body.to_string().as_bytes()).await;
    client.head().await.unwrap();
    for _ in 0..3 {
        client.chunk().await.unwrap().unwrap();
    }
    assert_eq!((sim.open_streams(), sim.aborted()), (1, 0));

    drop(client);

    let counts = sim.wait_until(|counts| counts.open_streams == 0).await;
    assert_eq!((counts.aborted, counts.finished), (1, 0));
}

async fn status_for(sim: &Running, format: &str, header: (&str, &str), model: &str) -> u16 {
    let (path, body) = asking(format, model, false);
    fetch_as(sim, &path, &[header], &body).await.unwrap().status
}

#[tokio::test]
async fn a_credentials_fault_wins_over_the_models() {
    let sim = sim().await;

    assert_eq!(status_for(&sim, "chat", ("authorization", "Bearer sk-sim-429"), "echo").await, 429);
    assert_eq!(status_for(&sim, "messages", ("x-api-key", "sk-sim-500-b"), "503").await, 500);
    assert_eq!(status_for(&sim, "generate", ("x-goog-api-key", "sk-sim-503"), "echo").await, 503);
    assert_eq!(status_for(&sim, "chat", ("authorization", "Bearer sk-sim-ok"), "echo").await, 200);
    assert_eq!(status_for(&sim, "chat", ("authorization", "Bearer sk-sim-ok"), "500").await, 500);
}

#[tokio::test]
async fn a_wrong_key_is_refused_as_the_vendor_does() {
    let sim = Sim::new().require_key("right").bind(ANY_PORT).await.unwrap();

    for (format, status, wanted) in [
        ("chat", 401, "invalid_api_key"),
        ("messages", 401, "authentication_error"),
        ("generate", 400, "INVALID_ARGUMENT"),
        ("responses", 401, "invalid_api_key"),
    ] {
        let (path, body) = asking(format, "echo", true);
        let missing = fetch(&sim, &path, &body).await.unwrap();
        assert_eq!((missing.status, word(format, &missing.json())), (status, json!(wanted)));
        assert_eq!(missing.text().contains("API_KEY_INVALID"), format == "generate");
        assert_eq!(status_for(&sim, format, ("x-api-key", "wrong"), "echo").await, status);
        assert_eq!(status_for(&sim, format, ("x-api-key", "right"), "echo").await, 200);
    }
}

#[tokio::test]
async fn unknown_paths_get_the_nearest_vendors_404() {
    let sim = sim().await;
    for (path, format, wanted) in [
        ("/v1/embeddings", "chat", "unknown_url"),
        ("/v1/messages/batches", "messages", "not_found_error"),
        ("/v1beta/models/x:embedContent", "generate", "NOT_FOUND"),
    ] {
        let got = fetch(&sim, path, &json!({})).await.unwrap();
        assert_eq!((got.status, word(format, &got.json())), (404, json!(wanted)), "{path}");
    }
}
