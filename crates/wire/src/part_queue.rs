//! One part of a reply after the other, for formats that have one part open at a time: the others wait
//! until it ends.

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
        if !waiting.pieces.last_mut().is_some_and(|last| last.absorb(piece)) {
            waiting.pieces.push(piece.clone());
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

/// A writer of which one part is live at a time.
pub(crate) trait OneAtATime {
    /// Returns the parts that wait.
    fn waiting(&mut self) -> &mut PartQueue;

    /// Returns the number of the part that is live.
    fn live_part(&self) -> Option<u32>;

    /// Makes a part the live one.
    fn begin(&mut self, part: u32, head: &PartHead, out: &mut Vec<u8>);

    /// Writes a piece of the live part.
    fn write_piece(&mut self, piece: &Event, out: &mut Vec<u8>);

    /// Writes what is left of the live part, and ends it.
    fn end_live(&mut self, out: &mut Vec<u8>);

    /// Takes the head of a part: it is begun, or waits.
    fn take_head(&mut self, part: u32, head: &PartHead, out: &mut Vec<u8>) {
        if self.live_part().is_some() {
            self.waiting().push(part, head.clone());
        } else {
            self.begin(part, head, out);
        }
    }

    /// Takes a piece of a part: it is written, or waits.
    fn take_piece(&mut self, part: u32, piece: &Event, out: &mut Vec<u8>) {
        if self.live_part() == Some(part) {
            self.write_piece(piece, out);
        } else {
            self.waiting().keep(part, piece);
        }
    }

    /// Takes the end of a part. That of the live one lets the next begin.
    fn take_end(&mut self, part: u32, out: &mut Vec<u8>) {
        if self.live_part() == Some(part) {
            self.end_live(out);
            self.drain(out);
        } else {
            self.waiting().end(part);
        }
    }

    /// Writes what waited, up to the first part that is not complete: that one goes on live.
    fn drain(&mut self, out: &mut Vec<u8>) {
        while let Some(waiting) = self.waiting().pop() {
            self.begin(waiting.part, &waiting.head, out);
            for piece in &waiting.pieces {
                self.write_piece(piece, out);
            }
            if !waiting.ended {
                return;
            }
            self.end_live(out);
        }
    }

    /// Ends every part that is live or waits.
    fn end_all(&mut self, out: &mut Vec<u8>) {
        while self.live_part().is_some() {
            self.end_live(out);
            self.drain(out);
        }
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
