//! The frames of a stream to a client, byte for byte as the vendor writes them.

use crate::anthropic::words::StopWords;
use crate::anthropic::{reply, usage};
use crate::event::Usage;
use crate::json;

/// Appends the head of the message.
pub(super) fn message_start(id: &str, model: &str, usage: &Usage, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":",
    );
    json::string(id, out);
    out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    json::string(model, out);
    out.extend_from_slice(
        b",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":",
    );
    usage::write(usage, out);
    out.extend_from_slice(b"}}\n\n");
}

/// Appends the start of a block, given as JSON.
pub(super) fn block_start(index: u64, block: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":",
    );
    json::number(index, out);
    out.extend_from_slice(b",\"content_block\":");
    out.extend_from_slice(block);
    out.extend_from_slice(b"}\n\n");
}

/// Appends the end of a block.
pub(super) fn block_stop(index: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":",
    );
    json::number(index, out);
    out.extend_from_slice(b"}\n\n");
}

/// Appends a delta up to the value of its member.
pub(super) fn delta_head(index: u64, member: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
    );
    json::number(index, out);
    out.extend_from_slice(b",\"delta\":{\"type\":\"");
    out.extend_from_slice(member.as_bytes());
}

/// Appends how the message ended.
pub(super) fn message_delta(stop: &StopWords<'_>, usage: &Usage, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":",
    );
    json::string(stop.reason, out);
    out.extend_from_slice(b",\"stop_sequence\":");
    reply::optional(stop.sequence, out);
    if let Some(explanation) = stop.refusal {
        reply::refusal_details(explanation, out);
    }
    out.extend_from_slice(b"},\"usage\":");
    usage::write(usage, out);
    out.extend_from_slice(b"}\n\n");
}
