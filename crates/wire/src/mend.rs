//! Mends JSON that is sound but for a fault that providers are known to make.
//!
//! Those that cut their text at 16-bit units send the halves of an emoji in two events. Neither
//! half is a character, so each becomes U+FFFD, and the reply goes on.

use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::codec::WireError;

/// Members whose objects are arguments of calls, which keep their characters whatever these are.
const ARGUMENTS: [&[u8]; 2] = [b"\"args\"", b"\"input\""];

/// Reads a request, again with its lone surrogates replaced if it cannot be read with them.
pub(crate) fn reading<T>(
    body: &[u8],
    read: impl Fn(&[u8]) -> Result<T, WireError>,
) -> Result<T, WireError> {
    let found = read(body);
    let mended = if found.is_err() { lone_surrogates_of_texts(body) } else { None };
    mended.map_or(found, |mended| read(&mended))
}

/// Returns the JSON with lone surrogate escapes replaced but in arguments that are objects, or `None` if it
/// has none.
pub(crate) fn lone_surrogates_of_texts(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended = lone_surrogates(json)?;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'"', &json[at..]) {
        let start = at + found;
        let end = end_of_string(json, start);
        at = end;
        if ARGUMENTS.contains(&&json[start..end])
            && let Some(object) = object_behind(json, end)
        {
            at = object.end;
            mended[object.clone()].copy_from_slice(&json[object]);
        }
    }
    Some(mended)
}

/// Returns where the string that begins at `start` ends.
fn end_of_string(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

/// Returns where the object stands that is the value of the name before `at`.
fn object_behind(json: &[u8], at: usize) -> Option<Range<usize>> {
    let value = json[at..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let values = serde_json::Deserializer::from_slice(value).into_iter::<&RawValue>();
    let object = { values }.next()?.ok()?.get();
    let start = json.len() - value.len();
    object.starts_with('{').then(|| start..start + object.len())
}

/// Returns JSON that cannot be read in a form that may be, if its fault is one we know: a member that
/// stands twice, or half a character.
pub(crate) fn json(json: &[u8], fault: &serde_json::Error) -> Option<Vec<u8>> {
    if fault.is_data() {
        // Once through `Value`, where the last of several members wins.
        let value: Value = serde_json::from_slice(json).ok()?;
        return Some(value.to_string().into_bytes());
    }
    lone_surrogates(json)
}

/// Returns the text with lone surrogate escapes replaced, or `None` if it has none.
pub(crate) fn lone_surrogates(json: &[u8]) -> Option<Vec<u8>> {
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
        check(r#"{"a":"\ud83d\ude00 \u00e9 \n"}"#, None);
        check(r#"{"a":"\ude00\ud83d\n"}"#, Some(r#"{"a":"\ufffd\ufffd\n"}"#));
        check(r#"{"a":"\\ud83d"}"#, None);
        check(r#""\ud8"#, None);
        check("\\", None);
    }

    #[test]
    fn arguments_keep_what_texts_cannot_have() {
        let check = |json: &str, expected: Option<&str>| {
            let mended = lone_surrogates_of_texts(json.as_bytes());
            assert_eq!(mended.as_deref(), expected.map(str::as_bytes), "{json}");
        };
        check(
            r#"{"a\"":"\ud83d","input" : {"b":"\ud83d","args":{}},"c":"\ud83d"}"#,
            Some(r#"{"a\"":"\ufffd","input" : {"b":"\ud83d","args":{}},"c":"\ufffd"}"#),
        );
        check(r#"{"input":["\ud83d"]}"#, Some(r#"{"input":["\ufffd"]}"#));
        check(r#"{"input":{"a":"\ud83d"}}"#, Some(r#"{"input":{"a":"\ud83d"}}"#));
        check(r#"{"args":{"a":"\ud83d""#, Some(r#"{"args":{"a":"\ufffd""#));
        check(r#"{"input":{"a":"b"}}"#, None);
    }
}
