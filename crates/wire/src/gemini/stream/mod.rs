//! Reply streams: events of a provider in, events for a client out.
//!
//! There is no end marker in this format: a stream is complete when every candidate said why it ended
//! (or the prompt was blocked) and the body ended. Old models say `STOP` in every event, so the reader
//! keeps the reason until the end of the body.

mod choices;
mod chunk;
mod fold;
mod objects;
mod partial;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use reader::{Body, Reader};
pub(super) use writer::{Writer, error_body, is_google};
