//! Log probabilities in the shape of Chat Completions.

use serde_json::{Value, json};

use super::wire::string;

/// Returns the entries as Chat Completions writes them. Streams leave `bytes` out at times; they are
/// those of the token.
pub(super) fn entries(tokens: &[Value]) -> Vec<Value> {
    tokens.iter().map(|token| entry(token, true)).collect()
}

fn entry(token: &Value, with_others: bool) -> Value {
    let text = string(token, "token");
    let bytes = token.get("bytes").filter(|bytes| !bytes.is_null()).cloned();
    let mut entry = json!({
        "token": text,
        "logprob": token["logprob"],
        "bytes": bytes.unwrap_or_else(|| text.as_bytes().into()),
    });
    if with_others {
        let others = token["top_logprobs"].as_array().into_iter().flatten();
        entry["top_logprobs"] = others.map(|other| self::entry(other, false)).collect();
    }
    entry
}
