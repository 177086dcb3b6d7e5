//! The session that stands between Pingora and the client while a request is forwarded.
//!
//! Pingora keeps 64 KiB of a request body for a retry and writes an answer's head as soon as it has
//! one. Both are too little here, so Pingora is given this session instead of its own: it shows a
//! stand-in for the head and one byte for the body, at any size of the real ones, which the request
//! filters replace by the attempt's; and it hands everything a provider sends to the [`exchange`](super::exchange),
//! which decides what the client sees and when. The limits on a provider's silence run here too,
//! because Pingora waits for the client's leaving here all the time.
//!
//! When the exchange is over the inner session goes back to Pingora, which then keeps the client's
//! connection alive as usual.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Version};
use omniroute_core::verdict::Signal;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::{Error, ErrorType, Result};
use pingora_core::protocols::Digest;
use pingora_core::protocols::http::custom::CustomMessageWrite;
use pingora_core::protocols::http::custom::server::Session as CustomSession;
use pingora_core::protocols::http::{HttpTask, ServerSession};
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_proxy::Session;
use tokio::time::{Instant, Sleep, sleep_until};

use super::exchange::{Parcel, SharedExchange, Step};
use super::{Shared, fault, unread};
use crate::leaving::Cut;

/// What Pingora replays instead of the body; any length above zero does.
const STAND_IN: Bytes = Bytes::from_static(b"-");

/// What Pingora copies for each attempt; `upstream_request_filter` puts the attempt's own head in its place.
static STAND_IN_HEAD: LazyLock<RequestHeader> = LazyLock::new(|| {
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.method = Method::POST;
    head.into()
});

/// What follows once the tasks are written.
enum Then {
    /// More is to come from the provider.
    Wait,
    /// The answer is complete.
    End,
    /// Pingora is to ask a provider again.
    Again,
}

/// Stands between Pingora and the client's session.
struct ReplaySession {
    inner: ServerSession,
    exchange: SharedExchange,
    timer: Option<Pin<Box<Sleep>>>,
    cut: Cut,
    shared: Arc<Shared>,
    /// Whether the client has left, and the answer is finished for those who follow it.
    has_left: bool,
}

/// Puts a replay session in the place of Pingora's own.
pub fn stand_between(session: &mut Session, exchange: SharedExchange) {
    let inner = std::mem::replace(&mut *session.downstream_session, nobody());
    let shared = Arc::clone(&exchange.lock().shared);
    let replay = ReplaySession {
        inner,
        exchange,
        timer: None,
        cut: Cut::default(),
        shared,
        has_left: false,
    };
    *session.downstream_session = ServerSession::new_custom(Box::new(replay));
}

/// Gives Pingora its own session back. Does nothing the second time.
pub async fn step_aside(session: &mut Session, exchange: &SharedExchange) {
    if let Some(replay) = session.downstream_session.as_custom_mut()
        && let Err(error) = replay.finish_custom().await
    {
        tracing::error!(%error, "the client's session could not be taken back");
    }
    let inner = exchange.lock().aside.take();
    if let Some(inner) = inner {
        *session.downstream_session = *inner;
    }
}

/// Stands where a session was taken away.
fn nobody() -> ServerSession {
    ServerSession::new_custom(Box::new(()))
}

impl ReplaySession {
    /// Hands what came to the exchange and returns what is to be written, and what follows then.
    fn take(&mut self, tasks: Vec<HttpTask>) -> Result<(Vec<HttpTask>, Then)> {
        let mut out = Vec::with_capacity(tasks.len() + 1);
        for task in tasks {
            for step in self.feed(task) {
                match step {
                    Step::TryNext => return Ok((out, Then::Again)),
                    Step::GoOn(parcel) => {
                        self.pack(parcel, &mut out)?;
                        return Ok((out, Then::Again));
                    }
                    Step::Write(parcel) => {
                        if self.pack(parcel, &mut out)? {
                            return Ok((out, Then::End));
                        }
                    }
                }
            }
        }
        Ok((out, Then::Wait))
    }

