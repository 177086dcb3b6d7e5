//! Where a call goes, and through what.

use std::net::SocketAddr;
use std::sync::Arc;

use omniroute_core::snapshot::{BaseUrl, Tunnel};
use pingora_core::upstreams::peer::HttpPeer;

use super::endpoints::Endpoints;
use super::peer::{PeerTimeouts, peer};
use super::tunnel::Failure;
use super::unreachable::Unreachable;

/// Where a call goes, and through what.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The provider.
    pub endpoint: BaseUrl,
    /// The tunnel on the way.
    pub tunnel: Option<Arc<Tunnel>>,
    /// Whether the connection has to be a new one: where one was dead, the others often are too.
    pub is_fresh: bool,
    /// Time limits.
    pub timeouts: PeerTimeouts,
}

impl Destination {
    /// Looks up the host that is connected to, which with a tunnel is the tunnel's, and makes the peer.
    /// The addresses in `avoid` come last.
    ///
    /// # Errors
    ///
    /// Whose host name has no address.
    pub async fn peer(
        &self,
        endpoints: &Arc<Endpoints>,
        avoid: &[SocketAddr],
    ) -> Result<Box<HttpPeer>, Unreachable> {
        let (host, port, unresolved) = match &self.tunnel {
            Some(tunnel) => (&tunnel.host, tunnel.port, Unreachable::Tunnel(Failure::UNRESOLVED)),
            None => (&self.endpoint.host, self.endpoint.port, Unreachable::UNRESOLVED),
        };
        let address = endpoints.address(host, port, avoid).await.map_err(|_| unresolved)?;
        Ok(peer(self, address))
    }
}
