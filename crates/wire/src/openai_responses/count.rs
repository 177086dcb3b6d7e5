//! Counting the tokens of a request (`POST /v1/responses/input_tokens`).

use serde::Deserialize;

use crate::raw_members;

/// The endpoint.
pub(super) const PATH: &str = "/v1/responses/input_tokens";

/// Members of a request that the endpoint takes; it refuses others.
const COUNTED: [&str; 11] = [
    "model",
    "instructions",
    "previous_response_id",
    "conversation",
    "reasoning",
    "text",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "truncation",
    "input",
];

/// Returns the body that asks for the count of a request. What is no JSON object stays as it is.
pub(super) fn body(chat: Vec<u8>) -> Vec<u8> {
    raw_members::only(&chat, |name| COUNTED.contains(&name)).unwrap_or(chat)
}

/// Reads the count out of an answer.
pub(super) fn read(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Answer {
        input_tokens: u64,
    }
    serde_json::from_slice::<Answer>(body).ok().map(|answer| answer.input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Codec;
    use crate::openai_responses::OpenAiResponses;

    #[test]
    fn only_what_is_counted_is_sent_as_it_was_written() {
        let chat =
            br#"{"model":"m","stream":true,"store":false,"include":["x"],"max_output_tokens":9,
            "temperature":0.5,"metadata":{},"tools":[{"n":1.0}],"input":"a\u00e9"}"#;

        let body = String::from_utf8(body(chat.to_vec())).unwrap();

        assert_eq!(body, r#"{"model":"m","tools":[{"n":1.0}],"input":"a\u00e9"}"#);
    }

    #[test]
    fn answers_are_read_as_they_are_written() {
        assert_eq!(read(&OpenAiResponses.write_count(17)), Some(17));
        assert_eq!(read(b"{\"object\":\"error\"}"), None);
        assert_eq!(body(b"[]".to_vec()), b"[]", "not an object");
    }
}
