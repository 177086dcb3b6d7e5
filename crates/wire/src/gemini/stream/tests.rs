use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api_error::{ApiError, ErrorKind, UpstreamError};
use crate::chat::{Opaque, OpaqueKind, Vendor};
use crate::codec::{EventReader, EventWriter, ReplyContext};
use crate::collect::{Collected, collect};
use crate::event::{Event, Finish, PartHead, Usage};

mod writing;

fn read(body: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut reader = Reader::new(Body::Stream);
    reader.push(body.as_bytes(), &mut events);
    reader.finish(&mut events);
    events
}

fn sse(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
}

fn chunk(parts: Value) -> Value {
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}]})
}

fn end(reason: &str) -> Value {
    json!({"candidates": [{"finishReason": reason, "index": 0}]})
}

fn finish_of(events: &[Event]) -> Finish {
    assert_eq!(events.last(), Some(&Event::End), "{events:?}");
    let finish = events.iter().find_map(|event| match event {
        Event::Finish { reason, .. } => Some(*reason),
        _ => None,
    });
    finish.unwrap()
}

fn error_of(events: &[Event]) -> &UpstreamError {
    let ends = events.iter().filter(|event| matches!(event, Event::End | Event::Error(_))).count();
    assert_eq!(ends, 1, "{events:?}");
    match events.last() {
        Some(Event::Error(error)) => error,
        other => panic!("no error but {other:?}"),
    }
}

fn parts(whole: &Collected) -> Vec<(&'static str, &str, usize)> {
    let parts = whole.choices[0].parts.iter().map(|part| {
        let head = match part.head {
            PartHead::Text => "text",
            PartHead::Reasoning(_) => "reasoning",
            PartHead::ToolCall { .. } => "call",
            PartHead::Media { .. } => "media",
            PartHead::Server { .. } => "server",
            PartHead::Refusal => "refusal",
        };
        (head, part.text.as_str(), part.opaque.len())
    });
    parts.collect()
}

#[test]
fn parts_change_with_their_kind_and_each_call_is_its_own() {
    let events = read(&sse(&[
        chunk(json!([{"text": "hm", "thought": true}])),
        chunk(json!([{"text": "he"}])),
        chunk(json!([{"text": "llo"}, {"functionCall": {"name": "f", "args": {"a": 1}}},
            {"functionCall": {"id": "x", "name": "f"}}])),
        end("STOP"),
    ]));

    let whole = collect(&events);
    assert_eq!(
        parts(&whole),
        [("reasoning", "hm", 0), ("text", "hello", 0), ("call", "{\"a\":1}", 0), ("call", "{}", 0)]
    );
    assert_eq!(finish_of(&events), Finish::ToolCalls);
    let starts = events.iter().filter(|event| matches!(event, Event::PartStart { .. })).count();
    let ends = events.iter().filter(|event| matches!(event, Event::PartEnd { .. })).count();
    assert_eq!(starts, ends);
}

#[test]
fn signatures_stay_on_their_parts() {
    let events = read(&sse(&[
        chunk(json!([{"text": "a"}])),
        chunk(json!([{"text": "b", "thoughtSignature": "czE="}])),
        chunk(json!([{"text": "c"}])),
        chunk(json!([{"text": "", "thoughtSignature": "czI="}])),
        end("STOP"),
    ]));
    assert_eq!(parts(&collect(&events)), [("text", "ab", 1), ("text", "c", 0), ("text", "", 1)]);
}

#[test]
fn the_reason_is_held_back_though_every_event_says_stop() {
    let mut first = chunk(json!([{"text": "a"}]));
    first["candidates"][0]["finishReason"] = json!("STOP");
    let mut second = chunk(json!([{"text": "b"}]));
    second["candidates"][0]["finishReason"] = json!("MAX_TOKENS");

    let events = read(&sse(&[first, second]));

    assert_eq!(finish_of(&events), Finish::Length);
    assert_eq!(parts(&collect(&events)), [("text", "ab", 0)]);
}