    fn feed(&self, task: HttpTask) -> Vec<Step> {
        let mut exchange = self.exchange.lock();
        let mut steps = Vec::with_capacity(2);
        let end = match task {
            HttpTask::Header(head, _) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
                steps.push(exchange.broken(Signal::Unusable));
                false
            }
            HttpTask::Header(head, end) => {
                exchange.head_came(&head);
                end && !head.status.is_informational()
            }
            HttpTask::Body(piece, end) | HttpTask::UpgradedBody(piece, end) => {
                if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
                    steps.push(exchange.body_came(piece));
                }
                end
            }
            HttpTask::Trailer(_) | HttpTask::Done => true,
            HttpTask::Failed(error) => {
                steps.push(fault::provider_failed(&mut exchange, &error));
                false
            }
        };
        let is_over = steps.iter().any(Step::is_last);
        if end && !is_over {
            steps.push(exchange.body_ended());
        }
        steps
    }

    /// Turns a parcel into Pingora's tasks. Returns whether the answer ends with it.
    fn pack(&mut self, parcel: Parcel, out: &mut Vec<HttpTask>) -> Result<bool> {
        let parcel = self.exchange.lock().sending(parcel);
        if let Some(mut head) = parcel.head {
            frame(&mut head, self.inner.req_header().version)?;
            out.push(HttpTask::Header(head, false));
        }
        for piece in parcel.pieces {
            if !piece.is_empty() {
                out.push(HttpTask::Body(Some(piece), false));
            }
        }
        if parcel.end {
            out.push(HttpTask::Done);
        }
        Ok(parcel.end)
    }

    /// Takes note that the client has left. Unless somebody follows the answer, that is its end.
    fn left(has_left: &mut bool, exchange: &SharedExchange, error: Box<Error>) -> Result<()> {
        if !exchange.lock().goes_on_without_client() {
            return Err(error);
        }
        *has_left = true;
        Ok(())
    }

    /// Writes to the client, if it is still there.
    async fn write_out(&mut self, out: Vec<HttpTask>) -> Result<()> {
        if self.has_left {
            return Self::left(&mut self.has_left, &self.exchange, fault::client_left());
        }
        let cut = (&self.shared.leaving, &mut self.cut);
        if let Err(error) = unread::in_time(self.inner.response_duplex_vec(out), cut).await {
            return Self::left(&mut self.has_left, &self.exchange, error.into_down());
        }
        // A client that reads slowly is no fault of the provider's.
        self.exchange.lock().written();
        Ok(())
    }

    /// Waits until the provider has been silent for too long.
    async fn silence(timer: &mut Option<Pin<Box<Sleep>>>, exchange: &SharedExchange) {
        let now_due = limit(exchange);
        let sleep = timer.get_or_insert_with(|| Box::pin(sleep_until(now_due)));
        if sleep.deadline() > now_due {
            sleep.as_mut().reset(now_due);
        }
        poll_fn(|context| {
            while sleep.as_mut().poll(context).is_ready() {
                // The limit moves with every sign of life; the timer follows only when it rings.
                let limit = limit(exchange);
                if limit <= Instant::now() {
                    return Poll::Ready(());
                }
                sleep.as_mut().reset(limit);
            }
            Poll::Pending
        })
        .await;
    }
}

fn limit(exchange: &SharedExchange) -> Instant {
    Instant::from_std(exchange.lock().limit())
}

/// Says how the body's end will be known: an answer without a length is chunked for HTTP/1.1.
fn frame(head: &mut ResponseHeader, version: Version) -> Result<()> {
    if version == Version::HTTP_11 && !head.headers.contains_key(CONTENT_LENGTH) {
        head.insert_header(TRANSFER_ENCODING, "chunked")?;
    }
    Ok(())
}

