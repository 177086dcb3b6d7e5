//! Counting tokens, as the vendors' own endpoints do it.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::ask::Refusal;
use crate::route::Format;

/// Members of a chat request that Anthropic's counting endpoint does not know.
const UNKNOWN_TO_MESSAGES: [&str; 4] = ["max_tokens", "stream", "temperature", "stop_sequences"];

/// Makes the chat request that a request for a count is about.
///
/// # Errors
///
/// What the vendor would refuse in a count.
pub(crate) fn chat_request(format: Format, body: &[u8]) -> Result<Bytes, Refusal> {
    let mut value: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(format!("could not parse the JSON body: {error}")))?;
    match format {
        Format::Messages => {
            for name in UNKNOWN_TO_MESSAGES {
                if value.get(name).is_some() {
                    let why = format!("{name}: Extra inputs are not permitted");
                    return Err(Refusal::new(why));
                }
            }
            value["max_tokens"] = 1.into();
        }
        Format::Generate => {
            if let Some(wrapped) = value.get("generateContentRequest") {
                value = wrapped.clone();
            }
        }
        Format::Chat | Format::Responses => {}
    }
    Ok(value.to_string().into())
}

/// Writes the answer.
pub(crate) fn reply(format: Format, tokens: u64) -> Value {
    match format {
        Format::Messages => json!({ "input_tokens": tokens }),
        Format::Generate => json!({
            "totalTokens": tokens,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens }],
        }),
        Format::Chat | Format::Responses => {
            json!({ "object": "response.input_tokens", "input_tokens": tokens })
        }
    }
}
