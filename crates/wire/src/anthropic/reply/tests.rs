//! Whole replies, both ways.

use serde_json::{Value, json};

use super::*;
use crate::WireFormat;
use crate::api_error::ErrorKind;
use crate::chat::{CallKind, Opaque};
use crate::event::{Finish, ReasoningKind, Usage};
use crate::translator::surveys::every_field;

fn read_value(body: &Value) -> Vec<Event> {
    read(body.to_string().as_bytes())
}

fn context() -> ReplyContext {
    ReplyContext { model: "asked".to_owned(), id: "msg_ours".to_owned(), ..Default::default() }
}

fn rewritten(body: &Value) -> Value {
    serde_json::from_slice(&write(&read_value(body), &context())).unwrap()
}

fn part(part: u32, head: PartHead, deltas: Vec<Event>) -> Vec<Event> {
    let mut events = vec![Event::PartStart { choice: 0, part, head }];
    events.extend(deltas);
    events.push(Event::PartEnd { choice: 0, part });
    events
}

fn finish(reason: Finish) -> Event {
    Event::Finish {
        choice: 0,
        reason,
        native: "NATIVE".to_owned(),
        stop_sequence: None,
        detail: Some("because".to_owned()),
    }
}

fn reply_of(events: Vec<Event>) -> Value {
    serde_json::from_slice(&write(&events, &context())).unwrap()
}

#[test]
fn a_reply_survives_reading_and_writing() {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "c2Vj"},
            {"type": "text", "text": "hello"},
            {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"z": 1, "a": [2]}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {
            "input_tokens": 1, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3,
            "output_tokens": 4, "output_tokens_details": {"thinking_tokens": 1},
        },
    });
    assert_eq!(rewritten(&body), body);
}

#[test]
fn no_member_is_forgotten_by_a_survey() {
    let reply = r#"{"content":[],"stop_details":{},"usage":{"output_tokens":4}}"#;
    every_field::<Wire<'_>>(WireFormat::Anthropic, reply, "");
    every_field::<StopDetails>(WireFormat::Anthropic, reply, "/stop_details");
}

#[test]
fn an_empty_content_is_an_answer() {
    let body = json!({"id": "m", "type": "message", "model": "m", "content": [], "stop_reason": "end_turn"});
    let events = read_value(&body);
    assert!(matches!(events[0], Event::Start { .. }));
    assert!(matches!(events[1], Event::Finish { reason: Finish::Stop, .. }));
    assert_eq!(events[2], Event::End);
    assert_eq!(rewritten(&body)["content"], json!([]));
}

#[test]
fn a_refusal_keeps_its_explanation() {
    let body = json!({
        "content": [], "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "cyber", "explanation": "not that"},
    });
    let again = rewritten(&body);
    assert_eq!(again["stop_reason"], "refusal");
    assert_eq!(again["stop_details"]["explanation"], "not that");
}

#[test]
fn a_stop_sequence_is_named() {
    let body = json!({"content": [], "stop_reason": "stop_sequence", "stop_sequence": "END"});
    let again = rewritten(&body);
    assert_eq!(
        (&again["stop_reason"], &again["stop_sequence"]),
        (&json!("stop_sequence"), &json!("END"))
    );
}

#[test]
fn what_is_no_reply_is_an_error() {
    let check = |body: &str, truncated: bool, message: &str| {
        let events = read(body.as_bytes());
        let [Event::Error(error)] = &events[..] else { panic!("{body}: {events:?}") };
        assert_eq!(error.truncated, truncated, "{body}");
        assert!(error.message.contains(message), "{body}: {}", error.message);
    };
    check("", true, "empty");
    check("<!DOCTYPE html><html>", true, "HTML");
    check("{\"content\":[", true, "not valid JSON");
    check("{\"ok\":true}", true, "no message");
    check("[]", true, "no message");
    check("{\"content\":[{\"type\":\"text\",\"text\":7}]}", true, "unreadable block");
    check(
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}",
        false,
        "busy",
    );
    check("[{\"error\":{\"message\":\"listed\"}}]", false, "listed");
}

#[test]
fn fallbacks_fill_what_the_provider_did_not_say() {
    let call =
        PartHead::ToolCall { id: "c".to_owned(), name: "f".to_owned(), kind: CallKind::Function };
    let mut events = vec![Event::Start { id: String::new(), model: String::new(), created: None }];
    events.extend(part(0, call, vec![]));
    events.push(finish(Finish::Stop));
    events.push(Event::End);

    let reply = reply_of(events);

    assert_eq!((&reply["id"], &reply["model"]), (&json!("msg_ours"), &json!("asked")));
    assert_eq!(reply["stop_reason"], "tool_use", "clients loop on this word");
    assert_eq!(reply["content"][0]["input"], json!({}));
    assert_eq!(reply["usage"]["output_tokens"], 0);
}

