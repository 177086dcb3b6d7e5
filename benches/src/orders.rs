//! What the driver tells the load process and what it answers: a line of JSON each, over a connection of
//! loopback.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::connection::Expected;
use crate::load::{Manner, Sample};
use crate::request::Delivery;

/// Who is asked what, and which answer is right.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Aim {
    pub(crate) address: SocketAddr,
    pub(crate) model: String,
    pub(crate) body_bytes: usize,
    pub(crate) delivery: Delivery,
    /// Headers besides those every request has.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) expected: Expected,
}

/// What the load process is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Open so many connections, in place of those there are.
    Aim(Aim, usize),
    /// Send requests on them.
    Run(Manner, Duration),
    /// Open so many streams and let them wait.
    Hold(Aim, usize),
    /// Close the streams that wait.
    Release,
    /// Read streams of stamped events.
    Listen(Aim, Streams),
}

/// Streams of stamped events.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Streams {
    pub(crate) count: usize,
    /// The time between opening one and the next.
    pub(crate) apart: Duration,
    /// Stamped events of each.
    pub(crate) events: usize,
}

/// How it went.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// As ordered.
    Done,
    /// As ordered, and this was seen.
    Ran(Ran),
    /// Not as ordered: the first fault.
    Failed(String),
}

/// What a run came to. Of streams, events are what is counted and timed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) requests: usize,
    pub(crate) elapsed: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// How late paced requests were sent, which is the load's fault and counts against everyone alike.
    pub(crate) lag_p50: Duration,
    pub(crate) lag_p99: Duration,
}

impl Ran {
    /// Sums up delays, which are in order.
    pub(crate) fn of_delays(delays: &[Duration]) -> Self {
        Self {
            requests: delays.len(),
            p50: percentile(delays, 50),
            p99: percentile(delays, 99),
            ..Self::default()
        }
    }
}

impl From<Sample> for Ran {
    fn from(sample: Sample) -> Self {
        Self {
            requests: sample.latencies.len(),
            elapsed: sample.elapsed,
            p50: percentile(&sample.latencies, 50),
            p99: percentile(&sample.latencies, 99),
            lag_p50: percentile(&sample.lags, 50),
            lag_p99: percentile(&sample.lags, 99),
        }
    }
}

/// Returns the value that so many per cent of the sorted values do not exceed; zero if there are none.
pub(crate) fn percentile(sorted: &[Duration], per_cent: usize) -> Duration {
    let rank = (sorted.len() * per_cent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// One end of the connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
    line: String,
}

impl Wire {
    /// Takes over a connection.
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream), line: String::new() }
    }

    /// Sends a line.
    ///
    /// # Errors
    ///
    /// If the other end is gone.
    pub(crate) async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_string(message)?;
        line.push('\n');
        self.stream.write_all(line.as_bytes()).await
    }

    /// Reads a line; `None` when the other end has closed.
    ///
    /// # Errors
    ///
    /// If it is no message.
    pub(crate) async fn receive<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&self.line)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<_> = (1..=200).map(Duration::from_micros).collect();

        assert_eq!(percentile(&values, 50), Duration::from_micros(100));
        assert_eq!(percentile(&values, 99), Duration::from_micros(198));
        assert_eq!(percentile(&values[..1], 99), Duration::from_micros(1));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
