//! Streams of Gemini.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// Every line is blank or data, lines end in CRLF, parts are never empty, arguments are objects and
/// signatures base64, and every candidate ends once unless the reply failed.
pub(super) fn check(text: &str) {
    assert!(text.ends_with("\r\n\r\n"), "{text}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text}");
    let mut ended: BTreeMap<u64, bool> = BTreeMap::new();
    let (mut failed, mut blocked) = (false, false);
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        assert!(!failed, "nothing follows an error: {text}");
        let data = line.strip_prefix("data: ").expect(text);
        let chunk: Value = serde_json::from_str(data).expect(text);
        failed = chunk["error"]["message"].is_string() && chunk["error"]["code"].is_u64();
        blocked |= chunk["promptFeedback"]["blockReason"].is_string();
        for candidate in chunk["candidates"].as_array().into_iter().flatten() {
            let index = candidate["index"].as_u64().unwrap_or(0);
            let is_over = ended.entry(index).or_default();
            assert!(!*is_over, "nothing follows a finish: {text}");
            *is_over = candidate["finishReason"].is_string();
            let parts = candidate["content"]["parts"].as_array().expect(text);
            assert!(!parts.is_empty(), "{text}");
            parts.iter().for_each(|part| check_part(part, text));
        }
    }
    let all = !ended.is_empty() && ended.values().all(|over| *over);
    assert!(failed || blocked || all, "{text}");
    assert!(!failed || ended.values().all(|over| !over), "an end and an error: {text}");
}

/// Fails if a part is empty, of two kinds or not as the library takes it.
pub(super) fn check_part(part: &Value, text: &str) {
    const KINDS: [&str; 5] =
        ["text", "functionCall", "inlineData", "executableCode", "codeExecutionResult"];
    let kinds = KINDS.iter().filter(|kind| !part[**kind].is_null()).count();
    assert_eq!(kinds, 1, "{part}: {text}");
    if part["functionCall"].is_object() {
        let call = &part["functionCall"];
        assert!(call["args"].is_object() && call["name"].is_string(), "{text}");
    }
    if let Some(signature) = part["thoughtSignature"].as_str() {
        assert!(BASE64_STANDARD.decode(signature).is_ok(), "{text}");
    }
}