#[test]
fn parts_of_other_vendors_take_the_nearest_form() {
    let google = Opaque::new(Vendor::Google, OpaqueKind::Signature, "Zm9yZWlnbg==");
    let text = |part, delta: &str| Event::Text { choice: 0, part, delta: delta.to_owned() };
    let mut events = Vec::new();
    let thought = Event::Reasoning { choice: 0, part: 0, delta: "hm".to_owned() };
    let signature = Event::Opaque { choice: 0, part: 0, opaque: google };
    events.extend(part(0, PartHead::Reasoning(ReasoningKind::Summary), vec![thought, signature]));
    events.extend(part(1, PartHead::Text, vec![]));
    events.extend(part(2, PartHead::Refusal, vec![text(2, "no")]));
    let media = PartHead::Media { mime: "image/png".to_owned(), data: "AAAA".to_owned() };
    events.extend(part(3, media, vec![]));
    events.extend(part(
        4,
        PartHead::Server { raw: json!({"executableCode": {}}), query: None },
        vec![],
    ));
    let call = PartHead::ToolCall {
        id: "toolu_1".to_owned(),
        name: "f".to_owned(),
        kind: CallKind::Function,
    };
    let broken = Event::Arguments { choice: 0, part: 5, delta: "{\"a\":".to_owned() };
    events.extend(part(5, call, vec![broken]));
    events.push(Event::Usage(Usage { input: Some(9), ..Usage::default() }));
    events.push(finish(Finish::ContentFilter));
    events.push(Event::End);

    let reply = reply_of(events);

    let signature = &reply["content"][0]["signature"];
    let inside = crate::envelope::open(signature.as_str().unwrap(), b"").unwrap();
    assert_eq!(inside[0].opaque.as_ref().unwrap().data, "Zm9yZWlnbg==");
    let expected = json!([
        {"type": "thinking", "thinking": "hm", "signature": signature},
        {"type": "text", "text": "no"},
        {"type": "text", "text": media_note("image/png")},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"_invalid_json": "{\"a\":"}},
    ]);
    assert_eq!(reply["content"], expected);
    assert_eq!(reply["stop_reason"], "refusal");
    assert_eq!(reply["stop_details"]["explanation"], "because");
    assert_eq!(reply["usage"]["input_tokens"], 9);
}

#[test]
fn a_failed_reply_is_written_as_an_error() {
    let overloaded =
        UpstreamError { kind: ErrorKind::Overloaded, ..UpstreamError::server(529, "busy") };
    let reply = reply_of(vec![Event::Error(overloaded)]);
    assert_eq!(reply["error"], json!({"type": "overloaded_error", "message": "busy"}));
}

#[test]
fn other_vendors_data_stand_where_they_come_back_from() {
    let google = |part| Event::Opaque {
        choice: 0,
        part,
        opaque: Opaque::new(Vendor::Google, OpaqueKind::Signature, "Z28="),
    };
    let head = || PartHead::ToolCall {
        id: "c".to_owned(),
        name: "f".to_owned(),
        kind: CallKind::Function,
    };
    let thought = Event::Reasoning { choice: 0, part: 0, delta: "hm".to_owned() };
    let text = Event::Text { choice: 0, part: 0, delta: "a".to_owned() };
    let summary = || PartHead::Reasoning(ReasoningKind::Summary);
    let check = |events: Vec<Event>, kinds: &[&str], place: usize, expected: Option<bool>| {
        let reply = reply_of([events, vec![finish(Finish::Stop), Event::End]].concat());
        let blocks = reply["content"].as_array().unwrap();
        let found: Vec<&Value> = blocks.iter().map(|block| &block["type"]).collect();
        assert_eq!(found, kinds);
        let signature = blocks[place]["signature"].as_str().unwrap();
        let inside = crate::envelope::open(signature, b"").unwrap();
        assert_eq!(inside.len(), 1);
        assert_eq!(inside[0].opaque.as_ref().map(|data| data.follows), expected, "{kinds:?}");
    };
    let call = |number| part(number, head(), vec![google(number)]);
    let thinking = || part(0, summary(), vec![thought.clone()]);
    check([thinking(), call(1)].concat(), &["thinking", "tool_use"], 0, Some(false));
    check(call(0), &["thinking", "tool_use"], 0, Some(false));
    check(
        part(0, PartHead::Text, vec![text.clone(), google(0)]),
        &["text", "thinking"],
        1,
        Some(true),
    );
    check([thinking(), part(1, head(), vec![])].concat(), &["thinking", "tool_use"], 0, None);
}

#[test]
fn sources_and_what_was_billed_are_told() {
    let text = Event::Text { choice: 0, part: 0, delta: "a".to_owned() };
    let citation = crate::event::Citation {
        url: "https://a".to_owned(),
        title: Some("A".to_owned()),
        ..Default::default()
    };
    let mut events =
        part(0, PartHead::Text, vec![text, Event::Cite { choice: 0, part: 0, citation }]);
    events.push(Event::Usage(Usage {
        cache_write: Some(5),
        cache_write_long: Some(3),
        web_searches: Some(2),
        ..Usage::default()
    }));
    events.extend([finish(Finish::Stop), Event::End]);
    let reply = reply_of(events);
    let expected = json!([{
        "type": "web_search_result_location", "url": "https://a", "title": "A",
        "cited_text": "", "encrypted_index": "",
    }]);
    assert_eq!(reply["content"][0]["citations"], expected);
    let split = json!({"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3});
    assert_eq!(reply["usage"]["cache_creation"], split);
    assert_eq!(reply["usage"]["server_tool_use"]["web_search_requests"], 2);
}

#[test]
fn a_compaction_and_the_kind_of_a_refusal_are_read() {
    let reply = |reason: &str, details: Value| {
        read_value(
            &json!({"id": "m", "content": [], "stop_reason": reason, "stop_details": details}),
        )
    };
    let finish_of = |events: Vec<Event>| {
        events.into_iter().find_map(|event| match event {
            Event::Finish { reason, detail, .. } => Some((reason, detail)),
            _ => None,
        })
    };
    let compacted = finish_of(reply("compaction", Value::Null));
    assert_eq!(compacted, Some((Finish::Compaction, None)));
    let refused = finish_of(reply("refusal", json!({"type": "refusal", "category": "cyber"})));
    assert_eq!(refused, Some((Finish::Refusal, Some("cyber".to_owned()))));
}
