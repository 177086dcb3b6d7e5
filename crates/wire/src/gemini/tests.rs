//! The codec as a whole, over recorded traffic and its own surface.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::collect::{Collected, collect};
use crate::event::{Finish, PartHead, ReasoningKind};
use crate::model_facts::ModelFacts;
use crate::model_facts::ThinkingControl;

/// Returns the folders of all recorded cases of this format, or none with a word about it.
fn cases() -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures"));
    let mut cases = Vec::new();
    for provider in ["google", "google-vertex"] {
        let Ok(entries) = fs::read_dir(root.join(provider).join("generate")) else {
            eprintln!("no recorded traffic at {}; nothing is checked", root.display());
            return Vec::new();
        };
        cases.extend(entries.map(|entry| entry.unwrap().path()));
    }
    cases.sort();
    cases
}

/// Returns the body of a case as the provider sent it.
fn body(case: &Path) -> Vec<u8> {
    for name in ["response.sse", "response.array.json", "response.json"] {
        if let Ok(body) = fs::read(case.join(name)) {
            return body;
        }
    }
    let lines = fs::read_to_string(case.join("response.chunks.txt")).unwrap();
    let frames = lines.lines().filter(|line| !line.is_empty());
    frames.map(|line| format!("data: {line}\r\n\r\n")).collect::<String>().into_bytes()
}

fn stream(pieces: &[&[u8]]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut reader = Gemini.event_reader();
    for piece in pieces {
        reader.push(piece, &mut events);
    }
    reader.finish(&mut events);
    events
}

fn texts(whole: &Collected, wanted: &PartHead) -> String {
    let parts = whole.first().map_or(&[][..], |choice| &choice.parts);
    parts.iter().filter(|part| part.head == *wanted).map(|part| part.text.as_str()).collect()
}

fn calls(whole: &Collected) -> Vec<Value> {
    let parts = whole.first().map_or(&[][..], |choice| &choice.parts);
    let calls = parts.iter().filter_map(|part| match &part.head {
        PartHead::ToolCall { id, name, .. } => Some(json!({
            "id": if id.is_empty() { Value::Null } else { json!(id) },
            "name": name,
            "arguments": serde_json::from_str::<Value>(&part.text).unwrap(),
            "signature_len": part.opaque.first().map(|opaque| opaque.data.len()),
        })),
        _ => None,
    });
    calls.collect()
}

fn check_case(case: &Path, events: &[Event]) {
    let expected: Value =
        serde_json::from_slice(&fs::read(case.join("expected.json")).unwrap()).unwrap();
    let label = case.display();
    let whole = collect(events);

    assert_eq!(whole.id, expected["id"].as_str().unwrap_or_default(), "{label}: id");
    assert_eq!(whole.model, expected["model"].as_str().unwrap_or_default(), "{label}: model");
    assert_eq!(texts(&whole, &PartHead::Text), expected["text"].as_str().unwrap(), "{label}");
    assert_eq!(
        texts(&whole, &PartHead::Reasoning(ReasoningKind::Summary)),
        expected["reasoning"].as_str().unwrap(),
        "{label}: reasoning"
    );
    let expected_calls: Vec<Value> = expected["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| {
            json!({"id": call["id"], "name": call["name"], "arguments": call["arguments"],
                "signature_len": call["signature_len"]})
        })
        .collect();
    assert_eq!(calls(&whole), expected_calls, "{label}: calls");
    check_finish(&whole, &expected["finish"], &label.to_string());

    let usage = &expected["usage"];
    let number = |name: &str| usage[name].as_u64();
    assert_eq!(whole.usage.input_total(), number("input_total"), "{label}: input");
    assert_eq!(whole.usage.cache_read, number("cache_read"), "{label}: cache");
    assert_eq!(whole.usage.output, number("output_total"), "{label}: output");
    assert_eq!(whole.usage.reasoning, number("reasoning"), "{label}: reasoning tokens");
}

fn check_finish(whole: &Collected, expected: &Value, label: &str) {
    if expected["canonical"] == "truncated" {
        assert!(whole.error.as_ref().is_some_and(|error| error.truncated), "{label}");
        assert!(!whole.complete, "{label}");
        return;
    }
    assert!(whole.complete, "{label}: {:?}", whole.error);
    let finish = whole.first().and_then(|choice| choice.finish.as_ref()).unwrap();
    let canonical = match finish.reason {
        Finish::InvalidCall => "error",
        reason => reason.name(),
    };
    assert_eq!(canonical, expected["canonical"], "{label}: finish");
    let native = expected["native"].as_str().unwrap_or_default();
    let native = native.replace("promptFeedback.blockReason:", "promptFeedback.");
    // Recordings with numbers for enums say the word in their facts.
    assert_eq!(finish.native, native, "{label}: native");
}

#[test]
fn every_recorded_reply_gives_the_facts_its_reader_must_find() {
    let mut seen = 0;
    for case in cases() {
        let expected: Value =
            serde_json::from_slice(&fs::read(case.join("expected.json")).unwrap()).unwrap();
        let body = body(&case);
        match expected["kind"].as_str().unwrap() {
            "stream" => check_case(&case, &stream(&[&body])),
            "response" => check_case(&case, &Gemini.read_reply(&body)),
            "error" => {
                let status = expected["http_status"].as_u64().unwrap();
                let error = Gemini.read_error(status.try_into().unwrap(), &body);
                let facts = &expected["error"];
                let label = case.display();
                assert_eq!(error.message, facts["message"].as_str().unwrap(), "{label}");
                assert_eq!(error.native_type, facts["status_name"].as_str().unwrap(), "{label}");
                assert_eq!(
                    error.retry_after.map(|wait| wait.as_secs_f64()),
                    facts["retry_after_s"].as_f64(),
                    "{label}"
                );
                let kind = format!("{:?}", error.kind).to_lowercase();
                let canonical = facts["canonical"].as_str().unwrap().replace('_', "");
                assert_eq!(kind, canonical, "{label}");
            }
            other => panic!("{}: unknown kind {other}", case.display()),
        }
        seen += 1;
    }
    eprintln!("{seen} recorded cases checked");
}

