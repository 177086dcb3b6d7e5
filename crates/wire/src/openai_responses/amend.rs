//! What filters change in a Responses request.

use super::OpenAiResponses;
use crate::amend::{self, Amend, Cap, Edits, Instructions, Object};
use crate::codec::WireError;

impl Amend for OpenAiResponses {
    fn add_instructions(
        &self,
        body: &[u8],
        added: &Instructions<'_>,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        match request.only(&["instructions"])? {
            None => request.add("instructions", &amend::quoted(added.text), edits),
            Some(own) if own.get() == "null" => {
                edits.replace(request.span(own), amend::quoted(added.text));
            }
            Some(own) if own.get().starts_with('"') => amend::join(&request, own, added, edits),
            Some(_) => return Err(WireError::malformed("instructions", "must be a string")),
        }
        Ok(())
    }

    fn cap_reasoning(&self, body: &[u8], cap: Cap, edits: &mut Edits) -> Result<(), WireError> {
        for reasoning in Object::of_body(body)?.objects("reasoning") {
            for level in reasoning.all("effort") {
                cap.word(&reasoning, level, edits);
            }
        }
        Ok(())
    }

    /// An answer that is made in the background, or becomes part of a conversation that the provider
    /// keeps, is more than what it says.
    fn is_repeatable(&self, body: &[u8]) -> bool {
        let Ok(request) = Object::of_body(body) else { return false };
        let is_plain =
            |name: &str| request.all(name).all(|value| matches!(value.get(), "null" | "false"));
        request.says_zero("temperature") && is_plain("background") && is_plain("conversation")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amend::Position;
    use crate::amend::checks::{capped, instructed, instructed_as, instructed_by};

    #[test]
    fn instructions_are_one_text_with_the_clients_own() {
        let check = |body: &str, first: &str, last: &str| {
            instructed_as(&OpenAiResponses, body, first, last)
        };
        let alone = r#"{"instructions":"be \"kind\"","input":"hi"}"#;
        check(r#"{"input":"hi"}"#, alone, alone);
        check(r#"{"instructions":null,"input":"hi"}"#, alone, alone);
        check(r#"{"instructions":"","input":"hi"}"#, alone, alone);
        check(
            r#"{"instructions" : "a\u0062","input":"hi"}"#,
            r#"{"instructions" : "be \"kind\"\n\na\u0062","input":"hi"}"#,
            r#"{"instructions" : "a\u0062\n\nbe \"kind\"","input":"hi"}"#,
        );
        assert_eq!(
            instructed(&OpenAiResponses, "{}", Position::Append),
            r#"{"instructions":"be \"kind\""}"#
        );
        for wrong in [r#"{"instructions":["a"]}"#, r#"{"instructions":"a","instructions":"b"}"#] {
            let refused = instructed_by(&OpenAiResponses, wrong.as_bytes(), Position::Prepend);
            assert!(refused.unwrap_err().to_string().starts_with("instructions: "), "{wrong}");
        }
    }

    #[test]
    fn an_effort_is_lowered() {
        let check = |body: &str, expected: &str| {
            assert_eq!(capped(&OpenAiResponses, body, 8192), expected);
        };
        check(
            r#"{"reasoning":{"summary":"auto","effort":"high"}}"#,
            r#"{"reasoning":{"summary":"auto","effort":"medium"}}"#,
        );
        check(r#"{"reasoning":{"effort":"low"}}"#, r#"{"reasoning":{"effort":"low"}}"#);
        check(r#"{"reasoning":null}"#, r#"{"reasoning":null}"#);
    }

    #[test]
    fn what_the_provider_keeps_is_not_repeatable() {
        let check = |body: &str, expected: bool| {
            assert_eq!(OpenAiResponses.is_repeatable(body.as_bytes()), expected, "{body}");
        };
        check(r#"{"temperature":0}"#, true);
        check(r#"{"temperature":0,"background":false,"conversation":null}"#, true);
        check(r#"{"temperature":0,"background":true}"#, false);
        check(r#"{"temperature":0,"conversation":"conv_1"}"#, false);
        check(r#"{"input":"hi"}"#, false);
    }
}
