//! How the process takes its place and gives it up: listening sockets, words with the service manager, and
//! with the process before or after it.

mod line;
pub mod manager;
mod offer;
mod predecessor;
mod sockets;

pub use offer::{Offer, Parting};
pub use predecessor::{Predecessor, patiently};
pub use sockets::{Sockets, activated};
