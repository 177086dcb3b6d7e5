//! Events written as a stream of Anthropic.

use super::*;
use crate::event::ReasoningKind;

fn writer() -> Writer {
    Writer::new(&ReplyContext {
        model: "asked".to_owned(),
        id: "msg_ours".to_owned(),
        ..Default::default()
    })
}

fn write_all(events: &[Event]) -> String {
    let (mut writer, mut out) = (writer(), Vec::new());
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// Checks framing and numbering as strictly as the official library, and returns the data.
fn checked(text: &str) -> Vec<Value> {
    let mut next = 0;
    let mut open: Option<u64> = None;
    let mut events = Vec::new();
    for frame in text.split_terminator("\n\n") {
        let (name, data) = frame.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
        let index = data["index"].as_u64();
        match data["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, index), (None, Some(next)), "{text}");
                open = index;
                next += 1;
            }
            "content_block_delta" => assert_eq!(open, index, "{text}"),
            "content_block_stop" => {
                assert_eq!(open, index, "{text}");
                open = None;
            }
            "message_delta" => {
                assert_eq!(open, None, "{text}");
                assert!(data["usage"]["output_tokens"].is_u64());
            }
            _ => {}
        }
        events.push(data);
    }
    events
}

#[test]
fn a_stream_survives_reading_and_writing() {
    let events = read(&stream(&everything()));

    let again = write_all(&events);

    checked(&again);
    let pings = |events: Vec<Event>| -> Vec<Event> {
        let mut events: Vec<Event> = events
            .into_iter()
            .filter(|event| !matches!(event, Event::Ping | Event::Usage(_)))
            .collect();
        events.dedup();
        events
    };
    assert_eq!(pings(read(&again)), pings(events));
}

#[test]
fn the_sequence_is_the_vendors_own() {
    let out = write_all(&[
        Event::Start { id: "r1".to_owned(), model: "m".to_owned(), created: None },
        start_of(0, PartHead::Text),
        text(0, "a\"b"),
        end_of(0),
        finish(Finish::Stop),
        Event::Usage(Usage { input: Some(3), output: Some(2), ..Usage::default() }),
        Event::End,
    ]);

    let expected = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"r1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":0}}}\n\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\\"b\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":2}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    assert_eq!(out, expected);
}

#[test]
fn parts_that_interleave_are_written_one_after_the_other() {
    let out = write_all(&[
        Event::Start { id: "r".to_owned(), model: "m".to_owned(), created: None },
        start_of(0, call("c0", "f")),
        start_of(1, call("c1", "g")),
        arguments(1, "{\"b\":"),
        arguments(0, "{\"a\":1}"),
        start_of(2, PartHead::Text),
        arguments(1, "2}"),
        text(2, "late"),
        end_of(1),
        end_of(0),
        text(2, "r"),
        end_of(2),
        finish(Finish::Stop),
        Event::End,
    ]);

    let events = checked(&out);

    let blocks: Vec<&Value> = events
        .iter()
        .filter(|e| e["type"] == "content_block_start")
        .map(|e| &e["content_block"])
        .collect();
    assert_eq!(blocks[0], &json!({"type": "tool_use", "id": "c0", "name": "f", "input": {}}));
    assert_eq!(blocks[1]["id"], "c1");
    assert_eq!(blocks[2]["type"], "text");
    let joined = |index: u64, member: &str| -> String {
        let deltas =
            events.iter().filter(|e| e["type"] == "content_block_delta" && e["index"] == index);
        deltas.map(|e| e["delta"][member].as_str().unwrap()).collect()
    };
    assert_eq!(joined(0, "partial_json"), "{\"a\":1}");
    assert_eq!(joined(1, "partial_json"), "{\"b\":2}");
    assert_eq!(joined(2, "text"), "later");
    let delta = events.iter().find(|e| e["type"] == "message_delta").unwrap();
    assert_eq!(delta["delta"]["stop_reason"], "tool_use");
}

#[test]
fn parts_still_open_at_the_end_are_closed() {
    let out = write_all(&[
        start_of(0, call("c0", "f")),
        start_of(1, call("c1", "g")),
        arguments(1, "{}"),
        finish(Finish::ToolCalls),
        Event::End,
    ]);
    let events = checked(&out);
    let stops = events.iter().filter(|e| e["type"] == "content_block_stop").count();
    assert_eq!(stops, 2, "{out}");
    assert_eq!(events.last().unwrap()["type"], "message_stop");
}

