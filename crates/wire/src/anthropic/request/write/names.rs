//! How clients call the fields of which only this writer speaks, for notes and refusals.

use crate::field_names::Field;

pub(super) const SYSTEM_INSIDE: Field =
    Field::new("messages[].role", "messages[].role", "contents[].role");
pub(super) const REFUSAL: Field =
    Field::new("messages[].refusal", "messages[].content", "contents[].parts");
pub(super) const REASONING: Field = Field::new("reasoning_content", "thinking", "thought");
pub(super) const SIGNATURE: Field =
    Field::new("thought_signature", "signature", "thoughtSignature");
pub(super) const SERVER_PARTS: Field =
    Field::new("messages[].content", "messages[].content", "contents[].parts");
pub(super) const ASSISTANT_MEDIA: Field =
    Field::new("messages[].content", "messages[].content", "inlineData");
pub(super) const LOGPROBS: Field =
    Field::new("logprobs", "logprobs", "generationConfig.responseLogprobs");
pub(super) const ANSWERS: Field = Field::new("n", "n", "generationConfig.candidateCount");
pub(super) const OUTPUT_STRICT: Field =
    Field::new("response_format.json_schema.strict", "output_config.format", "responseSchema");
pub(super) const CACHE_MARKS: Field = Field::new("cache_control", "cache_control", "cachedContent");
