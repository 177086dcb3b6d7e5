//! How clients call the fields of which only this writer speaks, for notes and refusals.

use crate::field_names::Field;

pub(super) const SYSTEM: Field =
    Field::new("messages[].role", "messages[].role", "systemInstruction");
pub(super) const REASONING: Field =
    Field::new("messages[].reasoning_content", "messages[].content[].thinking", "thought parts");
pub(super) const PARALLEL: Field =
    Field::new("parallel_tool_calls", "tool_choice.disable_parallel_tool_use", "toolConfig");
pub(super) const IMAGE_DETAIL: Field =
    Field::new("image_url.detail", "image", "mediaResolution").with_responses("input_image.detail");
pub(super) const AUDIO: Field = Field::new("audio", "audio", "generationConfig.speechConfig");
