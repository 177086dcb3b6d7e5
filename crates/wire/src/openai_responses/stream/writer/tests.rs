//! Events written as a stream, and the same as a whole reply.

mod any;
mod errors;
mod grammar;
mod reasoning;

use bytes::Bytes;
use serde_json::json;

use self::grammar::{Checked, checked};
use super::*;
use crate::event::Citation;

fn context(asked: &str) -> ReplyContext {
    ReplyContext {
        model: "asked".to_owned(),
        id: "gateway-1".to_owned(),
        created: 1_600_000_000,
        asked: Bytes::copy_from_slice(asked.as_bytes()),
        ..ReplyContext::default()
    }
}

fn written(events: &[Event], context: &ReplyContext) -> String {
    let (mut writer, mut out) = (Writer::new(context), Vec::new());
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// Writes a stream, checks it, and checks that the whole reply is its end.
fn write_for(asked: &str, events: &[Event]) -> Checked {
    let context = context(asked);
    let stream = checked(&written(events, &context));
    let whole = crate::openai_responses::reply::write(events, &context);
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    if whole["error"].is_null() {
        assert_eq!(whole, stream.response);
    }
    stream
}

fn write(events: &[Event]) -> Checked {
    write_for("", events)
}

fn begun() -> Event {
    Event::Start { id: "r1".to_owned(), model: "m".to_owned(), created: Some(7) }
}

fn start(part: u32, head: PartHead) -> Event {
    Event::PartStart { choice: 0, part, head }
}

fn call(id: &str, name: &str) -> PartHead {
    let kind = CallKind::Function;
    PartHead::ToolCall { id: id.to_owned(), name: name.to_owned(), kind }
}

fn text(part: u32, delta: &str) -> Event {
    Event::Text { choice: 0, part, delta: delta.to_owned() }
}

fn arguments(part: u32, delta: &str) -> Event {
    Event::Arguments { choice: 0, part, delta: delta.to_owned() }
}

fn end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn finish(reason: Finish) -> Event {
    let native = String::new();
    Event::Finish { choice: 0, reason, native, stop_sequence: None, detail: None }
}

fn cite(part: u32, url: &str, span: Option<(u64, u64)>) -> Event {
    let citation = Citation { url: url.to_owned(), span, ..Citation::default() };
    Event::Cite { choice: 0, part, citation }
}

#[test]
fn the_sequence_is_the_vendors_own() {
    let stream = write_for(
        r#"{"model":"x","tools":[{"type":"custom","name":"t"}],"temperature":0.5}"#,
        &[
            begun(),
            start(0, PartHead::Text),
            text(0, "po"),
            text(0, "ng"),
            end(0),
            Event::Usage(Usage { input: Some(3), output: Some(2), ..Usage::default() }),
            finish(Finish::Stop),
            Event::End,
        ],
    );

    let expected = [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ];
    assert_eq!(stream.steps(), expected);
    let response = &stream.response;
    assert!(response["id"].as_str().unwrap().starts_with("resp_"), "{response}");
    assert_eq!(response["status"], "completed");
    assert_eq!((&response["model"], &response["created_at"]), (&json!("m"), &json!(7)));
    assert_eq!(response["output"][0]["content"][0]["text"], "pong");
    assert_eq!(response["usage"]["total_tokens"], 5);
    assert_eq!((&response["tools"][0]["name"], &response["store"]), (&json!("t"), &json!(false)));
    assert_eq!(stream.events[0]["response"]["usage"], Value::Null);
}

#[test]
fn texts_and_refusals_in_a_row_share_one_message() {
    let stream = write(&[
        start(0, PartHead::Text),
        text(0, "a"),
        end(0),
        start(1, PartHead::Server { raw: json!({"type": "x"}), query: None }),
        end(1),
        start(2, PartHead::Refusal),
        text(2, "no"),
        end(2),
        start(3, call("c", "f")),
        end(3),
        start(4, PartHead::Text),
        text(4, "b"),
        end(4),
        finish(Finish::Refusal),
        Event::End,
    ]);

    assert_eq!(stream.items(), ["message", "function_call", "message"]);
    assert_eq!(stream.output()[0]["content"][1], json!({"type": "refusal", "refusal": "no"}));
    assert_eq!(stream.response["status"], "completed");
}

#[test]
fn parts_that_interleave_are_written_one_after_the_other() {
    let stream = write(&[
        begun(),
        start(0, call("c0", "f")),
        start(1, call("c1", "g")),
        arguments(1, "{\"b\":"),
        arguments(0, "{\"a\":1}"),
        start(2, PartHead::Text),
        arguments(1, "2}"),
        text(2, "late"),
        end(1),
        end(0),
        text(2, "r"),
        end(2),
        finish(Finish::ToolCalls),
        Event::End,
    ]);

    assert_eq!(stream.items(), ["function_call", "function_call", "message"]);
    let output = stream.output();
    assert_eq!(
        (&output[0]["call_id"], &output[0]["arguments"]),
        (&json!("c0"), &json!("{\"a\":1}"))
    );
    assert_eq!(output[1]["call_id"], "c1");
    assert_eq!(output[1]["arguments"], "{\"b\":2}");
    assert_eq!(output[2]["content"][0]["text"], "later");
}

#[test]
fn calls_have_the_names_and_kinds_of_the_clients_tools() {
    let asked = r#"{"model":"m","tools":[
        {"type":"namespace","name":"files","tools":[{"type":"function","name":"read"}]}]}"#;
    let custom = PartHead::ToolCall {
        id: "c1".to_owned(),
        name: "patch".to_owned(),
        kind: CallKind::Custom,
    };
    let stream = write_for(
        asked,
        &[
            start(0, call("c0", "files__read")),
            arguments(0, ""),
            end(0),
            start(1, custom),
            arguments(1, "*** Begin\n"),
            arguments(1, "x"),
            end(1),
            finish(Finish::ToolCalls),
            Event::End,
        ],
    );

    let (function, custom) = (&stream.output()[0], &stream.output()[1]);
    assert_eq!((&function["namespace"], &function["name"]), (&json!("files"), &json!("read")));
    assert_eq!(function["arguments"], "{}", "no arguments are an empty object");
    assert_eq!(
        (&custom["type"], &custom["input"]),
        (&json!("custom_tool_call"), &json!("*** Begin\nx"))
    );
    assert!(custom.get("namespace").is_none());
    let steps = stream.steps();
    assert!(steps.contains(&"custom_tool_call_input.done"), "{steps:?}");
}

