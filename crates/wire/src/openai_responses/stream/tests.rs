//! Reading what well-behaved recordings do not show: gaps, dialects, failures.

use serde_json::{Value, json};

use super::{Assembly, Reader};
use crate::chat::CallKind;
use crate::codec::EventReader;
use crate::collect::{Collected, collect};
use crate::event::{Event, Finish, PartHead, ReasoningKind};
use crate::feed::read_whole;

fn stream(events: &[Value]) -> Vec<Event> {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    text(&body)
}

fn text(body: &str) -> Vec<Event> {
    let mut out = Vec::new();
    let mut reader = Reader::default();
    reader.push(body.as_bytes(), &mut out);
    reader.finish(&mut out);
    out
}

fn added(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn done(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn delta(kind: &str, index: u64, delta: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "output_index": index, "delta": delta})
}

fn completed(output: Value) -> Value {
    json!({"type": "response.completed", "response": {"status": "completed", "output": output}})
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": text}]})
}

/// Kind and text of each part, after checking that every part is whole.
fn parts(events: &[Event]) -> Vec<(String, String)> {
    let starts = events.iter().filter(|event| matches!(event, Event::PartStart { .. })).count();
    let ends = events.iter().filter(|event| matches!(event, Event::PartEnd { .. })).count();
    assert_eq!(starts, ends, "{events:?}");
    let whole = collect(events);
    let choice = whole.first().cloned().unwrap_or_default();
    let kind = |head: &PartHead| match head {
        PartHead::Text => "text".to_owned(),
        PartHead::Refusal => "refusal".to_owned(),
        PartHead::Reasoning(ReasoningKind::Summary) => "summary".to_owned(),
        PartHead::Reasoning(ReasoningKind::Raw) => "raw".to_owned(),
        PartHead::ToolCall { id, name, kind: CallKind::Function } => format!("{name} {id}"),
        PartHead::ToolCall { id, name, kind: CallKind::Custom } => format!("custom {name} {id}"),
        PartHead::Media { mime, data } => format!("{mime} {data}"),
        PartHead::Server { query, .. } => format!("server {}", query.clone().unwrap_or_default()),
    };
    choice.parts.iter().map(|part| (kind(&part.head), part.text.clone())).collect()
}

fn check(events: &[Value], expected: &[(&str, &str)], finish: Finish) {
    let read = stream(events);
    let found = parts(&read);
    let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(found, expected, "{events:?}");
    assert_eq!(reason(&collect(&read)), Some(finish), "{events:?}");
    assert_eq!(read.last(), Some(&Event::End));
}

fn reason(whole: &Collected) -> Option<Finish> {
    Some(whole.first()?.finish.as_ref()?.reason)
}

#[test]
fn gaps_of_the_deltas_are_filled() {
    let item = json!({"type": "message", "id": "msg_1", "content": []});
    let hello = &[("text", "hello")][..];
    check(&[completed(json!([message("hello")]))], hello, Finish::Stop);
    check(
        &[added(0, item.clone()), done(0, message("hello")), completed(json!([]))],
        hello,
        Finish::Stop,
    );
    check(
        &[delta("output_text", 0, "he"), completed(json!([message("hello")]))],
        hello,
        Finish::Stop,
    );
    check(
        &[added(0, item), delta("output_text", 0, "hello"), completed(Value::Null)],
        hello,
        Finish::Stop,
    );
    check(
        &[
            delta("output_text", 0, "hello"),
            done(0, message("hello")),
            completed(json!([message("other")])),
        ],
        hello,
        Finish::Stop,
    );
}

#[test]
fn calls_have_one_name_and_all_their_arguments() {
    let call = |arguments: &str| {
        json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "read",
            "namespace": "files", "arguments": arguments})
    };
    let expected = &[("files__read call_1", "{\"a\":1}")][..];
    let whole = call("{\"a\":1}");
    check(
        &[added(0, call("")), done(0, whole.clone()), completed(json!([]))],
        expected,
        Finish::ToolCalls,
    );
    check(&[added(0, whole.clone()), completed(json!([]))], expected, Finish::ToolCalls);
    check(
        &[
            added(0, call("")),
            delta("function_call_arguments", 0, "{\"a\""),
            json!({"type": "response.function_call_arguments.done", "output_index": 0,
                "arguments": "{\"a\":1}"}),
            completed(json!([whole.clone()])),
        ],
        expected,
        Finish::ToolCalls,
    );
    check(
        &[delta("function_call_arguments", 0, "{"), done(0, whole), completed(json!([]))],
        expected,
        Finish::ToolCalls,
    );
    let custom =
        json!({"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select"});
    check(&[completed(json!([custom]))], &[("custom sql c", "select")], Finish::ToolCalls);
}

#[test]
fn reasoning_keeps_its_encrypted_form() {
    let summaries = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "enc",
        "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]});
    check(&[completed(json!([summaries]))], &[("summary", "a\n\nb")], Finish::Stop);
    let raw = json!({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]});
    check(
        &[delta("reasoning_text", 0, "h"), done(0, raw), completed(json!([]))],
        &[("raw", "hm")],
        Finish::Stop,
    );

    let hidden =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "enc"});
    let early = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "early"});
    let whole = collect(&stream(&[added(0, early), done(0, hidden), completed(json!([]))]));
    let opaque = &whole.choices[0].parts[0].opaque;
    assert_eq!((opaque.len(), &*opaque[0].data), (1, "enc"));
    assert_eq!(opaque[0].item.as_deref(), Some("rs_1"));
}

