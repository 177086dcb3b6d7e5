//! Where a call goes, and through what.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use omniroute_core::snapshot::{BaseUrl, Tunnel};
use pingora_core::upstreams::peer::HttpPeer;

use super::endpoints::Endpoints;
use super::peer::peer;
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
    /// Time to connect, TLS apart.
    pub connect: Duration,
}

impl Destination {
    /// Looks up the host that is connected to, which with a tunnel is the tunnel's, and makes the peer.
    /// The addresses in `avoid` come last.
    ///
    /// # Errors
    ///
    /// Whose host name has no address, or leads where it may not.
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
        // A tunnel looks the provider's name up itself, where nobody here can see what it leads to.
        if self.tunnel.is_none() && !self.endpoint.reach.allows(address.ip()) {
            return Err(Unreachable::NOT_PUBLIC);
        }
        Ok(peer(self, address))
    }
}

#[cfg(test)]
mod tests {
    use omniroute_core::clock::Clock;
    use omniroute_core::reach::Reach;

    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_ones_own_network_is_found_out_when_it_is_connected_to() {
        let endpoints = Endpoints::new(Clock::manual(0));
        let second = Duration::from_secs(1);
        let to = |reach| {
            let endpoint =
                BaseUrl { tls: false, host: "localhost".into(), port: 80, path: "".into(), reach };
            Destination { endpoint, tunnel: None, is_fresh: false, connect: second }
        };
        let refused = to(Reach::Public).peer(&endpoints, &[]).await;
        assert_eq!(refused.err(), Some(Unreachable::NOT_PUBLIC));
        assert!(to(Reach::Anywhere).peer(&endpoints, &[]).await.is_ok());
    }
}
