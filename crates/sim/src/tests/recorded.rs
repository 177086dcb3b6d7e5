//! The simulator's streams beside recorded ones: same events in the same order, no member of its own.
//!
//! Skipped where the recordings are not checked out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::client::{asking, fetch};
use super::sim;

/// Reads the events of a recorded stream, or says that it is not there.
fn recorded(case: &str) -> Option<Vec<Value>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let path = PathBuf::from(root).join(case).join("response.sse");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let data = data.map(str::trim).filter(|data| *data != "[DONE]");
    Some(data.map(|data| serde_json::from_str(data).unwrap()).collect())
}

/// The types of the events, repetitions of a delta taken as one.
fn order(events: &[Value]) -> Vec<String> {
    let mut types: Vec<String> =
        events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect();
    types.dedup();
    types
}

/// The paths of all members, with `[]` for any element of a list.
fn paths(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            let path = format!("{prefix}.{name}");
            found.insert(path.clone());
            paths(member, &path, found);
        }),
        Value::Array(elements) => {
            elements.iter().for_each(|element| paths(element, &format!("{prefix}[]"), found));
        }
        _ => {}
    }
}

fn all_paths(events: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    events.iter().for_each(|event| {
        paths(event, event["type"].as_str().unwrap_or_default(), &mut found);
    });
    found
}

async fn streamed(format: &str, model: &str, tools: Value) -> Vec<Value> {
    let (path, mut body) = asking(format, model, true);
    if !tools.is_null() {
        body["tools"] = tools;
    }
    fetch(&sim().await, &path, &body).await.unwrap().events()
}

fn assert_no_own_members(case: &str, ours: &[Value], theirs: &[Value]) {
    let (ours, theirs) = (all_paths(ours), all_paths(theirs));
    let own: Vec<_> = ours.difference(&theirs).collect();
    assert!(own.is_empty(), "{case}: only ours: {own:?}");
}

#[tokio::test]
async fn messages_streams_look_like_recorded_ones() {
    let schema =
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}});
    let tools = json!([{"name": "add", "input_schema": schema}]);
    for (case, model, tools) in [
        ("anthropic/messages/stream-text-and-tools", "echo?talk=1&calls=2", tools),
        ("anthropic/messages/stream-thinking", "think", Value::Null),
    ] {
        let Some(theirs) = recorded(case) else { continue };
        let ours = streamed("messages", model, tools).await;
        assert_eq!(order(&ours), order(&theirs), "{case}");
        assert_no_own_members(case, &ours, &theirs);
    }
}

#[tokio::test]
async fn responses_streams_look_like_recorded_ones() {
    let schema =
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}});
    let tools = json!([{"type": "function", "name": "multiply", "parameters": schema}]);
    for (case, model, tools) in [
        ("openai/responses/stream-basic", "echo", Value::Null),
        ("openai/responses/stream-tool", "echo", tools),
    ] {
        let Some(theirs) = recorded(case) else { continue };
        let ours = streamed("responses", model, tools).await;
        assert_eq!(order(&ours), order(&theirs), "{case}");
        assert_no_own_members(case, &ours, &theirs);
    }
}

#[tokio::test]
async fn chat_and_generate_streams_have_no_members_of_their_own() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let chat = ["openai/chat/stream-basic", "openai/chat/stream-parallel-tools"];
    for (cases, format, tools) in [
        (&chat[..], "chat", Value::Null),
        (&chat[..], "chat", tools),
        (&["google/generate/stream-basic"][..], "generate", Value::Null),
    ] {
        // Members came and went over the years, so all recordings of a format count together.
        let theirs: Option<Vec<_>> = cases.iter().map(|case| recorded(case)).collect();
        let Some(theirs) = theirs else { continue };
        let ours = streamed(format, "echo", tools).await;
        assert_no_own_members(format, &ours, &theirs.concat());
    }
}
