//! Reasoning: how much is asked for, and what earlier answers left in the history.

use serde_json::{Map, Value};

use super::Writing;
use super::body::{Item, OwnItem, Summary};
use crate::WireFormat;
use crate::chat::{Opaque, ReasoningAmount, Vendor};
use crate::field_names::Field;
use crate::model_facts::ThinkingControl;
use crate::openai_effort;

/// Writes `reasoning`; empty if nothing is to be said.
pub(super) fn options(writing: &mut Writing<'_, '_>) -> Map<String, Value> {
    let mut options = Map::new();
    if let Some(effort) = openai_effort::word(writing) {
        options.insert("effort".to_owned(), effort.into());
    }
    if writing.facts.thinking != ThinkingControl::None && wants_summary(writing) {
        options.insert("summary".to_owned(), "auto".into());
    }
    options
}

/// Tells whether the client shall see a summary: it says so, or its format shows reasoning by itself.
/// Where no effort is said the model may be one that refuses the member, so the client must have asked.
fn wants_summary(writing: &Writing<'_, '_>) -> bool {
    let reasoning = &writing.request.reasoning;
    let reasons = reasoning.amount != ReasoningAmount::Off;
    let by_itself = match writing.request.origin {
        Some(WireFormat::OpenAiChat) => reasoning.amount != ReasoningAmount::NotSaid,
        // Models with a budget show their thinking unless told otherwise, newer ones do not.
        Some(WireFormat::Anthropic) => matches!(reasoning.amount, ReasoningAmount::Budget(_)),
        Some(WireFormat::OpenAiResponses | WireFormat::Gemini) | None => false,
    };
    reasons && reasoning.show.unwrap_or(by_itself)
}

/// Reasoning of an assistant's turn that waits for what it led to: the provider refuses a reasoning
/// item that nothing follows.
#[derive(Default)]
pub(super) struct Thoughts<'a> {
    items: Vec<Item<'a>>,
    /// Text whose opaque data may come in the next part, as some clients send it.
    text: Option<&'a str>,
}

impl<'a> Thoughts<'a> {
    /// Takes a part of reasoning. What this provider cannot read is left out with its text.
    pub(super) fn add(
        &mut self,
        text: &'a str,
        opaque: Option<&'a Opaque>,
        writing: &mut Writing<'_, '_>,
    ) {
        let Some(data) = opaque.filter(|data| writing.target.reads(data, Vendor::OpenAi)) else {
            self.forget(writing);
            if opaque.is_none() && !text.is_empty() {
                self.text = Some(text);
            } else if opaque.is_some() {
                note(writing);
            }
            return;
        };
        let text = if text.is_empty() { self.text.take().unwrap_or_default() } else { text };
        self.forget(writing);
        let summary =
            if text.is_empty() { Vec::new() } else { vec![Summary::SummaryText { text }] };
        let encrypted_content = &data.data;
        self.items.push(Item::Own(OwnItem::Reasoning { summary, encrypted_content }));
    }

    /// Returns the items that stand before what comes now.
    pub(super) fn take(&mut self, writing: &mut Writing<'_, '_>) -> Vec<Item<'a>> {
        self.forget(writing);
        std::mem::take(&mut self.items)
    }

    /// Leaves out reasoning that led to nothing.
    pub(super) fn leave(mut self, writing: &mut Writing<'_, '_>) {
        self.forget(writing);
        if !self.items.is_empty() {
            note(writing);
        }
    }

    fn forget(&mut self, writing: &mut Writing<'_, '_>) {
        if self.text.take().is_some() {
            note(writing);
        }
    }
}

fn note(writing: &mut Writing<'_, '_>) {
    writing.drop(Field::REASONING, "only reasoning that this provider encrypted can be sent back");
}
