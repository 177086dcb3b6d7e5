//! Times written into the text of events, so that whoever reads an event knows when it was written.
//!
//! They are of the monotonic clock, which all processes of a machine share.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Stands before and behind a stamp; JSON does not escape it.
const MARK: u8 = b'@';

/// Digits of a stamp.
const DIGITS: usize = 20;

/// Returns the monotonic clock's time.
pub(crate) fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::try_from(time).unwrap_or_default()
}

/// Writes a time as `@` and twenty digits of nanoseconds and `@`.
pub(crate) fn write(time: Duration) -> String {
    format!("@{:020}@", time.as_nanos())
}

/// Finds stamps in text that comes in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    /// What may be the beginning of a stamp.
    rest: Vec<u8>,
}

impl Stamps {
    /// Reads the next piece and hands every stamp that ends in it to `found`.
    pub(crate) fn feed(&mut self, piece: &[u8], mut found: impl FnMut(Duration)) {
        self.rest.extend_from_slice(piece);
        let mut start = 0;
        while let Some(at) = memchr::memchr(MARK, &self.rest[start..]) {
            let at = start + at;
            let Some(stamp) = self.rest.get(at + 1..at + DIGITS + 2) else {
                self.rest.drain(..at);
                return;
            };
            match read(stamp) {
                Some(time) => {
                    found(time);
                    start = at + DIGITS + 2;
                }
                None => start = at + 1,
            }
        }
        self.rest.clear();
    }
}

fn read(stamp: &[u8]) -> Option<Duration> {
    let digits = stamp.strip_suffix(&[MARK])?;
    std::str::from_utf8(digits).ok()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_found_however_the_text_is_cut() {
        let (one, two) = (Duration::from_nanos(7), Duration::from_secs(86_400));
        let text = format!("a@b.c {{\"content\":\"{}\"}} {}@", write(one), write(two));

        for size in 1..=text.len() {
            let (mut stamps, mut found) = (Stamps::default(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                stamps.feed(piece, |time| found.push(time));
            }

            assert_eq!(found, [one, two], "pieces of {size} bytes");
        }
    }

    #[test]
    fn the_clock_goes_forward() {
        let first = now();

        assert!(first > Duration::ZERO);
        assert!(now() >= first);
    }
}
