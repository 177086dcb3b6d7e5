//! A turn that its provider makes in several replies, joined to one for clients that know no pause.
//!
//! A provider whose own tools have run for long enough ends its reply and wants to be asked to go on
//! (translation of finishes: `Pause`). The finish is held back then, and the next reply's events follow
//! as if there had been no end: without a start, with further part numbers, with usage summed.

use crate::aftercare::Aftercare;
use crate::codec::Codec;
use crate::collect::{Collected, CollectedPart};
use crate::event::{Event, Finish, PartHead, Usage};

/// How often a provider is asked to go on with one turn; a pause after that is the end.
const MOST_PAUSES: usize = 8;

/// What a turn has come to.
#[derive(Debug)]
pub(super) struct Turn {
    /// How many replies were gone on from.
    pauses: usize,
    /// What they said, as the provider made it, and what they cost.
    said: Vec<CollectedPart>,
    usage: Usage,
    newest: Collected,
    /// The finish of the newest reply, if that was a pause.
    held: Option<Event>,
}

impl Turn {
    /// Begins a turn, or `None` if a pause of this provider means nothing to us: its own clients see to it
    /// themselves.
    pub(super) fn new(upstream: &dyn Codec, client: &dyn Codec, asked: &Aftercare) -> Option<Self> {
        let is_joined = asked.server_tools && upstream.may_pause() && !client.may_pause();
        is_joined.then(|| Self {
            pauses: 0,
            said: Vec::new(),
            usage: Usage::default(),
            newest: Collected::default(),
            held: None,
        })
    }

