//! Streams of this format: reading its events and writing them.
//!
//! [`wire`] is their shape, [`assembly`] makes our events of them, item by item ([`item`], [`call`]), and
//! [`reader`] feeds it. [`writer`] goes the other way, `response.created`, items one after the other,
//! `response.completed`; parts that interleave wait for their turn, clients handle one open item best.

mod assembly;
mod call;
mod frames;
mod heard;
mod item;
mod items;
mod logprobs;
mod media;
mod reader;
mod sources;
#[cfg(test)]
mod tests;
mod text;
mod wire;
mod writer;

pub(super) use self::assembly::Assembly;
pub(super) use self::reader::Reader;
pub(super) use self::writer::{Writer, last_response};