#[test]
fn the_last_usage_counts_and_equal_ones_are_not_repeated() {
    let mut chunks = [chunk(json!([{"text": "a"}])), chunk(json!([{"text": "b"}])), end("STOP")];
    chunks[0]["usageMetadata"] = json!({"promptTokenCount": 5, "candidatesTokenCount": 1});
    chunks[1]["usageMetadata"] = json!({"promptTokenCount": 5, "candidatesTokenCount": 1});
    chunks[2]["usageMetadata"] = json!({"candidatesTokenCount": 2, "thoughtsTokenCount": 3});

    let events = read(&sse(&chunks));

    let said = events.iter().filter(|event| matches!(event, Event::Usage(_))).count();
    assert_eq!(said, 2);
    let usage = collect(&events).usage;
    assert_eq!((usage.input, usage.output, usage.reasoning), (Some(5), Some(5), Some(3)));
}

#[test]
fn several_candidates_are_several_answers() {
    let both = json!({"candidates": [
        {"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"},
        {"content": {"parts": [{"text": "b"}]}, "index": 1}
    ]});
    assert!(error_of(&read(&sse(std::slice::from_ref(&both)))).truncated, "one answer has no end");

    let last = json!({"candidates": [{"index": 1, "finishReason": 2}]});
    let whole = collect(&read(&sse(&[both, last])));
    let ends: Vec<Finish> =
        whole.choices.iter().filter_map(|choice| Some(choice.finish.as_ref()?.reason)).collect();
    assert_eq!(ends, [Finish::Stop, Finish::Length]);
}

#[test]
fn a_blocked_prompt_is_an_answer() {
    let events = read(&sse(&[json!({"promptFeedback": {"blockReason": "SAFETY",
        "blockReasonMessage": "no"}})]));
    let whole = collect(&events);
    let finish = whole.choices[0].finish.as_ref().unwrap();
    assert_eq!(finish.reason, Finish::ContentFilter);
    assert_eq!(
        (finish.native.as_str(), finish.detail.as_deref()),
        ("promptFeedback.SAFETY", Some("no"))
    );
    assert!(whole.complete);
}

#[test]
fn a_prompt_that_is_blocked_under_way_ends_the_answer() {
    let events = read(&sse(&[
        chunk(json!([{"text": "a"}])),
        json!({"promptFeedback": {"blockReason": "OTHER"}}),
    ]));
    assert_eq!(finish_of(&events), Finish::ContentFilter);
    assert_eq!(parts(&collect(&events)), [("text", "a", 0)]);
}

#[test]
fn comments_are_signs_of_life_once_the_reply_has_begun() {
    let body =
        format!(": a\n\n{}: b\n\n{}", sse(&[chunk(json!([{"text": "a"}]))]), sse(&[end("STOP")]));
    let events = read(&body);
    assert!(matches!(events[0], Event::Start { .. }));
    assert_eq!(events.iter().filter(|event| **event == Event::Ping).count(), 1);
}

#[test]
fn partial_arguments_stream_and_an_unclosed_call_is_closed() {
    let call = |call: Value| chunk(json!([{"functionCall": call}]));
    let piece = |text: &str, more: bool| {
        call(
            json!({"partialArgs": [{"jsonPath": "$.city", "stringValue": text, "willContinue": more}],
            "willContinue": true}),
        )
    };
    let events = read(&sse(&[
        call(json!({"name": "f", "willContinue": true})),
        piece("Bos", true),
        piece("ton", false),
        call(json!({})),
        call(json!({"name": "g", "willContinue": true})),
        piece("Rome", true),
        end("STOP"),
    ]));
    let whole = collect(&events);
    assert_eq!(
        parts(&whole),
        [("call", "{\"city\":\"Boston\"}", 0), ("call", "{\"city\":\"Rome\"}", 0)]
    );
    let fragments = events.iter().filter(|event| matches!(event, Event::Arguments { .. })).count();
    assert!(fragments >= 4, "they stream");
    assert_eq!(finish_of(&events), Finish::ToolCalls);
}

#[test]
fn server_parts_are_kept_and_never_calls() {
    let code = json!({"executableCode": {"code": "1"}, "thoughtSignature": "czE="});
    let events = read(&sse(&[chunk(json!([code, {"text": ""}])), end("STOP")]));
    let whole = collect(&events);
    assert_eq!(whole.choices[0].parts[0].head, PartHead::Server { raw: code, query: None });
    assert_eq!(finish_of(&events), Finish::Stop);
}

