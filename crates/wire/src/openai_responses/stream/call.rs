//! A call of one of the client's tools while it arrives.

use serde_json::Value;

use super::heard::Heard;
use super::item::Emit;
use super::wire::string;
use crate::chat::CallKind;
use crate::event::{Event, PartHead};
use crate::openai_responses::namespace;

/// State of one call.
#[derive(Debug, Default)]
pub(super) struct Call {
    kind: CallKind,
    id: String,
    name: String,
    part: Option<u32>,
    heard: Heard,
    /// Characters of the input that came before the client was told of the call.
    waiting: String,
    ended: bool,
}

impl Call {
    /// Makes a call that nothing is known of.
    pub(super) fn new(kind: CallKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Tells whether this is the call of an item: no other id is known.
    pub(super) fn may_be(&self, item: &Value) -> bool {
        let id = string(item, "call_id");
        self.id.is_empty() || id.is_empty() || self.id == id
    }

    /// Takes id and name, and tells the client as soon as both are known.
    pub(super) fn announce(&mut self, item: &Value, emit: &mut Emit<'_>) {
        if self.part.is_none() {
            self.note(item);
            if !self.id.is_empty() && !self.name.is_empty() {
                self.start(emit);
            }
        }
    }

    /// Takes more of the input.
    pub(super) fn add(&mut self, delta: &str, emit: &mut Emit<'_>) {
        if self.ended || delta.is_empty() {
            return;
        }
        self.heard.add(delta);
        match self.part {
            Some(part) => emit.push(Event::Arguments { choice: 0, part, delta: delta.to_owned() }),
            None => self.waiting.push_str(delta),
        }
    }

    /// Takes the whole input, of which only what the deltas left out is new.
    pub(super) fn fill(&mut self, whole: &str, emit: &mut Emit<'_>) {
        let missing = self.heard.rest(whole);
        self.add(missing, emit);
    }

    /// Ends the call; of what it still lacks the item may know more.
    pub(super) fn end(&mut self, item: &Value, emit: &mut Emit<'_>) {
        if self.ended {
            return;
        }
        if self.part.is_none() {
            self.note(item);
            if self.id.is_empty() {
                string(item, "id").clone_into(&mut self.id);
            }
            self.start(emit);
        }
        let member = if self.kind == CallKind::Custom { "input" } else { "arguments" };
        match item.get(member) {
            Some(Value::String(whole)) => self.fill(whole, emit),
            Some(whole @ Value::Object(_)) if self.heard.is_empty() => {
                self.fill(&whole.to_string(), emit);
            }
            _ => {}
        }
        self.ended = true;
        if let Some(part) = self.part {
            emit.push(Event::PartEnd { choice: 0, part });
        }
    }

    fn note(&mut self, item: &Value) {
        if self.id.is_empty() {
            string(item, "call_id").clone_into(&mut self.id);
        }
        let name = string(item, "name");
        if self.name.is_empty() && !name.is_empty() {
            let outer = string(item, "namespace");
            self.name = namespace::joined(Some(outer), name);
        }
    }

    fn start(&mut self, emit: &mut Emit<'_>) {
        let head =
            PartHead::ToolCall { id: self.id.clone(), name: self.name.clone(), kind: self.kind };
        let part = emit.start(head);
        self.part = Some(part);
        if !self.waiting.is_empty() {
            let delta = std::mem::take(&mut self.waiting);
            emit.push(Event::Arguments { choice: 0, part, delta });
        }
    }
}
