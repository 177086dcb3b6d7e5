//! Where the characters of a text stand among its bytes, without the text.
//!
//! Google counts bytes of an answer and everybody else code points, and sources come when the text has
//! gone. As long as it is ASCII its length says it all; then one bit per byte does.

/// Bits of a word.
const WORD: usize = 64;

/// The characters of a text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// Bytes before the first that is not ASCII.
    plain: usize,
    bytes: usize,
    /// Of each byte behind those, whether a character begins there.
    begins: Vec<u64>,
}

impl Letters {
    /// Takes more of the text.
    pub(super) fn add(&mut self, piece: &str) {
        let mut rest = piece.as_bytes();
        if self.plain == self.bytes {
            let plain = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
            self.plain += plain;
            self.bytes += plain;
            rest = &rest[plain..];
        }
        for byte in rest {
            let place = self.bytes - self.plain;
            if place.is_multiple_of(WORD) {
                self.begins.push(0);
            }
            // A byte that goes on with a character begins with the bits 10.
            if (byte & 0xc0) != 0x80 {
                self.begins[place / WORD] |= 1 << (place % WORD);
            }
            self.bytes += 1;
        }
    }

    /// Returns the text's length in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many code points begin before a byte of the text.
    pub(super) fn code_points(&self, byte: usize) -> u64 {
        let byte = byte.min(self.bytes);
        let Some(behind) = byte.checked_sub(self.plain) else { return byte as u64 };
        let whole = self.begins[..behind / WORD].iter().map(|word| word.count_ones());
        let part = behind % WORD;
        let last = if part == 0 { 0 } else { self.begins[behind / WORD] & ((1 << part) - 1) };
        let count = self.plain as u64 + u64::from(whole.sum::<u32>() + last.count_ones());
        // One that goes on behind the byte is not before it.
        let is_inside = byte < self.bytes && !self.begins_at(byte);
        count - u64::from(is_inside)
    }

    /// Returns the byte where a code point begins; the end of the text if it has no so many.
    pub(super) fn byte_of(&self, point: u64) -> usize {
        let point = usize::try_from(point).unwrap_or(usize::MAX);
        let Some(mut left) = point.checked_sub(self.plain) else { return point };
        for (number, word) in self.begins.iter().enumerate() {
            let here = word.count_ones() as usize;
            if left < here {
                let mut rest = *word;
                for _ in 0..left {
                    rest &= rest - 1;
                }
                return self.plain + number * WORD + rest.trailing_zeros() as usize;
            }
            left -= here;
        }
        self.bytes
    }

    fn begins_at(&self, byte: usize) -> bool {
        byte.checked_sub(self.plain)
            .is_none_or(|place| self.begins[place / WORD] >> (place % WORD) & 1 == 1)
    }
}

/// The characters of an answer whose text is in several parts, one after the other.
#[derive(Debug, Default)]
pub(super) struct PartLetters(Vec<(u32, Letters)>);

impl PartLetters {
    /// Takes more of the text of a part.
    pub(super) fn add(&mut self, part: u32, piece: &str) {
        if self.0.last().is_none_or(|(last, _)| *last != part) {
            self.0.push((part, Letters::default()));
        }
        if let Some((_, letters)) = self.0.last_mut() {
            letters.add(piece);
        }
    }

    /// Iterates over the parts, each with the byte of all text where it begins.
    pub(super) fn placed(&self) -> impl Iterator<Item = (u32, usize, &Letters)> {
        let mut base = 0;
        self.0.iter().map(move |(part, letters)| {
            let begin = base;
            base += letters.bytes();
            (*part, begin, letters)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_byte_inside_a_character_counts_what_stands_before_it() {
        let mut letters = Letters::default();
        letters.add("f\u{fc}r you");
        let points: Vec<u64> = (0..=9).map(|byte| letters.code_points(byte)).collect();
        assert_eq!(points, [0, 1, 1, 2, 3, 4, 5, 6, 7, 7]);
    }

    proptest! {
        #[test]
        fn it_says_what_the_text_says(pieces in prop::collection::vec("[a-z\u{fc}\u{4e00}\u{1f600}]{0,40}", 0..8)) {
            let mut letters = Letters::default();
            pieces.iter().for_each(|piece| letters.add(piece));
            let text = pieces.concat();

            prop_assert_eq!(letters.bytes(), text.len());
            for (point, (byte, _)) in text.char_indices().enumerate() {
                prop_assert_eq!(letters.code_points(byte), point as u64);
                prop_assert_eq!(letters.byte_of(point as u64), byte);
            }
            let length = text.chars().count() as u64;
            prop_assert_eq!(letters.code_points(text.len() + 9), length);
            prop_assert_eq!(letters.byte_of(length + 9), text.len());
        }
    }
}
