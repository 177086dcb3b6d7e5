//! What filters change in a request of Gemini's. Members may be in camelCase or in snake_case.

use serde_json::value::RawValue;

use super::Gemini;
use super::request::level_of;
use crate::amend::{self, Amend, Cap, Edits, Instructions, Object};
use crate::codec::WireError;

const SYSTEM: [&str; 2] = ["systemInstruction", "system_instruction"];
const CONFIG: [&str; 2] = ["generationConfig", "generation_config"];
const THINKING: [&str; 2] = ["thinkingConfig", "thinking_config"];

impl Amend for Gemini {
    /// Adds a part. A bare text, which Google takes too, is added to.
    fn add_instructions(
        &self,
        body: &[u8],
        added: &Instructions<'_>,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        let text = amend::quoted(added.text);
        let part = format!("{{\"text\":{text}}}");
        let whole = format!("{{\"parts\":[{part}]}}");
        let Some(own) = request.only(&SYSTEM)? else {
            request.add(SYSTEM[0], &whole, edits);
            return Ok(());
        };
        if own.get() == "null" {
            edits.replace(request.span(own), whole);
            return Ok(());
        }
        if own.get().starts_with('"') {
            amend::join(&request, own, added, edits);
            return Ok(());
        }
        let Some(content) = request.inner(own) else {
            return Err(WireError::malformed(SYSTEM[0], "must be an object"));
        };
        match content.only(&["parts"])? {
            None => content.add("parts", &format!("[{part}]"), edits),
            Some(parts) if parts.get() == "null" => {
                edits.replace(request.span(parts), format!("[{part}]"));
            }
            // A single part counts as a list of one.
            Some(single) if single.get().starts_with('{') => {
                edits.insert(request.span(single).start, format!("[{part},"));
                edits.insert(request.span(single).end, "]".to_owned());
            }
            Some(parts) => amend::extend(&request, parts, (&part, added.position), edits)
                .map_err(|_| WireError::malformed("systemInstruction.parts", "must be a list"))?,
        }
        Ok(())
    }

    /// Lowers budgets and levels; a budget that is left to the model (-1) becomes the cap.
    fn cap_reasoning(&self, body: &[u8], cap: Cap, edits: &mut Edits) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        for thinking in inner(&request, &CONFIG).iter().flat_map(|config| inner(config, &THINKING))
        {
            for budget in either(&thinking, &["thinkingBudget", "thinking_budget"]) {
                let is_open = budget.get().trim_matches('"').starts_with('-');
                if is_open || budget.get().starts_with('"') {
                    lower_text(&thinking, budget, (cap, is_open), edits);
                } else {
                    cap.number(&thinking, budget, edits);
                }
            }
            for level in either(&thinking, &["thinkingLevel", "thinking_level"]) {
                if level_of(level).is_some_and(|level| level > cap.effort) {
                    let word = cap.effort.word().to_ascii_uppercase();
                    edits.replace(thinking.span(level), format!("\"{word}\""));
                }
            }
        }
        Ok(())
    }

    fn is_repeatable(&self, body: &[u8]) -> bool {
        let Ok(request) = Object::of_body(body) else { return false };
        let configs = inner(&request, &CONFIG);
        !configs.is_empty() && configs.iter().all(|config| config.says_zero("temperature"))
    }

    /// Google's libraries read every line as data, comments too, and pass over members they do not know.
    fn aside(&self, json: &str) -> Vec<u8> {
        format!("data: {{\"progress\":{json}}}\r\n\r\n").into_bytes()
    }
}

/// Lowers a budget that is open or a number in quotes, as any reader of protobuf JSON takes it.
fn lower_text(
    thinking: &Object<'_>,
    budget: &RawValue,
    (cap, is_open): (Cap, bool),
    edits: &mut Edits,
) {
    let tokens = budget.get().trim_matches('"').parse::<u64>();
    if is_open || tokens.is_ok_and(|tokens| tokens > cap.tokens) {
        edits.replace(thinking.span(budget), cap.tokens.to_string());
    }
}