#[test]
fn an_early_end_is_an_error() {
    for body in [
        sse(&[chunk(json!([{"text": "a"}]))]),
        sse(&[chunk(json!([{"text": "a"}])), end("STOP")])
            .replace("\"STOP\",\"index\":0}]}\r\n\r\n", ""),
        String::new(),
        "data: {}\r\n\r\n".to_owned(),
        "upstream connect error".to_owned(),
        "[".to_owned(),
        format!("[{}", chunk(json!([{"text": "a"}]))),
        format!("[{},\r\n{{\"candidates\": [", chunk(json!([{"text": "a"}]))),
    ] {
        assert!(error_of(&read(&body)).truncated, "{body}");
    }
}

#[test]
fn an_event_whose_blank_line_never_came_counts() {
    let body = sse(&[chunk(json!([{"text": "a"}])), end("STOP")]);
    assert_eq!(finish_of(&read(body.trim_end())), Finish::Stop);
}

#[test]
fn unreadable_events_and_html_are_errors_and_nothing_follows() {
    let broken = format!("data: {{\"candidates\": nonsense\r\n\r\n{}", sse(&[end("STOP")]));
    assert!(error_of(&read(&broken)).message.contains("unreadable"));
    for html in ["<html>", "\r\n <!doctype html>\n<body>", ": hello\n<html>\n"] {
        assert!(error_of(&read(html)).message.contains("HTML"), "{html}");
    }
}

#[test]
fn errors_inside_a_stream_end_it_in_every_form() {
    let error = json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}});
    let before = sse(&[chunk(json!([{"text": "a"}])), end("STOP")]);
    let pretty = serde_json::to_string_pretty(&error).unwrap();
    for body in [
        format!("{before}data: {error}\r\n\r\n"),
        format!("{before}data: [{error}]\r\n\r\n"),
        format!("{before}{}\r\n", pretty.replace('\n', "\r\n")),
        format!("{before}{pretty}"),
        format!("{before}[{pretty}\n]"),
        pretty.clone(),
        format!("[{error}]"),
    ] {
        let events = read(&body);
        let error = error_of(&events);
        assert_eq!((error.kind, error.status), (ErrorKind::Overloaded, 503), "{body}");
        assert_eq!(error.message, "overloaded");
    }
}

#[test]
fn one_json_array_is_a_stream_too() {
    let list = json!([chunk(json!([{"text": "a]["}])), chunk(json!([{"text": "b"}])), end("STOP")]);
    let pretty = serde_json::to_string_pretty(&list).unwrap();
    for body in
        [list.to_string(), pretty.clone(), format!("\u{feff}{}", pretty.replace('\n', "\r\n"))]
    {
        let events = read(&body);
        assert_eq!(parts(&collect(&events)), [("text", "a][b", 0)], "{body}");
        assert_eq!(finish_of(&events), Finish::Stop);
    }
}

#[test]
fn times_become_seconds() {
    let mut only = end("STOP");
    only["createTime"] = json!("2026-04-02T17:03:50.399550Z");
    let whole = collect(&read(&sse(&[only])));
    assert_eq!(whole.created, Some(1_775_149_430));
}

fn any_part() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-zé\"\\\\{}\\[\\]\n ]{0,9}".prop_map(|text| json!({"text": text})),
        "[a-z]{1,5}".prop_map(|text| json!({"text": text, "thought": true})),
        Just(json!({"text": "", "thoughtSignature": "czE="})),
        "[a-zü]{0,5}".prop_map(|text| json!({"functionCall": {"name": "f", "args": {"a": text}}})),
        Just(json!({"codeExecutionResult": {"output": "1"}})),
    ]
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(
        parts in prop::collection::vec(any_part(), 0..12),
        form in 0..4,
        cuts in prop::collection::vec(0usize..2_000, 0..10),
        ended in any::<bool>(),
    ) {
        let mut chunks: Vec<Value> = parts.into_iter().map(|part| chunk(json!([part]))).collect();
        if ended {
            chunks.push(end("STOP"));
        }
        let body = match form {
            0 => sse(&chunks),
            1 => sse(&chunks).replace("\r\n", "\n").replace("data: ", "data:"),
            2 => json!(chunks).to_string(),
            _ => serde_json::to_string_pretty(&chunks).unwrap(),
        };
        let bytes = body.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();

        let mut events = Vec::new();
        let mut reader = Reader::new(Body::Stream);
        for cut in cuts.windows(2) {
            reader.push(&bytes[cut[0]..cut[1]], &mut events);
        }
        reader.finish(&mut events);

        prop_assert_eq!(events, read(&body));
    }
}
