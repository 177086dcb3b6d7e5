//! Folds events into a whole answer, for writers of formats whose whole reply is one object.
//!
//! A whole answer is a stream that was collected: parts stand in order of first appearance, the deltas
//! of a part are joined, and the vendor data of a part stays with it.

use crate::api_error::UpstreamError;
use crate::chat::Opaque;
use crate::event::{Citation, Event, Finish, PartHead, Usage};
use serde_json::Value;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// The provider's id of the reply, empty if it gave none.
    pub id: String,
    /// The model as the provider names it, empty if it did not.
    pub model: String,
    /// Unix seconds, where the provider said them.
    pub created: Option<u64>,
    /// The answers, by rising index. An index without any event is absent.
    pub choices: Vec<CollectedChoice>,
    /// Token counts, merged field by field.
    pub usage: Usage,
    /// The error that ended the reply.
    pub error: Option<UpstreamError>,
    /// Whether the format's own end was seen: the reply is complete.
    pub complete: bool,
}

/// One of the answers of a reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectedChoice {
    /// Its number, 0 unless several were asked for.
    pub index: u16,
    /// Its parts, in order of first appearance.
    pub parts: Vec<CollectedPart>,
    /// Log probabilities of all its tokens, in order; empty if none came.
    pub logprobs: Vec<Value>,
    /// Why it ended. `None`: the provider never said.
    pub finish: Option<CollectedFinish>,
}

/// One part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectedPart {
    /// What it is.
    pub head: PartHead,
    /// All deltas joined: visible text, reasoning, refusal, or the characters of a call's arguments.
    pub text: String,
    /// Vendor data of the part, in order of arrival.
    pub opaque: Vec<Opaque>,
    /// Sources of the text, in order of arrival.
    pub citations: Vec<Citation>,
}

/// Why an answer ended, as [`Event::Finish`] said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectedFinish {
    /// Why it ended.
    pub reason: Finish,
    /// The provider's own word, empty if it had none.
    pub native: String,
    /// The stop sequence that matched, where the provider says so.
    pub stop_sequence: Option<String>,
    /// Further explanation, e.g. of a refusal.
    pub detail: Option<String>,
}

impl Collected {
    /// Returns the answer with index 0, or `None` if the reply has none.
    pub fn first(&self) -> Option<&CollectedChoice> {
        self.choices.first().filter(|choice| choice.index == 0)
    }

    /// Returns the provider's id, or `fallback` if it gave none.
    pub fn id_or<'a>(&'a self, fallback: &'a str) -> &'a str {
        if self.id.is_empty() { fallback } else { &self.id }
    }

    /// Returns the provider's name of the model, or `fallback` if it gave none.
    pub fn model_or<'a>(&'a self, fallback: &'a str) -> &'a str {
        if self.model.is_empty() { fallback } else { &self.model }
    }

