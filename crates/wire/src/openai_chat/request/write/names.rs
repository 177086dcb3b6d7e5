//! How clients call the fields of which only this writer speaks, for notes and refusals, and the names
//! that tools may have here.

use std::borrow::Cow;

use crate::field_names::Field;
use crate::tool_names::{First, ToolNames};

/// The names of tools that the API takes.
pub(super) const TOOL_NAMES: ToolNames =
    ToolNames { max_bytes: 64, marks: b"_-", first: First::Any };

pub(super) const SYSTEM: Field =
    Field::new("messages[].content", "system", "systemInstruction.parts");
pub(super) const REASONING: Field =
    Field::new("messages[].reasoning_content", "messages[].content[].thinking", "thought parts");
pub(super) const PREFILL: Field = Field::new("messages", "assistant prefill", "contents");
pub(super) const RESULT_MEDIA: Field =
    Field::new("tool result media", "tool_result.content", "functionResponse.parts");
pub(super) const VOICE: Field = Field::new("audio.voice", "audio", "generationConfig.speechConfig");

/// Returns the name to send for a tool.
pub(super) fn tool(name: &str) -> Cow<'_, str> {
    TOOL_NAMES.legal(name)
}
