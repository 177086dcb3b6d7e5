//! Tests over the wire: requests on real sockets, answers read byte by byte.

mod client;
#[expect(clippy::disallowed_methods, reason = "tests run many clients at once")]
mod connections;
mod faults;
mod formats;
mod pauses;
mod recorded;
mod refusals;
mod script;
mod tools;

use std::net::SocketAddr;

use crate::{Running, Sim};

/// A free port on loopback.
const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn sim() -> Running {
    Sim::new().record(true).bind(ANY_PORT).await.unwrap()
}
