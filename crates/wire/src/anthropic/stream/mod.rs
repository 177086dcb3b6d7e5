//! Reply streams: `message_start`, blocks one after the other, `message_delta`, `message_stop`.

mod frame;
mod pieces;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use self::reader::Reader;
pub(super) use self::writer::Writer;

/// What stands at the end of a complete stream.
pub(super) const END_MARKER: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
