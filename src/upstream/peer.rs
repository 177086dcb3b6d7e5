//! The only place that builds Pingora peers: always from an address, never from a name, because
//! Pingora would resolve it by blocking.

use std::net::SocketAddr;
use std::time::Duration;

use omniroute_core::config::Timeouts;
use omniroute_core::snapshot::BaseUrl;
use pingora_core::protocols::l4::ext::TcpKeepalive;
use pingora_core::upstreams::peer::HttpPeer;

/// How long an idle connection to a provider is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Parallel requests on one HTTP/2 connection to a provider.
const H2_STREAMS: usize = 64;

/// How long one write to a provider may take.
const WRITE: Duration = Duration::from_secs(60);

/// Time limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerTimeouts {
    /// To connect, TLS apart.
    pub connect: Duration,
    /// Between two reads, as a last resort; the gateway's own limits are shorter.
    pub read: Duration,
}

impl From<&Timeouts> for PeerTimeouts {
    fn from(timeouts: &Timeouts) -> Self {
        let slack = Duration::from_secs(5);
        Self { connect: timeouts.connect, read: timeouts.first_byte.max(timeouts.idle) + slack }
    }
}

/// Builds the peer for one attempt.
pub fn peer(endpoint: &BaseUrl, address: SocketAddr, timeouts: PeerTimeouts) -> Box<HttpPeer> {
    #[expect(clippy::disallowed_methods, reason = "an address is given, so nothing is resolved")]
    let mut peer = HttpPeer::new(address, endpoint.tls, endpoint.host.to_string());
    let options = &mut peer.options;
    options.connection_timeout = Some(timeouts.connect);
    // TLS takes up to three more round trips than TCP alone.
    options.total_connection_timeout = Some(timeouts.connect * 2);
    options.read_timeout = Some(timeouts.read);
    options.write_timeout = Some(WRITE);
    options.idle_timeout = Some(IDLE);
    options.tcp_keepalive = Some(TcpKeepalive {
        idle: Duration::from_secs(30),
        interval: Duration::from_secs(10),
        count: 3,
        #[cfg(target_os = "linux")]
        user_timeout: Duration::from_secs(0),
    });
    if endpoint.tls {
        options.set_http_version(2, 1);
        options.max_h2_streams = H2_STREAMS;
    }
    Box::new(peer)
}