    /// Takes the next events of the newest reply and leaves what the turn says by them.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) {
        events.retain_mut(|event| self.joins(event));
    }

    /// Tells whether the newest reply was paused, and can be gone on from.
    pub(super) const fn is_paused(&self) -> bool {
        self.held.is_some()
    }

    /// Tells whether the newest reply goes on where another was paused.
    pub(super) const fn is_continued(&self) -> bool {
        self.pauses > 0
    }

    /// Returns the request that has the provider go on; `body` is the one that began the turn. `None` if
    /// it did not pause, or cannot be asked.
    pub(super) fn continued(&self, upstream: &dyn Codec, body: &[u8]) -> Option<Vec<u8>> {
        if !self.is_paused() {
            return None;
        }
        let newest = self.newest.first().map_or(&[][..], |answer| &answer.parts);
        upstream.continued(body, &[&self.said, newest].concat())
    }

    /// Expects the reply that goes on.
    pub(super) fn go_on(&mut self) {
        let newest = std::mem::take(&mut self.newest);
        self.usage = self.usage.plus(&newest.usage);
        self.said.extend(newest.choices.into_iter().flat_map(|answer| answer.parts));
        self.pauses += 1;
        self.held = None;
    }

    /// Returns the finish of the newest reply, if that was a pause: the turn ends with it where it stands.
    pub(super) const fn end(&mut self) -> Option<Event> {
        self.held.take()
    }

    /// Returns whether the event is the turn's too, changed as it must be.
    fn joins(&mut self, event: &mut Event) -> bool {
        self.newest.add(event);
        match event {
            Event::Start { .. } => !self.is_continued(),
            Event::Usage(usage) => {
                *usage = self.usage.plus(usage);
                true
            }
            Event::Finish { reason: Finish::Pause, .. } if self.can_go_on() => {
                self.held = Some(event.clone());
                false
            }
            Event::End => !self.is_paused(),
            event => {
                if let Some(part) = event.part_mut() {
                    *part += u32::try_from(self.said.len()).unwrap_or(u32::MAX);
                }
                true
            }
        }
    }

    /// Tells whether there is something to go on from, no call that waits for the client, and a go left.
    fn can_go_on(&self) -> bool {
        let is_call = |part: &CollectedPart| matches!(part.head, PartHead::ToolCall { .. });
        let is_good = |parts: &Vec<CollectedPart>| !parts.is_empty() && !parts.iter().any(is_call);
        self.pauses < MOST_PAUSES
            && self.newest.first().is_some_and(|answer| is_good(&answer.parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anthropic::Anthropic;
    use crate::chat::CallKind;
    use crate::collect::collect;
    use crate::openai_chat::OpenAiChat;

    const BODY: &[u8] = br#"{"messages":[{"role":"user","content":"q"}]}"#;

    fn reply(text: &str, reason: Finish, tokens: u64) -> Vec<Event> {
        let usage = Usage { input: Some(10), output: Some(tokens), ..Usage::default() };
        vec![
            Event::Start { id: text.to_owned(), model: "m".to_owned(), created: None },
            Event::PartStart { choice: 0, part: 0, head: PartHead::Text },
            Event::Text { choice: 0, part: 0, delta: text.to_owned() },
            Event::PartEnd { choice: 0, part: 0 },
            Event::Usage(usage),
            Event::Finish {
                choice: 0,
                reason,
                native: String::new(),
                stop_sequence: None,
                detail: None,
            },
            Event::End,
        ]
    }

    fn is_of_part(event: &Event) -> bool {
        event.clone().part_mut().is_some()
    }

    fn with_tools() -> Aftercare {
        Aftercare { server_tools: true, ..Aftercare::default() }
    }

    fn turn() -> Turn {
        Turn::new(&Anthropic, &OpenAiChat, &with_tools()).unwrap()
    }

    fn taken(turn: &mut Turn, mut events: Vec<Event>) -> Vec<Event> {
        turn.take(&mut events);
        events
    }

    #[test]
    fn two_replies_are_one() {
        let mut turn = turn();
        let mut events = taken(&mut turn, reply("a", Finish::Pause, 3));
        assert!(turn.is_paused());
        let asked = String::from_utf8(turn.continued(&Anthropic, BODY).unwrap()).unwrap();
        assert!(asked.contains(r#"[{"type":"text","text":"a"}]"#), "{asked}");

        turn.go_on();
        events.extend(taken(&mut turn, reply("b", Finish::Stop, 4)));

        assert!(!turn.is_paused() && turn.is_continued());
        assert_eq!(events.iter().filter(|e| matches!(e, Event::Start { .. })).count(), 1);
        assert_eq!(events.iter().filter(|e| matches!(e, Event::Finish { .. })).count(), 1);
        let whole = collect(&events);
        let texts: Vec<&str> =
            whole.choices[0].parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!((texts, &*whole.id), (vec!["a", "b"], "a"));
        assert_eq!((whole.usage.input, whole.usage.output), (Some(20), Some(7)));
        assert!(whole.complete);
    }

    #[test]
    fn the_ninth_pause_is_the_end() {
        let mut turn = turn();
        for text in ["1", "2", "3", "4", "5", "6", "7", "8"] {
            assert!(!taken(&mut turn, reply(text, Finish::Pause, 1)).contains(&Event::End));
            assert!(turn.is_paused(), "{text}");
            let asked = turn.continued(&Anthropic, BODY).unwrap();
            assert!(String::from_utf8(asked).unwrap().contains(&format!("\"text\":\"{text}\"")));
            turn.go_on();
        }

        let last = taken(&mut turn, reply("9", Finish::Pause, 1));

        assert!(!turn.is_paused());
        assert!(last.contains(&Event::Usage(Usage {
            input: Some(90),
            output: Some(9),
            ..Usage::default()
        })));
        assert_eq!(last.last(), Some(&Event::End));
    }

    #[test]
    fn a_turn_can_end_where_it_stands() {
        let mut turn = turn();
        let mut events = taken(&mut turn, reply("a", Finish::Pause, 3));

        events.extend(turn.end());

        assert_eq!(events, reply("a", Finish::Pause, 3)[..6]);
        assert!(!turn.is_paused());
    }

    #[test]
    fn a_pause_is_left_alone_where_nobody_can_go_on() {
        let call = Event::PartStart {
            choice: 0,
            part: 1,
            head: PartHead::ToolCall {
                id: "c".to_owned(),
                name: "f".to_owned(),
                kind: CallKind::Function,
            },
        };
        let mut with_call = reply("a", Finish::Pause, 1);
        with_call.insert(4, call);
        let empty: Vec<Event> =
            reply("", Finish::Pause, 1).into_iter().filter(|e| !is_of_part(e)).collect();
        for events in [with_call, empty] {
            let mut turn = turn();
            assert_eq!(taken(&mut turn, events.clone()), events);
            assert!(!turn.is_paused());
        }
        let own = Turn::new(&Anthropic, &Anthropic, &with_tools());
        assert!(own.is_none(), "its own clients know");
        let other = Turn::new(&OpenAiChat, &OpenAiChat, &with_tools());
        assert!(other.is_none(), "no other provider can be asked");
        let plain = Turn::new(&Anthropic, &OpenAiChat, &Aftercare::default());
        assert!(plain.is_none(), "it has nothing to pause for");
    }
}