#[async_trait]
impl CustomSession for ReplaySession {
    fn req_header(&self) -> &RequestHeader {
        &STAND_IN_HEAD
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        self.inner.req_header_mut()
    }

    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        Ok(None)
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        self.inner.drain_request_body().await
    }

    async fn write_response_header(&mut self, head: Box<ResponseHeader>, _: bool) -> Result<()> {
        self.inner.write_response_header(head).await
    }

    async fn write_response_header_ref(&mut self, head: &ResponseHeader, _: bool) -> Result<()> {
        self.inner.write_response_header_ref(head).await
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        self.inner.write_response_body(data, end).await
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        self.inner.write_response_trailers(trailers).await
    }

    async fn response_duplex_vec(&mut self, tasks: Vec<HttpTask>) -> Result<bool> {
        let (out, then) = self.take(tasks)?;
        if !out.is_empty() {
            self.write_out(out).await?;
        }
        match then {
            Then::Wait => Ok(false),
            Then::End => Ok(true),
            Then::Again => Err(fault::try_next()),
        }
    }

    fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_read_timeout(timeout);
    }

    fn get_read_timeout(&self) -> Option<Duration> {
        self.inner.get_read_timeout()
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_write_timeout(timeout);
    }

    fn get_write_timeout(&self) -> Option<Duration> {
        self.inner.get_write_timeout()
    }

    fn set_total_drain_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_total_drain_timeout(timeout);
    }

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.inner.get_total_drain_timeout()
    }

    fn request_summary(&self) -> String {
        self.inner.request_summary()
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        // A `100 Continue` of ours is no answer.
        self.inner.response_written().filter(|head| !head.status.is_informational())
    }

    async fn shutdown(&mut self, _code: u32, _context: &str) {
        self.inner.shutdown().await;
    }

    fn is_body_done(&mut self) -> bool {
        true
    }

    async fn finish(&mut self) -> Result<()> {
        if self.has_left {
            return Ok(());
        }
        self.inner.finish_body().await
    }

    fn is_body_empty(&mut self) -> bool {
        false
    }

    async fn read_body_or_idle(&mut self, _no_body_expected: bool) -> Result<Option<Bytes>> {
        let Self { inner, timer, cut, shared, exchange, has_left, .. } = self;
        loop {
            let left = tokio::select! {
                biased;
                left = inner.read_body_or_idle(true), if !*has_left => left,
                () = Self::silence(timer, exchange) => return Err(fault::silent_provider()),
                () = cut.wait(&shared.leaving) => return Err(fault::stopping()),
            };
            match left {
                Err(error) => Self::left(has_left, exchange, error)?,
                read => return read,
            }
        }
    }

    fn body_bytes_sent(&self) -> usize {
        self.inner.body_bytes_sent()
    }

    fn body_bytes_read(&self) -> usize {
        self.inner.body_bytes_read()
    }

    fn digest(&self) -> Option<&Digest> {
        self.inner.digest()
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        self.inner.digest_mut()
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        self.inner.client_addr()
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        self.inner.server_addr()
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        self.inner.to_h1_raw()
    }

    fn enable_retry_buffering(&mut self) {}

    fn retry_buffer_truncated(&self) -> bool {
        false
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        Some(STAND_IN)
    }

    async fn finish_custom(&mut self) -> Result<()> {
        let inner = std::mem::replace(&mut self.inner, nobody());
        self.exchange.lock().aside = Some(Box::new(inner));
        Ok(())
    }

    fn take_custom_message_reader(
        &mut self,
    ) -> Option<Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>> {
        None
    }

    fn restore_custom_message_reader(
        &mut self,
        _: Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>,
    ) -> Result<()> {
        Error::e_explain(ErrorType::InternalError, "no custom messages here")
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(&mut self, _: Box<dyn CustomMessageWrite>) -> Result<()> {
        Error::e_explain(ErrorType::InternalError, "no custom messages here")
    }
}
