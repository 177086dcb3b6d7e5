//! Sends what is told over OTLP: spans in batches, metrics now and then. A collector that is away costs a few
//! tries with growing waits, then the batch; the requests never notice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use omniroute_core::snapshot::Telemetry as Settings;
use opentelemetry_proto::tonic::trace::v1::Span;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use tokio::sync::mpsc;

use crate::otel::{Complaints, Dropped, Exporter, Otel};
use crate::proxy::Shared;

/// Spans of one export, roughly: a request's spans stay together.
const MAX_BATCH: usize = 512;
/// Most times one batch is sent.
const MAX_TRIES: u32 = 5;
/// Wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Time between two looks whether a reload changed what is told.
const IDLE: Duration = Duration::from_secs(5);

/// Sends spans and metrics.
pub struct Telemetry {
    /// Has the queue and the metrics, and says where things go.
    pub shared: Arc<Shared>,
    /// Sends.
    pub exporter: Exporter,
}

/// What is to be sent, and how that went so far.
#[derive(Default)]
struct Pending {
    spans: Vec<Span>,
    /// When they are due.
    due: Option<Instant>,
    tries: u32,
    /// When the metrics are due; `None`: they are not told.
    metrics_due: Option<Instant>,
    complaints: Complaints,
}

impl Pending {
    const fn is_full(&self) -> bool {
        self.spans.len() >= MAX_BATCH
    }

    fn wait(&self, now: Instant) -> Duration {
        let dues = self.due.into_iter().chain(self.metrics_due);
        let wait = dues.min().map_or(IDLE, |due| due.saturating_duration_since(now));
        wait.min(IDLE)
    }

    /// Begins a new batch: what becomes of this one is known.
    fn done(&mut self, otel: &Otel) {
        otel.settle(self.spans.len());
        self.spans.clear();
        (self.due, self.tries) = (None, 0);
    }
}

#[async_trait]
impl BackgroundService for Telemetry {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let Some(mut ends) = self.shared.otel.take() else { return };
        let mut pending = Pending::default();
        loop {
            let wait = pending.wait(self.shared.clock.now());
            tokio::select! {
                _ = shutdown.changed() => return,
                Some(done) = ends.flushes.recv() => {
                    self.flush(&mut ends.spans, &mut pending).await;
                    // Nobody waits any more if the time was over.
                    let _ = done.send(());
                }
                Some(spans) = ends.spans.recv(), if !pending.is_full() => {
                    self.add(&mut pending, spans);
                }
                () = tokio::time::sleep(wait) => self.send_what_is_due(&mut pending).await,
            }
        }
    }
}

impl Telemetry {
    fn add(&self, pending: &mut Pending, spans: Vec<Span>) {
        let snapshot = self.shared.live.load();
        let Some(settings) = &snapshot.telemetry else {
            return self.shared.otel.settle(spans.len());
        };
        let now = self.shared.clock.now();
        pending.spans.extend(spans);
        pending.due.get_or_insert(now + settings.batch_delay);
        if pending.is_full() && pending.tries == 0 {
            pending.due = Some(now);
        }
    }

    async fn send_what_is_due(&self, pending: &mut Pending) {
        let snapshot = self.shared.live.load();
        let Some(settings) = &snapshot.telemetry else {
            pending.done(&self.shared.otel);
            pending.metrics_due = None;
            return;
        };
        let now = self.shared.clock.now();
        if pending.due.is_some_and(|due| due <= now) {
            self.send_spans(pending, settings).await;
        }
        if settings.metrics.is_none() {
            pending.metrics_due = None;
        } else if pending.metrics_due.is_none_or(|due| due <= now) {
            self.send_metrics(pending, settings).await;
            pending.metrics_due = Some(now + settings.metric_interval);
        }
    }

    /// Sends the spans once. They stay, due later, if the collector may take them then.
    async fn send_spans(&self, pending: &mut Pending, settings: &Settings) {
        let otel = &self.shared.otel;
        match self.exporter.spans(&pending.spans, settings).await {
            Ok(0) => {}
            Ok(refused) => otel.drop(Dropped::Refused, refused),
            Err(failure) => {
                let now = self.shared.clock.now();
                pending.complaints.complain("traces", &failure.why, now);
                pending.tries += 1;
                if failure.is_temporary && pending.tries < MAX_TRIES {
                    let growing = FIRST_WAIT * 2_u32.pow(pending.tries - 1);
                    pending.due = Some(now + failure.retry_after.unwrap_or(growing));
                    return;
                }
                let why = if failure.is_temporary { Dropped::Failed } else { Dropped::Refused };
                otel.drop(why, pending.spans.len());
            }
        }
        pending.done(otel);
    }

    async fn send_metrics(&self, pending: &mut Pending, settings: &Settings) {
        let shared = &self.shared;
        shared.observe();
        let metrics = shared.otel.metrics(&shared.metrics.gather(), shared.clock.wall());
        if let Err(failure) = self.exporter.metrics(metrics, settings).await {
            pending.complaints.complain("metrics", &failure.why, shared.clock.now());
        }
    }

    /// Sends all that waits, each batch once, and the last metrics: the process is about to end.
    async fn flush(&self, waiting: &mut mpsc::Receiver<Vec<Span>>, pending: &mut Pending) {
        let snapshot = self.shared.live.load();
        let Some(settings) = &snapshot.telemetry else {
            while let Ok(spans) = waiting.try_recv() {
                self.add(pending, spans);
            }
            return pending.done(&self.shared.otel);
        };
        loop {
            while !pending.is_full()
                && let Ok(spans) = waiting.try_recv()
            {
                self.add(pending, spans);
            }
            if pending.spans.is_empty() {
                break;
            }
            pending.tries = MAX_TRIES - 1;
            self.send_spans(pending, settings).await;
        }
        if settings.metrics.is_some() {
            self.send_metrics(pending, settings).await;
        }
    }
}
