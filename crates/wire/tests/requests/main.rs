//! Properties of translated requests, over generated conversations of every client's format.
//!
//! A [`script::Script`] is a conversation that each format can say; [`render`] says it as a client would,
//! [`facts`] tells what a request asks for, whatever its format and however its turns are cut.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod facts;
mod nulls;
mod render;
mod round;
mod script;

use std::collections::HashSet;

use omniroute_wire::codec::PathModel;
use omniroute_wire::{
    ChatRequest, Codec, ModelFacts, Notes, Target, WireError, WireFormat, declared,
};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use self::facts::Facts;

/// What Gemini wants in place of a signature that got lost; it stands in the current turn only.
const SENTINEL: &str = ",\"thoughtSignature\":\"skip_thought_signature_validator\"";

/// Reads a request, as the gateway would.
fn read(client: &dyn Codec, body: &[u8]) -> Result<ChatRequest, WireError> {
    let path = PathModel { model: "m".to_owned(), stream: false, json_array: false };
    let path = (client.format() == WireFormat::Gemini).then_some(path);
    let peek = client.peek(body, path.as_ref())?;
    client.read_request(body, &peek)
}

/// A model that can do what its format has.
fn model(target: WireFormat) -> ModelFacts {
    ModelFacts {
        custom_tools: true,
        web_media: true,
        labels: true,
        cache_breakpoints: true,
        ..declared::facts(target)
    }
}

fn write(target: &dyn Codec, request: &ChatRequest) -> Result<String, WireError> {
    let facts = model(target.format());
    let written =
        target.write_request(request, &Target::new("m", &facts), &mut Notes::default())?;
    Ok(String::from_utf8(written.body).unwrap())
}

/// All pairs of different formats.
fn pairs() -> impl Iterator<Item = (&'static dyn Codec, &'static dyn Codec)> {
    let all = || WireFormat::ALL.into_iter().map(WireFormat::codec);
    all()
        .flat_map(move |client| all().map(move |target| (client, target)))
        .filter(|(client, target)| client.format() != target.format())
}

/// Cuts a request into the text of its conversation and everything else.
fn conversation(target: WireFormat, body: &str) -> (String, String) {
    let list = match target {
        WireFormat::OpenAiChat | WireFormat::Anthropic => "messages",
        WireFormat::OpenAiResponses => "input",
        WireFormat::Gemini => "contents",
    };
    let members: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(body).unwrap();
    let rest = members.iter().filter(|(name, _)| *name != list);
    let rest: Vec<String> = rest.map(|(name, value)| format!("{name}:{value}")).collect();
    (members[list].get().replace(SENTINEL, ""), rest.join(","))
}

/// Ids of the calls and of what the results answer, in the order of the body.
fn ids(value: &Value, calls: &mut Vec<String>, results: &mut Vec<String>) {
    let text = |object: &Map<String, Value>, name: &str| {
        object.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    match value {
        Value::Object(object) => {
            let kind = text(object, "type").unwrap_or_default();
            match &*kind {
                "function_call" | "custom_tool_call" => calls.extend(text(object, "call_id")),
                "function_call_output" | "custom_tool_call_output" => {
                    results.extend(text(object, "call_id"));
                }
                "tool_use" => calls.extend(text(object, "id")),
                "tool_result" => results.extend(text(object, "tool_use_id")),
                "function" | "custom" => calls.extend(text(object, "id")),
                _ => results.extend(text(object, "tool_call_id")),
            }
            if let Some(Value::Array(parts)) = object.get("content") {
                parts.iter().for_each(|part| ids(part, calls, results));
            }
            if let Some(Value::Array(list)) = object.get("tool_calls") {
                list.iter().for_each(|call| ids(call, calls, results));
            }
        }
        Value::Array(list) => list.iter().for_each(|item| ids(item, calls, results)),
        _ => {}
    }
}

fn is_legal(target: WireFormat, id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match target {
        WireFormat::OpenAiChat => (1..=40).contains(&id.len()),
        WireFormat::OpenAiResponses => (1..=64).contains(&id.len()),
        WireFormat::Anthropic => !id.is_empty() && id.bytes().all(plain),
        WireFormat::Gemini => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(128)
    })]

    #[test]
    fn a_longer_conversation_begins_with_the_bytes_of_the_shorter_one(script in script::any()) {
        for (client, target) in pairs() {
            let mut shorter: Option<(String, String)> = None;
            for end in script.first_end()..=script.steps.len() {
                let body = render::request(client.format(), &script, end);
                let request = read(client, body.as_bytes()).unwrap();
                let Ok(written) = write(target, &request) else { continue };
                let (list, rest) = conversation(target.format(), &written);
                if let Some((before, rest_before)) = shorter {
                    let stem = before.trim_end_matches([']', '}', '"']);
                    prop_assert!(
                        list.starts_with(stem),
                        "{} to {}:\n{before}\n{list}", client.format(), target.format(),
                    );
                    prop_assert_eq!(&rest, &rest_before);
                }
                shorter = Some((list, rest));
            }
            prop_assert!(shorter.is_some(), "{} to {}", client.format(), target.format());
        }
    }

    #[test]
    fn what_was_said_and_asked_for_survives(script in script::any()) {
        for (client, target) in pairs() {
            let body = render::request(client.format(), &script, script.steps.len());
            let request = read(client, body.as_bytes()).unwrap();
            let written = write(target, &request).unwrap();
            let again = read(target, written.as_bytes()).unwrap();
            prop_assert_eq!(
                Facts::of(&again),
                Facts::of(&request).at(target.format()),
                "{} to {}:\n{}\n{}", client.format(), target.format(), body, written,
            );
        }
    }

    #[test]
    fn ids_are_legal_and_results_name_calls(script in script::any()) {
        for (client, target) in pairs() {
            let body = render::request(client.format(), &script, script.steps.len());
            let request = read(client, body.as_bytes()).unwrap();
            let written = write(target, &request).unwrap();
            let (list, _) = conversation(target.format(), &written);
            let (mut calls, mut results) = (Vec::new(), Vec::new());
            let list = list.replace("ud83d", "ud7ff");
            ids(&serde_json::from_str(&list).unwrap(), &mut calls, &mut results);
            let legal = |id: &String| is_legal(target.format(), id);
            prop_assert!(calls.iter().chain(&results).all(legal), "{written}");
            let distinct: HashSet<&String> = calls.iter().collect();
            prop_assert!(results.iter().all(|id| distinct.contains(id)), "{written}");
            if target.format() != WireFormat::Gemini {
                prop_assert_eq!(calls.len(), script.calls(), "{}", written);
                prop_assert_eq!(results.len(), script.calls(), "{}", written);
            }
            if target.format() == WireFormat::Anthropic || script.has_distinct_ids() {
                prop_assert_eq!(distinct.len(), calls.len(), "{}", written);
            }
        }
    }
}
