//! Everything outbound: addresses of providers and tunnels, and the peers Pingora connects to.

mod destination;
mod endpoints;
mod fetch;
mod peer;
pub mod tunnel;
mod unreachable;

pub use destination::Destination;
pub use endpoints::{Endpoints, Unresolved};
pub use fetch::{Collected, Fetch, FetchError, Sink};
pub use unreachable::Unreachable;
