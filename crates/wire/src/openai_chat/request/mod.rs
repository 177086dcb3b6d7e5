//! Requests of this format: [`read`] for clients, [`write`] for providers.

mod content;
mod messages;
mod options;
mod read;
#[cfg(test)]
mod tests;
mod thoughts;
mod tools;
mod wire;
mod write;

use crate::members;

pub(crate) use read::read;
pub(crate) use write::write;
