//! Everything outbound: addresses of providers and the peers Pingora connects to.

mod endpoints;
mod peer;

pub use endpoints::{Endpoints, Unresolved};
pub use peer::{PeerTimeouts, peer};