fn either<'a>(object: &Object<'a>, names: &[&str; 2]) -> Vec<&'a RawValue> {
    names.iter().flat_map(|name| object.all(name)).collect()
}

fn inner<'a>(object: &Object<'a>, names: &[&str; 2]) -> Vec<Object<'a>> {
    either(object, names).into_iter().filter_map(|value| object.inner(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amend::Position;
    use crate::amend::checks::{capped, instructed_as, instructed_by};

    #[test]
    fn instructions_are_a_part() {
        let check = |body: &str, first: &str, last: &str| instructed_as(&Gemini, body, first, last);
        let alone = r#"{"systemInstruction":{"parts":[{"text":"be \"kind\""}]},"contents":[]}"#;
        check(r#"{"contents":[]}"#, alone, alone);
        check(r#"{"systemInstruction":null,"contents":[]}"#, alone, alone);
        check(
            r#"{"system_instruction":{"role":"system","parts":[ {"text":"a"}]}}"#,
            r#"{"system_instruction":{"role":"system","parts":[{"text":"be \"kind\""}, {"text":"a"}]}}"#,
            r#"{"system_instruction":{"role":"system","parts":[ {"text":"a"},{"text":"be \"kind\""}]}}"#,
        );
        check(
            r#"{"systemInstruction":"a"}"#,
            r#"{"systemInstruction":"be \"kind\"\n\na"}"#,
            r#"{"systemInstruction":"a\n\nbe \"kind\""}"#,
        );
        let before = r#"{"systemInstruction":{"parts":[{"text":"be \"kind\""},{"text":"a"}]}}"#;
        check(r#"{"systemInstruction":{"parts":{"text":"a"}}}"#, before, before);
        let none = r#"{"systemInstruction":{"parts":[{"text":"be \"kind\""}]}}"#;
        check(r#"{"systemInstruction":{}}"#, none, none);
        let both = br#"{"systemInstruction":{},"system_instruction":{}}"#;
        assert!(instructed_by(&Gemini, both, Position::Prepend).is_err());
        assert!(instructed_by(&Gemini, br#"{"systemInstruction":[]}"#, Position::Append).is_err());
    }

    #[test]
    fn budgets_and_levels_are_lowered_under_either_spelling() {
        let check = |body: &str, expected: &str| {
            let with = |thinking: &str| {
                format!(r#"{{"generationConfig":{{"thinkingConfig":{thinking}}}}}"#)
            };
            assert_eq!(capped(&Gemini, &with(body), 8192), with(expected));
            let snake = |thinking: &str| {
                format!(r#"{{"generation_config":{{"thinking_config":{thinking}}}}}"#)
            };
            assert_eq!(capped(&Gemini, &snake(body), 8192), snake(expected));
        };
        check(r#"{"thinkingBudget":20000}"#, r#"{"thinkingBudget":8192}"#);
        check(r#"{"thinking_budget":"20000"}"#, r#"{"thinking_budget":8192}"#);
        check(r#"{"thinkingBudget":-1}"#, r#"{"thinkingBudget":8192}"#);
        check(r#"{"thinkingBudget":0}"#, r#"{"thinkingBudget":0}"#);
        check(r#"{"thinkingBudget":"100"}"#, r#"{"thinkingBudget":"100"}"#);
        check(r#"{"thinkingLevel":"high"}"#, r#"{"thinkingLevel":"MEDIUM"}"#);
        check(r#"{"thinkingLevel":3}"#, r#"{"thinkingLevel":"MEDIUM"}"#);
        check(r#"{"thinkingLevel":"LOW"}"#, r#"{"thinkingLevel":"LOW"}"#);
    }

    #[test]
    fn the_temperature_stands_in_the_configuration() {
        let check = |body: &str, expected: bool| {
            assert_eq!(Gemini.is_repeatable(body.as_bytes()), expected, "{body}");
        };
        check(r#"{"generationConfig":{"temperature":0}}"#, true);
        check(r#"{"generation_config":{"temperature":0.0}}"#, true);
        check(r#"{"temperature":0}"#, false);
        check(
            r#"{"generationConfig":{"temperature":0},"generation_config":{"temperature":1}}"#,
            false,
        );
    }
}
