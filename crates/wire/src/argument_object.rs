//! Arguments of tool calls as the JSON object that some formats demand: on the canonical side they are
//! text that a model wrote.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

/// Arguments as an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ArgumentObject<'a> {
    /// JSON text of an object; the model's own characters wherever they were one.
    pub(crate) json: Cow<'a, str>,
    /// What the arguments were.
    pub(crate) was: Was,
}

/// What arguments were before they became an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    /// An object, or nothing: no character was changed or lost.
    Object,
    /// Another JSON value.
    Value,
    /// No JSON.
    NoJson,
}

/// Returns the text of arguments as an object.
///
/// Nothing and `null` become `{}`. A value that is no object is wrapped as `{"value": …}`, text that is
/// no JSON as `{"_invalid_json": "…"}`: the model then sees its own mistake and the conversation goes on.
pub(crate) fn argument_object(text: &str) -> ArgumentObject<'_> {
    let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
    if trimmed.is_empty() || trimmed == "null" {
        return ArgumentObject { json: Cow::Borrowed("{}"), was: Was::Object };
    }
    if serde_json::from_str::<&RawValue>(trimmed).is_err() {
        let json = Cow::Owned(format!("{{\"_invalid_json\":{}}}", Value::from(text)));
        return ArgumentObject { json, was: Was::NoJson };
    }
    if trimmed.starts_with('{') {
        return ArgumentObject { json: Cow::Borrowed(trimmed), was: Was::Object };
    }
    let json = Cow::Owned(format!("{{\"value\":{trimmed}}}"));
    ArgumentObject { json, was: Was::Value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_keep_their_characters_and_anything_else_is_wrapped() {
        let check = |text: &str, expected: &str, was| {
            let object = argument_object(text);
            assert_eq!((&*object.json, object.was), (expected, was), "{text}");
        };
        check("", "{}", Was::Object);
        check(" \n", "{}", Was::Object);
        check("null", "{}", Was::Object);
        check(
            " {\"b\" : 1.0, \"a\":12345678901234567890123} ",
            "{\"b\" : 1.0, \"a\":12345678901234567890123}",
            Was::Object,
        );
        check("{\"x\":\"\\ud83d\"}", "{\"x\":\"\\ud83d\"}", Was::Object);
        check("[1, 2]", "{\"value\":[1, 2]}", Was::Value);
        check("\"text\"", "{\"value\":\"text\"}", Was::Value);
        check("{\"a\": ", "{\"_invalid_json\":\"{\\\"a\\\": \"}", Was::NoJson);
        check("{} {}", "{\"_invalid_json\":\"{} {}\"}", Was::NoJson);
    }
}
