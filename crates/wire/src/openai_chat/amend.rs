//! What filters change in a Chat request: instructions are messages, reasoning has several dialects.

use serde_json::value::RawValue;

use super::{LegacyCompletions, OpenAiChat};
use crate::amend::{self, Amend, Cap, Edits, Instructions, Object, Position};
use crate::chat::Effort;
use crate::codec::WireError;
use crate::text::Text;

impl Amend for OpenAiChat {
    /// Adds a message: before all, or behind the instructions that begin the conversation. Its role is
    /// that of the client's own, because a conversation may have one kind only.
    fn add_instructions(
        &self,
        body: &[u8],
        added: &Instructions<'_>,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        // What has no messages is refused by whoever reads it.
        let Some(list) = request.only(&["messages"])? else { return Ok(()) };
        let Ok(messages) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
            return Err(WireError::malformed("messages", "must be a list"));
        };
        let role = |message: &&RawValue| role_of(&request, message);
        let own: Vec<&str> = messages.iter().map_while(role).collect();
        let role = own.first().copied().unwrap_or("system");
        let message = format!("{{\"role\":\"{role}\",\"content\":{}}}", amend::quoted(added.text));
        match (added.position, own.len().checked_sub(1).and_then(|last| messages.get(last))) {
            (Position::Append, Some(last)) => {
                edits.insert(request.span(last).end, format!(",{message}"));
            }
            _ => amend::extend(&request, list, (&message, Position::Prepend), edits)?,
        }
        Ok(())
    }

    /// Lowers OpenAI's effort, OpenRouter's `reasoning`, and the budgets of Qwen and GLM.
    fn cap_reasoning(&self, body: &[u8], cap: Cap, edits: &mut Edits) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        for level in request.all("reasoning_effort") {
            cap.word(&request, level, edits);
        }
        for reasoning in request.objects("reasoning") {
            let (levels, budgets) = (reasoning.all("effort"), reasoning.all("max_tokens"));
            let mut is_said = false;
            for level in levels {
                is_said = true;
                cap.word(&reasoning, level, edits);
            }
            for budget in budgets {
                is_said = true;
                cap.number(&reasoning, budget, edits);
            }
            // Switched on without an amount is a medium effort.
            let is_on = reasoning.all("enabled").any(|value| value.get() == "true");
            if is_on && !is_said && cap.effort < Effort::Medium {
                reasoning.add("effort", &format!("\"{}\"", cap.effort.word()), edits);
            }
        }
        for thinking in request.objects("thinking") {
            for budget in thinking.all("budget_tokens") {
                cap.number(&thinking, budget, edits);
            }
        }
        for budget in request.all("thinking_budget") {
            cap.number(&request, budget, edits);
        }
        Ok(())
    }
}

