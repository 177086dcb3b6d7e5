//! Every metric of the program: name, labels, help.
//!
//! Labels are bounded: providers, accounts and models come from the configuration, never from what a
//! client wrote; a model the catalogue does not know counts as `other`.

mod answers;
mod budget;
mod config;
mod otel;
mod overhead;
mod process;
mod roll;
mod shed;
mod spent;
mod state;
mod store;

use std::time::Duration;

use omniroute_core::clock::Clock;
use omniroute_core::context::{AttemptRecord, Outcome};
use omniroute_core::snapshot::Snapshot;
use omniroute_core::state::SharedState;
use prometheus::proto::MetricFamily;
use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts,
};

use self::answers::AnswerMetrics;
use self::budget::BudgetGauges;
use self::config::ConfigMetrics;
use self::overhead::Overhead;
use self::process::ProcessMetrics;
pub use self::roll::Described;
use self::roll::Roll;
use self::shed::Shed;
use self::spent::Spent;
use self::state::StateGauges;
use self::store::StoreGauges;
use crate::store::Health;

/// Seconds; from a cached answer to a long reasoning reply.
const REQUEST_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// The metrics of one gateway.
#[derive(Debug)]
pub struct Metrics {
    roll: Roll,
    request_seconds: HistogramVec,
    first_byte_seconds: HistogramVec,
    overhead: Overhead,
    account_wait_seconds: HistogramVec,
    attempts: IntCounterVec,
    errors: IntCounterVec,
    account_cool_down_seconds: GaugeVec,
    state: StateGauges,
    answers: AnswerMetrics,
    budgets: BudgetGauges,
    spent: Spent,
    store: StoreGauges,
    shed: Shed,
    otel_dropped: IntCounterVec,
    interrupted: CounterVec,
    config: ConfigMetrics,
    process: ProcessMetrics,
}

