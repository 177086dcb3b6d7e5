use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::WireFormat;
use crate::aftercare::Aftercare;
use crate::chat::{
    AudioOutput, CallKind, ChatRequest, Effort, Media, MediaSource, Opaque, OpaqueKind, Origin,
    OutputFormat, Part, PartKind, ReasoningAmount, Role, Sampling, Tool, ToolChoice, ToolKind,
    Turn, Vendor, WebSearch,
};
use crate::codec::{Target, WireError};
use crate::model_facts::{ModelFacts, SamplingSupport, ThinkingControl};
use crate::notes::{Mark, Notes};

mod conversation;
mod settings;
mod tools;

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts, name: None }
}

fn user(text: &str) -> Turn {
    turn(Role::User, vec![Part::text(text)])
}

fn assistant(parts: Vec<Part>) -> Turn {
    turn(Role::Assistant, parts)
}

fn call(id: &str, name: &str, kind: CallKind, arguments: &str) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        arguments: arguments.to_owned(),
    })
}

fn function(id: &str, arguments: &str) -> Part {
    call(id, "f", CallKind::Function, arguments)
}

fn result(call: &str, parts: Vec<Part>) -> Part {
    Part::new(PartKind::ToolResult { call: call.to_owned(), name: None, parts, is_error: None })
}

fn reasoning(text: &str, opaque: Option<Opaque>) -> Part {
    Part { opaque, ..Part::new(PartKind::Reasoning(text.to_owned())) }
}

fn encrypted(data: &str) -> Option<Opaque> {
    Some(Opaque::new(Vendor::OpenAi, OpaqueKind::Redacted, data))
}

fn media(mime: &str, source: MediaSource) -> Media {
    Media { mime: mime.to_owned(), source, detail: None, name: None }
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn tool(name: &str, kind: ToolKind) -> Tool {
    Tool { name: name.to_owned(), description: None, schema: None, strict: None, cache: None, kind }
}

fn chat(turns: Vec<Turn>) -> ChatRequest {
    ChatRequest { origin: Some(WireFormat::OpenAiChat), turns, ..ChatRequest::default() }
}

fn hi() -> ChatRequest {
    chat(vec![user("hi")])
}

/// Shows the notes as `~field` and `-field`.
fn marks(notes: &Notes) -> Vec<String> {
    let mark = |mark| if mark == Mark::Dropped { '-' } else { '~' };
    notes.entries().iter().map(|note| format!("{}{}", mark(note.mark), note.field)).collect()
}

fn write(request: &ChatRequest, facts: &ModelFacts) -> (Value, Vec<String>, Aftercare) {
    let mut notes = Notes::default();
    let written = super::write(request, &Target::new("gpt-5", facts), &mut notes).unwrap();
    (serde_json::from_slice(&written.body).unwrap(), marks(&notes), written.aftercare)
}

fn written(request: &ChatRequest) -> (Value, Vec<String>) {
    let (body, notes, _) = write(request, &ModelFacts::default());
    (body, notes)
}

fn input_of(turns: Vec<Turn>) -> Value {
    written(&chat(turns)).0["input"].take()
}

fn refusals(request: &ChatRequest) -> Vec<String> {
    let facts = ModelFacts::default();
    let outcome = super::write(request, &Target::new("m", &facts), &mut Notes::default());
    match outcome.unwrap_err() {
        WireError::Unsupported { fields } => fields.into_iter().map(|(field, _)| field).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn nothing_is_stored_and_reasoning_comes_back_encrypted() {
    let (body, notes) = written(&hi());

    assert_eq!(
        body,
        json!({
            "model": "gpt-5",
            "store": false,
            "include": ["reasoning.encrypted_content"],
            "input": [{"type": "message", "role": "user", "content": "hi"}],
        })
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn the_input_is_the_last_member() {
    let mut request = hi();
    request.tools = vec![tool("f", ToolKind::Function)];
    request.tool_choice = ToolChoice::Required;
    request.extra.insert("moderation".to_owned(), json!({}));
    let facts = ModelFacts::default();

    let body = super::write(&request, &Target::new("m", &facts), &mut Notes::default()).unwrap();

    let text = String::from_utf8(body.body).unwrap();
    assert!(text.ends_with(r#""content":"hi"}]}"#), "{text}");
}

/// A step of a conversation: any of what turns can hold.
fn any_turn() -> impl Strategy<Value = Turn> {
    let id = "[a-c]{0,2}";
    let text = || "[ -~]{0,8}".prop_map(Part::text);
    let image = Just(Part::new(PartKind::Image(media(
        "image/png",
        MediaSource::Base64("AAAA".to_owned()),
    ))));
    let said = prop_oneof![text(), image];
    let did = prop_oneof![
        text(),
        (id, any::<bool>()).prop_map(|(id, custom)| {
            let kind = if custom { CallKind::Custom } else { CallKind::Function };
            call(&id, "f", kind, "{}")
        }),
        any::<bool>().prop_map(|known| reasoning("hm", encrypted("e").filter(|_| known))),
        Just(Part::new(PartKind::Refusal("no".to_owned()))),
    ];
    let answers = prop_oneof![
        text(),
        (id, prop::collection::vec(said.clone(), 0..3)).prop_map(|(id, parts)| result(&id, parts)),
    ];
    prop_oneof![
        prop::collection::vec(said, 0..3).prop_map(|parts| turn(Role::User, parts)),
        prop::collection::vec(answers, 0..3).prop_map(|parts| turn(Role::User, parts)),
        prop::collection::vec(did, 0..4).prop_map(assistant),
        text().prop_map(|part| turn(Role::System, vec![part])),
        text().prop_map(|part| turn(Role::Developer, vec![part])),
    ]
}

proptest! {
    #[test]
    fn a_longer_history_begins_with_the_bytes_of_a_shorter_one(
        turns in prop::collection::vec(any_turn(), 1..8),
        more in prop::collection::vec(any_turn(), 1..4),
    ) {
        let facts = ModelFacts::default();
        let bytes = |turns: Vec<Turn>| {
            let request = chat([vec![user("hi")], turns].concat());
            let target = Target::new("m", &facts);
            let body = super::write(&request, &target, &mut Notes::default()).unwrap().body;
            String::from_utf8(body).unwrap()
        };

        let short = bytes(turns.clone());
        let long = bytes([turns, more].concat());

        let start = short.strip_suffix("]}").unwrap();
        prop_assert!(long.starts_with(start), "{short}\n{long}");
    }
}
