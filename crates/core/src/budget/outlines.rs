//! Outlines against readers: whenever a request is said to be plain, reading it gives the same sketch.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use omniroute_wire::skim::BRINGS_IN;
use omniroute_wire::{Codec, PathModel, WireError, WireFormat};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Map, Value, json};

use super::Sketch;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wire/tests/fixtures");

/// A member's name that is no member's.
const MARK: &str = "@mark@";

/// A request of a format, by its file's name.
struct Fixture {
    format: WireFormat,
    name: String,
    body: Value,
}

/// All requests of the golden cases.
fn fixtures() -> Vec<Fixture> {
    let mut found = Vec::new();
    for format in WireFormat::ALL {
        let folder = Path::new(FIXTURES).join(format.name()).join("requests");
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let body = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            found.push(Fixture { format, name, body });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Tells whether a body has an outline, which must be what a reader finds.
fn is_plain(codec: &dyn Codec, body: &str) -> bool {
    let path = PathModel { model: "m".to_owned(), stream: true, json_array: false };
    let Ok(peek) = codec.peek(body.as_bytes(), Some(&path)) else { return false };
    let Some(outline) = peek.outline else { return false };
    let bytes = body.len() as u64;
    match codec.read_request(body.as_bytes(), &peek) {
        Ok(request) => assert_eq!(
            Sketch::of_outline(outline, bytes),
            Sketch::of(&request, bytes),
            "{}: {body}",
            codec.format(),
        ),
        // What only OpenAI can read may hold anything.
        Err(WireError::Unsupported { fields }) if codec.format() == WireFormat::OpenAiResponses => {
            panic!("{fields:?}: {body}")
        }
        Err(_) => {}
    }
    true
}

#[test]
fn requests_of_text_calls_and_results_are_plain() {
    let plain = |format| -> Vec<String> {
        let of_format = |fixture: &Fixture| fixture.format == format;
        fixtures()
            .into_iter()
            .filter(of_format)
            .filter(|fixture| is_plain(format.codec(), &fixture.body.to_string()))
            .map(|fixture| fixture.name)
            .collect()
    };
    assert_eq!(
        plain(WireFormat::OpenAiChat),
        [
            "cache-marks",
            "choices",
            "custom-tools",
            "legacy-functions",
            "reasoning-history",
            "settings",
            "text",
            "thinking",
            "tools"
        ]
    );
    assert_eq!(plain(WireFormat::OpenAiResponses), ["agent-loop", "structured"]);
    assert_eq!(plain(WireFormat::Anthropic), ["claude-code", "text", "thinking"]);
    assert_eq!(plain(WireFormat::Gemini), ["gemini-cli", "text", "thinking", "tools"]);
}

/// What may come into a request anywhere: everything within a fixture, and what is odd.
fn values() -> Vec<Value> {
    fn within(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(members) => members.values().for_each(|inner| within(inner, found)),
            Value::Array(list) => list.iter().for_each(|inner| within(inner, found)),
            _ => {}
        }
        if value.to_string().len() < 600 && !found.contains(value) {
            found.push(value.clone());
        }
    }
    let mut found = vec![
        json!(null),
        json!(0),
        json!(-1),
        json!(70.5),
        json!("5"),
        json!(""),
        json!([]),
        json!({}),
    ];
    for fixture in fixtures() {
        within(&fixture.body, &mut found);
    }
    found
}

/// All names of members in the fixtures, those that bring something in, and other spellings.
fn names() -> Vec<String> {
    fn within(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    found.push(name.clone());
                    within(inner, found);
                }
            }
            Value::Array(list) => list.iter().for_each(|inner| within(inner, found)),
            _ => {}
        }
    }
    let mut found: Vec<String> = BRINGS_IN.map(str::to_owned).into();
    let others = [
        "max__output_tokens",
        "response_modalities",
        "inline_data",
        "candidate_count",
        "background",
    ];
    found.extend(others.map(str::to_owned));
    for fixture in fixtures() {
        within(&fixture.body, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Changes one place of a request: another value, or one more member, which may be there already.
fn graft(body: &mut Value, place: usize, (name, value): (Option<&str>, &Value)) {
    fn nodes(value: &Value) -> usize {
        1 + match value {
            Value::Object(members) => members.values().map(nodes).sum(),
            Value::Array(list) => list.iter().map(nodes).sum(),
            _ => 0,
        }
    }
    fn at(value: &mut Value, place: usize) -> Option<&mut Value> {
        if place == 0 {
            return Some(value);
        }
        let mut place = place - 1;
        let inner: Box<dyn Iterator<Item = &mut Value>> = match value {
            Value::Object(members) => Box::new(members.values_mut()),
            Value::Array(list) => Box::new(list.iter_mut()),
            _ => return None,
        };
        for inner in inner {
            let inside = nodes(inner);
            if place < inside {
                return at(inner, place);
            }
            place -= inside;
        }
        None
    }
    let all = nodes(body);
    let Some(node) = at(body, place % all) else { return };
    match (name, node) {
        (Some(name), Value::Object(members)) => {
            let index = place % (members.len() + 1);
            members.shift_insert(index, format!("{MARK}{name}"), value.clone());
        }
        (None, node) => *node = value.clone(),
        (Some(_), Value::Array(list)) => list.push(value.clone()),
        (Some(_), _) => {}
    }
}

/// Requests that have what agents send, in every format.
fn agents() -> [(WireFormat, Value); 4] {
    let schema = json!({ "type": "object", "properties": { "type": { "type": "string", "enum": ["image", "file"] } },
        "required": ["type"], "additionalProperties": false });
    let text = "a \"word\"\n".repeat(30);
    [
        (
            WireFormat::OpenAiChat,
            json!({ "model": "m", "stream": true, "stream_options": { "include_usage": true }, "max_tokens": 900,
                "tools": [{ "type": "function", "function": { "name": "f", "parameters": schema } }],
                "tool_choice": "auto", "n": 1, "response_format": { "type": "json_object" },
                "messages": [{ "role": "system", "content": text },
                    { "role": "user", "content": [{ "type": "text", "text": text }] },
                    { "role": "assistant", "content": null, "tool_calls": [{ "id": "c", "type": "function",
                        "function": { "name": "f", "arguments": "{\"type\":\"image\"}" } }] },
                    { "role": "tool", "tool_call_id": "c", "content": text }] }),
        ),
        (
            WireFormat::OpenAiResponses,
            json!({ "model": "m", "stream": true, "store": false, "instructions": text, "max_output_tokens": 900,
                "tools": [{ "type": "function", "name": "f", "parameters": schema },
                    { "type": "custom", "name": "g" }],
                "tool_choice": "auto", "reasoning": { "effort": "high" }, "include": ["reasoning.encrypted_content"],
                "input": [{ "role": "user", "content": text },
                    { "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }] },
                    { "type": "reasoning", "id": "r", "summary": [], "encrypted_content": "e" },
                    { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"type\":\"image\"}" },
                    { "type": "function_call_output", "call_id": "c", "output": text }] }),
        ),
        (
            WireFormat::Anthropic,
            json!({ "model": "m", "stream": true, "max_tokens": 9000,
                "thinking": { "type": "enabled", "budget_tokens": 5000 },
                "system": [{ "type": "text", "text": text, "cache_control": { "type": "ephemeral" } }],
                "tools": [{ "name": "f", "input_schema": schema },
                    { "type": "custom", "name": "g", "input_schema": schema }],
                "messages": [{ "role": "user", "content": text },
                    { "role": "assistant", "content": [{ "type": "thinking", "thinking": "t", "signature": "c2ln" },
                        { "type": "tool_use", "id": "c", "name": "f", "input": { "type": "image" } }] },
                    { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "c",
                        "content": [{ "type": "text", "text": text }] }] }] }),
        ),
        (
            WireFormat::Gemini,
            json!({ "systemInstruction": { "parts": [{ "text": text }] },
                "generationConfig": { "maxOutputTokens": 900, "topP": 0.9,
                    "thinkingConfig": { "thinkingBudget": 2000, "includeThoughts": true } },
                "tools": [{ "functionDeclarations": [{ "name": "f", "parametersJsonSchema": schema }] }],
                "contents": [{ "role": "user", "parts": [{ "text": text }] },
                    { "role": "model", "parts": [{ "functionCall": { "name": "f", "args": { "type": "image" } },
                        "thoughtSignature": "c2ln" }] },
                    { "role": "user", "parts": [{ "functionResponse": { "name": "f",
                        "response": { "output": text } } }] }] }),
        ),
    ]
}

#[test]
fn requests_of_agents_are_plain() {
    for (format, body) in agents() {
        assert!(is_plain(format.codec(), &body.to_string()), "{format}: {body}");
    }
}

/// A change: where, the name of one more member if it is that, and the value.
fn change() -> impl Strategy<Value = (usize, Option<usize>, usize)> {
    (any::<usize>(), any::<Option<usize>>(), any::<usize>())
}

#[test]
fn plain_requests_say_what_their_outline_says() {
    let (names, values) = (names(), values());
    let mut bodies: Vec<(WireFormat, Value)> = agents().into();
    bodies.extend(fixtures().into_iter().map(|fixture| (fixture.format, fixture.body)));
    let config = ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(40),
        ..ProptestConfig::with_cases(8_000)
    };
    // Agents as often as fixtures, most of which are odd as they are.
    let which = prop_oneof![0..4_usize, 0..bodies.len()];
    let changes = proptest::collection::vec(change(), 1..3);
    let plain = Cell::new(0);

    let outcome = TestRunner::new(config).run(&(which, changes), |(which, changes)| {
        let (format, body) = &bodies[which];
        let mut body = body.clone();
        for (place, name, value) in changes {
            let name = name.map(|name| names[name % names.len()].as_str());
            graft(&mut body, place, (name, &values[value % values.len()]));
        }
        let is_plain = is_plain(format.codec(), &body.to_string().replace(MARK, ""));
        plain.set(plain.get() + u32::from(is_plain));
        Ok(())
    });

    outcome.unwrap();
    assert!(plain.get() > 2_000, "{} were plain", plain.get());
}

#[test]
fn a_graft_can_say_a_member_twice() {
    let mut body = Value::Object(Map::from_iter([("a".to_owned(), json!(1))]));
    graft(&mut body, 0, (Some("a"), &json!(2)));

    assert_eq!(body.to_string().replace(MARK, ""), r#"{"a":2,"a":1}"#);
}
