//! The end of what an exact stream has passed on.

/// The end of what was passed on, as much as tells whether an event is still open.
#[derive(Debug, Default)]
pub(super) struct Tail {
    last: [u8; 3],
    passed: bool,
}

impl Tail {
    /// Takes note of a piece that was passed on.
    pub(super) fn note(&mut self, chunk: &[u8]) {
        self.passed = true;
        for &byte in &chunk[chunk.len().saturating_sub(3)..] {
            self.last = [self.last[1], self.last[2], byte];
        }
    }

    /// Tells whether nothing was passed or the last line was blank.
    pub(super) fn is_closed(&self) -> bool {
        !self.passed
            || matches!(self.last, [_, b'\n', b'\n'] | [_, b'\r', b'\r'] | [b'\n', b'\r', b'\n'])
    }

    /// Returns the line ends that close an open event.
    pub(super) fn closing(&self) -> Vec<u8> {
        if self.is_closed() {
            return Vec::new();
        }
        match self.last[2] {
            b'\n' => b"\n".to_vec(),
            // A lone CR may be half of a CRLF; the first LF then completes it.
            _ => b"\n\n".to_vec(),
        }
    }
}
