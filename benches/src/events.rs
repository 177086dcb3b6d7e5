//! Counts server-sent events in a body that comes in pieces of any size.

use memchr::memchr;

/// What is known of the line that is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Nothing but line ends so far.
    #[default]
    Blank,
    /// A `data` field: the only field whose name begins with `d`.
    Data,
    /// Another field or a comment.
    Other,
}

/// Counts the events that carry data; comments that only keep a connection open are none.
#[derive(Debug, Default)]
pub(crate) struct EventCounter {
    line: Line,
    has_data: bool,
    events: usize,
}

impl EventCounter {
    /// Reads the next piece of the body.
    pub(crate) fn feed(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let end = memchr(b'\n', piece);
            let part = &piece[..end.unwrap_or(piece.len())];
            if self.line == Line::Blank {
                self.line = match part.first() {
                    None | Some(b'\r') => Line::Blank,
                    Some(b'd') => Line::Data,
                    Some(_) => Line::Other,
                };
            }
            let Some(end) = end else { return };
            self.end_line();
            piece = &piece[end + 1..];
        }
    }

    /// Returns how many events have ended so far.
    pub(crate) const fn events(&self) -> usize {
        self.events
    }

    fn end_line(&mut self) {
        match std::mem::take(&mut self.line) {
            Line::Blank => self.events += usize::from(std::mem::take(&mut self.has_data)),
            Line::Data => self.has_data = true,
            Line::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_the_body_is_cut() {
        let body = b": hello\n\nevent: a\ndata: 1\ndata: 2\n\ndata: 3\r\n\r\n\n\nid: 7\n\ndata: [DONE]\n\ndata: x";

        for size in 1..=body.len() {
            let mut counter = EventCounter::default();
            body.chunks(size).for_each(|piece| counter.feed(piece));

            assert_eq!(counter.events(), 3, "pieces of {size} bytes");
        }
    }
}
