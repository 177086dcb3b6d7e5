//! Custom tools, which take free text, for formats that have functions only: a function of one text
//! `input`. Aftercare takes the text out of the calls again.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The schema of such a function.
const SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// Returns the schema of such a function.
pub(crate) fn schema() -> &'static RawValue {
    // The text is a constant and valid.
    serde_json::from_str(SCHEMA).unwrap_or(RawValue::NULL)
}

/// Returns the description of a custom tool, followed by its grammar, which a function cannot enforce.
pub(crate) fn description<'a>(
    said: Option<&'a str>,
    format: Option<&RawValue>,
) -> Option<Cow<'a, str>> {
    let said = said.filter(|text| !text.is_empty());
    let Some(grammar) = format.and_then(grammar) else { return said.map(Cow::Borrowed) };
    let said = said.map_or_else(String::new, |text| format!("{text}\n\n"));
    Some(Cow::Owned(format!("{said}The input must follow this grammar:\n{grammar}")))
}

/// Returns the arguments of a call with this text.
pub(crate) fn arguments(input: &str) -> String {
    json!({ "input": input }).to_string()
}

/// Returns the text of a grammar, if there is one. Its members stand beside `type` in Responses and in an
/// object of their own in Chat Completions.
fn grammar(format: &RawValue) -> Option<String> {
    let format: Value = serde_json::from_str(format.get()).ok()?;
    let place = format.get("grammar").unwrap_or(&format);
    place.get("definition")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_is_told_after_the_description() {
        const GRAMMAR: &str = "The input must follow this grammar:\nstart: x";
        let check = |said: Option<&str>, format: &str, expected: Option<&str>| {
            let format = serde_json::from_str(format).ok();
            assert_eq!(description(said, format).as_deref(), expected, "{said:?}, {format:?}");
        };
        check(Some("Cuts."), r#"{"type":"text"}"#, Some("Cuts."));
        check(Some(""), r#"{"type":"text"}"#, None);
        check(None, r#"{"type":"grammar","syntax":"lark","definition":"start: x"}"#, Some(GRAMMAR));
        check(
            Some("Cuts."),
            r#"{"type":"grammar","grammar":{"syntax":"lark","definition":"start: x"}}"#,
            Some(&format!("Cuts.\n\n{GRAMMAR}")),
        );
    }

    #[test]
    fn text_becomes_the_one_argument_of_the_schema() {
        assert_eq!(arguments("a\"b"), r#"{"input":"a\"b"}"#);
        assert!(schema().get().contains(r#""required":["input"]"#));
    }
}
