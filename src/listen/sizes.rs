//! What a client's connection may take up in Pingora: memory, requests, time.

use std::net::SocketAddr;
use std::time::Duration;

use pingora::apps::HttpServerOptions;
use pingora_core::listeners::{L4BufferSettings, ListenerConfig};
use pingora_core::protocols::http::v2::server::{H2Options, default_h2_options};

/// What is read ahead of each client, in bytes: nothing, because heads and bodies are read into buffers of their own,
/// 4 KiB and 64 KiB at a time. Pingora's usual 64 KiB are memory for each connection (docs/performance.md).
const READ_AHEAD: usize = 0;

/// The same under TLS, whose records of up to 16 KiB are read in two steps.
const TLS_READ_AHEAD: usize = 16 * 1024;

/// Requests on one HTTP/1 connection before it is closed (design/reliability.md, section 3).
const REQUESTS_PER_CONNECTION: u32 = 10_000;

/// How long an idle HTTP/2 connection of a client is kept.
const H2_IDLE: Duration = Duration::from_secs(75);

/// What is held of an answer that a client of HTTP/2 does not read, in bytes; `h2` itself would hold 400 KiB.
const H2_SEND_BUFFER: usize = 64 * 1024;

/// Makes an endpoint of a listener.
pub fn endpoint(address: SocketAddr, has_tls: bool) -> ListenerConfig {
    let ahead = if has_tls { TLS_READ_AHEAD } else { READ_AHEAD };
    ListenerConfig::tcp(address.to_string()).l4_buffer(L4BufferSettings::default().read(ahead))
}

/// Returns what clients may do over HTTP/1, and that those without TLS may speak HTTP/2.
pub fn http_options() -> HttpServerOptions {
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    options.keepalive_request_limit = Some(REQUESTS_PER_CONNECTION);
    options.h2_idle_timeout = Some(H2_IDLE);
    options
}

/// Returns what clients may do over HTTP/2: Pingora's bounds (64 KiB of head, 100 streams), and no more held for
/// one that does not read than for one of HTTP/1.
pub fn h2_options() -> H2Options {
    let mut options = default_h2_options();
    options.max_send_buffer_size(H2_SEND_BUFFER);
    options
}
