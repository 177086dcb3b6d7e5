//! Parts of a reply that wait until the open one ends, for formats that have one part open at a time.

use std::collections::VecDeque;

use crate::event::{Event, PartHead};

/// One part that has not been written yet.
#[derive(Debug)]
pub(crate) struct WaitingPart {
    /// The part's number.
    pub(crate) part: u32,
    /// What it is.
    pub(crate) head: PartHead,
    /// What came of it, in order; neighbouring deltas are joined.
    pub(crate) pieces: Vec<Event>,
    /// Whether it is complete.
    pub(crate) ended: bool,
}

/// The parts that wait, in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct PartQueue {
    parts: VecDeque<WaitingPart>,
}

impl PartQueue {
    /// Appends a part.
    pub(crate) fn push(&mut self, part: u32, head: PartHead) {
        self.parts.push_back(WaitingPart { part, head, pieces: Vec::new(), ended: false });
    }

    /// Removes the part whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<WaitingPart> {
        self.parts.pop_front()
    }

    /// Keeps a piece of a waiting part. One of no known part is lost, readers do not make it.
    pub(crate) fn keep(&mut self, part: u32, piece: &Event) {
        let Some(waiting) = self.find(part) else { return };
        match (waiting.pieces.last_mut(), piece) {
            (Some(Event::Text { delta: known, .. }), Event::Text { delta, .. })
            | (Some(Event::Reasoning { delta: known, .. }), Event::Reasoning { delta, .. })
            | (Some(Event::Arguments { delta: known, .. }), Event::Arguments { delta, .. }) => {
                known.push_str(delta);
            }
            _ => waiting.pieces.push(piece.clone()),
        }
    }

    /// Notes that a waiting part is complete.
    pub(crate) fn end(&mut self, part: u32) {
        if let Some(waiting) = self.find(part) {
            waiting.ended = true;
        }
    }

    fn find(&mut self, part: u32) -> Option<&mut WaitingPart> {
        self.parts.iter_mut().find(|waiting| waiting.part == part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_wait_with_their_part_and_neighbours_are_joined() {
        let text = |part, delta: &str| Event::Text { choice: 0, part, delta: delta.to_owned() };
        let mut queue = PartQueue::default();
        queue.push(1, PartHead::Text);
        queue.push(2, PartHead::Text);
        queue.keep(1, &text(1, "a"));
        queue.keep(2, &text(2, "x"));
        queue.keep(1, &text(1, "b"));
        queue.keep(3, &text(3, "of no part"));
        queue.end(1);

        let first = queue.pop().unwrap();
        assert_eq!((first.part, first.ended), (1, true));
        assert_eq!(first.pieces, [text(1, "ab")]);
        let second = queue.pop().unwrap();
        assert_eq!((second.part, second.ended), (2, false));
        assert_eq!(second.pieces, [text(2, "x")]);
        assert!(queue.pop().is_none());
    }
}
