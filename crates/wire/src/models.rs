//! The list of models, in the shape each vendor's SDK expects.

use serde_json::{Value, json};

use crate::WireFormat;

/// One model of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// The name clients ask for, e.g. `ds/deepseek-chat`.
    pub id: String,
    /// Who provides it: a provider's id, `combo` or `alias`.
    pub owner: String,
    /// Tokens of input and output together, if known.
    pub context_tokens: Option<u64>,
    /// Most tokens of one answer, if known.
    pub max_output_tokens: Option<u64>,
}

/// Date reported where a format demands one: models here have none of their own.
const SOME_DATE: &str = "2025-01-01T00:00:00Z";
const SOME_UNIX_TIME: u64 = 1_735_689_600;

/// Writes the whole list.
pub fn write_list(format: WireFormat, models: &[ModelEntry]) -> Vec<u8> {
    let items: Vec<Value> = models.iter().map(|model| item(format, model)).collect();
    let list = match format {
        WireFormat::OpenAiChat | WireFormat::OpenAiResponses => {
            json!({ "object": "list", "data": items })
        }
        WireFormat::Anthropic => json!({
            "data": items,
            "has_more": false,
            "first_id": models.first().map(|model| &model.id),
            "last_id": models.last().map(|model| &model.id),
        }),
        WireFormat::Gemini => json!({ "models": items }),
    };
    list.to_string().into_bytes()
}

/// Writes one model.
pub fn write_one(format: WireFormat, model: &ModelEntry) -> Vec<u8> {
    item(format, model).to_string().into_bytes()
}

fn item(format: WireFormat, model: &ModelEntry) -> Value {
    match format {
        WireFormat::OpenAiChat | WireFormat::OpenAiResponses => json!({
            "id": model.id,
            "object": "model",
            "created": SOME_UNIX_TIME,
            "owned_by": model.owner,
        }),
        WireFormat::Anthropic => json!({
            "type": "model",
            "id": model.id,
            "display_name": model.id,
            "created_at": SOME_DATE,
        }),
        WireFormat::Gemini => {
            let mut item = json!({
                "name": format!("models/{}", model.id),
                "displayName": model.id,
                "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
            });
            if let Some(tokens) = model.context_tokens {
                item["inputTokenLimit"] = tokens.into();
            }
            if let Some(tokens) = model.max_output_tokens {
                item["outputTokenLimit"] = tokens.into();
            }
            item
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_its_own_list() {
        let models = [ModelEntry {
            id: "ds/deepseek-chat".to_owned(),
            owner: "deepseek".to_owned(),
            context_tokens: Some(128_000),
            max_output_tokens: None,
        }];
        let list =
            |format| -> Value { serde_json::from_slice(&write_list(format, &models)).unwrap() };

        assert_eq!(list(WireFormat::OpenAiChat)["data"][0]["id"], "ds/deepseek-chat");
        assert_eq!(list(WireFormat::Anthropic)["last_id"], "ds/deepseek-chat");
        let gemini = &list(WireFormat::Gemini)["models"][0];
        assert_eq!(gemini["name"], "models/ds/deepseek-chat");
        assert_eq!(gemini["inputTokenLimit"], 128_000);
        assert_eq!(gemini.get("outputTokenLimit"), None, "unknown is left out");
    }
}
