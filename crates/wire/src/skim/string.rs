//! Passes over JSON strings, most bytes of them 64 at a time.
//!
//! `unsafe` is forbidden here, so what there is of SIMD is what the compiler makes of loops over arrays of a
//! fixed length. Strings are first looked at by words of eight bytes: most are short. One that goes on is
//! looked at in blocks, which must not stop at each line end and quote of escaped code: a block is
//! passed over if it holds no control character and each `"` in it, and nothing but `"`, `n` and `t`, stands
//! behind a `\`. What else there is (the string's end, `\\`, rarer escapes) is told by the words again.

/// Bytes of a word.
const WORD: usize = 8;

/// Bytes of a block.
const BLOCK: usize = 64;

/// Looks before the first block.
const FIRST_LOOKS: u8 = 3;

/// Looks between two blocks: enough for the one that was not passed over.
const LOOKS: u8 = 5;

/// Each byte 1.
const ONES: u64 = u64::MAX / 255;

/// The highest bit of each byte.
const HIGH: u64 = ONES << 7;

/// Returns where the closing quote of a string stands whose first byte is at `start`. `None` if it has no
/// end, or holds a control character or an escape that JSON does not have. Whether `\u` escapes are
/// whole characters is not looked at, as serde does not where it ignores a value.
#[inline]
pub(crate) fn end(body: &[u8], start: usize) -> Option<usize> {
    match look(body, start) {
        Look::At(at) if body.get(at) == Some(&b'"') => Some(at),
        Look::At(at) | Look::NotBefore(at) => long_end(body, at),
        Look::Tail => tail(body, start),
    }
}

/// Does what [`end`] does for a string of less than 16 bytes without escapes; `None` if it is another.
#[inline]
pub(crate) fn short_end(body: &[u8], start: usize) -> Option<usize> {
    match look(body, start) {
        Look::At(at) if body.get(at) == Some(&b'"') => Some(at),
        _ => None,
    }
}

/// Does what [`end`] does for any string; `start` is not within an escape.
#[inline(never)]
fn long_end(body: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut looks) = (start, FIRST_LOOKS);
    loop {
        for _ in 0..looks {
            match look(body, at) {
                Look::NotBefore(behind) => at = behind,
                Look::Tail => return tail(body, at),
                Look::At(special) => match body.get(special)? {
                    b'"' => return Some(special),
                    b'\\' => at = behind_escape(body, special)?,
                    _ => return None,
                },
            }
        }
        at = blocks(body, at);
        looks = LOOKS;
    }
}

/// What a look at two words finds.
enum Look {
    /// The first byte that is not plain stands there.
    At(usize),
    /// All are plain up to there.
    NotBefore(usize),
    /// There are no two words.
    Tail,
}

/// Looks at two words.
#[inline]
fn look(body: &[u8], at: usize) -> Look {
    let words = body.get(at..).and_then(<[u8]>::first_chunk::<{ 2 * WORD }>);
    let Some(words) = words else { return Look::Tail };
    let (words, _) = words.as_chunks::<WORD>();
    let mut at = at;
    for word in words {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return Look::At(at + (found.trailing_zeros() / 8) as usize);
        }
        at += WORD;
    }
    Look::NotBefore(at)
}

/// Returns a word whose lowest set bit is in the first byte that is `"`, `\` or a control character; 0 if
/// there is none. The bits above it mean nothing.
const fn special(word: u64) -> u64 {
    // All below 33, once `"` and the blank have changed places.
    let low = (word ^ (ONES * 2)).wrapping_sub(ONES * 33);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (low | backslash) & !word & HIGH
}

/// Tells whether a text stands between quotes as it is.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<WORD>();
    words.iter().all(|word| special(u64::from_le_bytes(*word)) == 0)
        && rest.iter().all(|byte| is_plain_byte(*byte))
}

/// Tells of a byte what [`special`] tells of eight.
const fn is_plain_byte(byte: u8) -> bool {
    (byte ^ 2 > 0x20) & (byte != b'\\')
}

/// Passes over blocks, and returns where it stopped: not within an escape.
fn blocks(body: &[u8], start: usize) -> usize {
    let mut at = start;
    // If this `\` is the end of an escape it says nothing of what follows.
    if at == 0 || body.get(at - 1) == Some(&b'\\') {
        return at;
    }
    let quiet = body.get(at..).unwrap_or_default().as_chunks::<BLOCK>().0.iter();
    at += BLOCK * quiet.take_while(|block| is_quiet(block)).count();
    let befores = body.get(at - 1..).unwrap_or_default().as_chunks::<BLOCK>().0.iter();
    let blocks = body.get(at..).unwrap_or_default().as_chunks::<BLOCK>().0;
    at += BLOCK * befores.zip(blocks).take_while(|(before, block)| !is_odd(before, block)).count();
    if at > start && body.get(at - 1) == Some(&b'\\') { at - 1 } else { at }
}

/// Tells whether a block holds nothing but plain bytes.
fn is_quiet(block: &[u8; BLOCK]) -> bool {
    let mut is_quiet = true;
    for byte in block {
        is_quiet &= is_plain_byte(*byte);
    }
    is_quiet
}

/// Tells whether a block must be looked at more closely; `before` are the bytes one place before.
fn is_odd(before: &[u8; BLOCK], block: &[u8; BLOCK]) -> bool {
    let mut is_odd = false;
    // No `||` and `&&` here: what branches is not done for many bytes at once.
    for (before, byte) in before.iter().zip(block) {
        let is_open = (*before == b'\\') != (*byte == b'"');
        is_odd |= (*byte < 0x20) | (is_open & (*byte != b'n') & (*byte != b't'));
    }
    is_odd
}

/// Passes over an escape; `at` is its `\`.
fn behind_escape(body: &[u8], at: usize) -> Option<usize> {
    match body.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => {
            let digits = body.get(at + 2..at + 6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 6)
        }
        _ => None,
    }
}

/// Does what [`end`] does for the last bytes of a body.
fn tail(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match body.get(at)? {
            b'"' => return Some(at),
            b'\\' => at = behind_escape(body, at)?,
            ..0x20 => return None,
            _ => at += 1,
        }
    }
}