#[test]
fn sources_stand_at_their_characters() {
    let stream = write(&[
        start(0, PartHead::Text),
        text(0, "äb"),
        cite(0, "https://a", Some((0, 1))),
        cite(0, "https://b", None),
        text(0, "c"),
        end(0),
        finish(Finish::Stop),
        Event::End,
    ]);

    let expected = json!([
        {"type": "url_citation", "url": "https://a", "title": "", "start_index": 0, "end_index": 1},
        {"type": "url_citation", "url": "https://b", "title": "", "start_index": 0, "end_index": 3},
    ]);
    assert_eq!(stream.output()[0]["content"][0]["annotations"], expected);
}

#[test]
fn token_probabilities_are_for_those_who_ask() {
    let tokens = |token: &str| {
        let tokens = vec![json!({"token": token, "logprob": 0.0, "bytes": [], "top_logprobs": []})];
        Event::Logprobs { choice: 0, tokens }
    };
    let events = [
        start(0, PartHead::Text),
        tokens("a"),
        text(0, "a"),
        text(0, "b"),
        tokens("b"),
        end(0),
        finish(Finish::Stop),
        Event::End,
    ];

    let asked = write_for(r#"{"model":"m","include":["message.output_text.logprobs"]}"#, &events);
    let not_asked = write_for(r#"{"model":"m"}"#, &events);

    let listed =
        |stream: &Checked| stream.output()[0]["content"][0]["logprobs"].as_array().unwrap().len();
    assert_eq!((listed(&asked), listed(&not_asked)), (2, 0));
    let deltas: Vec<usize> = asked
        .events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .map(|event| event["logprobs"].as_array().unwrap().len())
        .collect();
    assert_eq!(deltas, [1, 0, 1]);
}

#[test]
fn searches_and_pictures_are_items_and_the_rest_is_not() {
    let media = |mime: &str| PartHead::Media { mime: mime.to_owned(), data: "AAAA".to_owned() };
    let search = PartHead::Server { raw: json!({}), query: Some("rust".to_owned()) };
    let stream = write(&[
        start(0, search),
        end(0),
        start(1, PartHead::Server { raw: json!({}), query: None }),
        end(1),
        start(2, media("image/png")),
        end(2),
        start(3, media("audio/wav")),
        end(3),
        finish(Finish::Stop),
        Event::End,
    ]);

    assert_eq!(stream.items(), ["web_search_call", "image_generation_call"]);
    assert_eq!(stream.output()[0]["action"], json!({"type": "search", "query": "rust"}));
    let image = &stream.output()[1];
    assert_eq!((&image["result"], &image["output_format"]), (&json!("AAAA"), &json!("png")));
}

#[test]
fn empty_parts_and_further_answers_leave_nothing() {
    let stream = write(&[
        start(0, PartHead::Text),
        text(0, ""),
        end(0),
        start(1, PartHead::Reasoning(ReasoningKind::Summary)),
        end(1),
        Event::PartStart { choice: 1, part: 0, head: PartHead::Text },
        Event::Text { choice: 1, part: 0, delta: "second".to_owned() },
        Event::PartEnd { choice: 1, part: 0 },
        finish(Finish::ContentFilter),
        Event::End,
    ]);

    assert!(stream.output().is_empty());
    assert_eq!(stream.response["status"], "incomplete");
    assert_eq!(stream.response["incomplete_details"]["reason"], "content_filter");
}

#[test]
fn what_the_limit_cut_off_is_incomplete() {
    let stream = write(&[
        start(0, PartHead::Text),
        text(0, "a"),
        end(0),
        start(1, call("c", "f")),
        arguments(1, "{\"a"),
        end(1),
        finish(Finish::Length),
        Event::End,
    ]);

    let states: Vec<&Value> = stream.output().iter().map(|item| &item["status"]).collect();
    assert_eq!(states, ["completed", "incomplete"]);
    assert_eq!(stream.events.last().unwrap()["type"], "response.incomplete");
    assert_eq!(stream.response["incomplete_details"]["reason"], "max_output_tokens");
}

#[test]
fn parts_still_open_at_the_end_are_closed() {
    let stream = write(&[
        start(0, call("c0", "f")),
        start(1, call("c1", "g")),
        arguments(1, "{}"),
        finish(Finish::ToolCalls),
        Event::End,
    ]);
    assert_eq!(stream.items(), ["function_call", "function_call"]);
}

#[test]
fn ids_of_the_vendors_form_stay() {
    let own = Event::Start { id: "resp_1".to_owned(), model: String::new(), created: None };
    let stream = write(&[own, finish(Finish::Stop), Event::End]);
    assert_eq!(stream.response["id"], "resp_1");
    assert_eq!(stream.response["model"], "asked");
    assert_eq!(stream.response["created_at"], 1_600_000_000);
}
