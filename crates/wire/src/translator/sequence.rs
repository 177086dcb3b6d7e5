//! The number of the last event of a Responses stream that is passed on: an error event of ours must go
//! on counting where the provider stopped.

use memchr::memmem;

const NAME: &[u8] = b"\"sequence_number\":";

/// More bytes than the name, white space and a number have together.
const REACH: usize = 64;

/// The last number seen.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    last: Option<u64>,
    /// The end of the bytes so far.
    carry: Vec<u8>,
}

impl Sequence {
    /// Takes note of a piece that was passed on.
    pub(super) fn note(&mut self, chunk: &[u8]) {
        let mut seam = std::mem::take(&mut self.carry);
        seam.extend_from_slice(&chunk[..chunk.len().min(REACH)]);
        self.last = last_number(chunk).or_else(|| last_number(&seam)).or(self.last);
        let kept = if chunk.len() >= REACH { chunk } else { &seam };
        self.carry = kept[kept.len().saturating_sub(REACH)..].to_vec();
    }

    /// Returns the number for the next event.
    pub(super) fn next(&self) -> u64 {
        self.last.map_or(0, |last| last.saturating_add(1))
    }
}

/// Returns the last number that is there; a name behind it whose number is yet to come does not hide it.
fn last_number(bytes: &[u8]) -> Option<u64> {
    memmem::rfind_iter(bytes, NAME).find_map(|name| {
        let rest = bytes[name + NAME.len()..].trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_last_number() {
        let stream = "event: a\ndata: {\"type\":\"a\",\"sequence_number\": 9,\"x\":\"yyyyyyyyyyyyyyyyyyyyyyyyyy\"}\n\n\
            event: b\ndata: {\"sequence_number\":10,\"delta\":\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\"}\n\n";
        for length in 1..stream.len() {
            let mut sequence = Sequence::default();
            stream.as_bytes().chunks(length).for_each(|chunk| sequence.note(chunk));
            assert_eq!(sequence.next(), 11, "pieces of {length}");
        }
        assert_eq!(Sequence::default().next(), 0);
    }

    #[test]
    fn the_last_number_counts_wherever_the_stream_is_cut() {
        let stream = "{\"sequence_number\":5,\"x\":\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"}\n\n\
            {\"sequence_number\":3}\n\n{\"sequence_number\":";
        for length in 1..=stream.len() {
            let mut sequence = Sequence::default();
            stream.as_bytes().chunks(length).for_each(|chunk| sequence.note(chunk));
            assert_eq!(sequence.next(), 4, "pieces of {length}");
        }
    }
}
