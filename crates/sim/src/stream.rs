//! Sending a reply: the body that hyper polls, and the waits and cuts before its head.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Response, Version};
use hyper::body::{Body, Frame, SizeHint};

use crate::connection::{Cut, Line};
use crate::counts::Ticket;
use crate::reply::{Content, Piece, Reply};

/// What a reply needs to know while it is sent.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) ticket: Ticket,
    pub(crate) line: Arc<Line>,
    pub(crate) version: Version,
}

/// Waits what the reply wants before its head and returns head and body.
///
/// # Errors
///
/// An error stands for a cut before the head on HTTP/2: hyper resets the stream for it.
pub(crate) async fn send(reply: Reply, mut sending: Sending) -> io::Result<Response<AnswerBody>> {
    for piece in reply.before {
        match piece {
            Piece::Bytes(_) => {}
            Piece::Pause(time) => tokio::time::sleep(time).await,
            Piece::Gate(gate) => gate.pass().await,
            Piece::Hang => std::future::pending().await,
            Piece::Cut(cut) => {
                sending.ticket.finish();
                if cut == Cut::Reset && sending.version == Version::HTTP_2 {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                sending.line.cut(cut);
                // The connection task drops this future when its flush meets the cut.
                WakeOnce::default().await;
                std::future::pending().await
            }
        }
    }
    let mut response = Response::new(AnswerBody::new(reply.content, sending));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

/// The body of an answer; hyper takes one piece at a time and flushes between them.
pub(crate) struct AnswerBody {
    source: Source,
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_flush_due: bool,
    reset_after_flush: Option<u64>,
    sending: Sending,
}

impl AnswerBody {
    fn new(content: Content, sending: Sending) -> Self {
        let source = match content {
            Content::Whole(bytes) if bytes.is_empty() => Source::Whole(None),
            Content::Whole(bytes) => Source::Whole(Some(bytes)),
            Content::Pieces(pieces) => Source::Pieces(pieces.into_iter()),
            Content::Shared(chunks) => Source::Shared(chunks, 0),
        };
        let mut body =
            Self { source, wait: None, is_flush_due: false, reset_after_flush: None, sending };
        if body.source.is_empty() {
            body.sending.ticket.finish();
        }
        body
    }

    /// Ends the connection or stream behind what was sent; never returns `Ready(None)`.
    fn poll_cut(&mut self, cut: Cut, cx: &Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.sending.ticket.finish();
        let line = &self.sending.line;
        if cut == Cut::Close || self.sending.version != Version::HTTP_2 {
            line.cut(cut);
            self.wait = Some(Box::pin(std::future::pending()));
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.reset_after_flush = Some(line.flushes());
        line.wake_at_flush(cx.waker());
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            if let Some(flushes) = self.reset_after_flush {
                if self.sending.line.flushes() > flushes {
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
                }
                self.sending.line.wake_at_flush(cx.waker());
                return Poll::Pending;
            }
            if self.is_flush_due {
                self.is_flush_due = false;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.source.next() {
                None => {
                    self.sending.ticket.finish();
                    return Poll::Ready(None);
                }
                Some(Piece::Bytes(bytes)) => {
                    self.is_flush_due = true;
                    if self.source.is_empty() {
                        self.sending.ticket.finish();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Piece::Pause(time)) => self.wait = Some(Box::pin(tokio::time::sleep(time))),
                Some(Piece::Gate(gate)) => self.wait = Some(Box::pin(gate.pass())),
                Some(Piece::Hang) => self.wait = Some(Box::pin(std::future::pending())),
                Some(Piece::Cut(cut)) => return self.poll_cut(cut, cx),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_empty() && self.wait.is_none() && self.reset_after_flush.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Source::Pieces(_) | Source::Shared(..) => SizeHint::default(),
        }
    }
}

enum Source {
    Whole(Option<Bytes>),
    Pieces(std::vec::IntoIter<Piece>),
    Shared(Arc<[Bytes]>, usize),
}

impl Source {
    fn next(&mut self) -> Option<Piece> {
        match self {
            Self::Whole(bytes) => bytes.take().map(Piece::Bytes),
            Self::Pieces(pieces) => pieces.next(),
            Self::Shared(chunks, position) => {
                let chunk = chunks.get(*position)?.clone();
                *position += 1;
                Some(Piece::Bytes(chunk))
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Pieces(pieces) => pieces.len() == 0,
            Self::Shared(chunks, position) => chunks.len() == *position,
        }
    }
}

/// Pending once, with a wake-up, so that the task that drives the connection comes by again.
#[derive(Debug, Default)]
struct WakeOnce {
    has_woken: bool,
}

impl Future for WakeOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_woken {
            return Poll::Ready(());
        }
        self.has_woken = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
