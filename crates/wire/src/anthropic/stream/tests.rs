//! Streams, both ways.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api_error::{ApiError, ErrorKind, UpstreamError};
use crate::chat::{CallKind, Opaque, OpaqueKind, Vendor};
use crate::codec::{EventReader, EventWriter, ReplyContext};
use crate::event::{Citation, Event, Finish, PartHead, ReasoningKind, Usage};

mod writing;

/// One event as the vendor frames it.
fn sse(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

fn stream(events: &[Value]) -> String {
    events.iter().map(sse).collect()
}

fn read_pieces(pieces: &[&[u8]]) -> Vec<Event> {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    for piece in pieces {
        reader.push(piece, &mut events);
    }
    reader.finish(&mut events);
    events
}

fn read(text: &str) -> Vec<Event> {
    read_pieces(&[text.as_bytes()])
}

fn message_start(id: &str) -> Value {
    json!({"type": "message_start", "message": {
        "id": id, "type": "message", "role": "assistant", "model": "m", "content": [],
        "usage": {"input_tokens": 5, "output_tokens": 1},
    }})
}

fn block(index: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn message_delta(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": 9}})
}

fn message_stop() -> Value {
    json!({"type": "message_stop"})
}

/// A stream with every kind of block.
fn everything() -> Vec<Value> {
    vec![
        message_start("msg_1"),
        json!({"type": "ping"}),
        block(0, &json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "hm…"})),
        delta(0, &json!({"type": "signature_delta", "signature": "c2ln"})),
        stop(0),
        block(1, &json!({"type": "redacted_thinking", "data": "c2Vj"})),
        stop(1),
        block(2, &json!({"type": "text", "text": ""})),
        delta(2, &json!({"type": "text_delta", "text": "hé\n"})),
        delta(
            2,
            &json!({"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "said"}}),
        ),
        delta(2, &json!({"type": "text_delta", "text": "🎉"})),
        stop(2),
        block(3, &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        delta(3, &json!({"type": "input_json_delta", "partial_json": "{\"query\":\"boats\"}"})),
        stop(3),
        block(4, &json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []})),
        stop(4),
        block(5, &json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}})),
        delta(5, &json!({"type": "input_json_delta", "partial_json": ""})),
        delta(5, &json!({"type": "input_json_delta", "partial_json": "{\"a\":"})),
        delta(5, &json!({"type": "input_json_delta", "partial_json": " 1.0}"})),
        stop(5),
        message_delta("tool_use"),
        message_stop(),
    ]
}

fn signature(data: &str) -> Opaque {
    Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, data)
}

fn start_of(part: u32, head: PartHead) -> Event {
    Event::PartStart { choice: 0, part, head }
}

