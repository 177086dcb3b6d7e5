//! JSON values appended to a buffer, for replies whose pieces are put together by hand; and read.

use std::io::Write;

use serde::{Deserialize, Serialize};

/// Reads a document. Its characters are checked once, where `serde_json` by itself checks those of every
/// string.
///
/// # Errors
///
/// What is no such document.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(json),
    }
}

/// Appends a quoted and escaped string.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    value(text, out);
}

/// Appends a whole number.
pub(crate) fn number(number: u64, out: &mut Vec<u8>) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{number}");
}

/// Appends a value that always serialises: a string, a number, or a struct of such.
pub(crate) fn value<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Writing into a vector cannot fail.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        string("a\"\n\u{1}é", &mut out);
        number(42, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"\\n\\u0001é\"42");
    }
}
