//! Reading a request: its head as our own type, its body whole.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST, HeaderValue, TRANSFER_ENCODING,
};
use http::{HeaderMap, Version};
use omniroute_core::config::Bounds;
use omniroute_core::context::RequestHead;
use omniroute_core::error::Error;
use pingora_proxy::Session;
use tokio::time::{Instant, timeout, timeout_at};

use super::load::Room;
use super::strict;
use crate::listen::Conn;

/// The limit of all bodies together, by its name in the configuration.
const BODIES: &str = "buffered_bodies";

/// How large a body may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// In bytes.
    pub bytes: usize,
    /// What sets it, as the refused client is told.
    pub set_by: &'static str,
}

impl BodyLimit {
    const fn passed(self, size: String) -> Error {
        Error::BodyTooLarge { size, limit: self.bytes, set_by: self.set_by }
    }
}

/// Longest rest of a body that is read and thrown away so that a refused client keeps its connection.
const MAX_DRAINED_BYTES: usize = 64 * 1024;

/// How long that may take.
const DRAIN: Duration = Duration::from_secs(5);

/// Takes a request's head out of Pingora's session.
pub fn head(session: &Session) -> RequestHead {
    let header = session.req_header();
    let mut headers = header.headers.clone();
    // HTTP/2 says it in another place; whoever compares origins looks here.
    if let Some(authority) = header.uri.authority().filter(|_| !headers.contains_key(HOST))
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(HOST, host);
    }
    RequestHead {
        method: header.method.clone(),
        path: header.uri.path().into(),
        query: header.uri.query().unwrap_or_default().into(),
        headers,
        peer: peer(session),
    }
}

fn peer(session: &Session) -> Option<IpAddr> {
    session.client_addr().and_then(|address| address.as_inet()).map(|inet| inet.ip().to_canonical())
}

/// Sets the limits of a client's connection, and refuses a head that is larger than they allow or has more
/// than one reading.
///
/// # Errors
///
/// [`Error::HeadTooLarge`], [`Error::BadRequest`].
pub fn admit(session: &mut Session, limits: &Bounds) -> Result<(), Error> {
    let conn = Conn::of(&session.downstream_session);
    if let Some(conn) = conn {
        conn.head_is_read();
    }
    let is_reserve = conn.is_some_and(Conn::is_reserve);
    let header = session.req_header();
    // A body with chunks has had too many readings in the world, HTTP/1.0 has no chunks to end a stream with,
    // and the reserve is for many: such connections are not used again.
    let is_kept = session.downstream_session.get_keepalive().is_some()
        && !header.headers.contains_key(TRANSFER_ENCODING)
        && header.version >= Version::HTTP_11
        && !is_reserve;
    // 0: without a timer of Pingora's; the connection keeps the time itself (`limits.keep_alive`).
    session.set_keepalive(is_kept.then_some(0));
    // Bytes behind the request are the next request, no reason to give this one up.
    session.set_pipelining_enabled(is_kept);
    session.set_write_timeout(Some(limits.client_write));
    session.set_total_drain_timeout(Some(DRAIN));
    let raw = session.downstream_session.as_http1().map(|http1| http1.get_headers_raw_bytes());
    let checked = strict::check(session.req_header(), &raw.unwrap_or_default(), limits);
    if checked.is_err() {
        // Where it ends is not agreed, or nobody wants to know.
        session.set_keepalive(None);
        session.set_pipelining_enabled(false);
    }
    checked
}

/// Tells whether a session's connection is for health and administration only.
pub fn is_reserve(session: &Session) -> bool {
    Conn::of(&session.downstream_session).is_some_and(Conn::is_reserve)
}

/// Tells whether the client waits for a `100 Continue` before it sends its body.
pub fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Tells whether what is left of the body is little enough to be drained by Pingora.
pub fn is_small_rest(session: &mut Session) -> bool {
    if session.downstream_session.is_body_done() {
        return true;
    }
    announced(&session.req_header().headers).is_some_and(|bytes| bytes <= MAX_DRAINED_BYTES)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What a body may take.
pub struct Allowance {
    /// How large it may be.
    pub size: BodyLimit,
    /// Time between two pieces (`server.timeouts.client_body`).
    pub between: Duration,
    /// Time in all (`limits.body_time`).
    pub in_all: Duration,
    /// Where it is held.
    pub room: Room,
}

/// Reads the body whole.
///
/// Answers `Expect: 100-continue`, since nobody else does when a body is read this early.
///
/// # Errors
///
/// [`Error::UnsupportedEncoding`], [`Error::BodyTooLarge`], [`Error::RequestTimeout`], [`Error::Overloaded`];
/// [`Error::BadRequest`] if the body's framing is broken or the client left.
pub async fn body(session: &mut Session, allowed: Allowance) -> Result<Bytes, Error> {
    let headers = &session.req_header().headers;
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|value| *value != "identity") {
        let encoding: String =
            String::from_utf8_lossy(encoding.as_bytes()).chars().take(40).collect();
        return Err(Error::UnsupportedEncoding { encoding });
    }
    let (announced, limit) = (announced(headers), allowed.size);
    if let Some(bytes) = announced.filter(|bytes| *bytes > limit.bytes) {
        return Err(limit.passed(format!("{bytes} bytes")));
    }
    if expects_continue(headers) {
        session.write_continue_response().await.map_err(|_| gone())?;
    }
    read(session, allowed, announced.unwrap_or(0)).await
}

async fn read(
    session: &mut Session,
    mut allowed: Allowance,
    announced: usize,
) -> Result<Bytes, Error> {
    let (limit, end) = (allowed.size, Instant::now() + allowed.in_all);
    let mut first: Option<Bytes> = None;
    let mut body = BytesMut::new();
    loop {
        let mut next = pin!(session.downstream_session.read_request_body());
        // Most bodies have come with their head, and need no timers.
        let piece = match poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await {
            Poll::Ready(piece) => piece,
            Poll::Pending => match timeout_at(end, timeout(allowed.between, next)).await {
                Err(_) => return Err(too_slow(allowed.in_all, "limits.body_time")),
                Ok(Err(_)) => return Err(too_slow(allowed.between, "server.timeouts.client_body")),
                Ok(Ok(piece)) => piece,
            },
        };
        let Some(piece) = piece.map_err(|_| gone())? else { break };
        let so_far = body.len() + first.as_ref().map_or(0, Bytes::len);
        if so_far + piece.len() > limit.bytes {
            return Err(limit.passed("more than that".to_owned()));
        }
        allowed.room.take(piece.len()).map_err(|_| Error::Overloaded { limit: BODIES })?;
        match first.take() {
            None if body.is_empty() => first = Some(piece),
            None => body.extend_from_slice(&piece),
            Some(start) => {
                body.reserve(announced.min(limit.bytes).max(start.len() + piece.len()));
                body.extend_from_slice(&start);
                body.extend_from_slice(&piece);
            }
        }
    }
    Ok(allowed.room.keep(first.unwrap_or_else(|| body.freeze())))
}

const fn too_slow(limit: Duration, which: &'static str) -> Error {
    Error::RequestTimeout { limit, which }
}

fn gone() -> Error {
    Error::BadRequest { what: "the request body is broken or incomplete".to_owned() }
}
