//! Requests of this format: [`read`] for clients, [`write`] for providers.

mod content;
mod media;
mod members;
mod messages;
mod options;
mod outgoing;
mod read;
#[cfg(test)]
mod tests;
mod tools;
mod turns;
mod wire;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
