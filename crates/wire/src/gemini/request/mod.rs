//! Requests: from this format's JSON to the canonical form and back.

mod members;
mod read;
mod write;

pub(super) use read::{level_of, peek, read};
pub(super) use write::write;

/// Prefix of ids that were made because a call came without one. Tells them from Gemini's own, so that
/// they are not sent to a model that did not give them.
const MADE_ID: &str = "call_gm_";