fn end_of(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn text(part: u32, delta: &str) -> Event {
    Event::Text { choice: 0, part, delta: delta.to_owned() }
}

fn reasoning(part: u32, delta: &str) -> Event {
    Event::Reasoning { choice: 0, part, delta: delta.to_owned() }
}

fn arguments(part: u32, delta: &str) -> Event {
    Event::Arguments { choice: 0, part, delta: delta.to_owned() }
}

fn opaque(part: u32, opaque: Opaque) -> Event {
    Event::Opaque { choice: 0, part, opaque }
}

fn call(id: &str, name: &str) -> PartHead {
    PartHead::ToolCall { id: id.to_owned(), name: name.to_owned(), kind: CallKind::Function }
}

fn finish(reason: Finish) -> Event {
    Event::Finish { choice: 0, reason, native: String::new(), stop_sequence: None, detail: None }
}

#[test]
fn every_kind_of_block_is_read() {
    let events = read(&stream(&everything()));

    let redacted = Opaque::new(Vendor::Anthropic, OpaqueKind::Redacted, "c2Vj");
    let server =
        |raw: Value, query: Option<&str>| PartHead::Server { raw, query: query.map(str::to_owned) };
    let citation = Citation {
        quote: Some("said".to_owned()),
        raw: Some(json!({"type": "char_location", "cited_text": "said"})),
        ..Citation::default()
    };
    let usage = Usage { input: Some(5), output: Some(1), ..Usage::default() };
    let expected = vec![
        Event::Start { id: "msg_1".to_owned(), model: "m".to_owned(), created: None },
        Event::Usage(usage),
        Event::Ping,
        start_of(0, PartHead::Reasoning(ReasoningKind::Summary)),
        reasoning(0, "hm…"),
        opaque(0, signature("c2ln")),
        end_of(0),
        start_of(1, PartHead::Reasoning(ReasoningKind::Summary)),
        opaque(1, redacted),
        end_of(1),
        start_of(2, PartHead::Text),
        text(2, "hé\n"),
        Event::Cite { choice: 0, part: 2, citation },
        text(2, "🎉"),
        end_of(2),
        start_of(
            3,
            server(
                json!({
                    "type": "server_tool_use", "id": "s", "name": "web_search",
                    "input": {"query": "boats"},
                }),
                Some("boats"),
            ),
        ),
        end_of(3),
        start_of(
            4,
            server(
                json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
                None,
            ),
        ),
        end_of(4),
        start_of(5, call("toolu_1", "f")),
        arguments(5, "{\"a\":"),
        arguments(5, " 1.0}"),
        end_of(5),
        Event::Usage(Usage { output: Some(9), ..usage }),
        Event::Finish {
            choice: 0,
            reason: Finish::ToolCalls,
            native: "tool_use".to_owned(),
            stop_sequence: None,
            detail: None,
        },
        Event::End,
    ];
    assert_eq!(events, expected);
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(cuts in prop::collection::vec(0usize..3000, 0..30)) {
        let stream = stream(&everything()).into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();

        prop_assert_eq!(read_pieces(&pieces), read_pieces(&[&stream]));
    }
}

#[test]
fn a_stream_in_single_bytes_gives_the_same_events() {
    let stream = stream(&everything());
    let pieces: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
    assert_eq!(read_pieces(&pieces), read(&stream));
}

#[test]
fn a_call_without_fragments_has_the_input_of_its_start() {
    let check = |input: Value, expected: &str| {
        let start = json!({"type": "tool_use", "id": "t", "name": "f", "input": input});
        let empty = json!({"type": "input_json_delta", "partial_json": ""});
        let events = read(&stream(&[
            message_start("m"),
            block(0, &start),
            delta(0, &empty),
            stop(0),
            message_delta("tool_use"),
            message_stop(),
        ]));
        assert!(events.contains(&arguments(0, expected)), "{events:?}");
    };
    check(json!({}), "{}");
    check(json!({"a": 1}), "{\"a\":1}");
}

#[test]
fn what_ends_a_stream_decides_what_it_was() {
    let begun =
        stream(&[message_start("m"), block(0, &json!({"type": "text", "text": "a"})), stop(0)]);
    let check = |text: &str, expected: &str| {
        let events = read(text);
        let last = match events.last() {
            Some(Event::End) => "end".to_owned(),
            Some(Event::Error(error)) => {
                format!(
                    "{} {} {}",
                    if error.truncated { "truncated" } else { "error" },
                    error.status,
                    error.message
                )
            }
            other => panic!("{text}: {other:?}"),
        };
        assert!(last.contains(expected), "{text}\n{last} should contain {expected}");
        let ends = events.iter().filter(|e| matches!(e, Event::End | Event::Error(_))).count();
        assert_eq!(ends, 1, "{text}");
    };
    let after = |rest: &str| format!("{begun}{rest}");
    let reason = sse(&message_delta("end_turn"));

    check(&begun, "truncated 502 the upstream closed the stream before it was complete");
    check("", "truncated 502 the upstream closed the stream before it began");
    check(&after(&reason), "end");
    check(&after(&format!("{reason}event: message_stop\ndata: {{\"type\":\"mes")), "end");
    check(&after(&sse(&message_stop())), "end");
    check(&after("data: {\"type\":\"message_stop\"}"), "end");
    check(&after("event: content_block_delta\ndata: {\"type\":\"con"), "truncated 502");
    check(
        &after("data: {broken\n\n"),
        "truncated 502 the upstream sent an event that is not valid",
    );
    check(&after("data: [1]\n\n"), "truncated 502 the upstream sent an event that is not valid");
    check(&after(&format!("data: \n\ndata: [DONE]\n\n{reason}")), "end");
    check(&after(&sse(&message_start("other"))), "truncated 502 the upstream began a second");
    check(&after(&format!("{}{reason}", sse(&message_start("m")))), "end");
    check(&sse(&message_stop()), "truncated 502 the upstream ended its reply without any content");
    check("<!DOCTYPE html>\n<html>\n", "truncated 502 the upstream answered with an HTML page");
    let overloaded =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    check(&after(&sse(&overloaded)), "error 529 busy");
    check(&after(&format!("{reason}{}", sse(&overloaded))), "error 529 busy");
    check(&overloaded.to_string(), "error 529 busy");
    check(&after(&overloaded.to_string()), "error 529 busy");
    check(&after("event: error\ndata: {\"error\":{\"message\":\"bare\"}}\n\n"), "error 500 bare");
}

#[test]
fn a_whole_reply_instead_of_a_stream_is_played_as_one() {
    let body = "{\n  \"id\": \"msg_1\",\n  \"type\": \"message\",\n\n  \"content\": [{\"type\": \"text\", \"text\": \"a: b\"}],\n  \"stop_reason\": \"end_turn\"\n}\n";
    let events = read(body);
    assert!(events.contains(&text(0, "a: b")), "{events:?}");
    assert_eq!(events.last(), Some(&Event::End));
}

#[test]
fn sloppy_streams_are_understood() {
    // No message_start, no content_block_start, blocks that change their kind, unknown events.
    let events = read(&stream(&[
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "a"}}),
        json!({"type": "brand_new", "index": 7}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "b"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": null}),
        message_stop(),
    ]));
    let expected = vec![
        Event::Start { id: String::new(), model: String::new(), created: None },
        start_of(0, PartHead::Reasoning(ReasoningKind::Summary)),
        reasoning(0, "a"),
        end_of(0),
        start_of(1, PartHead::Text),
        text(1, "b"),
        end_of(1),
        Event::Finish {
            choice: 0,
            reason: Finish::Length,
            native: "max_tokens".to_owned(),
            stop_sequence: None,
            detail: None,
        },
        Event::End,
    ];
    assert_eq!(events, expected);
}

#[test]
fn half_a_character_does_not_stop_the_stream() {
    let events = read(
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\ud83d\"}}\n\n",
    );
    assert!(events.contains(&text(0, "a\u{fffd}")), "{events:?}");
}

#[test]
fn message_delta_corrects_usage_field_by_field() {
    let mut correction = message_delta("end_turn");
    correction["usage"] =
        json!({"input_tokens": 61, "cache_read_input_tokens": 7, "output_tokens": 2});
    let events = read(&stream(&[message_start("m"), correction, message_stop()]));
    let expected =
        Usage { input: Some(61), cache_read: Some(7), output: Some(2), ..Usage::default() };
    assert!(events.contains(&Event::Usage(expected)), "{events:?}");
}

// Writing.