#[test]
fn thinking_closes_with_its_signature_before_text_opens() {
    let foreign = Opaque { vendor: Vendor::Google, ..signature("Zm9v") };
    let out = write_all(&[
        start_of(0, PartHead::Reasoning(ReasoningKind::Summary)),
        reasoning(0, "hm"),
        opaque(0, foreign),
        opaque(0, signature("c2ln")),
        end_of(0),
        start_of(1, PartHead::Text),
        text(1, "a"),
        end_of(1),
        start_of(2, PartHead::Reasoning(ReasoningKind::Summary)),
        opaque(2, signature("b25seQ==")),
        end_of(2),
        Event::End,
    ]);

    let events = checked(&out);

    let steps: Vec<String> = events
        .iter()
        .filter(|e| e["index"].is_u64())
        .map(|e| {
            let inner = if e["delta"].is_null() {
                &e["content_block"]["type"]
            } else {
                &e["delta"]["type"]
            };
            inner.as_str().unwrap_or("stop").to_owned()
        })
        .collect();
    let expected = [
        "thinking",
        "thinking_delta",
        "signature_delta",
        "stop",
        "text",
        "text_delta",
        "stop",
        "thinking",
        "signature_delta",
        "stop",
    ];
    assert_eq!(steps, expected);
    assert!(!out.contains("Zm9v"), "another vendor's signature gives way to the vendor's own");
}

#[test]
fn empty_parts_leave_no_block() {
    let out = write_all(&[
        start_of(0, PartHead::Reasoning(ReasoningKind::Summary)),
        end_of(0),
        start_of(1, PartHead::Text),
        text(1, ""),
        end_of(1),
        start_of(2, PartHead::Server { raw: json!({"executableCode": {}}), query: None }),
        end_of(2),
        finish(Finish::Length),
        Event::End,
    ]);
    let events = checked(&out);
    assert!(!out.contains("content_block"), "{out}");
    assert_eq!(events[2]["delta"]["stop_reason"], "max_tokens");
}

#[test]
fn only_the_first_answer_is_written() {
    let second = Event::Text { choice: 1, part: 0, delta: "second".to_owned() };
    let out = write_all(&[
        start_of(0, PartHead::Text),
        Event::PartStart { choice: 1, part: 0, head: PartHead::Text },
        second,
        text(0, "first"),
        end_of(0),
        Event::End,
    ]);
    checked(&out);
    assert!(out.contains("first") && !out.contains("second"), "{out}");
}

#[test]
fn an_error_is_the_last_thing_written() {
    let (mut writer, mut out) = (writer(), Vec::new());
    writer.write(&start_of(0, PartHead::Text), &mut out);
    writer.write(&text(0, "a"), &mut out);
    let overloaded =
        UpstreamError { kind: ErrorKind::Overloaded, ..UpstreamError::server(529, "busy") };
    writer.write(&Event::Error(overloaded), &mut out);
    let length = out.len();
    writer.write(&text(0, "b"), &mut out);
    writer.write(&Event::End, &mut out);
    writer.ping(&mut out);
    assert_eq!(out.len(), length);

    let events = checked(&String::from_utf8(out).unwrap());
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    assert_eq!(events.last(), Some(&error));
}

#[test]
fn an_error_of_ours_has_the_request_id() {
    let (mut writer, mut out) = (writer(), Vec::new());
    let error = ApiError {
        status: 504,
        kind: ErrorKind::Timeout,
        code: "upstream_timeout",
        message: "too slow".to_owned(),
        param: None,
        retry_after: None,
        request_id: Some("req_1".to_owned()),
    };
    writer.error(&error, &mut out);
    let events = checked(&String::from_utf8(out).unwrap());
    let expected = json!({
        "type": "error",
        "error": {"type": "timeout_error", "message": "too slow"},
        "request_id": "req_1",
    });
    assert_eq!(events, [expected]);
}

/// Returns what is inside an envelope.
fn opened(envelope: &Value) -> Vec<crate::envelope::Block> {
    crate::envelope::open(envelope.as_str().unwrap(), b"").unwrap()
}

/// Returns the blocks of a stream put together: type and text, and the signature.
fn blocks_of(events: &[Event]) -> Vec<(String, Value)> {
    let mut blocks: Vec<(String, Value)> = Vec::new();
    for event in checked(&write_all(events)) {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                let block = &event["content_block"];
                blocks.push((block["type"].as_str().unwrap().to_owned(), block["data"].clone()));
            }
            "content_block_delta" => {
                let (text, signature) = blocks.last_mut().unwrap();
                let delta = &event["delta"];
                let more = ["text", "thinking", "partial_json"].map(|name| delta[name].as_str());
                for more in more.into_iter().flatten().filter(|more| !more.is_empty()) {
                    text.push(' ');
                    text.push_str(more);
                }
                if delta["type"] == "signature_delta" {
                    *signature = delta["signature"].clone();
                }
            }
            _ => {}
        }
    }
    blocks
}

fn google() -> Opaque {
    Opaque { vendor: Vendor::Google, ..signature("Zm9v") }
}