impl Metrics {
    /// Makes and registers all metrics.
    ///
    /// # Errors
    ///
    /// Prometheus' own, if two metrics had the same name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let histogram = |name: &str, help: &str, labels: &[&str]| {
            let options = HistogramOpts::new(name, help).buckets(REQUEST_BUCKETS.to_vec());
            HistogramVec::new(options, labels)
        };
        let metrics = Self {
            roll: Roll::default(),
            request_seconds: histogram(
                "omniroute_request_seconds",
                "Time from a request's arrival to the end of its answer.",
                &["format", "status"],
            )?,
            first_byte_seconds: histogram(
                "omniroute_first_byte_seconds",
                "Time from a request's arrival to the first byte of a provider's answer.",
                &["provider"],
            )?,
            overhead: Overhead::new()?,
            account_wait_seconds: histogram(
                "omniroute_account_wait_seconds",
                "Time that attempts waited for an account to have room; those that waited at all.",
                &["provider"],
            )?,
            attempts: IntCounterVec::new(
                Opts::new("omniroute_attempts_total", "Attempts by how they ended."),
                &["provider", "outcome"],
            )?,
            errors: IntCounterVec::new(
                Opts::new(
                    "omniroute_errors_total",
                    "Requests that ended with an error, the gateway's or one passed on, by its code.",
                ),
                &["code"],
            )?,
            account_cool_down_seconds: GaugeVec::new(
                Opts::new(
                    "omniroute_account_cool_down_seconds",
                    "Length of the rest an account was last given after a failure.",
                ),
                &["provider", "account"],
            )?,
            state: StateGauges::new()?,
            answers: AnswerMetrics::new()?,
            budgets: BudgetGauges::new()?,
            spent: Spent::new()?,
            store: StoreGauges::new()?,
            shed: Shed::new()?,
            otel_dropped: otel::dropped()?,
            interrupted: CounterVec::new(
                Opts::new(
                    "omniroute_interrupted_total",
                    "Answers cut after they had begun, by who cut them.",
                ),
                &["by"],
            )?,
            config: ConfigMetrics::new()?,
            process: ProcessMetrics::new()?,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let roll = &self.roll;
        roll.register(Box::new(self.request_seconds.clone()))?;
        roll.register(Box::new(self.first_byte_seconds.clone()))?;
        self.overhead.register(roll)?;
        roll.register(Box::new(self.account_wait_seconds.clone()))?;
        roll.register(Box::new(self.attempts.clone()))?;
        roll.register(Box::new(self.errors.clone()))?;
        roll.register(Box::new(self.account_cool_down_seconds.clone()))?;
        self.state.register(roll)?;
        self.answers.register(roll)?;
        self.spent.register(roll)?;
        self.budgets.register(roll)?;
        self.store.register(roll)?;
        self.shed.register(roll)?;
        roll.register(Box::new(self.otel_dropped.clone()))?;
        roll.register(Box::new(self.interrupted.clone()))?;
        self.config.register(roll)?;
        self.process.register(roll)
    }

    /// Takes over how accounts, providers, budgets and kept answers are now. What the configuration no
    /// longer has goes.
    pub fn observe(&self, snapshot: &Snapshot, state: &SharedState, clock: &Clock) {
        self.state.observe(snapshot, state, clock.now());
        self.budgets.observe(snapshot, clock.timestamp());
        self.answers.observe(&state.answers.stats());
    }

    /// Takes over how the store is; `None`: nothing is kept.
    pub fn observe_store(&self, health: Option<&Health>) {
        self.store.observe(health);
    }

    /// Takes over whether the files of the certificate are refused.
    pub fn observe_certificate(&self, is_refused: bool) {
        self.config.observe_certificate(is_refused);
    }

    /// Takes over how many lines the access log has dropped since the start.
    pub fn observe_log(&self, dropped: u64) {
        self.process.observe_log(dropped);
    }

    /// Returns all metrics as Prometheus text.
    pub fn text(&self) -> Vec<u8> {
        let text = self.roll.text();
        text.inspect_err(|error| tracing::error!(%error, "metrics could not be written"))
            .unwrap_or_default()
            .into_bytes()
    }

    /// Returns all metrics as they are now.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.roll.gather()
    }

    /// Returns what there is to see: all metrics in the order of their registration.
    pub fn described(&self) -> Vec<Described> {
        self.roll.described()
    }

    /// Returns the counter of what could not be told over OTLP, by reason.
    pub fn otel_dropped(&self) -> IntCounterVec {
        self.otel_dropped.clone()
    }

    /// Counts a request as running until the guard is dropped.
    pub fn enter(&self) -> InFlight {
        self.process.in_flight.inc();
        InFlight(self.process.in_flight.clone())
    }

    /// Returns the number of running requests.
    pub fn in_flight(&self) -> i64 {
        self.process.in_flight.get()
    }

    /// Records the end of one attempt.
    pub fn attempt(&self, record: &AttemptRecord) {
        let outcome = record.failure.map_or("served", |reason| reason.name());
        self.attempts.with_label_values(&[record.provider.as_str(), outcome]).inc();
        if !record.waited.is_zero() {
            self.account_wait_seconds
                .with_label_values(&[record.provider.as_str()])
                .observe(record.waited.as_secs_f64());
        }
    }

    /// Records what the gateway added to a call, whose answer begins now.
    pub fn overhead(&self, is_exact: bool, took: Duration) {
        self.overhead.observe(is_exact, took);
    }

    /// Records that an account was sent to rest.
    pub fn cool_down(&self, record: &AttemptRecord, rest: Duration) {
        self.account_cool_down_seconds
            .with_label_values(&[record.provider.as_str(), record.account.as_str()])
            .set(rest.as_secs_f64());
    }

    /// Records the end of one request. `served` is the attempt whose answer the client got.
    pub fn request(
        &self,
        format: &str,
        outcome: &Outcome,
        served: Option<&AttemptRecord>,
        snapshot: &Snapshot,
    ) {
        let mut digits = itoa::Buffer::new();
        let status = digits.format(outcome.status);
        self.request_seconds
            .with_label_values(&[format, status])
            .observe(outcome.duration.as_secs_f64());
        if let Some(error) = outcome.error {
            self.errors.with_label_values(&[error.name]).inc();
        }
        if outcome.interrupted {
            let by = if outcome.status == 499 { "client" } else { "provider" };
            self.interrupted.with_label_values(&[by]).inc();
        }
        let Some(served) = served else { return };
        if let Some(first_byte) = outcome.first_byte {
            self.first_byte_seconds
                .with_label_values(&[served.provider.as_str()])
                .observe(first_byte.as_secs_f64());
        }
        self.spent.count(outcome, served, snapshot);
    }

    /// Takes over how many connections of clients are open, and how many bytes of bodies are held.
    pub fn load(&self, connections: usize, body_bytes: usize) {
        self.shed.observe(connections, body_bytes);
    }

    /// Counts something that is refused because this limit is reached.
    pub fn shed(&self, limit: &str) {
        self.shed.count(limit);
    }

    /// Records a published configuration.
    pub fn config_published(&self, revision: u64) {
        self.config.published(revision);
    }

    /// Records a refused reload.
    pub fn config_refused(&self) {
        self.config.refused();
    }

    /// Records that nothing new is begun any more.
    pub fn draining(&self) {
        self.process.draining.set(1);
    }
}

/// A running request.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
