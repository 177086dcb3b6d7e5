//! Recorded provider traffic, read by the codec of its format, must give the facts written beside it.
//!
//! The recordings are not part of this repository; without them the test says so and passes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly and says when it has nothing to read"
)]

use std::collections::BTreeSet;

use omniroute_wire::chat::CallKind;
use omniroute_wire::collect::{Collected, CollectedChoice, collect};
use omniroute_wire::event::{Event, Finish, PartHead};
use serde_json::{Value, json};

mod replay;

use replay::{Case, are_there, cases, cut, read_stream};

/// Where we differ from the recorded facts: case, field, and why that is right or not yet done.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    (
        "openai/responses/derived-eof-mid-tool",
        "tool_calls",
        "the facts take arguments only when they are done; ours are those streamed before the cut",
    ),
    (
        "openai/responses/error-429-quota",
        "error.kind",
        "a quota that is used up is a class of its own here: waiting a moment does not help",
    ),
    (
        "google/chat/compat-tool-call-without-id",
        "usage.output_total",
        "the total is larger than its parts; the rest is hidden reasoning and is billed as output",
    ),
    (
        "google/chat/compat-tool-call-without-id",
        "usage.reasoning",
        "the total is larger than its parts; the rest is hidden reasoning",
    ),
];

/// The facts of a reply under the names that `expected.json` has for them.
fn facts(events: &[Event]) -> Vec<(&'static str, Value)> {
    let whole = collect(events);
    let none = CollectedChoice::default();
    let first = whole.first().unwrap_or(&none);
    let joined = |wanted: fn(&PartHead) -> bool| -> Value {
        let parts = first.parts.iter().filter(|part| wanted(&part.head));
        parts.map(|part| part.text.as_str()).collect::<String>().into()
    };
    let said = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    vec![
        ("id", said(&whole.id)),
        ("model", said(&whole.model)),
        ("text", joined(|head| *head == PartHead::Text)),
        ("reasoning", joined(|head| matches!(head, PartHead::Reasoning(_)))),
        ("refusal", joined(|head| *head == PartHead::Refusal)),
        ("tool_calls", calls(first)),
        ("tool_calls.kind", kinds(first)),
        ("finish", finish(&whole, first)),
        ("usage.input_uncached", json!(whole.usage.input)),
        ("usage.cache_read", json!(whole.usage.cache_read)),
        ("usage.cache_write", json!(whole.usage.cache_write)),
        ("usage.output_total", json!(whole.usage.output)),
        ("usage.reasoning", json!(whole.usage.reasoning)),
    ]
}

fn calls(first: &CollectedChoice) -> Value {
    let calls = first.parts.iter().filter_map(|part| {
        let PartHead::ToolCall { name, kind, .. } = &part.head else { return None };
        if *kind == CallKind::Custom {
            return Some(json!([name, part.text]));
        }
        let text = if part.text.trim().is_empty() { "{}" } else { &part.text };
        let arguments = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        Some(json!([name, arguments]))
    });
    calls.collect()
}

/// What the input of each call is.
fn kinds(first: &CollectedChoice) -> Value {
    let kinds = first.parts.iter().filter_map(|part| match &part.head {
        PartHead::ToolCall { kind: CallKind::Function, .. } => Some("function"),
        PartHead::ToolCall { kind: CallKind::Custom, .. } => Some("custom"),
        _ => None,
    });
    kinds.collect()
}

fn finish(whole: &Collected, first: &CollectedChoice) -> Value {
    if let Some(error) = &whole.error {
        return if error.truncated { "truncated".into() } else { "error".into() };
    }
    match first.finish.as_ref().map(|finish| finish.reason) {
        Some(Finish::InvalidCall) => "error".into(),
        Some(reason) => reason.name().into(),
        None => Value::Null,
    }
}

fn expected_fact(expected: &Value, field: &str) -> Value {
    match field {
        "finish" => expected["finish"]["canonical"].clone(),
        "refusal" | "text" | "reasoning" => expected[field].as_str().unwrap_or("").into(),
        "tool_calls" => {
            let calls = expected["tool_calls"].as_array();
            let pair = |call: &Value| {
                let as_text = call["arguments_valid"] == false || call["kind"] == "custom";
                let arguments = if as_text { &call["arguments_raw"] } else { &call["arguments"] };
                json!([call["name"], arguments])
            };
            calls.into_iter().flatten().map(pair).collect()
        }
        "tool_calls.kind" => {
            let calls = expected["tool_calls"].as_array();
            let kind = |call: &Value| call["kind"].as_str().unwrap_or("function") == "custom";
            let word = |call| if kind(call) { "custom" } else { "function" };
            calls.into_iter().flatten().map(word).collect()
        }
        _ => match field.strip_prefix("usage.") {
            Some(number) => expected["usage"][number].clone(),
            None => expected[field].clone(),
        },
    }
}

/// Returns the fields in which a case differs, each with what was found and what was expected.
fn differences(case: &Case) -> Vec<(String, String)> {
    let found = match case.kind() {
        "stream" => facts(&read_stream(case.codec, [case.stream().as_slice()])),
        "response" => facts(&case.codec.read_reply(&case.whole())),
        "error" => return error_differences(case),
        "malformed" => {
            let events = case.codec.read_reply(&case.whole());
            let refused = matches!(events.last(), Some(Event::Error(error)) if error.truncated);
            let difference = ("finish".to_owned(), format!("{events:?} is no error"));
            return if refused { Vec::new() } else { vec![difference] };
        }
        other => panic!("{}: unknown kind {other}", case.name),
    };
    let differ = |(field, found): (&str, Value)| {
        let expected = expected_fact(&case.expected, field);
        if field == "reasoning" && without_paragraphs(&found) == without_paragraphs(&expected) {
            return None;
        }
        let text = || (field.to_owned(), format!("found {found}, expected {expected}"));
        (found != expected).then(text)
    };
    found.into_iter().filter_map(differ).collect()
}

