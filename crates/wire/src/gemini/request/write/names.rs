//! How clients call the fields of which only this writer speaks, for notes and refusals.

use crate::WireFormat;
use crate::chat::ChatRequest;
use crate::field_names::Field;

pub(super) const SYSTEM: Field =
    Field::new("messages[].role", "messages[].role", "systemInstruction");
pub(super) const REASONING: Field =
    Field::new("messages[].reasoning_content", "thinking blocks", "thought parts");
pub(super) const PARALLEL: Field =
    Field::new("parallel_tool_calls", "tool_choice.disable_parallel_tool_use", "toolConfig");
pub(super) const IMAGE_DETAIL: Field = Field::new("image_url.detail", "image", "mediaResolution");
pub(super) const DOCUMENT: Field = Field::new("file", "document", "inlineData");
pub(super) const SERVER_PARTS: Field =
    Field::new("messages[].content", "server tool blocks", "code execution parts");
pub(super) const SIGNATURE: Field =
    Field::new("thought_signature", "thought_signature", "thoughtSignature");

/// Returns the client's name for the end user, if one was named.
pub(super) fn end_user(request: &ChatRequest) -> Option<&'static str> {
    request.end_user.as_ref()?;
    Some(if request.origin == Some(WireFormat::Anthropic) { "metadata.user_id" } else { "user" })
}
