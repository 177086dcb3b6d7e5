//! What deltas gave of a text, as much of it as tells what a repetition of the whole text adds.
//!
//! Everything is said again, up to four times. Keeping it for that would take as much memory as the reply
//! is long, so only its length and a hash are kept.

/// FNV-1a of 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): it takes a text in any pieces, and
/// nobody gains by a collision, since the provider says both texts.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// Length and hash of a text that comes in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    bytes: usize,
    hash: u64,
}

impl Default for Heard {
    fn default() -> Self {
        Self { bytes: 0, hash: BASIS }
    }
}

impl Heard {
    /// Takes the next characters.
    pub(super) fn add(&mut self, delta: &str) {
        self.bytes += delta.len();
        self.hash = hashed(self.hash, delta);
    }

    /// Tells whether nothing was said yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Returns what of a whole text is new after what is known; nothing if the two differ.
    pub(super) fn rest<'w>(&self, whole: &'w str) -> &'w str {
        match whole.split_at_checked(self.bytes) {
            Some((known, rest)) if hashed(BASIS, known) == self.hash => rest,
            _ => "",
        }
    }
}

fn hashed(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_follows_the_known_text_is_new() {
        let check = |pieces: &[&str], whole: &str, expected: &str| {
            let mut heard = Heard::default();
            pieces.iter().for_each(|piece| heard.add(piece));
            assert_eq!(heard.rest(whole), expected, "{pieces:?} of {whole:?}");
        };
        check(&[], "all of it", "all of it");
        check(&["Gr\u{fc}", "\u{df}e"], "Gr\u{fc}\u{df}e an alle", " an alle");
        check(&["the ", "same"], "the same", "");
        check(&["another"], "the same", "");
        check(&["longer than it"], "longer", "");
        check(&["x"], "\u{fc}", "");
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vector of the draft `draft-eastlake-fnv`: "foobar".
        assert_eq!(hashed(BASIS, "foobar"), 0x8594_4171_f739_67e8);
    }
}