    /// Takes one more event.
    ///
    /// Deltas of a part that never started are ignored; readers do not make them.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Start { id, model, created } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.created = *created;
            }
            Event::PartStart { choice, head, .. } => {
                let part = CollectedPart {
                    head: head.clone(),
                    text: String::new(),
                    opaque: Vec::new(),
                    citations: Vec::new(),
                };
                self.choice(*choice).parts.push(part);
            }
            Event::Text { choice, part, delta }
            | Event::Reasoning { choice, part, delta }
            | Event::Arguments { choice, part, delta } => {
                if let Some(part) = self.part(*choice, *part) {
                    part.text.push_str(delta);
                }
            }
            Event::Opaque { choice, part, opaque } => {
                if let Some(part) = self.part(*choice, *part) {
                    part.opaque.push(opaque.clone());
                }
            }
            Event::Cite { choice, part, citation } => {
                if let Some(part) = self.part(*choice, *part) {
                    part.citations.push(citation.clone());
                }
            }
            Event::Logprobs { choice, tokens } => {
                self.choice(*choice).logprobs.extend_from_slice(tokens);
            }
            Event::Usage(usage) => self.usage.merge(usage),
            Event::Finish { choice, reason, native, stop_sequence, detail } => {
                self.choice(*choice).finish = Some(CollectedFinish {
                    reason: *reason,
                    native: native.clone(),
                    stop_sequence: stop_sequence.clone(),
                    detail: detail.clone(),
                });
            }
            Event::PartEnd { .. } | Event::Ping => {}
            Event::Error(error) => self.error = Some(error.clone()),
            Event::End => self.complete = true,
        }
    }

    fn choice(&mut self, index: u16) -> &mut CollectedChoice {
        let place = match self.choices.binary_search_by_key(&index, |choice| choice.index) {
            Ok(place) => place,
            Err(place) => {
                self.choices.insert(place, CollectedChoice { index, ..Default::default() });
                place
            }
        };
        &mut self.choices[place]
    }

    fn part(&mut self, choice: u16, part: u32) -> Option<&mut CollectedPart> {
        let place = usize::try_from(part).ok()?;
        self.choice(choice).parts.get_mut(place)
    }
}

/// Folds the events of one reply into a whole answer.
pub fn collect(events: &[Event]) -> Collected {
    let mut collected = Collected::default();
    for event in events {
        collected.add(event);
    }
    collected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{CallKind, OpaqueKind, Vendor};

    fn text(part: u32, delta: &str) -> Event {
        Event::Text { choice: 0, part, delta: delta.to_owned() }
    }

    fn call(part: u32, name: &str) -> Event {
        let head = PartHead::ToolCall {
            id: format!("call_{name}"),
            name: name.to_owned(),
            kind: CallKind::Function,
        };
        Event::PartStart { choice: 0, part, head }
    }

    fn arguments(part: u32, delta: &str) -> Event {
        Event::Arguments { choice: 0, part, delta: delta.to_owned() }
    }

    #[test]
    fn interleaved_parts_are_joined_in_order_of_first_appearance() {
        let signature = Opaque::new(Vendor::Google, OpaqueKind::Signature, "c2ln");
        let events = [
            Event::Start { id: "r1".to_owned(), model: "m".to_owned(), created: Some(7) },
            Event::PartStart { choice: 0, part: 0, head: PartHead::Text },
            text(0, "he"),
            call(1, "a"),
            call(2, "b"),
            arguments(1, "{\"x\""),
            arguments(2, "{}"),
            arguments(1, ":1}"),
            Event::Opaque { choice: 0, part: 1, opaque: signature.clone() },
            text(0, "llo"),
            Event::End,
        ];

        let whole = collect(&events);

        let texts: Vec<&str> = whole.choices[0].parts.iter().map(|part| &*part.text).collect();
        assert_eq!(texts, ["hello", "{\"x\":1}", "{}"]);
        assert_eq!(whole.choices[0].parts[1].opaque, [signature]);
        assert_eq!((whole.id_or("x"), whole.created, whole.complete), ("r1", Some(7), true));
    }

    #[test]
    fn choices_are_sorted_and_usage_is_merged() {
        let finish = |choice| Event::Finish {
            choice,
            reason: Finish::Stop,
            native: "stop".to_owned(),
            stop_sequence: None,
            detail: None,
        };
        let events = [
            finish(2),
            finish(0),
            Event::Usage(Usage { input: Some(3), output: Some(1), ..Usage::default() }),
            Event::Usage(Usage { output: Some(9), ..Usage::default() }),
            text(4, "of no part"),
        ];

        let whole = collect(&events);

        let order: Vec<u16> = whole.choices.iter().map(|choice| choice.index).collect();
        assert_eq!(order, [0, 2]);
        assert_eq!((whole.usage.input, whole.usage.output), (Some(3), Some(9)));
        assert!(!whole.complete, "no end was seen");
        assert!(whole.first().is_some_and(|first| first.parts.is_empty()));
    }
}
