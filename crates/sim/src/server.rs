//! The listener: accepts connections, reads requests, and sends what script or model answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::connection::{Driver, Line, SameTask, Socket};
use crate::counts::{Counts, Tally, Ticket};
use crate::faults::{self, Trouble};
use crate::perform::Stage;
use crate::route::Format;
use crate::script::{Order, Queue, Step};
use crate::seen::{Bodies, Records, Seen};
use crate::stream::{self, AnswerBody, Sending};

/// The longest request body read; longer ones get the 413.
const MOST_BODY_BYTES: usize = 256 * 1024 * 1024;
/// The rest after a failed accept.
const ACCEPT_REST: Duration = Duration::from_millis(10);
/// Streams a client may have open on one HTTP/2 connection.
const MOST_STREAMS: u32 = 1000;
/// Connections that wait to be accepted; the usual `net.core.somaxconn`, which caps it.
const PLACES: u32 = 4096;

/// A simulator that is not running yet.
#[derive(Debug)]
pub struct Sim {
    stage: Stage,
    records: bool,
    bodies: Bodies,
}

impl Sim {
    /// Makes a simulator that accepts any credential, paces nothing and records nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { stage: Stage::default(), records: false, bodies: Bodies::Cut }
    }

    /// Sets the wait between tokens; a model's own `pace` wins. Default: none.
    #[must_use]
    pub fn pace(mut self, between_tokens: Duration) -> Self {
        self.stage.pace = between_tokens;
        self
    }

    /// Records requests for [`Running::seen`]; the last 10,000 are kept. Default: off, for speed.
    #[must_use]
    pub fn record(mut self, is_on: bool) -> Self {
        self.records = is_on;
        self
    }

    /// Keeps recorded bodies whole instead of their first MiB. Turns recording on.
    #[must_use]
    pub fn keep_bodies(mut self, is_on: bool) -> Self {
        self.records |= is_on;
        self.bodies = if is_on { Bodies::Whole } else { Bodies::Cut };
        self
    }

    /// Accepts this credential and those of earlier calls, and answers others as the vendor does.
    #[must_use]
    pub fn require_key(mut self, key: impl Into<String>) -> Self {
        self.stage.keys.push(key.into());
        self
    }

    /// Listens and starts answering HTTP/1.1 and HTTP/2 with prior knowledge; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The error of the system if the address cannot be listened on.
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator is the other side of the wire: a server of its own, outside Pingora"
    )]
    pub async fn bind(self, addr: SocketAddr) -> io::Result<Running> {
        let listener = listen(addr)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            stage: self.stage,
            bodies: self.records.then_some(self.bodies),
            records: Records::default(),
            script: Queue::default(),
            tally: Arc::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Running { addr, shared, accepting })
    }
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

/// A running simulator; dropping it closes the listener and all connections.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Running {
    /// Returns the address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns `http://address:port`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Adds answers to the queue; each is used for one request, in the order requests arrive.
    pub fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.shared.script.extend(steps);
    }

    /// Returns how many scripted answers have not been used.
    #[must_use]
    pub fn script_left(&self) -> usize {
        self.shared.script.len()
    }

    /// Returns the recorded requests, oldest first; empty unless recording is on.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.records.all()
    }

    /// Returns the recorded requests and forgets them.
    #[must_use]
    pub fn take_seen(&self) -> Vec<Seen> {
        self.shared.records.take()
    }

    /// Waits until so many requests are recorded and returns them; waits for ever if recording is off.
    pub async fn wait_seen(&self, requests: usize) -> Vec<Seen> {
        self.shared.tally.wait_until(|_| self.shared.records.len() >= requests).await;
        self.seen()
    }

    /// Returns all counters.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.tally.snapshot()
    }

    /// Waits until the counters are as wanted and returns them.
    pub async fn wait_until(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        self.shared.tally.wait_until(wanted).await
    }

    /// Returns how many TCP connections were accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.counts().connections
    }

    /// Returns how many requests have no complete answer yet.
    #[must_use]
    pub fn open_streams(&self) -> u64 {
        self.counts().open_streams
    }

    /// Returns how many requests the client left before their answer was complete.
    #[must_use]
    pub fn aborted(&self) -> u64 {
        self.counts().aborted
    }

    /// Closes the listener and all connections, and returns when that is done.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // The task ends as cancelled; that is what was asked for.
        let _ = (&mut self.accepting).await;
        self.wait_until(|counts| counts.open_connections == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    stage: Stage,
    /// How much of bodies is recorded; `None`: requests are not recorded.
    bodies: Option<Bodies>,
    records: Records,
    script: Queue,
    tally: Arc<Tally>,
}

/// Listens with room for a crowd that connects at once.
///
/// The library's own 128 places are soon taken by 500 clients, and the kernel then drops or resets
/// whoever comes on top.
///
/// # Errors
///
/// The error of the system if the address cannot be listened on.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(PLACES)
}

/// Accepts connections until aborted; the set aborts the connections with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                // Out of file descriptors: others must end first, and trying at once would spin.
                Err(_) => tokio::time::sleep(ACCEPT_REST).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let connected = Connected::new(&shared.tally);
    // Only latency suffers without it.
    let _ = stream.set_nodelay(true);
    let line = Line::new(connected.id);
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&line)));
    let same_task = SameTask::default();
    let service =
        service_fn(move |request| answer(Arc::clone(&shared), Arc::clone(&line), request));
    let mut builder = auto::Builder::new(same_task.clone());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MOST_STREAMS);
    // Errors of a connection are its client's business and are visible there.
    let connection = async move { drop(builder.serve_connection(socket, service).await) };
    Driver::new(connection, same_task).await;
}

/// Counts a connection for as long as its task lives.
struct Connected {
    tally: Arc<Tally>,
    id: u64,
}

impl Connected {
    fn new(tally: &Arc<Tally>) -> Self {
        Self { tally: Arc::clone(tally), id: tally.connect() }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.tally.disconnect();
    }
}

async fn answer(
    shared: Arc<Shared>,
    line: Arc<Line>,
    request: Request<Incoming>,
) -> io::Result<Response<AnswerBody>> {
    let ticket = Ticket::take(&shared.tally);
    let step = shared.script.pop();
    let (parts, incoming) = request.into_parts();
    let number = ticket.number;
    let version = parts.version;
    let sending = Sending { ticket, line, version };
    let body = match step.as_ref().map(Step::order) {
        Some(Order::BeforeBody) => Bytes::new(),
        _ => match read(incoming).await? {
            Some(body) => body,
            None => {
                let reply = faults::reply(Format::Chat, &Trouble::TooLarge, number);
                return stream::send(reply, sending).await;
            }
        },
    };
    if let Some(bodies) = shared.bodies {
        shared.records.push(Seen::new(&parts, sending.line.id, &body, bodies));
        shared.tally.announce();
    }
    let reply = match step {
        Some(step) if step.order() != Order::Own => step.into_reply(),
        _ => shared.stage.reply(&parts, &body, number),
    };
    stream::send(reply, sending).await
}

/// Reads a body, or returns `None` if it is too long.
async fn read(incoming: Incoming) -> io::Result<Option<Bytes>> {
    match Limited::new(incoming, MOST_BODY_BYTES).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}
