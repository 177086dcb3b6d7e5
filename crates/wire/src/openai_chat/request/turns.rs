//! Writes turns as messages.
//!
//! One canonical turn may be several messages: tool results are messages of their own here, and media
//! inside them, which this format cannot carry, follow in a user message after all results of the step.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::media;
use super::outgoing::{Content, Function, Message, ToolCall};
use super::write::Loss;
use crate::WireFormat;
use crate::chat::{ChatRequest, Media, MediaSource, Part, PartKind, Role, Turn};
use crate::ids;
use crate::model_facts::ModelFacts;

/// Longest call id that OpenAI accepts, in bytes.
const MAX_ID_BYTES: usize = 40;

/// Writes all turns.
pub(super) fn write<'a>(
    request: &'a ChatRequest,
    facts: &ModelFacts,
    loss: &mut Loss<'_>,
) -> Vec<Message<'a>> {
    let mut writer = Turns {
        messages: Vec::new(),
        files: Vec::new(),
        calls: 0,
        open: HashMap::new(),
        echo: facts.reasoning_echo,
        developer: if facts.developer_role { "developer" } else { "system" },
        origin: request.origin,
    };
    for turn in &request.turns {
        writer.turn(turn, loss);
    }
    writer.flush(Vec::new());
    if request.turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
        let detail = "most models begin a new message instead of going on with the last one";
        loss.notes.approximate("prefill", detail);
    }
    writer.messages
}

struct Turns<'a> {
    messages: Vec<Message<'a>>,
    /// Media of tool results that wait for the end of their step.
    files: Vec<Value>,
    /// Calls so far, to make ids.
    calls: usize,
    /// Made ids of calls that have no result yet, by name: formats without ids pair by order.
    open: HashMap<String, VecDeque<String>>,
    echo: bool,
    developer: &'static str,
    origin: Option<WireFormat>,
}

impl<'a> Turns<'a> {
    fn turn(&mut self, turn: &'a Turn, loss: &mut Loss<'_>) {
        match turn.role {
            Role::System => self.instructions("system", turn, loss),
            Role::Developer => self.instructions(self.developer, turn, loss),
            Role::User | Role::Tool => self.user(turn, loss),
            Role::Assistant => self.assistant(turn, loss),
        }
    }

    /// One message per part: joined ones would read as one text, and the first stays stable.
    fn instructions(&mut self, role: &'static str, turn: &'a Turn, loss: &mut Loss<'_>) {
        self.flush(Vec::new());
        for part in &turn.parts {
            match &part.kind {
                PartKind::Text(text) if text.is_empty() => {}
                PartKind::Text(text) => {
                    let content = Some(Content::Text(text.clone()));
                    let name = turn.name.as_deref();
                    self.messages.push(Message { role, name, content, ..Message::default() });
                }
                _ => loss.notes.drop("system", "only text can be an instruction"),
            }
        }
    }

    fn user(&mut self, turn: &'a Turn, loss: &mut Loss<'_>) {
        let mut rest = Vec::new();
        for part in &turn.parts {
            match &part.kind {
                PartKind::ToolResult { call, name, parts, is_error } => {
                    let id = self.answered(call, name.as_deref());
                    self.result(&id, parts, *is_error, loss);
                }
                _ => rest.extend(media::part(part, loss)),
            }
        }
        if turn.role == Role::User && !rest.is_empty() {
            self.flush(rest);
            if let Some(message) = self.messages.last_mut() {
                message.name = turn.name.as_deref();
            }
        } else {
            self.files.extend(rest);
        }
    }

    fn result(&mut self, id: &str, parts: &'a [Part], is_error: Option<bool>, loss: &mut Loss<'_>) {
        let mut texts: Vec<String> = Vec::new();
        let mut files = Vec::new();
        for part in parts {
            match &part.kind {
                PartKind::Text(text) => texts.push(text.clone()),
                PartKind::Document(Media { source: MediaSource::Text(text), .. }) => {
                    texts.push(text.clone());
                }
                _ => files.extend(media::part(part, loss)),
            }
        }
        let mut text = texts.join("\n");
        if !files.is_empty() {
            let detail = "sent as a user message after the results";
            loss.notes.approximate("tool result media", detail);
            if text.is_empty() {
                text.push_str("(see attached)");
            }
            let heading = format!("Files returned by tool call {id}:");
            self.files.push(json!({"type": "text", "text": heading}));
            self.files.append(&mut files);
        }
        let says_so = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
        if is_error == Some(true) {
            loss.notes.approximate("tool result is_error", "said in the text of the result");
            if !says_so {
                text.insert_str(0, "Error: ");
            }
        }
        self.messages.push(Message {
            role: "tool",
            tool_call_id: Some(id.to_owned()),
            content: Some(Content::Text(text)),
            ..Message::default()
        });
    }

