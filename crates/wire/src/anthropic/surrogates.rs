//! Escapes of half characters in JSON text.

/// Returns `text` with the escapes of lone surrogates replaced by that of U+FFFD, or `None` if it has
/// none. Models that cut their answer inside a character produce them, and no Rust string can hold
/// them.
pub(super) fn without_lone_surrogates(text: &[u8]) -> Option<Vec<u8>> {
    let mut repaired: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
        let escape = at + found;
        let unit = code_unit(text, escape);
        at = match unit {
            Some(0xd800..=0xdbff) => match code_unit(text, escape + 6) {
                Some(0xdc00..=0xdfff) => escape + 12,
                _ => replace(text, &mut repaired, escape),
            },
            Some(0xdc00..=0xdfff) => replace(text, &mut repaired, escape),
            Some(_) => escape + 6,
            None => escape + 2,
        };
        if at >= text.len() {
            break;
        }
    }
    repaired
}

/// Reads the `\uXXXX` escape at a place.
fn code_unit(text: &[u8], at: usize) -> Option<u32> {
    let hex = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

fn replace(text: &[u8], repaired: &mut Option<Vec<u8>>, at: usize) -> usize {
    repaired.get_or_insert_with(|| text.to_vec())[at..at + 6].copy_from_slice(b"\\ufffd");
    at + 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced() {
        let check = |text: &str, expected: Option<&str>| {
            let repaired = without_lone_surrogates(text.as_bytes());
            let repaired = repaired.map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(repaired.as_deref(), expected, "{text}");
        };
        check(r#"{"a":"\ud83d\ude00 \u00e9 \n"}"#, None);
        check(r#"{"a":"\ud83d"}"#, Some(r#"{"a":"\ufffd"}"#));
        check(r#"{"a":"\ude00\ud83d\n"}"#, Some(r#"{"a":"\ufffd\ufffd\n"}"#));
        check(r#"{"a":"\\ud83d"}"#, None);
        check(r#""\ud8"#, None);
        check("\\", None);
    }
}
