//! A client's connection with deadlines: for the head of a request, and for being idle between two.
//!
//! Pingora has a time limit for each read, and none at all for a kept-alive connection: one byte now and
//! then keeps a connection open for ever. Here one deadline covers a head from its first byte to its end,
//! and a new connection that sends nothing. What is running says where it is ([`Conn::head_is_read`],
//! [`Conn::awaits_head`]); bodies and answers have limits of their own elsewhere.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use omniroute_core::config::Bounds;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::tls::{SslDigest, TlsRef};
use pingora_core::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, IO, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::caps::Place;

/// What an HTTP/2 client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client gets that was too slow with its head.
const TOO_SLOW: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Where a connection is.
mod phase {
    /// It is new, and its first head is not read yet.
    pub(super) const NEW: u8 = 0;
    /// A request is over; the next read waits for another.
    pub(super) const OVER: u8 = 1;
    /// It is idle.
    pub(super) const IDLE: u8 = 2;
    /// A head is coming.
    pub(super) const HEAD: u8 = 3;
    /// A head is there: what follows is not our business.
    pub(super) const BUSY: u8 = 4;
    /// A deadline has passed.
    pub(super) const LATE: u8 = 5;
}

/// A client's connection.
pub struct Conn {
    inner: Stream,
    place: Place,
    phase: AtomicU8,
    deadline: Pin<Box<Sleep>>,
    head_time: Duration,
    keep_alive: Duration,
    /// Bytes that were looked at to tell HTTP/2 from HTTP/1 and are still to be read.
    ahead: Vec<u8>,
    /// Bytes of the HTTP/2 preface that are still to come.
    preface_left: usize,
    /// Whether a byte of the first head has come.
    has_begun: bool,
}

impl Conn {
    /// Takes over a connection; the time for its first head begins now.
    pub fn new(inner: Stream, place: Place, bounds: &Bounds) -> Self {
        let is_h2 = matches!(inner.selected_alpn_proto(), Some(ALPN::H2));
        Self {
            inner,
            place,
            phase: AtomicU8::new(phase::NEW),
            deadline: Box::pin(sleep(bounds.head_time)),
            head_time: bounds.head_time,
            keep_alive: bounds.keep_alive,
            ahead: Vec::new(),
            preface_left: if is_h2 { PREFACE.len() } else { 0 },
            has_begun: false,
        }
    }

    /// Returns the connection of an HTTP/1 session. Those of HTTP/2 sessions belong to all their streams.
    pub fn of(session: &ServerSession) -> Option<&Self> {
        let stream: &dyn IO = &**session.as_http1()?.stream();
        stream.as_any().downcast_ref()
    }

    /// Says that a head is read: until [`Self::awaits_head`] there is no deadline.
    pub fn head_is_read(&self) {
        self.go_to(phase::BUSY);
    }

    /// Says that what comes next is another request, if anything.
    pub fn awaits_head(&self) {
        self.go_to(phase::OVER);
    }

    /// Tells whether only health and administration may be served here.
    pub const fn is_reserve(&self) -> bool {
        self.place.is_reserve()
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }

    fn go_to(&self, phase: u8) {
        // Our own task says all of this, so that nothing has to be ordered.
        self.phase.store(phase, Ordering::Relaxed);
    }

    /// Notes that bytes have come.
    fn received(&mut self, count: usize) {
        match self.phase() {
            phase::NEW => {
                self.has_begun = true;
                if self.preface_left > 0 {
                    self.preface_left = self.preface_left.saturating_sub(count);
                    if self.preface_left == 0 {
                        self.go_to(phase::BUSY);
                    }
                }
            }
            phase::OVER | phase::IDLE => {
                self.go_to(phase::HEAD);
                self.wait_for(self.head_time);
            }
            _ => {}
        }
    }

    fn wait_for(&mut self, time: Duration) {
        self.deadline.as_mut().reset(Instant::now() + time);
    }

    /// Looks at the deadline when there is nothing to read.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.phase() {
            phase::BUSY => return Poll::Pending,
            phase::LATE => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            phase::OVER => {
                self.go_to(phase::IDLE);
                self.wait_for(self.keep_alive);
            }
            _ => {}
        }
        if self.deadline.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let is_idle = self.phase() == phase::IDLE || !self.has_begun;
        self.go_to(phase::LATE);
        if is_idle {
            // Nobody waits for an answer: it ends like a connection that the client closes.
            return Poll::Ready(Ok(()));
        }
        let is_http1 = self.preface_left == 0;
        if is_http1 && Pin::new(&mut self.inner).poll_write(cx, TOO_SLOW).is_ready() {
            let _as_far_as_it_goes = Pin::new(&mut self.inner).poll_flush(cx);
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..count]);
            self.ahead.drain(..count);
        }
        let looked_at = buffer.filled().len();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.inner).poll_read(cx, buffer) {
            // What was looked at is news already; an error or the end comes again.
            _ if looked_at > before => {
                self.received(buffer.filled().len() - looked_at);
                Poll::Ready(Ok(()))
            }
            Poll::Pending => self.poll_deadline(cx),
            Poll::Ready(Ok(())) => {
                let count = buffer.filled().len() - before;
                if count > 0 {
                    self.received(count);
                }
                Poll::Ready(Ok(()))
            }
            failed => failed,
        }
    }
}

impl AsyncWrite for Conn {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.phase() == phase::LATE {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.phase() == phase::LATE {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[async_trait]
impl Peek for Conn {
    /// Reads ahead only as long as it can be HTTP/2, so that short requests are not waited for.
    async fn try_peek(&mut self, seen: &mut [u8]) -> io::Result<bool> {
        seen.fill(0);
        // Probes speak HTTP/1; and the streams of HTTP/2 would not know that they are on the reserve.
        if self.is_reserve() {
            return Ok(true);
        }
        let mut count = 0;
        while count < seen.len() && PREFACE.starts_with(&seen[..count]) {
            let more = self.read(&mut seen[count..]).await?;
            if more == 0 {
                break;
            }
            count += more;
        }
        if seen == PREFACE {
            self.go_to(phase::BUSY);
        }
        self.ahead.extend_from_slice(&seen[..count]);
        Ok(true)
    }
}

#[async_trait]
impl Shutdown for Conn {
    async fn shutdown(&mut self) {
        self.inner.shutdown().await;
    }
}

impl UniqueID for Conn {
    fn id(&self) -> UniqueIDType {
        self.inner.id()
    }
}

impl Ssl for Conn {
    fn get_ssl(&self) -> Option<&TlsRef> {
        self.inner.get_ssl()
    }

    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.inner.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.inner.selected_alpn_proto()
    }
}

impl GetTimingDigest for Conn {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.inner.get_timing_digest()
    }

    fn get_read_pending_time(&self) -> Duration {
        self.inner.get_read_pending_time()
    }

    fn get_write_pending_time(&self) -> Duration {
        self.inner.get_write_pending_time()
    }
}

impl GetProxyDigest for Conn {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.inner.get_proxy_digest()
    }
}

impl GetSocketDigest for Conn {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.inner.get_socket_digest()
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
