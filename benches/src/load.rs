//! The load: many connections to one process, kept busy or given requests at a fixed rate.
//!
//! Busy, each connection sends its next request as soon as its last answer is complete; that shows what a
//! request costs and how many fit into a second. Paced, requests are due at fixed times whatever became of
//! the earlier ones, and their time runs from when they were due: a process that stalls is not spared the
//! requests that would have come meanwhile.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::connection::{Connection, Expected, PATIENCE};
use crate::failure::Failure;
use crate::metronome::Metronome;
use crate::orders::Aim;
use crate::request::Request;

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Manner {
    /// One behind the other on every connection.
    Busy,
    /// So many per second, evenly, on whichever connection is free.
    Paced(u32),
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// From the first request to the end of the last answer.
    pub(crate) elapsed: Duration,
    /// Time of every request to the end of its answer, in order: from sending it, or from when it was due.
    pub(crate) latencies: Vec<Duration>,
    /// How much later than it was due every paced request was sent, in order.
    pub(crate) lags: Vec<Duration>,
}

/// Open connections to one process.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<Connection>,
    expected: Expected,
}

impl Load {
    /// Opens `count` connections.
    ///
    /// # Errors
    ///
    /// If the process does not accept.
    pub(crate) async fn connect(aim: &Aim, count: usize) -> Result<Self, Failure> {
        let request = Request::of(aim)?;
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Connection::open(aim.address, request.clone()).await?);
        }
        Ok(Self { connections, expected: aim.expected.clone() })
    }

    /// Sends requests for `time`, and lets what has begun end.
    ///
    /// # Errors
    ///
    /// At the first answer that is not as expected, or broken.
    pub(crate) async fn run(&mut self, manner: Manner, time: Duration) -> Result<Sample, Failure> {
        let begun = clock::now();
        let run = async {
            match manner {
                Manner::Busy => self.busy(begun + time).await,
                Manner::Paced(per_second) => self.paced(per_second, time).await,
            }
        };
        let stuck = |_| Failure::Process(format!("an answer does not come since {PATIENCE:?}"));
        let mut sample = tokio::time::timeout(time + PATIENCE, run).await.map_err(stuck)??;
        sample.elapsed = clock::now() - begun;
        sample.latencies.sort_unstable();
        sample.lags.sort_unstable();
        Ok(sample)
    }

    async fn busy(&mut self, end: Instant) -> Result<Sample, Failure> {
        let expected = &self.expected;
        let busy: FuturesUnordered<_> =
            self.connections.iter_mut().map(|one| busy_until(one, end, expected)).collect();
        Ok(Sample { latencies: busy.try_concat().await?, ..Sample::default() })
    }

    async fn paced(&mut self, per_second: u32, time: Duration) -> Result<Sample, Failure> {
        let every = Duration::from_secs(1) / per_second.max(1);
        let mut left = time.as_nanos() / every.as_nanos();
        let mut metronome = Metronome::start(every)?;
        let mut sample = Sample::default();
        // Those that are due while every connection is taken wait here, and their time runs.
        let (mut waiting, mut under_way) = (VecDeque::new(), FuturesUnordered::new());
        let mut idle = std::mem::take(&mut self.connections);
        while left > 0 || !waiting.is_empty() || !under_way.is_empty() {
            tokio::select! {
                biased;
                due = metronome.due(), if left > 0 => {
                    for time in due? {
                        // Times that come while the last one is told are one too many.
                        if left > 0 {
                            waiting.push_back(time);
                            left -= 1;
                        }
                    }
                }
                Some(answered) = under_way.next() => {
                    let Answered { connection, latency, lag } = answered?;
                    sample.latencies.push(latency);
                    sample.lags.push(lag);
                    idle.push(connection);
                }
            }
            while !waiting.is_empty()
                && let Some(connection) = idle.pop()
            {
                under_way
                    .extend(waiting.pop_front().map(|due| one(connection, due, &self.expected)));
            }
        }
        self.connections = idle;
        Ok(sample)
    }
}

/// A connection that is free again, and what its request took.
struct Answered {
    connection: Connection,
    latency: Duration,
    lag: Duration,
}

async fn one(
    mut connection: Connection,
    due: Instant,
    expected: &Expected,
) -> Result<Answered, Failure> {
    let lag = clock::now() - due;
    connection.checked_exchange(expected).await?;
    Ok(Answered { connection, latency: clock::now() - due, lag })
}

async fn busy_until(
    connection: &mut Connection,
    end: Instant,
    expected: &Expected,
) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::new();
    let mut begun = clock::now();
    while begun < end {
        connection.checked_exchange(expected).await?;
        let ended = clock::now();
        latencies.push(ended - begun);
        begun = ended;
    }
    Ok(latencies)
}

#[cfg(test)]
#[path = "load/tests.rs"]
mod tests;
