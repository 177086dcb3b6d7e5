//! Writing requests.

mod conversation;
mod settings;
mod tools;

use serde_json::{Value, json};

use super::write;
use crate::WireFormat;
use crate::chat::{
    ChatRequest, Media, MediaSource, Part, PartKind, RawJson, Role, Tool, ToolKind, Turn,
};
use crate::codec::Target;
use crate::codec::WireError;
use crate::model_facts::{ModelFacts, SamplingSupport, ThinkingControl};
use crate::notes::Notes;

fn facts(change: impl FnOnce(&mut ModelFacts)) -> ModelFacts {
    let mut facts = ModelFacts::default();
    change(&mut facts);
    facts
}

/// What came of one request.
struct Written {
    body: Value,
    notes: Notes,
}

impl Written {
    fn dropped(&self) -> Vec<&str> {
        self.notes.dropped().collect()
    }

    fn noted(&self) -> Vec<&str> {
        self.notes.entries().iter().map(|note| &*note.field).collect()
    }
}

fn written_for(request: &ChatRequest, facts: &ModelFacts) -> Written {
    let mut notes = Notes::default();
    let body = write(request, &Target::new("claude", facts), &mut notes).unwrap().body;
    Written { body: serde_json::from_slice(&body).unwrap(), notes }
}

/// Returns all that came of a request, body unread.
fn sent(request: &ChatRequest, facts: &ModelFacts) -> crate::codec::Written {
    write(request, &Target::new("claude", facts), &mut Notes::default()).unwrap()
}

fn written(request: &ChatRequest) -> Written {
    // Many conversations here end with the assistant.
    written_for(request, &ModelFacts { prefill: true, ..ModelFacts::default() })
}

/// Returns the fields that a request was refused for.
fn refused(request: &ChatRequest) -> Vec<String> {
    let result =
        write(request, &Target::new("claude", &ModelFacts::default()), &mut Notes::default());
    match result {
        Err(WireError::Unsupported { fields }) => {
            fields.into_iter().map(|(field, _)| field).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts, name: None }
}

fn text(role: Role, text: &str) -> Turn {
    turn(role, vec![Part::text(text)])
}

/// A request of a chat client.
fn request(turns: Vec<Turn>) -> ChatRequest {
    ChatRequest { origin: Some(WireFormat::OpenAiChat), turns, ..ChatRequest::default() }
}

fn hello() -> ChatRequest {
    request(vec![text(Role::User, "hi")])
}

fn raw(text: &str) -> RawJson {
    RawJson::from(serde_json::value::RawValue::from_string(text.to_owned()).unwrap())
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: crate::chat::CallKind::Function,
        arguments: arguments.to_owned(),
    })
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::new(PartKind::ToolResult { call: id.to_owned(), name: None, parts, is_error: None })
}

fn media(mime: &str, source: MediaSource) -> Media {
    Media { mime: mime.to_owned(), source, detail: None, name: None }
}

fn tool(name: &str, schema: Option<&str>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        schema: schema.map(raw),
        strict: None,
        cache: None,
        kind: ToolKind::Function,
    }
}
