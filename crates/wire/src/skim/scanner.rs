//! Steps over JSON: each takes a body and a place in it and returns the place behind what it passed over, or
//! `None` if that is no JSON. No step is laxer than serde's over values that it ignores.

use super::string;

/// The kinds of the objects and lists round a value: a bit for each, the innermost lowest, below a 1.
type Levels = u64;

/// A bit of [`Levels`].
const OBJECT: Levels = 1;

/// Passes over blanks; returns what stands behind them, and where. `None` at the end.
#[inline]
pub(super) fn next(body: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        let byte = *body.get(at)?;
        if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
            return Some((byte, at));
        }
        at += 1;
    }
}

/// Passes over the name of a member, whose quote is at `at`, and the colon behind it.
#[inline(always)]
fn name(body: &[u8], at: usize) -> Option<usize> {
    colon(body, string::end(body, at + 1)?)
}

/// Passes over a closing quote and a colon.
#[inline]
pub(super) fn colon(body: &[u8], quote: usize) -> Option<usize> {
    match next(body, quote + 1)? {
        (b':', colon) => Some(colon + 1),
        _ => None,
    }
}

/// Passes over any value, whose first byte stands at `start`.
#[inline]
pub(super) fn value(body: &[u8], first: u8, start: usize) -> Option<usize> {
    match first {
        b'"' => Some(string::end(body, start + 1)? + 1),
        b'{' | b'[' => nested(body, first, start),
        _ => scalar(body, first, start),
    }
}

/// Passes over an object or a list.
fn nested(body: &[u8], first: u8, start: usize) -> Option<usize> {
    let mut levels: Levels = 1;
    let (mut first, mut start) = (first, start);
    loop {
        let mut at = match first {
            b'"' => string::end(body, start + 1)? + 1,
            b'{' => match next(body, start + 1)? {
                (b'}', close) => close + 1,
                (b'"', quote) => {
                    levels = inner(levels, OBJECT)?;
                    (first, start) = next(body, name(body, quote)?)?;
                    continue;
                }
                _ => return None,
            },
            b'[' => match next(body, start + 1)? {
                (b']', close) => close + 1,
                element => {
                    levels = inner(levels, 0)?;
                    (first, start) = element;
                    continue;
                }
            },
            _ => scalar(body, first, start)?,
        };
        loop {
            if levels == 1 {
                return Some(at);
            }
            let is_object = levels & OBJECT != 0;
            let (byte, place) = next(body, at)?;
            match byte {
                b',' => {
                    (first, start) = next(body, place + 1)?;
                    if is_object {
                        if first != b'"' {
                            return None;
                        }
                        (first, start) = next(body, name(body, start)?)?;
                    }
                    break;
                }
                b'}' if is_object => {}
                b']' if !is_object => {}
                _ => return None,
            }
            levels >>= 1;
            at = place + 1;
        }
    }
}

/// Returns the levels with one more; `None` if there is no room.
const fn inner(levels: Levels, kind: Levels) -> Option<Levels> {
    if levels >> (Levels::BITS - 1) != 0 { None } else { Some(levels << 1 | kind) }
}

/// Passes over a number, a truth value or `null`, whose first byte is at `at`.
fn scalar(body: &[u8], first: u8, at: usize) -> Option<usize> {
    match first {
        b't' => literal(body, at, b"true"),
        b'f' => literal(body, at, b"false"),
        b'n' => literal(body, at, b"null"),
        b'-' => number(body, at + 1),
        b'0'..=b'9' => number(body, at),
        _ => None,
    }
}

fn literal(body: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    body.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Passes over a number behind its sign.
fn number(body: &[u8], at: usize) -> Option<usize> {
    let mut at = match body.get(at)? {
        // What may follow a value is no digit: `01` is found there.
        b'0' => at + 1,
        _ => digits(body, at)?,
    };
    if body.get(at) == Some(&b'.') {
        at = digits(body, at + 1)?;
    }
    if matches!(body.get(at), Some(b'e' | b'E')) {
        let has_sign = matches!(body.get(at + 1), Some(b'+' | b'-'));
        at = digits(body, at + 1 + usize::from(has_sign))?;
    }
    Some(at)
}

/// Passes over digits, of which there must be one.
fn digits(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while body.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > start).then_some(at)
}
