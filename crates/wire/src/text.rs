//! A JSON string that is borrowed where it has no escapes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::mend;

/// A JSON string. Serde borrows a bare `Cow` field but copies one inside an `Option`, hence the type.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// Returns the characters; a string that is absent or `null` has none.
    pub(crate) fn or_empty(text: Option<&Self>) -> &str {
        text.map_or("", |text| &text.0)
    }
}

/// Returns the characters of a string, halves of characters mended; of anything else what was written, so
/// that arguments may come as an object; none if it is absent or `null`.
pub(crate) fn characters(raw: Option<&RawValue>) -> Cow<'_, str> {
    let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else {
        return Cow::Borrowed("");
    };
    if !raw.starts_with('"') {
        return Cow::Borrowed(raw);
    }
    match serde_json::from_str::<Text<'_>>(raw) {
        Ok(Text(text)) => text,
        Err(_) => {
            let again = mend::lone_surrogates(raw.as_bytes());
            Cow::Owned(
                again.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_of_a_string_or_what_was_written() {
        let check = |json: &str, expected: &str| {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(characters(Some(raw)), expected, "{json}");
        };
        check("null", "");
        check(r#""""#, "");
        check(r#""{\"a\": 1.0}""#, r#"{"a": 1.0}"#);
        check(r#"{"a": 1.0}"#, r#"{"a": 1.0}"#);
        check(r#""a\ud83d\n""#, "a\u{fffd}\n");
        check(r#""\ud83d\ude00""#, "😀");
        assert_eq!(characters(None), "");
    }

    #[test]
    fn a_string_without_escapes_is_borrowed() {
        let raw: &RawValue = serde_json::from_str(r#""plain""#).unwrap();

        assert!(matches!(characters(Some(raw)), Cow::Borrowed("plain")));
    }
}
