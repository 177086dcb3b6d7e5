//! The load: connections that each send the next request as soon as the last answer is complete, and
//! look at every answer.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, TryStreamExt};
use memchr::memmem;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::clock;
use crate::events::EventCounter;
use crate::failure::Failure;
use crate::http1;
use crate::request::{Delivery, Request};

/// Read buffer of a connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// How much longer than asked for a run may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number of the next request of this process.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// What every answer of a run must be like, besides status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Its body contains this text.
    Text(String),
    /// Its stream has so many events.
    Events(usize),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// From the first request to the end of the last answer.
    pub(crate) elapsed: Duration,
    /// Time from sending a request to the end of its answer, in order.
    pub(crate) latencies: Vec<Duration>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) events: usize,
}

/// Open connections to one process.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<Connection>,
}

impl Load {
    /// Opens `count` connections.
    ///
    /// # Errors
    ///
    /// If the process does not accept.
    pub(crate) async fn connect(
        address: SocketAddr,
        count: usize,
        request: &Request,
    ) -> Result<Self, Failure> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Connection::open(address, request.clone()).await?);
        }
        Ok(Self { connections })
    }

    /// Keeps every connection busy for `time`, and lets what has begun end.
    ///
    /// # Errors
    ///
    /// At the first answer that is not as expected, or broken.
    pub(crate) async fn run(
        &mut self,
        time: Duration,
        expected: &Expected,
    ) -> Result<Sample, Failure> {
        let begun = clock::now();
        let busy: FuturesUnordered<_> =
            self.connections.iter_mut().map(|one| one.busy_until(begun + time, expected)).collect();
        let all = tokio::time::timeout(time + PATIENCE, busy.try_concat()).await;
        let stuck = || Failure::Process(format!("an answer does not come since {PATIENCE:?}"));
        let mut latencies = all.map_err(|_| stuck())??;
        latencies.sort_unstable();
        Ok(Sample { elapsed: clock::now() - begun, latencies })
    }
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
struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    request: Request,
    line: Vec<u8>,
    body: Vec<u8>,
    events: usize,
}

impl Connection {
    async fn open(address: SocketAddr, request: Request) -> Result<Self, Failure> {
        let stream = connect(address).await.map_err(Failure::system("cannot connect"))?;
        Ok(Self { address, stream, request, line: Vec::new(), body: Vec::new(), events: 0 })
    }

    async fn busy_until(
        &mut self,
        end: Instant,
        expected: &Expected,
    ) -> Result<Vec<Duration>, Failure> {
        let mut latencies = Vec::new();
        let mut begun = clock::now();
        while begun < end {
            let status = self.exchange().await?;
            self.check(status, expected)?;
            let ended = clock::now();
            latencies.push(ended - begun);
            begun = ended;
        }
        Ok(latencies)
    }

    /// Sends the next request and reads its answer; returns the status.
    async fn exchange(&mut self) -> Result<u16, Failure> {
        let exchanged = self.try_exchange().await;
        exchanged.map_err(Failure::system(format!("broken answer from {}", self.address)))
    }

    async fn try_exchange(&mut self) -> io::Result<u16> {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        self.stream.write_all(self.request.numbered(serial)).await?;
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

async fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
}

#[cfg(test)]
mod tests {
    use omniroute_sim::Sim;

    use super::*;

    const TIME: Duration = Duration::from_millis(100);

    async fn run(model: &str, delivery: Delivery, expected: Expected) -> Result<Sample, Failure> {
        let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let request = Request::chat(model, 2_048, delivery).unwrap();
        let mut load = Load::connect(sim.addr(), 4, &request).await?;
        load.run(TIME, &expected).await
    }

    #[tokio::test]
    async fn every_connection_is_busy_until_the_time_is_up() {
        let text = Expected::Text("\"object\":\"chat.completion\"".to_owned());

        let sample = run("tokens?n=8", Delivery::Whole, text).await.unwrap();

        assert!(sample.latencies.len() > 4, "{} requests", sample.latencies.len());
        assert!(sample.elapsed >= TIME);
        assert!(sample.latencies.is_sorted());
    }

    #[tokio::test]
    async fn wrong_answers_end_the_run() {
        let ok = Expected::Text("choices".to_owned());
        for (model, delivery, expected, word) in [
            ("500", Delivery::Whole, ok.clone(), "status 500"),
            ("tokens?n=8", Delivery::Whole, Expected::Text("no such text".into()), "is missing"),
            ("tokens?n=8", Delivery::Stream, Expected::Events(3), "instead of 3"),
            ("reset-after-2", Delivery::Stream, Expected::Events(3), "broken answer"),
            ("eof-after-2", Delivery::Stream, Expected::Events(9), "3 events instead of 9"),
        ] {
            let message = run(model, delivery, expected).await.unwrap_err().to_string();
            assert!(message.contains(word), "{model}: {message}");
        }
    }

    #[tokio::test]
    async fn a_stream_of_200_tokens_has_at_least_200_events() {
        let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let request = Request::chat("tokens?n=200", 2_048, Delivery::Stream).unwrap();

        let answer = ask(sim.addr(), &request).await.unwrap();

        assert_eq!(answer.status, 200);
        assert!(answer.events >= 200, "{} events", answer.events);
    }
}
