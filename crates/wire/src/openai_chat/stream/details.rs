//! Reasoning of other vendors as this format's clients keep it: `reasoning_details`, in OpenRouter's form.

use serde_json::{Value, json};

use crate::chat::{Opaque, OpaqueKind, Vendor};

/// Returns the entries for vendor data on a part of reasoning with this text; the first is number
/// `index`.
///
/// The text is repeated because a signature is over its own block, and `reasoning_content` is all blocks
/// in one. What belongs to nobody in particular needs no entry.
pub(crate) fn entries(text: &str, opaque: &Opaque, index: usize) -> Vec<Value> {
    let format = match opaque.vendor {
        Vendor::Anthropic => "anthropic-claude-v1",
        Vendor::Google => "google-gemini-v1",
        Vendor::OpenAi => "openai-responses-v1",
        Vendor::Plain => return Vec::new(),
    };
    if opaque.kind == OpaqueKind::Signature && opaque.vendor != Vendor::Google {
        let mut entry = json!({"type": "reasoning.text", "signature": opaque.data});
        if !text.is_empty() {
            entry["text"] = text.into();
        }
        return numbered(vec![entry], format, index);
    }
    let mut encrypted = json!({"type": "reasoning.encrypted", "data": opaque.data});
    let mut entries = Vec::new();
    if let Some(item) = &opaque.item {
        encrypted["id"] = item.as_str().into();
        if !text.is_empty() {
            entries.push(json!({"type": "reasoning.summary", "summary": text, "id": item}));
        }
    }
    entries.push(encrypted);
    numbered(entries, format, index)
}

fn numbered(mut entries: Vec<Value>, format: &str, first: usize) -> Vec<Value> {
    for (index, entry) in (first..).zip(&mut entries) {
        entry["format"] = format.into();
        entry["index"] = index.into();
    }
    entries
}

/// Returns `extra_content` with Google's signature over a call.
pub(crate) fn call_signature(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendor_has_its_own_form() {
        let check = |text: &str, opaque: Opaque, expected: Value| {
            assert_eq!(Value::from(entries(text, &opaque, 3)), expected);
        };
        check(
            "hm",
            Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, "s"),
            json!([{"type": "reasoning.text", "text": "hm", "signature": "s",
                    "format": "anthropic-claude-v1", "index": 3}]),
        );
        check(
            "",
            Opaque::new(Vendor::Anthropic, OpaqueKind::Redacted, "r"),
            json!([{"type": "reasoning.encrypted", "data": "r",
                    "format": "anthropic-claude-v1", "index": 3}]),
        );
        check(
            "hm",
            Opaque::new(Vendor::Google, OpaqueKind::Signature, "g"),
            json!([{"type": "reasoning.encrypted", "data": "g",
                    "format": "google-gemini-v1", "index": 3}]),
        );
        let item = Some("rs_1".to_owned());
        check(
            "sum",
            Opaque { item, ..Opaque::new(Vendor::OpenAi, OpaqueKind::Redacted, "e") },
            json!([
                {"type": "reasoning.summary", "summary": "sum", "id": "rs_1",
                 "format": "openai-responses-v1", "index": 3},
                {"type": "reasoning.encrypted", "data": "e", "id": "rs_1",
                 "format": "openai-responses-v1", "index": 4},
            ]),
        );
        check("hm", Opaque::new(Vendor::Plain, OpaqueKind::Signature, "p"), json!([]));
    }
}
