//! The ids under which the client sees the calls of a reply: the provider's, where it gave one that the
//! client's format takes and that is no other call's.
//!
//! Given before any writer sees the call, so that everything that speaks of it names it alike.

use std::collections::HashSet;

use crate::WireFormat;
use crate::event::{Event, PartHead};

/// Gives the calls of one reply their ids.
#[derive(Debug)]
pub(super) struct CallIds {
    client: WireFormat,
    /// The provider's id of the reply, or ours: what made ids are made of.
    seed: String,
    given: HashSet<String>,
    calls: usize,
}

impl CallIds {
    /// Begins a reply to a client of a format; `id` is that of the reply if the provider says none.
    pub(super) fn new(client: WireFormat, id: &str) -> Self {
        Self { client, seed: id.to_owned(), given: HashSet::new(), calls: 0 }
    }

    /// Gives a call that begins its id.
    pub(super) fn name(&mut self, event: &mut Event) {
        match event {
            Event::Start { id, .. } if !id.is_empty() => self.seed.clone_from(id),
            Event::PartStart { head: PartHead::ToolCall { id, .. }, .. } => {
                let codec = self.client.codec();
                let mut shown = codec.call_id(id, &self.seed, self.calls);
                if !self.given.insert(shown.clone()) {
                    shown = codec.call_id("", &self.seed, self.calls);
                    self.given.insert(shown.clone());
                }
                self.calls += 1;
                *id = shown;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::CallKind;

    fn shown(client: WireFormat, ids: &[&str]) -> Vec<String> {
        let mut stage = CallIds::new(client, "ours");
        let named = ids.iter().map(|id| {
            let head = PartHead::ToolCall {
                id: (*id).to_owned(),
                name: "f".to_owned(),
                kind: CallKind::Function,
            };
            let mut event = Event::PartStart { choice: 0, part: 0, head };
            stage.name(&mut event);
            match event {
                Event::PartStart { head: PartHead::ToolCall { id, .. }, .. } => id,
                other => panic!("{other:?}"),
            }
        });
        named.collect()
    }

    #[test]
    fn ids_of_the_provider_stay() {
        assert_eq!(shown(WireFormat::OpenAiChat, &["a:1", "b"]), ["a:1", "b"]);
        assert_eq!(shown(WireFormat::Anthropic, &["toolu_1"]), ["toolu_1"]);
    }

    #[test]
    fn every_call_has_an_id_of_its_own_that_its_format_takes() {
        for client in WireFormat::ALL {
            let ids = shown(client, &["", "x", "x", "", "a.b"]);

            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 5, "{client}: {ids:?}");
            assert!(ids.iter().all(|id| !id.is_empty()), "{client}: {ids:?}");
            assert_eq!(ids[1], "x");
            assert_eq!(ids, shown(client, &["", "x", "x", "", "a.b"]), "{client}: repeats");
        }
        let ids = shown(WireFormat::Anthropic, &["a.b", ""]);
        assert!(ids.iter().all(|id| id.starts_with("toolu_") && !id.contains('.')), "{ids:?}");
    }

    #[test]
    fn made_ids_differ_between_replies() {
        let made = |id: &str| {
            let mut stage = CallIds::new(WireFormat::OpenAiChat, "ours");
            let (id, model) = (id.to_owned(), String::new());
            stage.name(&mut Event::Start { id, model, created: None });
            stage.seed
        };
        assert_eq!((made("r1"), made("")), ("r1".to_owned(), "ours".to_owned()));
    }
}
