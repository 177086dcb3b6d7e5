//! What the integration tests are made of: a gateway in the test's own runtime, a client that sees
//! every byte, and the simulator as the provider.
//!
//! Nothing here sleeps, listens on a fixed port or leaves the machine.

#![expect(clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

mod authority;
mod client;
pub mod frames;
mod gateway;
mod tls;
mod tunnel;

pub use authority::{Authority, Issued};
pub use client::{Answer, Client, Pieces, Protocol, RawConnection, Trust, chunked, whole};
pub use gateway::TestGateway;
pub use omniroute_sim::{Gate, Running, Sim, Step};
pub use openssl::ssl::SslVersion;
pub use tls::TlsFront;
use tokio::task::JoinHandle;
pub use tunnel::{Asked, TestTunnel, TunnelLogin, TunnelProtocol};

/// Starts a simulator that records what it is sent, bodies whole.
///
/// # Panics
///
/// If loopback cannot be listened on.
pub async fn simulator() -> Running {
    let anywhere = ([127, 0, 0, 1], 0).into();
    let bound = Sim::new().record(true).keep_bodies(true).bind(anywhere).await;
    bound.expect("loopback can be listened on")
}

/// Runs something beside the test, in its runtime.
#[expect(clippy::disallowed_methods, reason = "tests run their servers in their own runtime")]
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}
