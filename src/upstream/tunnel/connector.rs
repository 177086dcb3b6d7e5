//! A tunnel in the place of Pingora's own way to open connections.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use omniroute_core::snapshot::{BaseUrl, Tunnel};
use pingora_core::connectors::L4Connect;
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::{Error, ErrorType};

use super::failure::Failure;
use super::open::{self, Target};

/// Opens connections to one target through one tunnel.
#[derive(Debug)]
pub struct Connector {
    tunnel: Arc<Tunnel>,
    host: Arc<str>,
    port: u16,
    limit: Duration,
}

impl Connector {
    /// Makes a connector to an endpoint. `limit` is for each of the two steps, connecting to the tunnel
    /// and being connected on; Pingora sets none for connectors that are not its own.
    pub fn new(tunnel: &Arc<Tunnel>, endpoint: &BaseUrl, limit: Duration) -> Self {
        let (tunnel, host) = (Arc::clone(tunnel), Arc::clone(&endpoint.host));
        Self { tunnel, host, port: endpoint.port, limit }
    }

    async fn open(&self, address: &SocketAddr) -> Result<Stream, Failure> {
        let address = address.as_inet().ok_or(Failure::UNRESOLVED)?;
        let stream = open::connect(*address, self.limit).await?;
        let target = Target { host: &self.host, port: self.port };
        Ok(open::ask(stream, &self.tunnel, target, self.limit).await?.into())
    }
}

#[async_trait]
impl L4Connect for Connector {
    /// Connects to the tunnel at this address, and through it to the target.
    async fn connect(&self, address: &SocketAddr) -> pingora_core::Result<Stream> {
        let opened = self.open(address).await;
        opened.map_err(|failure| Error::because(ErrorType::ConnectError, "tunnel", failure))
    }
}
