//! Calls whose input is free text, for clients that know functions only: as calls of a function with one
//! text `input`, which is also how such tools are declared to providers of those formats.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::WireFormat;
use crate::chat::CallKind;
use crate::event::{Event, PartHead};

/// Puts the input of such calls into an object, piece by piece.
#[derive(Debug, Default)]
pub(super) struct FreeText {
    /// The calls under way, by answer and part.
    open: BTreeSet<(u16, u32)>,
}

impl FreeText {
    /// Returns `None` if the client's format has such calls itself.
    pub(super) fn new(client: WireFormat) -> Option<Self> {
        matches!(client, WireFormat::Anthropic | WireFormat::Gemini).then(Self::default)
    }

    /// Changes what is said of such calls; most replies have none.
    pub(super) fn change(&mut self, events: Vec<Event>) -> Vec<Event> {
        if self.open.is_empty() && !events.iter().any(begins) {
            return events;
        }
        let mut changed = Vec::with_capacity(events.len() + 2);
        for event in events {
            self.one(event, &mut changed);
        }
        changed
    }

    fn one(&mut self, event: Event, out: &mut Vec<Event>) {
        match event {
            Event::PartStart {
                choice,
                part,
                head: PartHead::ToolCall { id, name, kind: CallKind::Custom },
            } => {
                self.open.insert((choice, part));
                let head = PartHead::ToolCall { id, name, kind: CallKind::Function };
                out.push(Event::PartStart { choice, part, head });
                out.push(Event::Arguments { choice, part, delta: "{\"input\":\"".to_owned() });
            }
            Event::Arguments { choice, part, delta } if self.open.contains(&(choice, part)) => {
                let quoted = Value::from(delta).to_string();
                let delta = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
                out.push(Event::Arguments { choice, part, delta });
            }
            Event::PartEnd { choice, part } if self.open.remove(&(choice, part)) => {
                out.push(Event::Arguments { choice, part, delta: "\"}".to_owned() });
                out.push(Event::PartEnd { choice, part });
            }
            event => out.push(event),
        }
    }
}

fn begins(event: &Event) -> bool {
    matches!(
        event,
        Event::PartStart { head: PartHead::ToolCall { kind: CallKind::Custom, .. }, .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::collect;

    #[test]
    fn free_text_becomes_the_input_of_a_function() {
        let call = |part, kind| Event::PartStart {
            choice: 0,
            part,
            head: PartHead::ToolCall { id: "c".to_owned(), name: "patch".to_owned(), kind },
        };
        let input =
            |part, delta: &str| Event::Arguments { choice: 0, part, delta: delta.to_owned() };
        let end = |part| Event::PartEnd { choice: 0, part };
        let pieces = [
            vec![call(0, CallKind::Custom), input(0, "say \"h"), call(1, CallKind::Function)],
            vec![input(0, "i\"\n"), input(1, "{\"x\":1}"), end(1), end(0)],
            vec![call(2, CallKind::Custom), end(2)],
        ];

        let mut free_text = FreeText::new(WireFormat::Anthropic).unwrap();
        let events: Vec<Event> =
            pieces.into_iter().flat_map(|piece| free_text.change(piece)).collect();

        let parts = &collect(&events).choices[0].parts;
        let texts: Vec<&str> = parts.iter().map(|part| &*part.text).collect();
        assert_eq!(texts, [r#"{"input":"say \"hi\"\n"}"#, r#"{"x":1}"#, r#"{"input":""}"#]);
        let is_function =
            |head: &PartHead| matches!(head, PartHead::ToolCall { kind: CallKind::Function, .. });
        assert!(parts.iter().all(|part| is_function(&part.head)));
    }

    #[test]
    fn clients_with_such_calls_of_their_own_keep_them() {
        assert!(FreeText::new(WireFormat::OpenAiChat).is_none());
        assert!(FreeText::new(WireFormat::OpenAiResponses).is_none());
    }
}