#[test]
fn reasoning_that_nobody_signed_is_known_again_by_an_envelope() {
    let blocks = blocks_of(&[
        start_of(0, PartHead::Reasoning(ReasoningKind::Raw)),
        reasoning(0, "hm"),
        end_of(0),
        start_of(1, PartHead::Text),
        text(1, "a"),
        end_of(1),
        Event::End,
    ]);
    assert_eq!((&*blocks[0].0, &*blocks[1].0), ("thinking hm", "text a"));
    assert_eq!(opened(&blocks[0].1), [crate::envelope::Block::default()]);
}

#[test]
fn what_signs_a_call_goes_into_the_thinking_before_it() {
    let signed_call = |part| {
        [
            start_of(part, call("c", "f")),
            opaque(part, google()),
            arguments(part, "{}"),
            end_of(part),
        ]
    };
    let thought =
        [start_of(0, PartHead::Reasoning(ReasoningKind::Summary)), reasoning(0, "hm"), end_of(0)];
    let with = [&thought[..], &signed_call(1), &[Event::End]].concat();
    let without = [&signed_call(0)[..], &[Event::End]].concat();
    for (events, text) in [(with, "thinking hm"), (without, "thinking")] {
        let blocks = blocks_of(&events);
        assert_eq!((&*blocks[0].0, &*blocks[1].0), (text, "tool_use {}"));
        let inside = opened(&blocks[0].1);
        assert_eq!(inside.len(), 1);
        let data = inside[0].opaque.as_ref().unwrap();
        assert_eq!((data.vendor, &*data.data, data.follows), (Vendor::Google, "Zm9v", false));
    }
}

#[test]
fn what_signs_a_text_that_streams_goes_behind_it() {
    let blocks = blocks_of(&[
        start_of(0, PartHead::Text),
        text(0, "a"),
        opaque(0, google()),
        end_of(0),
        Event::End,
    ]);
    assert_eq!((&*blocks[0].0, &*blocks[1].0), ("text a", "thinking"));
    assert!(opened(&blocks[1].1)[0].opaque.as_ref().unwrap().follows);
}

#[test]
fn encrypted_reasoning_is_redacted_only_without_text() {
    let encrypted = Opaque::new(Vendor::OpenAi, OpaqueKind::Redacted, "Z0E=");
    let check = |text: &str, expected: &str| {
        let blocks = blocks_of(&[
            start_of(0, PartHead::Reasoning(ReasoningKind::Summary)),
            reasoning(0, text),
            opaque(0, encrypted.clone()),
            end_of(0),
            Event::End,
        ]);
        assert_eq!(blocks[0].0, expected);
        assert_eq!(opened(&blocks[0].1)[0].opaque.as_ref().unwrap().data, "Z0E=");
    };
    check("hm", "thinking hm");
    check("", "redacted_thinking");
}

#[test]
fn sources_wait_for_their_text() {
    let cite = |url: &str| Event::Cite {
        choice: 0,
        part: 0,
        citation: Citation { url: url.to_owned(), ..Citation::default() },
    };
    let out = write_all(&[
        start_of(0, PartHead::Text),
        cite("https://a"),
        text(0, "x"),
        cite("https://b"),
        end_of(0),
        Event::End,
    ]);
    let events = checked(&out);
    let urls: Vec<&Value> = events
        .iter()
        .filter(|event| event["delta"]["type"] == "citations_delta")
        .map(|event| &event["delta"]["citation"]["url"])
        .collect();
    assert_eq!(urls, ["https://a", "https://b"]);
}

#[test]
fn sources_that_come_when_their_text_has_ended_are_those_of_a_search() {
    let cite = |url: &str| Event::Cite {
        choice: 0,
        part: 2,
        citation: Citation { url: url.to_owned(), ..Citation::default() },
    };
    let call = PartHead::ToolCall {
        id: "toolu_1".to_owned(),
        name: "f".to_owned(),
        kind: CallKind::Function,
    };
    let out = write_all(&[
        start_of(0, PartHead::Text),
        text(0, "x"),
        end_of(0),
        start_of(1, call),
        end_of(1),
        start_of(2, PartHead::Text),
        cite("https://a"),
        cite(""),
        cite("https://b"),
        end_of(2),
        Event::End,
    ]);
    let events = checked(&out);
    let blocks: Vec<&Value> = events
        .iter()
        .map(|event| &event["content_block"])
        .filter(|block| !block.is_null())
        .collect();
    let kinds: Vec<&Value> = blocks.iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["text", "tool_use", "server_tool_use", "web_search_tool_result"]);
    assert_eq!(blocks[2]["id"], blocks[3]["tool_use_id"]);
    assert_eq!(blocks[3]["content"][1]["url"], "https://b");
    assert_eq!(blocks[3]["content"].as_array().unwrap().len(), 2, "a document is no find");
}