#[test]
fn recorded_streams_give_the_same_events_at_any_cut() {
    for case in cases() {
        let body = body(&case);
        if case.join("response.json").exists() || body.len() > 40_000 {
            continue;
        }
        let whole = stream(&[&body]);
        for cut in (0..body.len()).step_by(7) {
            let pieces = [&body[..cut], &body[cut..]];
            assert_eq!(stream(&pieces), whole, "{} cut at {cut}", case.display());
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(stream(&bytes), whole, "{} byte by byte", case.display());
    }
}

#[test]
fn what_a_client_gets_reads_back_as_what_the_provider_sent() {
    for case in cases() {
        if !fs::read_to_string(case.join("expected.json")).unwrap().contains("\"finish\"") {
            continue;
        }
        let events = match fs::read(case.join("response.json")) {
            Ok(body) => Gemini.read_reply(&body),
            Err(_) => stream(&[&body(&case)]),
        };
        if events.last() != Some(&Event::End) {
            continue;
        }
        let before = facts(&events);
        for json_array in [false, true] {
            let context = ReplyContext { json_array, ..ReplyContext::default() };
            let mut writer = Gemini.event_writer(&context);
            let mut out = Vec::new();
            events.iter().for_each(|event| writer.write(event, &mut out));
            if json_array {
                serde_json::from_slice::<Vec<Value>>(&out).unwrap();
            }
            assert_eq!(facts(&stream(&[&out])), before, "{}", case.display());
        }
        let reply = Gemini.write_reply(&events, &ReplyContext::default());
        assert_eq!(facts(&Gemini.read_reply(&reply)), before, "{}", case.display());
    }
}

/// Text, reasoning, calls without ids (those may be made), finish and totals.
fn facts(events: &[Event]) -> (String, String, Vec<Value>, Value, [Option<u64>; 4]) {
    let whole = collect(events);
    let mut calls = calls(&whole);
    calls.iter_mut().for_each(|call| call["id"] = Value::Null);
    let finish = whole.first().and_then(|choice| choice.finish.as_ref());
    let finish = json!(finish.map(|finish| (finish.reason.name(), finish.detail.as_deref())));
    let usage = whole.usage;
    let counts = [usage.input_total(), usage.cache_read, usage.output, usage.reasoning];
    (
        texts(&whole, &PartHead::Text),
        texts(&whole, &PartHead::Reasoning(ReasoningKind::Summary)),
        calls,
        finish,
        counts,
    )
}

#[test]
fn recorded_requests_read_and_write_again() {
    for case in cases() {
        let Ok(body) = fs::read(case.join("request.json")) else { continue };
        let peek = Peek { model: "m".to_owned(), ..Peek::default() };
        let request = Gemini.read_request(&body, &peek).unwrap();
        // Only newer models take media inside a result; all calls of that case are signed.
        let thinking = if case.ends_with("tool-result-pdf") {
            ThinkingControl::Level
        } else {
            ThinkingControl::Budget
        };
        let facts = ModelFacts { json_schema: true, thinking, ..ModelFacts::default() };
        let mut notes = Notes::default();
        let written =
            Gemini.write_request(&request, &Target::new("m", &facts), &mut notes).unwrap().body;
        let again = Gemini
            .read_request(&written, &peek)
            .unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        let told = |request: &ChatRequest| format!("{:?} {:?}", request.turns, request.output);
        assert!(told(&again) == told(&request), "{}", case.display());
        assert_eq!(again.sampling, request.sampling, "{}", case.display());
        assert_eq!(again.extra, request.extra, "{}", case.display());
        assert_eq!(notes.dropped().count(), 0, "{}: {notes:?}", case.display());
    }
}

fn path(stream: bool) -> PathModel {
    PathModel { model: "gemini-3-pro".to_owned(), stream, json_array: false }
}

#[test]
fn model_and_delivery_come_from_the_url() {
    let body = br#"{"contents":[],"model":"ignored","stream":"ignored"}"#;
    let peek = Gemini.peek(body, Some(&path(true))).unwrap();
    assert_eq!((peek.model.as_str(), peek.stream, peek.model_span), ("gemini-3-pro", true, None));

    assert!(Gemini.peek(body, None).unwrap_err().to_string().starts_with("model: is missing"));
    for broken in [&b"[]"[..], b"", b"{", b"7"] {
        assert!(Gemini.peek(broken, Some(&path(false))).is_err(), "{broken:?}");
    }
}

#[test]
fn the_body_is_passed_on_as_it_is() {
    let body = Bytes::from_static(b"{ \"contents\" :[] }");
    assert_eq!(Gemini.splice(&body, &Peek::default(), &Change::model("other")), body);
}

#[test]
fn the_content_type_follows_the_form_of_the_stream() {
    let of = |json_array| Gemini.stream_content_type(json_array);
    assert_eq!(of(false), "text/event-stream");
    assert_eq!(of(true), "application/json");
}
