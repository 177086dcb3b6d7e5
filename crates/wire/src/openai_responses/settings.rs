//! The settings of a client's request, which its reply repeats and obeys.

use memchr::memchr2;
use serde_json::value::RawValue;

use super::namespace::Namespaces;
use crate::raw_members::RawMembers;

/// The members a reply repeats, and what they are if the request has none: the official library demands
/// some, and its users read the others.
const REPEATED: [(&str, &str); 19] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("prompt_cache_key", "null"),
    ("prompt_cache_options", "null"),
    ("prompt_cache_retention", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("service_tier", r#""auto""#),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
    ("user", "null"),
];

/// What a reply needs of the request it answers.
#[derive(Debug)]
pub(super) struct Settings {
    /// The tools that stand in a namespace.
    pub(super) names: Namespaces,
    /// The repeated members, each with a comma before it.
    pub(super) echo: Vec<u8>,
    /// Whether reasoning carries what brings it back in the next request.
    pub(super) encrypted_reasoning: bool,
    /// Whether text carries the probabilities of its tokens.
    pub(super) logprobs: bool,
}

impl Settings {
    /// Reads the client's request. One that is not known has every setting at its default, and gets its
    /// reasoning in full.
    pub(super) fn of(asked: &[u8]) -> Self {
        let mut asked: RawMembers<'_> = serde_json::from_slice(asked).unwrap_or_default();
        let is_known = asked.names().next().is_some();
        let names = Namespaces::of(&asked);
        let include: Vec<String> = asked
            .take("include")
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let includes = |word: &str| include.iter().any(|asked| asked == word);
        let mut echo = Vec::new();
        for (name, default) in REPEATED {
            echo.extend_from_slice(b",\"");
            echo.extend_from_slice(name.as_bytes());
            echo.extend_from_slice(b"\":");
            push_on_one_line(asked.take(name).map_or(default, RawValue::get), &mut echo);
        }
        Self {
            names,
            echo,
            encrypted_reasoning: !is_known || includes("reasoning.encrypted_content"),
            logprobs: includes("message.output_text.logprobs"),
        }
    }
}

/// Appends JSON without its line breaks, which would end a line of the stream. They can only stand
/// between tokens.
fn push_on_one_line(json: &str, out: &mut Vec<u8>) {
    let mut rest = json.as_bytes();
    while let Some(end) = memchr2(b'\n', b'\r', rest) {
        out.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn echo(asked: &[u8]) -> Value {
        let settings = Settings::of(asked);
        let echo = std::str::from_utf8(&settings.echo).unwrap();
        assert!(!echo.contains(['\n', '\r']), "{echo}");
        serde_json::from_str(&format!("{{{}}}", &echo[1..])).unwrap()
    }

    #[test]
    fn settings_are_repeated_as_they_were_written() {
        let echo = echo(
            b"{\"model\":\"m\",\"temperature\":0.50,\"tools\":[\r\n {\"type\":\"custom\",\n\"name\":\"a\\nb\"}],
               \"user\":null,\"input\":\"hi\",\"metadata\":{\"k\":\"v\"}}",
        );

        assert_eq!(echo["temperature"].to_string(), "0.5");
        assert_eq!(echo["tools"][0]["name"], "a\nb");
        assert_eq!(echo["metadata"]["k"], "v");
        assert_eq!(echo["user"], Value::Null);
        assert_eq!(echo["input"], Value::Null, "the conversation is not repeated");
    }

    #[test]
    fn what_was_not_said_has_its_default() {
        for asked in [&b"{\"model\":\"m\"}"[..], b"", b"not JSON"] {
            let echo = echo(asked);
            assert_eq!(echo["tool_choice"], "auto");
            assert_eq!(echo["parallel_tool_calls"], true);
            assert_eq!(echo["tools"], serde_json::json!([]));
            assert_eq!(echo["text"]["format"]["type"], "text");
        }
    }

    #[test]
    fn encrypted_reasoning_and_logprobs_are_for_those_who_ask() {
        let check = |asked: &str, expected: (bool, bool)| {
            let settings = Settings::of(asked.as_bytes());
            assert_eq!((settings.encrypted_reasoning, settings.logprobs), expected, "{asked}");
        };
        check("", (true, false));
        check(r#"{"model":"m"}"#, (false, false));
        check(r#"{"include":null,"model":"m"}"#, (false, false));
        check(r#"{"include":["reasoning.encrypted_content"]}"#, (true, false));
        check(r#"{"model":"m","include":["message.output_text.logprobs"]}"#, (false, true));
    }
}
