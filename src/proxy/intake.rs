//! Reading a request: its head as our own type, its body whole.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, Version};
use omniroute_core::context::RequestHead;
use omniroute_core::error::Error;
use pingora_proxy::Session;
use tokio::time::{Instant, timeout, timeout_at};

use crate::listen::Conn;

/// Limits of a head (design/reliability.md, section 3).
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEAD_FIELDS: usize = 128;
const MAX_TARGET_BYTES: usize = 16 * 1024;

/// Longest time a whole body may take, however steadily it drips.
const MAX_BODY_TIME: Duration = Duration::from_secs(120);

/// How long an idle connection of a client is kept, in seconds, whatever the client asks for.
const KEEP_ALIVE_SECONDS: u64 = 75;

/// How long a client may not read before its connection is given up.
const CLIENT_WRITE: Duration = Duration::from_secs(60);

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
    RequestHead {
        method: header.method.clone(),
        path: header.uri.path().into(),
        query: header.uri.query().unwrap_or_default().into(),
        headers: header.headers.clone(),
        peer: peer(session),
    }
}

fn peer(session: &Session) -> Option<IpAddr> {
    session.client_addr().and_then(|address| address.as_inet()).map(|inet| inet.ip().to_canonical())
}

/// Sets the limits of a client's connection, and refuses a head that is larger than they allow.
///
/// # Errors
///
/// [`Error::HeadTooLarge`], [`Error::BadRequest`] for a host that is none.
pub fn admit(session: &mut Session) -> Result<(), Error> {
    if let Some(conn) = Conn::of(&session.downstream_session) {
        conn.head_is_read();
    }
    let header = session.req_header();
    let coding = header.headers.get(TRANSFER_ENCODING).cloned();
    // A body with chunks has had too many readings in the world, and HTTP/1.0 has no chunks to end a
    // stream with: such connections are not used again.
    let is_kept = coding.is_none() && header.version >= Version::HTTP_11;
    session.set_keepalive(is_kept.then_some(KEEP_ALIVE_SECONDS));
    // Bytes behind the request are the next request, no reason to give this one up.
    session.set_pipelining_enabled(is_kept);
    session.set_write_timeout(Some(CLIENT_WRITE));
    session.set_total_drain_timeout(Some(DRAIN));

    let header = session.req_header();
    let target = header.raw_path().len();
    if target > MAX_TARGET_BYTES {
        let what =
            format!("the request target has {target} bytes; the limit is {MAX_TARGET_BYTES}");
        return Err(Error::HeadTooLarge { what, status: 414 });
    }
    let fields = header.headers.len();
    if fields > MAX_HEAD_FIELDS {
        let what = format!("{fields} header fields; the limit is {MAX_HEAD_FIELDS}");
        return Err(Error::HeadTooLarge { what, status: 431 });
    }
    let bytes: usize =
        header.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEAD_BYTES {
        let what = format!("{bytes} bytes of headers; the limit is {MAX_HEAD_BYTES}");
        return Err(Error::HeadTooLarge { what, status: 431 });
    }
    if header.version == Version::HTTP_11 && !has_host(&header.headers) {
        let what = "the `host` header is missing or no host name".to_owned();
        return Err(Error::BadRequest { what });
    }
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        let what = "transfer-encoding must be `chunked` and nothing else".to_owned();
        return Err(Error::BadRequest { what });
    }
    Ok(())
}

fn has_host(headers: &HeaderMap) -> bool {
    headers.get(HOST).is_some_and(|host| Authority::try_from(host.as_bytes()).is_ok())
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

/// Reads the body whole.
///
/// Answers `Expect: 100-continue`, since nobody else does when a body is read this early.
///
/// # Errors
///
/// [`Error::UnsupportedEncoding`], [`Error::BodyTooLarge`], [`Error::RequestTimeout`];
/// [`Error::BadRequest`] if the body's framing is broken or the client left.
pub async fn body(
    session: &mut Session,
    limit: BodyLimit,
    patience: Duration,
) -> Result<Bytes, Error> {
    let headers = &session.req_header().headers;
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|value| *value != "identity") {
        let encoding: String =
            String::from_utf8_lossy(encoding.as_bytes()).chars().take(40).collect();
        return Err(Error::UnsupportedEncoding { encoding });
    }
    let announced = announced(headers);
    if let Some(bytes) = announced.filter(|bytes| *bytes > limit.bytes) {
        return Err(limit.passed(format!("{bytes} bytes")));
    }
    if expects_continue(headers) {
        session.write_continue_response().await.map_err(|_| gone())?;
    }
    read(session, limit, patience, announced.unwrap_or(0)).await
}

async fn read(
    session: &mut Session,
    limit: BodyLimit,
    patience: Duration,
    announced: usize,
) -> Result<Bytes, Error> {
    let end = Instant::now() + MAX_BODY_TIME;
    let mut first: Option<Bytes> = None;
    let mut body = BytesMut::new();
    loop {
        let next = timeout(patience, session.downstream_session.read_request_body());
        let piece = match timeout_at(end, next).await {
            Err(_) => return Err(Error::RequestTimeout { limit: MAX_BODY_TIME }),
            Ok(Err(_)) => return Err(Error::RequestTimeout { limit: patience }),
            Ok(Ok(Err(_))) => return Err(gone()),
            Ok(Ok(Ok(None))) => break,
            Ok(Ok(Ok(Some(piece)))) => piece,
        };
        let so_far = body.len() + first.as_ref().map_or(0, Bytes::len);
        if so_far + piece.len() > limit.bytes {
            return Err(limit.passed("more than that".to_owned()));
        }
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
    Ok(first.unwrap_or_else(|| body.freeze()))
}

fn gone() -> Error {
    Error::BadRequest { what: "the request body is broken or incomplete".to_owned() }
}
