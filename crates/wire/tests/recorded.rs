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
use std::fs;
use std::path::{Path, PathBuf};

use omniroute_wire::collect::{Collected, CollectedChoice, collect};
use omniroute_wire::event::{Event, Finish, PartHead};
use omniroute_wire::{Codec, WireFormat};
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");

/// Where we differ from the recorded facts: case, field, and why that is right or not yet done.
const DEVIATIONS: &[(&str, &str, &str)] = &[
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

/// One recorded case.
struct Case {
    name: String,
    folder: PathBuf,
    codec: &'static dyn Codec,
    expected: Value,
}

impl Case {
    fn kind(&self) -> &str {
        self.expected["kind"].as_str().unwrap()
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    /// The body of a stream as it came over the wire.
    fn stream(&self) -> Vec<u8> {
        if let Some(body) = self.file("response.sse").or_else(|| self.file("response.array.json")) {
            return body;
        }
        let chunks = self.file("response.chunks.txt").unwrap();
        let lines = String::from_utf8(chunks).unwrap();
        let mut body = String::new();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            match self.codec.format() {
                WireFormat::Anthropic => {
                    let event: Value = serde_json::from_str(line).unwrap();
                    let kind = event["type"].as_str().unwrap();
                    body.push_str(&format!("event: {kind}\ndata: {line}\n\n"));
                }
                WireFormat::Gemini => body.push_str(&format!("data: {line}\r\n\r\n")),
                _ => body.push_str(&format!("data: {line}\n\n")),
            }
        }
        if self.codec.format() == WireFormat::OpenAiChat {
            body.push_str("data: [DONE]\n\n");
        }
        body.into_bytes()
    }

    fn whole(&self) -> Vec<u8> {
        let body = self.file("response.json").or_else(|| self.file("response.txt"));
        body.unwrap_or_else(|| panic!("{}: no body", self.name))
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for provider in folders(Path::new(FIXTURES)) {
        for (format, wire) in [
            ("chat", WireFormat::OpenAiChat),
            ("messages", WireFormat::Anthropic),
            ("generate", WireFormat::Gemini),
        ] {
            for folder in folders(&provider.join(format)) {
                let expected = fs::read(folder.join("expected.json")).unwrap();
                cases.push(Case {
                    name: folder.strip_prefix(FIXTURES).unwrap().display().to_string(),
                    codec: wire.codec().unwrap(),
                    expected: serde_json::from_slice(&expected).unwrap(),
                    folder,
                });
            }
        }
    }
    cases
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn read_stream<'b>(codec: &dyn Codec, pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<Event> {
    let mut reader = codec.event_reader();
    let mut events = Vec::new();
    for piece in pieces {
        reader.push(piece, &mut events);
    }
    reader.finish(&mut events);
    events
}

/// Cuts at pseudo-random places; the seed makes a failure repeatable.
fn cut(body: &[u8], seed: u64, longest: usize) -> Vec<&[u8]> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut pieces = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let length = 1 + usize::try_from(state % u64::try_from(longest).unwrap()).unwrap();
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

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
        let PartHead::ToolCall { name, .. } = &part.head else { return None };
        let text = if part.text.trim().is_empty() { "{}" } else { &part.text };
        let arguments = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        Some(json!([name, arguments]))
    });
    calls.collect()
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
                let broken = call["arguments_valid"] == false;
                let arguments = if broken { &call["arguments_raw"] } else { &call["arguments"] };
                json!([call["name"], arguments])
            };
            calls.into_iter().flatten().map(pair).collect()
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
        let text = || (field.to_owned(), format!("found {found}, expected {expected}"));
        (found != expected).then(text)
    };
    found.into_iter().filter_map(differ).collect()
}

fn error_differences(case: &Case) -> Vec<(String, String)> {
    let http: Value = serde_json::from_slice(&case.file("http.json").unwrap()).unwrap();
    let status = u16::try_from(http["http"]["status"].as_u64().unwrap()).unwrap();
    let error = case.codec.read_error(status, &case.whole());
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

fn are_there() -> bool {
    let found = Path::new(FIXTURES).is_dir();
    if !found {
        eprintln!("skipped: no recorded traffic at {FIXTURES}");
    }
    found
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
