//! Mends JSON that is sound but for half a surrogate pair in an escape.
//!
//! Providers that cut their text at 16-bit units send the halves of an emoji in two events. Neither
//! half is a character, so each becomes U+FFFD, and the reply goes on.

/// Returns the text with lone surrogate escapes replaced, or `None` if it has none.
pub(super) fn lone_surrogates(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &json[at..]) {
        let escape = at + found;
        let (length, lone) = match surrogate(json, escape) {
            None => (2, false),
            Some(Half::Low) => (6, true),
            Some(Half::High) if surrogate(json, escape + 6) == Some(Half::Low) => (12, false),
            Some(Half::High) => (6, true),
        };
        if lone {
            let mended = mended.get_or_insert_with(|| json.to_vec());
            mended[escape + 2..escape + 6].copy_from_slice(b"fffd");
        }
        at = (escape + length).min(json.len());
    }
    mended
}

/// One half of a surrogate pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    High,
    Low,
}

/// Returns which half the escape at `at` is.
fn surrogate(json: &[u8], at: usize) -> Option<Half> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    match unit {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_halves_are_replaced() {
        let check = |json: &str, expected: Option<&str>| {
            let mended = lone_surrogates(json.as_bytes());
            assert_eq!(mended.as_deref(), expected.map(str::as_bytes), "{json}");
        };
        check(r#"{"a":"\ud83d\ude00 \n\\ud83d"}"#, None);
        check(r#"{"a":"\ud83d"}"#, Some(r#"{"a":"\ufffd"}"#));
        check(r#"{"a":"\uDE00x"}"#, Some(r#"{"a":"\ufffdx"}"#));
        check(r#"{"a":"\ud83d\ud83d\ude00"}"#, Some(r#"{"a":"\ufffd\ud83d\ude00"}"#));
        check(r#"\ud8"#, None);
    }
}
