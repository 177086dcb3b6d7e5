//! The shapes of this format's events and replies, as far as they are read.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::mend;
use crate::text::Text;

/// One event, or a whole reply. Members are parsed further only where their event needs them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) item_id: Option<Text<'a>>,
    pub(super) output_index: Option<u64>,
    pub(super) content_index: Option<u64>,
    pub(super) summary_index: Option<u64>,
    #[serde(borrow)]
    pub(super) delta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) annotation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) part: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) detail: Option<&'a RawValue>,
}

/// A reply: whole, or as a stream's first and last events show it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Response {
    pub(super) id: Value,
    pub(super) model: Value,
    pub(super) created_at: Value,
    pub(super) status: Value,
    pub(super) error: Value,
    pub(super) incomplete_details: Value,
    pub(super) output: Value,
    pub(super) usage: Value,
    pub(super) tool_usage: Value,
}

impl Response {
    /// Reads it; what cannot be read says nothing.
    pub(super) fn of(raw: Option<&RawValue>) -> Self {
        // Most of it repeats the request, which is passed over unless something must be mended.
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_else(|| serde_json::from_value(value(raw)).unwrap_or_default())
    }

    /// Returns what the provider says of a failure; an empty object says nothing.
    pub(super) fn fault(&self) -> Option<&Value> {
        let says_nothing = match &self.error {
            Value::Null | Value::Bool(false) => true,
            Value::Object(members) => members.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        (!says_nothing).then_some(&self.error)
    }

    /// Tells whether it is a reply at all: it has output, or a status that goes without.
    pub(super) fn is_one(&self) -> bool {
        let empty = ["queued", "in_progress", "incomplete", "failed", "cancelled"];
        let status = self.status.as_str().unwrap_or("");
        self.output.is_array() || (self.id.is_string() && empty.contains(&status))
    }

    /// Returns why it is incomplete, empty if it is not or nothing says so.
    pub(super) fn reason(&self) -> &str {
        string(&self.incomplete_details, "reason")
    }
}

/// Parses a value, mending halves of characters; `Null` if it is absent or beyond that.
pub(super) fn value(raw: Option<&RawValue>) -> Value {
    let Some(raw) = raw.map(RawValue::get) else { return Value::Null };
    serde_json::from_str(raw).unwrap_or_else(|fault| {
        let again = mend::json(raw.as_bytes(), &fault);
        again.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    })
}

/// Returns the characters of a member that is a string, else none.
pub(super) fn string<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Returns the entries of a member that is a list, else none.
pub(super) fn list<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireFormat::OpenAiResponses;
    use crate::translator::surveys::every_field;

    #[test]
    fn no_member_is_forgotten_by_a_survey() {
        let reply = r#"{"id":"r","status":"completed","incomplete_details":null,"error":null,"usage":{
            "output_tokens":3},"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}"#;
        every_field::<Wire<'_>>(OpenAiResponses, reply, "");
        every_field::<Response>(OpenAiResponses, reply, "");
    }
}
