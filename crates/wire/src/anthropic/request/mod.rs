//! Requests: read into canonical form and written from it.

mod continued;
mod read;
mod write;

pub(super) use self::continued::continued;
pub(super) use self::read::read;
pub(super) use self::write::write;
