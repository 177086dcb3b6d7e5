//! Says that the gateway serves, once it does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use tokio::net::TcpStream;

use crate::listen::Certificates;
use crate::login::Login;

/// How often the listener is tried until it answers.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Says that the gateway serves.
pub struct Announce {
    /// The addresses listened on.
    pub listen: Vec<SocketAddr>,
    /// The address of the administration, if it has one of its own.
    pub admin: Option<SocketAddr>,
    /// The certificate that the command line has to expect.
    pub certificates: Arc<Certificates>,
    /// What lets the command line in from then on.
    pub login: Arc<Login>,
    /// What is printed on standard output then, given the first address.
    pub words: Option<fn(SocketAddr) -> String>,
}

#[async_trait]
impl BackgroundService for Announce {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let Some(first) = self.listen.first().copied() else { return };
        let near = reachable(first);
        while TcpStream::connect(near).await.is_err() {
            tokio::select! {
                _ = shutdown.changed() => return,
                () = tokio::time::sleep(BETWEEN_TRIES) => {}
            }
        }
        let listen: Vec<String> = self.listen.iter().map(ToString::to_string).collect();
        tracing::info!(listen = listen.join(", "), "omniroute serves");
        let administration = self.admin.map_or(near, reachable);
        let certificate = self.certificates.fingerprint();
        if let Err(error) = self.login.console.open(administration, certificate) {
            tracing::warn!(%error, "the command line cannot be let in: the data directory cannot be written");
        }
        if let Some(words) = self.words {
            print(&words(near));
        }
    }
}

#[expect(clippy::print_stdout, reason = "what `demo` is asked to print")]
fn print(text: &str) {
    println!("{text}");
}

/// Returns the address under which this machine reaches a listener.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
