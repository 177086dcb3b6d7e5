//! Parts that wait until the open block ends: this format has one block open at a time.

use std::collections::VecDeque;

use crate::chat::Opaque;
use crate::event::PartHead;

/// One part that has not been written yet.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The part's number.
    pub(super) part: u32,
    /// What it is.
    pub(super) head: PartHead,
    /// What came of it, in order; neighbouring texts are joined.
    pub(super) pieces: Vec<Piece>,
    /// Whether it is complete.
    pub(super) ended: bool,
}

/// A delta that waits.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text, reasoning or arguments.
    Text(String),
    /// A signature or redacted data.
    Opaque(Opaque),
}

/// The parts that wait, in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Queue {
    parts: VecDeque<Waiting>,
}

impl Queue {
    /// Appends a part.
    pub(super) fn push(&mut self, part: u32, head: PartHead) {
        self.parts.push_back(Waiting { part, head, pieces: Vec::new(), ended: false });
    }

    /// Removes the part whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        self.parts.pop_front()
    }

    /// Keeps text of a waiting part. Text of no known part is lost, readers do not make it.
    pub(super) fn text(&mut self, part: u32, delta: &str) {
        let Some(waiting) = self.find(part) else { return };
        match waiting.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push_str(delta),
            _ => waiting.pieces.push(Piece::Text(delta.to_owned())),
        }
    }

    /// Keeps vendor data of a waiting part.
    pub(super) fn opaque(&mut self, part: u32, opaque: &Opaque) {
        if let Some(waiting) = self.find(part) {
            waiting.pieces.push(Piece::Opaque(opaque.clone()));
        }
    }

    /// Notes that a waiting part is complete.
    pub(super) fn end(&mut self, part: u32) {
        if let Some(waiting) = self.find(part) {
            waiting.ended = true;
        }
    }

    fn find(&mut self, part: u32) -> Option<&mut Waiting> {
        self.parts.iter_mut().find(|waiting| waiting.part == part)
    }
}
