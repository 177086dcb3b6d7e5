//! Streams of this format: reading chunks into events and writing events as chunks.
//!
//! [`chunk`] is the wire shape, [`assembly`] turns chunks into events, [`reader`] feeds it from an
//! event stream, [`writer`] goes the other way, [`usage`] converts token counts, [`finish`] the words
//! for an answer's end, [`details`] and [`sources`] are what goes beside the text.

pub(crate) mod assembly;
mod calls;
pub(crate) mod chunk;
pub(crate) mod details;
pub(crate) mod finish;
pub(crate) mod reader;
pub(crate) mod sources;
#[cfg(test)]
mod tests;
pub(crate) mod usage;
pub(crate) mod writer;

/// What stands at the end of a complete stream.
pub(super) const END_MARKER: &[u8] = b"data: [DONE]\n\n";