/// The facts join summaries without anything between them; to a reader they are paragraphs.
fn without_paragraphs(reasoning: &Value) -> String {
    reasoning.as_str().unwrap_or_default().replace("\n\n", "")
}

fn error_differences(case: &Case) -> Vec<(String, String)> {
    let error = case.codec.read_error(case.status(), &case.whole());
    let expected = &case.expected["error"];
    let kind = match format!("{:?}", error.kind).as_str() {
        "ContextTooLong" => "context_length".to_owned(),
        "InvalidRequest" => "invalid_request".to_owned(),
        "NotFound" => "not_found".to_owned(),
        "RateLimit" => "rate_limit".to_owned(),
        other => other.to_lowercase(),
    };
    let mut differences = Vec::new();
    if kind != expected["canonical"] {
        differences.push(("error.kind".to_owned(), format!("found {kind}, expected {expected}")));
    }
    if !error.message.starts_with(expected["message"].as_str().unwrap()) {
        differences.push(("error.message".to_owned(), format!("found {}", error.message)));
    }
    let wait = expected["retry_after_s"].as_f64();
    if wait.is_some() && error.retry_after.map(|wait| wait.as_secs_f64()) != wait {
        differences.push(("error.retry_after".to_owned(), format!("{:?}", error.retry_after)));
    }
    differences
}

#[test]
fn recorded_traffic_gives_the_recorded_facts() {
    if !are_there() {
        return;
    }
    let known: BTreeSet<(&str, &str)> =
        DEVIATIONS.iter().map(|(case, field, _)| (*case, *field)).collect();
    let mut unknown = Vec::new();
    let mut seen = BTreeSet::new();
    let cases = cases();

    for case in &cases {
        for (field, text) in differences(case) {
            let same = |(name, fact): &&(&str, &str)| *name == case.name && *fact == field;
            match known.iter().find(same) {
                Some(pair) => drop(seen.insert(*pair)),
                None => unknown.push(format!("{} {field}: {text}", case.name)),
            }
        }
    }

    assert!(cases.len() > 100, "only {} cases were found", cases.len());
    assert!(unknown.is_empty(), "unknown deviations:\n{}", unknown.join("\n"));
    let gone: Vec<_> = known.difference(&seen).collect();
    assert!(gone.is_empty(), "these deviations are gone; take them out of the table: {gone:?}");
}

#[test]
fn any_cut_of_recorded_streams_gives_the_same_events() {
    if !are_there() {
        return;
    }
    for case in cases().iter().filter(|case| case.kind() == "stream") {
        let body = case.stream();
        let whole = read_stream(case.codec, [body.as_slice()]);
        for seed in 1..=6 {
            let longest = if seed == 1 && body.len() < 200_000 { 1 } else { 90 };
            let pieces = read_stream(case.codec, cut(&body, seed, longest));
            assert_eq!(pieces, whole, "{} seed {seed}", case.name);
        }
    }
}

/// The same stream as other servers and what stands before them frame it, each with its name.
fn reframed(text: &str) -> Vec<(&'static str, String)> {
    let lines = text.replace("\r\n", "\n");
    let without = |wanted: fn(&str) -> bool| -> String {
        lines.lines().filter(|line| !wanted(line)).map(|line| format!("{line}\n")).collect()
    };
    vec![
        ("CRLF", lines.replace('\n', "\r\n")),
        ("CR", lines.replace('\n', "\r")),
        ("LF", lines.clone()),
        ("no names of events", without(|line| line.starts_with("event:"))),
        ("no space", lines.replace("\ndata: ", "\ndata:")),
        ("comments", lines.replace("\n\n", "\n\n: keep-alive\n\n")),
        ("ids", lines.replace("\ndata: ", "\nid: 7\nretry: 10\ndata: ")),
        ("last event open", lines.trim_end().to_owned()),
        ("byte order mark", format!("\u{feff}{lines}")),
        ("a mark at the end", format!("{}\n\ndata: [DONE]\n\n", lines.trim_end())),
        ("no mark at the end", lines.replace("data: [DONE]\n", "")),
        ("empty events", lines.replace("\n\n", "\n\n\n\n")),
    ]
}

#[test]
fn any_framing_of_recorded_streams_gives_the_same_events() {
    if !are_there() {
        return;
    }
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case.kind() == "stream") {
        let body = case.stream();
        // An array has no frames, and where the end is cut off all depends on where.
        let is_cut = case.expected["finish"]["canonical"] == "truncated";
        let Ok(text) = std::str::from_utf8(&body) else { continue };
        if text.starts_with('[') || is_cut {
            continue;
        }
        let events = |bytes: &[u8]| -> Vec<Event> {
            let events = read_stream(case.codec, [bytes]);
            events.into_iter().filter(|event| *event != Event::Ping).collect()
        };
        let whole = events(&body);
        let needs_mark = case.expected["finish"]["inferred"] == true;
        for (name, bytes) in reframed(text) {
            if needs_mark && name == "no mark at the end" {
                continue;
            }
            if events(bytes.as_bytes()) != whole {
                wrong.push(format!("{}: {name}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
