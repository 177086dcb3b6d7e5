//! What filters change in a Messages request.

use super::Anthropic;
use crate::amend::{self, Amend, Cap, Edits, Instructions, Object};
use crate::chat::Effort;
use crate::codec::WireError;

impl Amend for Anthropic {
    /// Adds a block, or to a text; the client's own blocks keep their cache marks.
    fn add_instructions(
        &self,
        body: &[u8],
        added: &Instructions<'_>,
        edits: &mut Edits,
    ) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        let text = amend::quoted(added.text);
        match request.only(&["system"])? {
            None => request.add("system", &text, edits),
            Some(own) if own.get() == "null" => edits.replace(request.span(own), text),
            Some(own) if own.get().starts_with('"') => amend::join(&request, own, added, edits),
            Some(own) => {
                let block = format!("{{\"type\":\"text\",\"text\":{text}}}");
                amend::extend(&request, own, (&block, added.position), edits)
                    .map_err(|_| WireError::malformed("system", "must be a string or a list"))?;
            }
        }
        Ok(())
    }

    /// Lowers budgets and efforts. Thinking that is left to the model gets an effort, where the usual one,
    /// which is high, is above the cap.
    fn cap_reasoning(&self, body: &[u8], cap: Cap, edits: &mut Edits) -> Result<(), WireError> {
        let request = Object::of_body(body)?;
        let mut is_adaptive = false;
        for thinking in request.objects("thinking") {
            is_adaptive |= thinking.all("type").any(|kind| kind.get() == "\"adaptive\"");
            for budget in thinking.all("budget_tokens") {
                cap.number(&thinking, budget, edits);
            }
        }
        let mut is_said = false;
        for config in request.objects("output_config") {
            for level in config.all("effort") {
                is_said |= level.get() != "null";
                cap.word(&config, level, edits);
            }
        }
        if is_adaptive && !is_said && cap.effort < Effort::High {
            say_effort(&request, cap.effort, edits);
        }
        Ok(())
    }

    /// The libraries of this format hand an event they do not know to the program as what it is.
    fn aside(&self, json: &str) -> Vec<u8> {
        let members = json.trim_start_matches('{');
        format!("event: progress\ndata: {{\"type\":\"progress\",{members}\n\n").into_bytes()
    }
}

/// Says an effort in a request that says none.
fn say_effort(request: &Object<'_>, effort: Effort, edits: &mut Edits) {
    let word = format!("\"{}\"", effort.word());
    let config = request.all("output_config").last();
    match config.and_then(|config| request.inner(config)) {
        Some(config) => match config.all("effort").last() {
            Some(null) => edits.replace(config.span(null), word),
            None => config.add("effort", &word, edits),
        },
        None => {
            let value = format!("{{\"effort\":{word}}}");
            match config {
                Some(null) => edits.replace(request.span(null), value),
                None => request.add("output_config", &value, edits),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amend::Position;
    use crate::amend::checks::{capped, instructed_as, instructed_by};

    #[test]
    fn instructions_are_a_block_or_part_of_the_text() {
        let check =
            |body: &str, first: &str, last: &str| instructed_as(&Anthropic, body, first, last);
        let alone = r#"{"system":"be \"kind\"","max_tokens":1}"#;
        check(r#"{"max_tokens":1}"#, alone, alone);
        check(r#"{"system":null,"max_tokens":1}"#, alone, alone);
        check(
            r#"{"system":"a"}"#,
            r#"{"system":"be \"kind\"\n\na"}"#,
            r#"{"system":"a\n\nbe \"kind\""}"#,
        );
        check(
            r#"{"system": [ {"type":"text","text":"a","cache_control":{"type":"ephemeral"}} ]}"#,
            r#"{"system": [{"type":"text","text":"be \"kind\""}, {"type":"text","text":"a","cache_control":{"type":"ephemeral"}} ]}"#,
            r#"{"system": [ {"type":"text","text":"a","cache_control":{"type":"ephemeral"}} ,{"type":"text","text":"be \"kind\""}]}"#,
        );
        let empty = r#"{"system":[{"type":"text","text":"be \"kind\""}]}"#;
        check(r#"{"system":[]}"#, empty, empty);
        let refused = instructed_by(&Anthropic, br#"{"system":{"text":"a"}}"#, Position::Prepend);
        assert!(refused.unwrap_err().to_string().starts_with("system: must be"));
    }

    #[test]
    fn budgets_and_efforts_are_lowered_and_adaptive_thinking_gets_one() {
        let check = |cap, body: &str, expected: &str| {
            assert_eq!(capped(&Anthropic, body, cap), expected, "{cap}");
        };
        check(
            2048,
            r#"{"thinking":{"type":"enabled","budget_tokens": 10000 }}"#,
            r#"{"thinking":{"type":"enabled","budget_tokens": 2048 }}"#,
        );
        let below = r#"{"thinking":{"type":"enabled","budget_tokens":2000}}"#;
        check(2048, below, below);
        check(
            9000,
            r#"{"output_config":{"effort":"max"},"thinking":{"type":"adaptive"}}"#,
            r#"{"output_config":{"effort":"medium"},"thinking":{"type":"adaptive"}}"#,
        );
        check(
            9000,
            r#"{"thinking":{"type":"adaptive"}}"#,
            r#"{"output_config":{"effort":"medium"},"thinking":{"type":"adaptive"}}"#,
        );
        check(
            9000,
            r#"{"output_config":{"format":{}},"thinking":{"type":"adaptive"}}"#,
            r#"{"output_config":{"effort":"medium","format":{}},"thinking":{"type":"adaptive"}}"#,
        );
        check(
            9000,
            r#"{"output_config":null,"thinking":{"type":"adaptive"}}"#,
            r#"{"output_config":{"effort":"medium"},"thinking":{"type":"adaptive"}}"#,
        );
        let high_is_usual = r#"{"thinking":{"type":"adaptive"}}"#;
        check(24_576, high_is_usual, high_is_usual);
        let off = r#"{"thinking":{"type":"disabled"}}"#;
        check(1024, off, off);
    }
}
