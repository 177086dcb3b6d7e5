//! JSON written piece by piece into a buffer, and the texts of tool arguments as objects.

use std::borrow::Cow;
use std::io::Write;

use serde_json::value::RawValue;

/// Appends a quoted and escaped string.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    // Writing into a vector cannot fail, nor can printing a string.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a whole number.
pub(super) fn number(value: u64, out: &mut Vec<u8>) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{value}");
}

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

/// Tool arguments as the object this format demands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ArgumentsObject<'a> {
    /// JSON text of an object.
    pub(super) text: Cow<'a, str>,
    /// Whether the arguments were something else and stand inside that object.
    pub(super) wrapped: bool,
}

/// Returns argument text as an object, in the model's own characters where it is one.
///
/// Nothing is `{}`; another JSON value stands in `value`; text that is not JSON stands in
/// `_invalid_json`, so that a model sees its mistake and the conversation goes on.
pub(super) fn arguments_object(arguments: &str) -> ArgumentsObject<'_> {
    let text = arguments.trim_ascii();
    if text.is_empty() || text == "null" {
        return ArgumentsObject { text: Cow::Borrowed("{}"), wrapped: false };
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().starts_with('{') => {
            ArgumentsObject { text: Cow::Borrowed(raw.get()), wrapped: false }
        }
        Ok(raw) => ArgumentsObject {
            text: Cow::Owned(format!("{{\"value\":{}}}", raw.get())),
            wrapped: true,
        },
        Err(_) => {
            let quoted = serde_json::Value::from(arguments);
            ArgumentsObject {
                text: Cow::Owned(format!("{{\"_invalid_json\":{quoted}}}")),
                wrapped: true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_objects_without_losing_a_character() {
        let check = |arguments, expected, wrapped| {
            let object = arguments_object(arguments);
            assert_eq!((&*object.text, object.wrapped), (expected, wrapped), "{arguments}");
        };
        check("", "{}", false);
        check(" \n", "{}", false);
        check("null", "{}", false);
        check(
            " {\"b\" : 1.0, \"a\":12345678901234567890123} ",
            "{\"b\" : 1.0, \"a\":12345678901234567890123}",
            false,
        );
        check("{\"x\":\"\\ud83d\"}", "{\"x\":\"\\ud83d\"}", false);
        check("[1, 2]", "{\"value\":[1, 2]}", true);
        check("\"text\"", "{\"value\":\"text\"}", true);
        check("{\"a\": ", "{\"_invalid_json\":\"{\\\"a\\\": \"}", true);
        check("{} {}", "{\"_invalid_json\":\"{} {}\"}", true);
    }

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

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        string("a\"\n\u{1}é", &mut out);
        number(42, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"\\n\\u0001é\"42");
    }
}
