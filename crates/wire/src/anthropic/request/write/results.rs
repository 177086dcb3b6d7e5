//! What a tool gave back, as a block.

use super::body::{Block, OwnBlock};
use super::{Writing, media};
use crate::WireFormat;
use crate::chat::{Part, PartKind};

/// Writes the content of a result. Empty text is left out; what cannot stand in a result is refused.
pub(super) fn content<'a>(
    writing: &mut Writing<'a, '_>,
    parts: &'a [Part],
    path: &str,
) -> Vec<Block<'a>> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => {
                if !text.trim().is_empty() {
                    blocks.push(Block::text(&**text));
                }
            }
            PartKind::Image(image) => blocks.extend(media::image(writing, image, path)),
            PartKind::Document(document) => {
                blocks.extend(media::document(writing, document, path));
            }
            PartKind::Server { format, raw } if *format == WireFormat::Anthropic => {
                blocks.push(Block::Raw(raw));
            }
            PartKind::Audio(_) | PartKind::Video(_) => {
                writing.refused.add(path, "a tool's result can hold text, images and documents");
            }
            // Nothing else can stand in a result in any format.
            PartKind::ToolCall { .. }
            | PartKind::ToolResult { .. }
            | PartKind::Reasoning(_)
            | PartKind::Server { .. } => {}
        }
    }
    blocks
}

/// Makes the block of a result.
pub(super) fn block(id: String, content: Vec<Block<'_>>, is_error: Option<bool>) -> OwnBlock<'_> {
    OwnBlock {
        kind: "tool_result",
        tool_use_id: Some(id),
        content,
        is_error: is_error.filter(|&is_error| is_error),
        ..OwnBlock::default()
    }
}
