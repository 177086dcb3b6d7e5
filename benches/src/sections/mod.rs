//! What is measured besides the processor time of busy connections: a section of the report each.

pub(crate) mod delays;
pub(crate) mod memory;
pub(crate) mod peak;
pub(crate) mod peers;
pub(crate) mod rates;
