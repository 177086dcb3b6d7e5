//! One event of a reply as it stands on the wire, borrowed from the bytes it came in.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::gemini::usage::Counts;
use crate::text::Text;

/// One event, or a whole reply: both have the same shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow, default, alias = "prompt_feedback")]
    pub(super) prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(default, alias = "usage_metadata")]
    pub(super) usage_metadata: Option<Counts>,
    #[serde(borrow, default, alias = "model_version")]
    pub(super) model_version: Option<Text<'a>>,
    #[serde(borrow, default, alias = "response_id")]
    pub(super) response_id: Option<Text<'a>>,
    #[serde(borrow, default, alias = "create_time")]
    pub(super) create_time: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

/// A piece of one answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(default)]
    pub(super) index: Option<u16>,
    #[serde(borrow, default)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow, default, alias = "finish_reason")]
    pub(super) finish_reason: Option<Word<'a>>,
    #[serde(borrow, default, alias = "finish_message")]
    pub(super) finish_message: Option<Text<'a>>,
    #[serde(borrow, default, alias = "grounding_metadata")]
    pub(super) grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "citation_metadata")]
    pub(super) citation_metadata: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "logprobs_result")]
    pub(super) logprobs_result: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow, default)]
    pub(super) parts: Option<Vec<Part<'a>>>,
}

/// A part of the kinds that need no second look; anything else has all members empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<Text<'a>>,
    #[serde(default)]
    pub(super) thought: Option<bool>,
    #[serde(borrow, default, alias = "thought_signature")]
    pub(super) thought_signature: Option<Text<'a>>,
    #[serde(borrow, default, alias = "function_call")]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(borrow, default, alias = "inline_data")]
    pub(super) inline_data: Option<InlineData<'a>>,
}

impl Part<'_> {
    /// Tells whether it goes on with a visible text.
    pub(super) fn is_more_text(&self) -> bool {
        self.thought != Some(true)
            && self.thought_signature.is_none()
            && self.text.as_ref().is_some_and(|text| !text.0.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    #[serde(borrow, default, alias = "mime_type")]
    pub(super) mime_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) data: Option<Text<'a>>,
}

/// A call, or a fragment of one (`willContinue`, `partialArgs`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) args: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "partial_args")]
    pub(super) partial_args: Option<Vec<PartialArg<'a>>>,
    #[serde(default, alias = "will_continue")]
    pub(super) will_continue: Option<bool>,
}

/// One value of an argument, or a piece of a string value.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartialArg<'a> {
    #[serde(borrow, alias = "json_path")]
    pub(super) json_path: Text<'a>,
    #[serde(borrow, default, alias = "string_value")]
    pub(super) string_value: Option<Text<'a>>,
    #[serde(borrow, default, alias = "number_value")]
    pub(super) number_value: Option<&'a RawValue>,
    #[serde(default, alias = "bool_value")]
    pub(super) bool_value: Option<bool>,
    #[serde(default, alias = "will_continue")]
    pub(super) will_continue: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback<'a> {
    #[serde(borrow, default, alias = "block_reason")]
    pub(super) block_reason: Option<Word<'a>>,
    #[serde(borrow, default, alias = "block_reason_message")]
    pub(super) block_reason_message: Option<Text<'a>>,
}

/// A value of an enum, by name or by number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Word<'a> {
    /// By name.
    #[serde(borrow)]
    Name(Text<'a>),
    /// By number.
    Number(u64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireFormat::Gemini;
    use crate::translator::surveys::every_field;

    const REPLY: &str = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}},
        {"inlineData":{}},{"text":"a"}]},"finishReason":"STOP"}],"promptFeedback":{},
        "usageMetadata":{"candidatesTokenCount":4}}"#;

    #[test]
    fn no_member_is_forgotten_by_a_survey() {
        let answer = "/candidates/0";
        let part = |place| format!("{answer}/content/parts/{place}");
        every_field::<Chunk<'_>>(Gemini, REPLY, "");
        every_field::<PromptFeedback<'_>>(Gemini, REPLY, "/promptFeedback");
        every_field::<Candidate<'_>>(Gemini, REPLY, answer);
        every_field::<Content<'_>>(Gemini, REPLY, "/candidates/0/content");
        every_field::<Part<'_>>(Gemini, REPLY, &part("2"));
        every_field::<FunctionCall<'_>>(Gemini, REPLY, &part("0/functionCall"));
        every_field::<InlineData<'_>>(Gemini, REPLY, &part("1/inlineData"));
        every_field::<Counts>(Gemini, REPLY, "/usageMetadata");
    }
}
