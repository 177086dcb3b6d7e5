//! Arguments of tool calls: text on the canonical side, a JSON object in this format.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

/// Arguments as this format needs them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object<'a> {
    /// A JSON object; the original characters wherever they were one.
    pub(super) json: Cow<'a, str>,
    /// What was changed, for the notes. `None`: nothing.
    pub(super) change: Option<&'static str>,
}

/// Makes an object of the text of arguments.
///
/// Nothing and `null` become `{}`. A value that is no object is wrapped as `{"value": …}`, text that is
/// no JSON as `{"_invalid_json": "…"}`: the model then sees its own mistake and the conversation goes on.
pub(super) fn object(text: &str) -> Object<'_> {
    let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
    if trimmed.is_empty() || trimmed == "null" {
        return Object { json: Cow::Borrowed("{}"), change: None };
    }
    if serde_json::from_str::<&RawValue>(trimmed).is_err() {
        let json = Cow::Owned(format!("{{\"_invalid_json\":{}}}", Value::from(text)));
        return Object {
            json,
            change: Some("arguments that are no JSON are wrapped in an object"),
        };
    }
    if trimmed.starts_with('{') {
        return Object { json: Cow::Borrowed(trimmed), change: None };
    }
    let json = Cow::Owned(format!("{{\"value\":{trimmed}}}"));
    Object { json, change: Some("arguments that are no object are wrapped in one") }
}

/// Returns JSON text without line ends, which would break an event of a stream in two.
///
/// Inside a JSON string a line end is always escaped, so those found stand between tokens.
pub(super) fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        return Cow::Owned(json.replace(['\n', '\r'], " "));
    }
    Cow::Borrowed(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_keep_their_characters_and_anything_else_is_wrapped() {
        let check = |text: &str, expected: &str, changed: bool| {
            let object = object(text);
            assert_eq!(object.json, expected, "{text}");
            assert_eq!(object.change.is_some(), changed, "{text}");
        };
        check("", "{}", false);
        check(" \n", "{}", false);
        check("null", "{}", false);
        check(
            " {\"b\":1.0, \"a\":12345678901234567890}",
            "{\"b\":1.0, \"a\":12345678901234567890}",
            false,
        );
        check("{\"x\":\"\\ud83d\"}", "{\"x\":\"\\ud83d\"}", false);
        check("[1,2]", "{\"value\":[1,2]}", true);
        check("\"a\"", "{\"value\":\"a\"}", true);
        check("{\"a\":", "{\"_invalid_json\":\"{\\\"a\\\":\"}", true);
    }

    #[test]
    fn line_ends_between_tokens_become_blanks() {
        assert_eq!(one_line("{\n \"a\": \"x\\n\"\r\n}"), "{  \"a\": \"x\\n\"  }");
        assert!(matches!(one_line("{}"), Cow::Borrowed("{}")));
    }
}
