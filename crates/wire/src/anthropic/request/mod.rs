//! Requests: read into canonical form and written from it.

mod locate;
mod read;
mod write;

pub(super) use self::read::read;
pub(super) use self::write::write;