    fn assistant(&mut self, turn: &'a Turn, loss: &mut Loss<'_>) {
        self.flush(Vec::new());
        let mut message = Message { role: "assistant", ..Message::default() };
        message.name = turn.name.as_deref();
        let (mut content, mut refusal, mut reasoning) =
            (String::new(), String::new(), String::new());
        let mut text_before = false;
        for part in &turn.parts {
            let is_text = matches!(part.kind, PartKind::Text(_));
            match &part.kind {
                PartKind::Text(text) => {
                    if !text_before && !content.is_empty() {
                        content.push_str("\n\n");
                    }
                    content.push_str(text);
                }
                PartKind::Refusal(text) => refusal.push_str(text),
                PartKind::Reasoning(text) => reasoning.push_str(text),
                PartKind::ToolCall { id, name, arguments, .. } => {
                    let id = self.asked(id, name);
                    let function = Function { name, arguments: or_empty_object(arguments) };
                    message.tool_calls.push(ToolCall { id, kind: "function", function });
                }
                kind => note_left_out(kind, loss),
            }
            text_before = is_text;
        }
        self.add_reasoning(&mut message, turn, reasoning, loss);
        message.refusal = Some(refusal).filter(|text| !text.is_empty());
        message.content = Some(content).filter(|text| !text.is_empty()).map(Content::Text);
        let is_empty =
            message.content.is_none() && message.tool_calls.is_empty() && message.refusal.is_none();
        if !is_empty {
            self.messages.push(message);
        }
    }

    /// Sends reasoning back where the model wants it; it is only text there, so signatures go.
    fn add_reasoning(
        &self,
        message: &mut Message<'a>,
        turn: &Turn,
        reasoning: String,
        loss: &mut Loss<'_>,
    ) {
        let is_reasoning = |part: &&Part| matches!(part.kind, PartKind::Reasoning(_));
        if !turn.parts.iter().any(|part| is_reasoning(&part) || part.opaque.is_some()) {
            return;
        }
        if self.echo && !reasoning.is_empty() {
            message.reasoning_content = Some(reasoning);
            return;
        }
        let field = match self.origin {
            Some(WireFormat::Anthropic) => "messages.thinking",
            Some(WireFormat::Gemini) => "contents.thoughtSignature",
            _ => "messages.reasoning_content",
        };
        loss.notes.drop(field, "reasoning of earlier turns is not sent back to this model");
    }

    /// Ends a step: files of its results and what the user added become one user message.
    fn flush(&mut self, rest: Vec<Value>) {
        let mut parts = std::mem::take(&mut self.files);
        parts.extend(rest);
        if parts.is_empty() {
            return;
        }
        let only_text = match parts.as_slice() {
            [part] if part["type"] == "text" => part["text"].as_str().map(str::to_owned),
            _ => None,
        };
        let content = only_text.map_or(Content::Parts(parts), Content::Text);
        self.messages.push(Message { role: "user", content: Some(content), ..Message::default() });
    }

    /// Returns the id to send for a call.
    fn asked(&mut self, id: &str, name: &str) -> String {
        let position = self.calls;
        self.calls += 1;
        if !id.is_empty() {
            return encoded(id);
        }
        let made = ids::made("call_", name, position);
        self.open.entry(name.to_owned()).or_default().push_back(made.clone());
        made
    }

    /// Returns the id to send for the call that a result answers.
    fn answered(&mut self, id: &str, name: Option<&str>) -> String {
        if !id.is_empty() {
            return encoded(id);
        }
        let name = name.unwrap_or_default();
        let waiting = self.open.get_mut(name).and_then(VecDeque::pop_front);
        waiting.unwrap_or_else(|| ids::made("call_", name, self.calls))
    }
}

/// Returns the id itself if it is short enough, else one made of it. Pure, so calls and results agree.
fn encoded(id: &str) -> String {
    if id.len() <= MAX_ID_BYTES { id.to_owned() } else { ids::made("call_", id, 0) }
}

fn or_empty_object(arguments: &str) -> &str {
    if arguments.trim_ascii().is_empty() { "{}" } else { arguments }
}

fn note_left_out(kind: &PartKind, loss: &mut Loss<'_>) {
    match kind {
        PartKind::Server { .. } => {
            loss.notes.drop("server tools in the history", "belong to another provider");
        }
        _ => loss.notes.drop("media of the assistant", "only a user may send media"),
    }
}
