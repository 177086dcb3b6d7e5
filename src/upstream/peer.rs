//! The only place that builds Pingora peers: always from an address, never from a name, because
//! Pingora would resolve it by blocking.
//!
//! With a tunnel the peer's address is the tunnel's: Pingora reuses a connection only if its socket leads
//! to the peer's address. The target stands in the name for TLS and, with the tunnel and who we are
//! there, in the group key; connections of different tunnels or targets therefore never mix.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use omniroute_core::snapshot::{BaseUrl, Tunnel};
use pingora_core::protocols::l4::ext::TcpKeepalive;
use pingora_core::upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy};

use super::destination::Destination;
use super::tunnel::Connector;

/// How long an idle connection to a provider is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Parallel requests on one HTTP/2 connection to a provider.
const H2_STREAMS: usize = 64;

/// How long one write to a provider may take.
const WRITE: Duration = Duration::from_secs(60);

/// Builds the peer for one attempt; `address` is the tunnel's if there is one.
pub(super) fn peer(destination: &Destination, address: SocketAddr) -> Box<HttpPeer> {
    let Destination { endpoint, tunnel, is_fresh, connect } = destination;
    #[expect(clippy::disallowed_methods, reason = "an address is given, so nothing is resolved")]
    let mut peer = HttpPeer::new(address, endpoint.tls, endpoint.host.to_string());
    if let Some(tunnel) = tunnel {
        peer.group_key = group_key(tunnel, endpoint);
        let connector = Connector::new(tunnel, endpoint, *connect);
        peer.options.custom_l4 = Some(Arc::new(connector));
    }
    if *is_fresh {
        peer.group_key = nobody_elses();
    }
    let options = &mut peer.options;
    options.connection_timeout = Some(*connect);
    // TLS takes up to three more round trips than TCP alone, and so does a tunnel.
    options.total_connection_timeout = Some(*connect * 2);
    // No limit between reads: the session of a client's request watches the provider (`src/proxy/session.rs`), and
    // each of Pingora's timers costs some 1,500 instructions. Requests of the gateway's own have one for all of it.
    options.write_timeout = Some(WRITE);
    options.idle_timeout = Some(IDLE);
    // Heads are built new, from a list of what may pass: nothing is left to be stripped.
    options.http_upstream_request_policy = HttpUpstreamRequestPolicy::preserve();
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

/// Returns a group key that no kept connection has.
fn nobody_elses() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(u64::MAX / 2);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// Returns what tells the connections of one tunnel and target from all others; 0 is none's.
fn group_key(tunnel: &Tunnel, endpoint: &BaseUrl) -> u64 {
    let mut hasher = DefaultHasher::new();
    (tunnel, &endpoint.host, endpoint.port).hash(&mut hasher);
    hasher.finish().max(1)
}