/// Returns the role of a message of instructions; `None` if it is another message.
fn role_of(request: &Object<'_>, message: &RawValue) -> Option<&'static str> {
    let role = request.inner(message)?.all("role").last()?.get().to_owned();
    let Text(role) = serde_json::from_str(&role).ok()?;
    ["system", "developer"].into_iter().find(|known| *known == role)
}

impl Amend for LegacyCompletions {
    /// Puts the text before the prompt, on either position: there is nothing else that instructs.
    fn add_instructions(
        &self,
        body: &[u8],
        added: &Instructions<'_>,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        let Some(prompt) = request.only(&["prompt"])? else { return Ok(()) };
        let list: Vec<&RawValue> = serde_json::from_str(prompt.get()).unwrap_or_default();
        let first = list.first().copied().unwrap_or(prompt);
        // A prompt that is no text is refused by the reader.
        if first.get().starts_with('"') {
            let before = Instructions { position: Position::Prepend, ..*added };
            amend::join(&request, first, &before, edits);
        }
        Ok(())
    }

    fn cap_reasoning(&self, body: &[u8], cap: Cap, edits: &mut Edits) -> Result<(), WireError> {
        OpenAiChat.cap_reasoning(body, cap, edits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amend::checks::{capped, instructed, instructed_as, instructed_by};

    #[test]
    fn instructions_are_a_message_before_all_or_behind_the_clients_own() {
        let check =
            |body: &str, first: &str, last: &str| instructed_as(&OpenAiChat, body, first, last);
        check(
            r#"{ "messages" : [ {"role":"user","content":"hi"} ],"n":1.0}"#,
            r#"{ "messages" : [{"role":"system","content":"be \"kind\""}, {"role":"user","content":"hi"} ],"n":1.0}"#,
            r#"{ "messages" : [{"role":"system","content":"be \"kind\""}, {"role":"user","content":"hi"} ],"n":1.0}"#,
        );
        check(
            r#"{"messages":[{"role":"developer","content":"a"},{"role":"system","content":"b"} , {"role":"user","content":"hi"}]}"#,
            r#"{"messages":[{"role":"developer","content":"be \"kind\""},{"role":"developer","content":"a"},{"role":"system","content":"b"} , {"role":"user","content":"hi"}]}"#,
            r#"{"messages":[{"role":"developer","content":"a"},{"role":"system","content":"b"},{"role":"developer","content":"be \"kind\""} , {"role":"user","content":"hi"}]}"#,
        );
        check(
            r#"{"messages":[]}"#,
            r#"{"messages":[{"role":"system","content":"be \"kind\""}]}"#,
            r#"{"messages":[{"role":"system","content":"be \"kind\""}]}"#,
        );
        check(r#"{"model":"m"}"#, r#"{"model":"m"}"#, r#"{"model":"m"}"#);
        let twice = br#"{"messages":[],"messages":[{"role":"user","content":"hi"}]}"#;
        assert!(instructed_by(&OpenAiChat, twice, Position::Prepend).is_err());
    }

    #[test]
    fn a_legacy_prompt_begins_with_the_instructions() {
        let check = |body: &str, expected: &str| {
            assert_eq!(instructed(&LegacyCompletions, body, Position::Append), expected);
        };
        check(r#"{"prompt":"hi"}"#, r#"{"prompt":"be \"kind\"\n\nhi"}"#);
        check(r#"{"prompt":["hi"]}"#, r#"{"prompt":["be \"kind\"\n\nhi"]}"#);
        check(r#"{"prompt":[1,2]}"#, r#"{"prompt":[1,2]}"#);
    }

    #[test]
    fn efforts_and_budgets_of_every_dialect_are_lowered() {
        let check = |cap, body: &str, expected: &str| {
            assert_eq!(capped(&OpenAiChat, body, cap), expected, "{cap}");
        };
        check(8192, r#"{"reasoning_effort" : "xhigh" }"#, r#"{"reasoning_effort" : "medium" }"#);
        check(1024, r#"{"reasoning_effort":"m\u0061x"}"#, r#"{"reasoning_effort":"low"}"#);
        for kept in ["none", "minimal", "low", "medium", "whatever"] {
            let body = format!(r#"{{"reasoning_effort":"{kept}"}}"#);
            check(8192, &body, &body);
        }
        check(
            2000,
            r#"{"reasoning":{"effort":"high","max_tokens":9e3}}"#,
            r#"{"reasoning":{"effort":"low","max_tokens":2000}}"#,
        );
        check(
            2000,
            r#"{"reasoning":{"enabled":true}}"#,
            r#"{"reasoning":{"effort":"low","enabled":true}}"#,
        );
        check(9000, r#"{"reasoning":{"enabled":true}}"#, r#"{"reasoning":{"enabled":true}}"#);
        check(
            2000,
            r#"{"thinking":{"type":"enabled","budget_tokens":4000},"thinking_budget":3000}"#,
            r#"{"thinking":{"type":"enabled","budget_tokens":2000},"thinking_budget":2000}"#,
        );
        check(
            2000,
            r#"{"reasoning_effort":"low","reasoning_effort":"max"}"#,
            r#"{"reasoning_effort":"low","reasoning_effort":"low"}"#,
        );
    }

    #[test]
    fn only_a_temperature_of_zero_that_was_said_is_repeatable() {
        let check = |body: &str, expected: bool| {
            assert_eq!(OpenAiChat.is_repeatable(body.as_bytes()), expected, "{body}");
        };
        check(r#"{"temperature":0}"#, true);
        check(r#"{"temperature": 0.0 }"#, true);
        check(r#"{"temperature":0.1}"#, false);
        check(r#"{"temperature":null}"#, false);
        check(r#"{"messages":[{"temperature":0}]}"#, false);
        check(r#"{"temperature":0,"temperature":1}"#, false);
        check("{}", false);
        check("[0]", false);
    }
}
