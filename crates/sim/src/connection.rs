//! One TCP connection: a socket that can be cut at will, and one task that drives all its streams.
//!
//! The connection and the answers of its HTTP/2 streams share one task. After an answer has handed over
//! its bytes, the next flush of the socket therefore contains them, and a cut can come exactly behind them.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use futures_util::stream::{FuturesUnordered, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const UNCUT: u8 = 0;
const CLOSE: u8 = 1;
const RESET: u8 = 2;

/// How a connection is ended on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// FIN, whatever is still owed to the client.
    Close,
    /// RST on HTTP/1.1; `RST_STREAM` on HTTP/2, where the connection belongs to other requests too.
    Reset,
}

/// What the answers know of their connection.
#[derive(Debug)]
pub(crate) struct Line {
    /// The connection's number, from 1.
    pub(crate) id: u64,
    cut: AtomicU8,
    flushes: AtomicU64,
    has_waiters: AtomicBool,
    waiters: Mutex<Vec<Waker>>,
}

impl Line {
    pub(crate) fn new(id: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            cut: AtomicU8::new(UNCUT),
            flushes: AtomicU64::new(0),
            has_waiters: AtomicBool::new(false),
            waiters: Mutex::default(),
        })
    }

    /// Ends the connection at its next flush, behind everything handed over so far.
    pub(crate) fn cut(&self, cut: Cut) {
        let code = match cut {
            Cut::Close => CLOSE,
            Cut::Reset => RESET,
        };
        self.cut.store(code, Ordering::SeqCst);
    }

    /// Counts the flushes that reached the socket.
    pub(crate) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::SeqCst)
    }

    /// Wakes `waker` at the next flush.
    pub(crate) fn wake_at_flush(&self, waker: &Waker) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.push(waker.clone());
        self.has_waiters.store(true, Ordering::SeqCst);
    }

    fn flushed(&self) {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        if self.has_waiters.swap(false, Ordering::SeqCst) {
            let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
            waiters.drain(..).for_each(Waker::wake);
        }
    }
}

/// A TCP stream that breaks off when its [`Line`] is cut.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    line: Arc<Line>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        Self { stream, line }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.line.cut.load(Ordering::SeqCst) != UNCUT {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.line.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.line.cut.load(Ordering::SeqCst) == RESET {
            // A failure leaves an ordinary close, which a test notices.
            let _ = self.stream.set_zero_linger();
        }
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Hands the tasks that hyper starts for HTTP/2 streams to the task of their own connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct SameTask {
    started: Arc<Started>,
}

impl<F> hyper::rt::Executor<F> for SameTask
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let mut tasks = self.started.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(Box::pin(future));
        self.started.is_waiting.store(true, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Started {
    is_waiting: AtomicBool,
    tasks: Mutex<Vec<Task>>,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Started").field("is_waiting", &self.is_waiting).finish_non_exhaustive()
    }
}

/// Drives a connection and its streams until the connection ends; streams left then are dropped.
pub(crate) struct Driver<C> {
    connection: Pin<Box<C>>,
    same_task: SameTask,
    streams: FuturesUnordered<Task>,
}

impl<C: Future> Driver<C> {
    pub(crate) fn new(connection: C, same_task: SameTask) -> Self {
        Self { connection: Box::pin(connection), same_task, streams: FuturesUnordered::new() }
    }

    fn adopt_started(&mut self) {
        let started = &self.same_task.started;
        if started.is_waiting.swap(false, Ordering::SeqCst) {
            let mut tasks = started.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            self.streams.extend(tasks.drain(..));
        }
    }
}

impl<C: Future> Future for Driver<C> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        self.adopt_started();
        if self.streams.is_empty() {
            return Poll::Pending;
        }
        while let Poll::Ready(Some(())) = Pin::new(&mut self.streams).poll_next(cx) {}
        // What the streams have just handed over goes out now, and a cut behind it takes effect.
        if self.connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if self.same_task.started.is_waiting.load(Ordering::SeqCst) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
