//! One connection to a process under test: sends a request, reads the whole answer, looks at it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memchr::memmem;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::events::EventCounter;
use crate::failure::Failure;
use crate::http1;
use crate::request::{Delivery, Request};

/// Read buffer of a connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// How much longer than asked for something may take before it counts as stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The number of the next request of this process.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// Where the load process begins to number, far beyond what the driver asks.
const LOAD_SERIALS: u64 = 100_000_000_000;

/// What every answer of a run must be like, besides status 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Expected {
    /// Its body contains this text.
    Text(String),
    /// Its stream has so many events.
    Events(usize),
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) events: usize,
}

/// Sends one request on a connection of its own and returns the answer.
///
/// # Errors
///
/// If it is broken, or does not come in time; its status is not looked at.
pub(crate) async fn ask(address: SocketAddr, request: &Request) -> Result<Answer, Failure> {
    let mut connection = Connection::open(address, request.clone()).await?;
    let stuck = |_| Failure::Process(format!("{address} does not answer within {PATIENCE:?}"));
    let status = tokio::time::timeout(PATIENCE, connection.exchange()).await.map_err(stuck)??;
    Ok(Answer { status, events: connection.events, body: connection.body })
}

/// A connection, and the answer it has read last.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    request: Request,
    line: Vec<u8>,
    body: Vec<u8>,
    events: usize,
}

impl Connection {
    /// Connects, to send `request` again and again.
    ///
    /// # Errors
    ///
    /// If the process does not accept.
    pub(crate) async fn open(address: SocketAddr, request: Request) -> Result<Self, Failure> {
        let stream = connect(address).await.map_err(Failure::system("cannot connect"))?;
        Ok(Self { address, stream, request, line: Vec::new(), body: Vec::new(), events: 0 })
    }

    /// Sends the next request, and reads and checks its answer.
    ///
    /// # Errors
    ///
    /// If the answer is broken or not as expected.
    pub(crate) async fn checked_exchange(&mut self, expected: &Expected) -> Result<(), Failure> {
        let status = self.exchange().await?;
        self.check(status, expected)
    }

    /// Sends the next request and reads its answer; returns the status.
    async fn exchange(&mut self) -> Result<u16, Failure> {
        let exchanged = self.try_exchange().await;
        exchanged.map_err(Failure::system(format!("broken answer from {}", self.address)))
    }

    async fn try_exchange(&mut self) -> io::Result<u16> {
        self.stream.write_all(self.request.numbered(next_serial())).await?;
        let head = http1::read_head(&mut self.stream, &mut self.line).await?;
        self.body.clear();
        let (body, mut counter) = (&mut self.body, EventCounter::default());
        let is_stream = self.request.delivery == Delivery::Stream;
        let sink = |piece: &[u8]| {
            if is_stream {
                counter.feed(piece);
            }
            body.extend_from_slice(piece);
        };
        http1::read_body(&mut self.stream, head.framing, &mut self.line, sink).await?;
        self.events = counter.events();
        if head.closes {
            self.stream = connect(self.address).await?;
        }
        Ok(head.status)
    }

    fn check(&self, status: u16, expected: &Expected) -> Result<(), Failure> {
        let problem = match expected {
            _ if status != 200 => format!("status {status}"),
            Expected::Text(text) if memmem::find(&self.body, text.as_bytes()).is_none() => {
                format!("`{text}` is missing")
            }
            Expected::Events(events) if self.events != *events => {
                format!("{} events instead of {events}", self.events)
            }
            Expected::Text(_) | Expected::Events(_) => return Ok(()),
        };
        let body = String::from_utf8_lossy(&self.body);
        let start: String = body.chars().take(300).collect();
        let from = self.address.to_string();
        Err(Failure::Answer { from, what: format!("{problem}; it begins with: {start}") })
    }
}

/// Opens a connection as every load has it: small writes go out at once, reads are buffered.
///
/// # Errors
///
/// The system's, if the process does not accept.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
}

/// Gives the requests of this process numbers that the driver's do not have.
pub(crate) fn number_as_load() {
    SERIAL.store(LOAD_SERIALS, Ordering::Relaxed);
}

/// Returns the number of the next request.
pub(crate) fn next_serial() -> u64 {
    SERIAL.fetch_add(1, Ordering::Relaxed)
}
