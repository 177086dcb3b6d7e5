//! Requests of this format: [`read`] for clients, [`write`] for providers.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;