#[test]
fn the_provider_own_tools_are_no_calls() {
    let search = json!({"type": "web_search_call", "action": {"type": "search", "query": "boats"}});
    check(
        &[added(0, json!({"type": "web_search_call"})), done(0, search), completed(json!([]))],
        &[("server boats", "")],
        Finish::Stop,
    );
    let picture = json!({"type": "image_generation_call", "result": "/9j/aa"});
    check(&[completed(json!([picture]))], &[("image/jpeg /9j/aa", "")], Finish::Stop);
    check(
        &[added(0, json!({"type": "mcp_list_tools"})), completed(json!([]))],
        &[("server ", "")],
        Finish::Stop,
    );
}

#[test]
fn dialects_are_understood() {
    // Copilot: another id in each event. Bedrock: content begins at 1, and events of its own.
    let event = |id: &str, delta: &str| {
        json!({"type": "response.output_text.delta", "item_id": id, "output_index": 0,
            "content_index": 1, "delta": delta})
    };
    check(
        &[
            json!({"type": "response.reasoning_part.added", "output_index": 0}),
            event("a", "he"),
            event("b", "llo"),
            done(0, message("hello")),
            json!({"type": "keepalive"}),
            completed(json!([message("hello")])),
        ],
        &[("text", "hello")],
        Finish::Stop,
    );
    let refusal = json!({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]});
    check(&[completed(json!([refusal]))], &[("refusal", "no")], Finish::Refusal);
    let halves = text(
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"\\ud83d\"}\n\n\
         data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\ndata: [DONE]\n\n",
    );
    assert_eq!(parts(&halves), [("text".to_owned(), "\u{fffd}".to_owned())]);
}

#[test]
fn sources_and_log_probabilities_come_once() {
    let source =
        json!({"type": "url_citation", "url": "https://b", "start_index": 0, "end_index": 2});
    let tokens = json!([{"token": "hi", "logprob": -0.5, "top_logprobs": []}]);
    let whole = json!({"type": "message", "content": [{"type": "output_text", "text": "hi",
        "annotations": [source.clone()], "logprobs": tokens.clone()}]});
    let read = stream(&[
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "hi", "logprobs": tokens}),
        json!({"type": "response.output_text.annotation.added", "output_index": 0, "annotation": source}),
        done(0, whole.clone()),
        completed(json!([whole])),
    ]);

    let answer = &collect(&read).choices[0];
    assert_eq!(answer.parts[0].citations.len(), 1);
    assert_eq!(answer.parts[0].citations[0].span, Some((0, 2)));
    assert_eq!(
        answer.logprobs,
        [json!({"token": "hi", "logprob": -0.5, "bytes": [104, 105], "top_logprobs": []})]
    );
}

#[test]
fn sources_that_come_after_their_text_are_kept() {
    let source =
        |url: &str| json!({"type": "url_citation", "url": url, "start_index": 0, "end_index": 2});
    let text =
        |sources: Value| json!({"type": "output_text", "text": "hi", "annotations": sources});
    let message = |sources: Value| json!({"type": "message", "content": [text(sources)]});
    let read = stream(&[
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "hi"}),
        json!({"type": "response.content_part.done", "output_index": 0, "part": text(json!([]))}),
        done(0, message(json!([source("a")]))),
        completed(json!([message(json!([source("a"), source("b")]))])),
    ]);

    let parts = &collect(&read).choices[0].parts;
    let cited: Vec<_> = parts
        .iter()
        .map(|part| (&*part.text, &*part.citations[0].url, part.citations[0].span))
        .collect();
    assert_eq!(cited, [("hi", "a", Some((0, 2))), ("", "b", None)]);
}

#[test]
fn failures_end_the_reply() {
    let check = |body: &str, code: &str, truncated: bool| {
        let Some(Event::Error(error)) = text(body).pop() else { panic!("{body}") };
        assert_eq!((&*error.native_code, error.truncated), (code, truncated), "{body}");
    };
    check(
        "data: {\"type\":\"error\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}\n\n",
        "server_error",
        false,
    );
    check(
        "event: error\ndata: {\"code\":\"server_error\",\"message\":\"m\"}\n\n",
        "server_error",
        false,
    );
    check(
        "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"c\",\"message\":\"m\"}}}\n\n",
        "c",
        false,
    );
    check(
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"a\"}\n\ndata: [DONE]\n\n",
        "",
        true,
    );
    check("{\"error\":{\"code\":\"c\",\"message\":\"m\"}}", "c", false);
    check("<html>", "", true);
    check("data: {\"type\":", "", true);
    check("", "", true);
}

#[test]
fn whole_replies_say_how_they_stand() {
    let check = |body: Value, expected: Option<Finish>| {
        let events = read_whole::<Assembly>(body.to_string().as_bytes());
        assert_eq!(reason(&collect(&events)), expected, "{body}");
        let ends = matches!(events.last(), Some(Event::End));
        assert_eq!(ends, expected.is_some(), "{body}");
    };
    let reply = |status: &str| json!({"id": "resp_1", "status": status, "output": []});
    check(reply("completed"), Some(Finish::Stop));
    check(reply("cancelled"), Some(Finish::Cancelled));
    check(reply("queued"), Some(Finish::Queued));
    check(reply("in_progress"), Some(Finish::Queued));
    check(reply("failed"), None);
    check(
        json!({"status": "incomplete", "output": [],
        "incomplete_details": {"reason": "max_output_tokens"}}),
        Some(Finish::Length),
    );
    check(json!({"error": {"message": "m"}}), None);
    check(json!({"status": "ok"}), None);
    check(json!({}), None);
}
