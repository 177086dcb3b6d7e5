//! Writes turns as messages.
//!
//! One canonical turn may be several messages: tool results are messages of their own here and must
//! follow their calls at once, so whatever else was said in the same step comes after them.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::body::{Called, Content, Custom, Function, Message, ToolCall};
use super::cache::Marks;
use super::{Writing, media, names, results};
use crate::breakpoint::Breakpoint;
use crate::chat::{CallKind, Opaque, Part, PartKind, Role, Turn, Vendor};
use crate::custom_tool;
use crate::field_names::Field;
use crate::ids;
use crate::openai_call_ids::CallIds;
use crate::openai_chat::stream::details;
use crate::server_text::server_text;

/// Longest call id that OpenAI accepts, in bytes.
const MAX_ID_BYTES: usize = 40;

/// Reasoning of a call of which none is known. DeepSeek and Kimi refuse a call without, Kimi also an empty
/// text.
const BLANK: &str = " ";

/// Writes all turns.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>) -> Vec<Message<'a>> {
    let turns = &writing.request.turns;
    let marks = Marks::of(writing);
    let mut writer = Turns {
        messages: Vec::new(),
        files: Vec::new(),
        calls: CallIds::new(if writing.facts.short_call_ids { ids::short } else { fitted }),
        marks,
        writing,
    };
    let mut rest = turns.as_slice();
    while !rest.is_empty() {
        let of_model = |turn: &Turn| turn.role == Role::Assistant;
        let is_model = rest.first().is_some_and(of_model);
        let end = rest.iter().position(|turn| of_model(turn) != is_model).unwrap_or(rest.len());
        let (step, later) = rest.split_at(end);
        if is_model {
            writer.answers(step)
        } else {
            writer.step(step)
        }
        rest = later;
    }
    if turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
        let detail = "most models begin a new message instead of going on with the last one";
        writer.writing.approximate(names::PREFILL, detail);
    }
    writer.messages
}

struct Turns<'a, 'n, 'w> {
    messages: Vec<Message<'a>>,
    /// Media of tool results that wait for the end of their step.
    files: Vec<Value>,
    calls: CallIds,
    marks: Marks,
    writing: &'w mut Writing<'a, 'n>,
}

/// What an assistant message is put together from.
#[derive(Debug, Default)]
struct Said {
    content: String,
    refusal: String,
    reasoning: String,
    /// Reasoning that only its vendor reads.
    details: Vec<Value>,
    /// Google's signature of the call that comes next.
    signature: Option<Opaque>,
    /// Whether the last part was text, which the next one goes on with.
    goes_on: bool,
}

impl Said {
    /// Gives up waiting for a call: the signature is of a text, and stands beside it.
    fn end_signature(&mut self) {
        if let Some(signature) = self.signature.take() {
            self.details.extend(details::entries("", &signature, self.details.len()));
        }
    }
}

