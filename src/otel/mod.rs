//! What is told over OTLP: a span per request and attempt, and the metrics.
//!
//! A request that ends puts its spans into a bounded queue and goes on; a background service
//! (`services/telemetry.rs`) sends them. What finds no room, or is not taken, is dropped and counted.
//! Nothing of a prompt or an answer is in any of it.

mod attributes;
mod complaints;
mod export;
mod gen_ai;
mod registry;
mod spans;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use omniroute_core::clock::Clock;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prometheus::IntCounterVec;
use prometheus::proto::MetricFamily;
use tokio::sync::{mpsc, oneshot};

pub use self::complaints::Complaints;
pub use self::export::{Exporter, Failure};
use self::gen_ai::{Conventions, GenAi};
use self::registry::{AsTheyAre, Moment};
pub use self::spans::Ended;

/// Requests whose spans wait at most.
const MAX_WAITING: usize = 2048;

/// Name and version of what made the spans and metrics.
const SCOPE: (&str, &str) = ("omniroute", env!("CARGO_PKG_VERSION"));

/// The way from requests to the service that sends.
#[derive(Debug)]
pub struct Otel {
    spans: mpsc::Sender<Vec<Span>>,
    flushes: mpsc::Sender<oneshot::Sender<()>>,
    ends: Mutex<Option<Ends>>,
    /// Spans that were told and neither taken by the collector nor dropped.
    unsettled: AtomicUsize,
    dropped: IntCounterVec,
    gen_ai: GenAi,
    started: SystemTime,
}

/// The other ends of the queues.
#[derive(Debug)]
pub struct Ends {
    /// Spans of requests.
    pub spans: mpsc::Receiver<Vec<Span>>,
    /// Those who wait until everything is sent.
    pub flushes: mpsc::Receiver<oneshot::Sender<()>>,
}

/// Why something is not told.
#[derive(Clone, Copy, Debug)]
pub enum Dropped {
    /// Too much waited.
    NoRoom,
    /// The collector could not be reached, or was not able to take it.
    Failed,
    /// The collector does not want it.
    Refused,
}

impl Dropped {
    const fn name(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

impl Otel {
    /// Makes the queues. `dropped` counts spans by reason.
    ///
    /// # Errors
    ///
    /// Prometheus' own, if two metrics had the same name.
    pub fn new(dropped: IntCounterVec, clock: &Clock) -> Result<Self, prometheus::Error> {
        let (spans, waiting) = mpsc::channel(MAX_WAITING);
        let (flushes, asked) = mpsc::channel(1);
        let ends = Mutex::new(Some(Ends { spans: waiting, flushes: asked }));
        let (gen_ai, started) = (GenAi::new()?, clock.wall());
        let unsettled = AtomicUsize::new(0);
        Ok(Self { spans, flushes, ends, unsettled, dropped, gen_ai, started })
    }

    /// Tells of a request that has ended, if it is recorded. Never waits.
    pub fn ended(&self, ended: &Ended<'_>) {
        let Some(telemetry) = &ended.cx.snapshot.telemetry else { return };
        if telemetry.metrics.is_some() {
            self.gen_ai.count(ended);
        }
        if let Some(spans) = ended.spans() {
            self.tell(spans);
        }
    }

    fn tell(&self, spans: Vec<Span>) {
        self.unsettled.fetch_add(spans.len(), Ordering::Relaxed);
        if let Err(error) = self.spans.try_send(spans) {
            let (mpsc::error::TrySendError::Full(spans) | mpsc::error::TrySendError::Closed(spans)) =
                error;
            self.settle(spans.len());
            self.drop(Dropped::NoRoom, spans.len());
        }
    }

    /// Notes that spans that were told are taken, dropped, or not wanted any more.
    pub fn settle(&self, spans: usize) {
        self.unsettled.fetch_sub(spans, Ordering::Relaxed);
    }

    /// Counts spans that are not told.
    pub fn drop(&self, why: Dropped, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        self.dropped.with_label_values(&[why.name()]).inc_by(spans);
    }

    /// Takes the ends of the queues; `None` if somebody has them.
    pub fn take(&self) -> Option<Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Makes OTLP's metrics of what was gathered at `/metrics`, with the conventions' own.
    pub fn metrics(&self, gathered: &[MetricFamily], now: SystemTime) -> Vec<Metric> {
        let moment = Moment::new(self.started, now);
        let mut told = registry::metrics(gathered, &AsTheyAre, moment);
        told.extend(registry::metrics(&self.gen_ai.gather(), &Conventions, moment));
        told
    }

    /// Waits until everything that waits is sent, or the time is over. Returns how many spans the collector
    /// has not taken by then; they count as dropped.
    pub async fn flush(&self, at_most: Duration) -> usize {
        let (done, is_done) = oneshot::channel();
        let flushed = async {
            if self.flushes.send(done).await.is_ok() {
                // Whoever had it is gone: nothing to wait for.
                let _ = is_done.await;
            }
        };
        let _ = tokio::time::timeout(at_most, flushed).await;
        let lost = self.unsettled.load(Ordering::Relaxed);
        self.drop(Dropped::Failed, lost);
        lost
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Opts;

    use super::*;

    #[test]
    fn what_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
        let options = Opts::new("dropped_total", "Dropped spans.");
        let dropped = IntCounterVec::new(options, &["reason"]).unwrap();
        let otel = Otel::new(dropped.clone(), &Clock::manual(0)).unwrap();

        for _ in 0..MAX_WAITING + 3 {
            otel.tell(vec![Span::default(), Span::default()]);
        }

        assert_eq!(dropped.with_label_values(&["no_room"]).get(), 6);
        let mut ends = otel.take().unwrap();
        assert!(otel.take().is_none(), "there is one who sends");
        let mut waiting = 0;
        while ends.spans.try_recv().is_ok() {
            waiting += 1;
        }
        assert_eq!(waiting, MAX_WAITING);
    }

    #[tokio::test]
    async fn a_flush_ends_when_nobody_sends_any_more_and_says_what_was_lost() {
        let options = Opts::new("dropped_total", "Dropped spans.");
        let dropped = IntCounterVec::new(options, &["reason"]).unwrap();
        let otel = Otel::new(dropped.clone(), &Clock::manual(0)).unwrap();
        otel.tell(vec![Span::default(); 3]);
        otel.tell(vec![Span::default(); 2]);
        otel.settle(3);
        drop(otel.take());
        otel.tell(vec![Span::default(); 4]);

        assert_eq!(otel.flush(Duration::from_secs(3600)).await, 2);

        let told = |why| dropped.with_label_values(&[why]).get();
        assert_eq!((told("no_room"), told("failed")), (4, 2));
    }

    #[tokio::test]
    async fn a_flush_that_nobody_answers_ends_when_its_time_is_over() {
        let options = Opts::new("dropped_total", "Dropped spans.");
        let dropped = IntCounterVec::new(options, &["reason"]).unwrap();
        let otel = Otel::new(dropped, &Clock::manual(0)).unwrap();
        otel.tell(vec![Span::default(); 3]);

        assert_eq!(otel.flush(Duration::from_millis(1)).await, 3);
    }
}
