//! Hears out of a reply what led to its calls.

use super::{CallReasoning, Learned};
use crate::by_number::ByNumber;
use crate::chat::Opaque;
use crate::envelope::Block;
use crate::event::{Event, PartHead};

/// Hears one reply. What it has learned is known with the finish of an answer, before which no client
/// answers a call.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// The parts of each answer so far.
    answers: ByNumber<u16, Vec<Heard>>,
    learned: Vec<Learned>,
}

#[derive(Debug)]
struct Heard {
    part: u32,
    kind: Kind,
    data: Vec<Opaque>,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thought(String),
    Call(String),
}

impl Listener {
    /// Takes note of an event; calls must have the ids that the client sees.
    pub(crate) fn hear(&mut self, event: &Event) {
        match event {
            Event::PartStart { choice, part, head } => {
                let kind = match head {
                    PartHead::Text | PartHead::Refusal => Kind::Text,
                    PartHead::Reasoning(_) => Kind::Thought(String::new()),
                    PartHead::ToolCall { id, .. } => Kind::Call(id.clone()),
                    PartHead::Media { .. } | PartHead::Server { .. } => return,
                };
                let heard = Heard { part: *part, kind, data: Vec::new() };
                match self.answers.get_mut(*choice) {
                    Some(parts) => parts.push(heard),
                    None => self.answers.insert(*choice, vec![heard]),
                }
            }
            Event::Reasoning { choice, part, delta } => {
                if let Some(Heard { kind: Kind::Thought(text), .. }) = self.find(*choice, *part) {
                    text.push_str(delta);
                }
            }
            Event::Opaque { choice, part, opaque } => {
                if let Some(heard) = self.find(*choice, *part) {
                    heard.data.push(opaque.clone());
                }
            }
            Event::PartEnd { choice, part } => {
                // A thought without data is of no use to its vendor.
                if let Some(Heard { kind: Kind::Thought(text), data, .. }) =
                    self.find(*choice, *part)
                    && data.is_empty()
                {
                    *text = String::new();
                }
            }
            Event::Finish { choice, .. } => self.conclude(*choice),
            _ => {}
        }
    }

    /// Returns what was learned since it was last asked.
    pub(crate) fn take(&mut self) -> Vec<Learned> {
        std::mem::take(&mut self.learned)
    }

    fn find(&mut self, choice: u16, part: u32) -> Option<&mut Heard> {
        self.answers.get_mut(choice)?.iter_mut().rev().find(|heard| heard.part == part)
    }

    fn conclude(&mut self, choice: u16) {
        let mut next = CallReasoning::default();
        for Heard { kind, data, .. } in self.answers.remove(choice).unwrap_or_default() {
            match kind {
                Kind::Text => next.ahead.append(&mut next.before),
                Kind::Thought(text) => next.before.extend(blocks(text, data)),
                Kind::Call(call) => {
                    let mut reasoning = std::mem::take(&mut next);
                    reasoning.own = data.into_iter().next();
                    if !reasoning.is_empty() {
                        self.learned.push(Learned { call, reasoning });
                    }
                }
            }
        }
    }
}

/// Makes blocks of a thought; one without data is of no use to its vendor. The text goes with the first.
fn blocks(text: String, data: Vec<Opaque>) -> impl Iterator<Item = Block> {
    let mut text = Some(text);
    data.into_iter()
        .map(move |opaque| Block { text: text.take().unwrap_or_default(), opaque: Some(opaque) })
}