impl<'a> Turns<'a, '_, '_> {
    /// Writes the turns between two of the model's: first all results, which must follow their calls.
    fn step(&mut self, turns: &'a [Turn]) {
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            if let PartKind::ToolResult { call, name, parts, is_error } = &part.kind {
                let (id, _) = self.calls.answered(call, name.as_deref());
                let split = results::split(&id, parts, *is_error, self.writing);
                self.files.extend(split.files);
                let mark = self.marks.next(part.cache.as_ref(), Role::Tool);
                let content = Some(text_content(split.text, mark));
                let tool_call_id = Some(id);
                self.messages.push(Message {
                    role: "tool",
                    tool_call_id,
                    content,
                    ..Message::default()
                });
            }
        }
        for turn in turns {
            match turn.role {
                Role::System => self.instructions("system", turn),
                Role::Developer if self.writing.facts.developer_role => {
                    self.instructions("developer", turn);
                }
                Role::Developer => self.instructions("system", turn),
                Role::User | Role::Tool | Role::Assistant => self.user(turn),
            }
        }
        self.flush(Vec::new());
    }

    /// One message per part: joined ones would read as one text, and the first stays stable.
    fn instructions(&mut self, role: &'static str, turn: &'a Turn) {
        self.flush(Vec::new());
        for part in &turn.parts {
            match &part.kind {
                PartKind::Text(text) if text.is_empty() => {}
                PartKind::Text(text) => {
                    let mark = self.marks.next(part.cache.as_ref(), turn.role);
                    let content = Some(text_content(text.clone(), mark));
                    let name = turn.name.as_deref();
                    self.messages.push(Message { role, name, content, ..Message::default() });
                }
                PartKind::ToolResult { .. } => {}
                _ => self.writing.drop(names::SYSTEM, "only text can be an instruction"),
            }
        }
    }

    fn user(&mut self, turn: &'a Turn) {
        let mut rest = Vec::new();
        for part in &turn.parts {
            let Some(mut content) = media::part(&part.kind, self.writing) else { continue };
            let may_have = matches!(part.kind, PartKind::Text(_) | PartKind::Document(_));
            let cache = part.cache.as_ref().filter(|_| may_have);
            if let Some(mark) = self.marks.next(cache, Role::User) {
                content["prompt_cache_breakpoint"] = json!(mark);
            }
            rest.push(content);
        }
        if rest.is_empty() {
            return;
        }
        self.flush(rest);
        if let Some(message) = self.messages.last_mut() {
            message.name = turn.name.as_deref();
        }
    }

    /// Writes neighbouring turns of the model: one message, unless the client spoke of several in this
    /// very format. Elsewhere each call may be an item of its own, and results must follow all of them.
    fn answers(&mut self, turns: &'a [Turn]) {
        let at_once = if self.writing.is_own() { 1 } else { turns.len() };
        for turns in turns.chunks(at_once.max(1)) {
            self.answer(turns);
        }
    }

    fn answer(&mut self, turns: &'a [Turn]) {
        let mut message = Message { role: "assistant", ..Message::default() };
        let mut said = Said::default();
        for turn in turns {
            said.goes_on = false;
            message.name = message.name.or(turn.name.as_deref());
            for part in &turn.parts {
                self.answer_part(part, &mut said, &mut message);
            }
        }
        said.end_signature();
        let Said { content, refusal, mut reasoning, details, .. } = said;
        if self.writing.facts.reasoning_echo
            && reasoning.is_empty()
            && !message.tool_calls.is_empty()
        {
            let why =
                "the model wants reasoning before a call; a blank is sent for what is not there";
            self.writing.approximate(names::REASONING, why);
            reasoning.push_str(BLANK);
        }
        message.reasoning_details = details;
        message.reasoning_content = Some(reasoning).filter(|text| !text.is_empty());
        message.refusal = Some(refusal).filter(|text| !text.is_empty());
        message.content = Some(content).filter(|text| !text.is_empty()).map(Content::Text);
        let is_empty =
            message.content.is_none() && message.tool_calls.is_empty() && message.refusal.is_none();
        if !is_empty {
            self.messages.push(message);
        }
    }

    fn answer_part(&mut self, part: &'a Part, said: &mut Said, message: &mut Message<'a>) {
        let is_foreign =
            |data: &Opaque| data.vendor != Vendor::Plain && !self.writing.came_from_target(data);
        if part.opaque.as_ref().is_some_and(is_foreign) {
            let why = "signed and encrypted reasoning belongs to another vendor";
            self.writing.drop(names::REASONING, why);
        }
        let went_on = std::mem::take(&mut said.goes_on);
        match &part.kind {
            PartKind::Text(text) => {
                said.end_signature();
                if !went_on && !said.content.is_empty() && !text.is_empty() {
                    said.content.push_str("\n\n");
                }
                said.content.push_str(text);
                said.goes_on = true;
            }
            PartKind::Refusal(text) => said.refusal.push_str(text),
            PartKind::Reasoning(text) => self.thought(part, text, said),
            PartKind::ToolCall { id, name, kind, arguments } => {
                let id = self.calls.asked(id, name, *kind);
                let called = self.called(name, *kind, arguments);
                let signature = said.signature.take();
                let extra_content = signature.map(|data| details::call_signature(&data.data));
                message.tool_calls.push(ToolCall { id, called, extra_content });
            }
            PartKind::Server { raw, .. } => {
                let Some(text) = server_text(raw.get(), self.writing) else { return };
                if !said.content.is_empty() {
                    said.content.push_str("\n\n");
                }
                said.content.push_str(&text);
            }
            PartKind::ToolResult { .. } => {}
            PartKind::Image(_)
            | PartKind::Audio(_)
            | PartKind::Video(_)
            | PartKind::Document(_) => {
                self.writing.drop(Field::ASSISTANT_MEDIA, "only a user may send media");
            }
        }
    }

    /// Sends reasoning back: what this target signed or encrypted, as it came; else where the model wants
    /// it, which is only text, so what another vendor made is none of it.
    fn thought(&mut self, part: &Part, text: &str, said: &mut Said) {
        if let Some(own) = part.opaque.as_ref().filter(|data| self.writing.came_from_target(data)) {
            said.end_signature();
            if own.vendor == Vendor::Google && !own.follows {
                said.signature = Some(own.clone());
                return;
            }
            if own.vendor != Vendor::Plain {
                said.details.extend(details::entries(text, own, said.details.len()));
                return;
            }
        }
        let is_foreign = part.opaque.as_ref().is_some_and(|data| data.vendor != Vendor::Plain);
        if self.writing.facts.reasoning_echo && !is_foreign {
            said.reasoning.push_str(text);
        } else if !text.is_empty() {
            let why = "reasoning of earlier turns is not sent back to this model";
            self.writing.drop(names::REASONING, why);
        }
    }

    /// Writes what was called: a custom tool as a function of one text where the model knows no other.
    fn called(&mut self, name: &'a str, kind: CallKind, arguments: &'a str) -> Called<'a> {
        let name = names::tool(name);
        if kind == CallKind::Function {
            let text = if arguments.trim_ascii().is_empty() { "{}" } else { arguments };
            return Called::Function {
                function: Function { name, arguments: Cow::Borrowed(text) },
            };
        }
        if self.writing.facts.custom_tools || self.writing.is_own() {
            return Called::Custom { custom: Custom { name, input: arguments } };
        }
        self.writing.approximate(Field::ARGUMENTS, "the text of a custom tool is put in an object");
        let arguments = Cow::Owned(custom_tool::arguments(arguments));
        Called::Function { function: Function { name, arguments } }
    }

    /// Ends a step: files of its results and what the user added become one user message.
    fn flush(&mut self, rest: Vec<Value>) {
        let mut parts = std::mem::take(&mut self.files);
        parts.extend(rest);
        if parts.is_empty() {
            return;
        }
        let only_text = match parts.as_slice() {
            [part] if part["type"] == "text" && part.get("prompt_cache_breakpoint").is_none() => {
                part["text"].as_str().map(str::to_owned)
            }
            _ => None,
        };
        let content = only_text.map_or(Content::Parts(parts), Content::Text);
        self.messages.push(Message { role: "user", content: Some(content), ..Message::default() });
    }
}

/// Returns the id itself if it is short enough, else one made of it. Pure, so calls and results agree.
fn fitted(id: &str) -> String {
    if id.len() <= MAX_ID_BYTES { id.to_owned() } else { ids::made("call_", id, 0) }
}

fn text_content(text: String, mark: Option<Breakpoint>) -> Content {
    match mark {
        None => Content::Text(text),
        Some(mark) => {
            let part = json!({"type": "text", "text": text, "prompt_cache_breakpoint": mark});
            Content::Parts(vec![part])
        }
    }
}
