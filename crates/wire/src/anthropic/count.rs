//! Counting the tokens of a request (`POST /v1/messages/count_tokens`).

use serde::Deserialize;

use crate::raw_members;

/// Members of a request that say nothing about its input; the endpoint refuses them.
const NOT_COUNTED: [&str; 8] = [
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "service_tier",
];

/// Makes the body of a count of a chat's body. What is no JSON object stays as it is.
pub(super) fn body(chat: Vec<u8>) -> Vec<u8> {
    raw_members::only(&chat, |name| !NOT_COUNTED.contains(&name)).unwrap_or(chat)
}

/// Reads the reply to a count.
pub(super) fn read(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        input_tokens: u64,
    }
    serde_json::from_slice::<Counted>(body).ok().map(|counted| counted.input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_input_is_left_out_and_the_rest_stays_as_it_was_written() {
        let chat = br#"{"model":"m","max_tokens":9,"stream":true,"temperature":0.5,"top_p":1,
            "top_k":2,"stop_sequences":["x"],"metadata":{},"service_tier":"auto",
            "thinking":{"type":"adaptive"},"tools":[{"n":1.0}],"messages":"a\u00e9"}"#;
        let counted = String::from_utf8(body(chat.to_vec())).unwrap();
        let expected = r#"{"model":"m","thinking":{"type":"adaptive"},"tools":[{"n":1.0}],"messages":"a\u00e9"}"#;
        assert_eq!(counted, expected);
        assert_eq!(body(b"[]".to_vec()), b"[]", "not an object");
    }

    #[test]
    fn counts_are_read() {
        assert_eq!(read(br#"{"input_tokens":7}"#), Some(7));
        assert_eq!(read(br#"{"error":{}}"#), None);
    }
}
