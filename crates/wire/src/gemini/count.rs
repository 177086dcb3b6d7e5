//! The endpoint that counts tokens.

use serde_json::{Map, Value, json};

/// Makes the body of a count of a request's body.
///
/// Google's own API takes nothing but `contents` beside a whole request that repeats the model, which
/// is not in the body; so instructions and tools are counted as text before the conversation.
pub(super) fn body(chat: Vec<u8>) -> Vec<u8> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice::<Value>(&chat) else {
        return chat;
    };
    let Some(Value::Array(mut contents)) = members.shift_remove("contents") else { return chat };
    let mut parts = Vec::new();
    if let Some(Value::Array(texts)) = members
        .get_mut("systemInstruction")
        .and_then(|system| system.get_mut("parts"))
        .map(Value::take)
    {
        parts.extend(texts);
    }
    if let Some(tools) = members.get("tools") {
        parts.push(json!({"text": tools.to_string()}));
    }
    if !parts.is_empty() {
        contents.insert(0, json!({"role": "user", "parts": parts}));
    }
    let body = Map::from_iter([("contents".to_owned(), Value::Array(contents))]);
    Value::Object(body).to_string().into_bytes()
}

/// Reads the number out of an answer.
pub(super) fn read(body: &[u8]) -> Option<u64> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer.get("totalTokens").or_else(|| answer.get("total_tokens"))?.as_u64()
}

/// Writes an answer.
pub(super) fn write(tokens: u64) -> Vec<u8> {
    format!("{{\"totalTokens\":{tokens}}}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_and_tools_are_counted_as_text() {
        let chat = br#"{"systemInstruction":{"parts":[{"text":"s"}]},"tools":[{"a":1}],
            "generationConfig":{"seed":1},"contents":[{"role":"user","parts":[{"text":"u"}]}]}"#;
        let expected = r#"{"contents":[{"role":"user","parts":[{"text":"s"},{"text":"[{\"a\":1}]"}]},{"role":"user","parts":[{"text":"u"}]}]}"#;
        assert_eq!(String::from_utf8(body(chat.to_vec())).unwrap(), expected);
        assert_eq!(body(b"no JSON".to_vec()), b"no JSON");
        assert_eq!(read(&write(31)), Some(31));
        assert_eq!(read(b"{}"), None);
    }
}
