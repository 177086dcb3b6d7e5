//! Reply streams: `message_start`, blocks one after the other, `message_delta`, `message_stop`.

mod frame;
mod pieces;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use self::reader::Reader;
pub(super) use self::writer::Writer;
