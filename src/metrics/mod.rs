//! Every metric of the program: name, labels, help.
//!
//! Labels are bounded: providers, accounts and models come from the configuration, never from what a
//! client wrote; a model the catalogue does not know counts as `other`.

mod answers;
mod budget;
mod shed;
mod spent;
mod state;
mod store;

use std::time::Duration;

use omniroute_core::clock::Clock;
use omniroute_core::context::{AttemptRecord, Outcome};
use omniroute_core::snapshot::Snapshot;
use omniroute_core::state::SharedState;
use prometheus::{
    CounterVec, Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, Opts, Registry, TextEncoder,
};

use self::answers::AnswerMetrics;
use self::budget::BudgetGauges;
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
    registry: Registry,
    request_seconds: HistogramVec,
    first_byte_seconds: HistogramVec,
    attempts: IntCounterVec,
    account_cool_down_seconds: GaugeVec,
    state: StateGauges,
    answers: AnswerMetrics,
    budgets: BudgetGauges,
    spent: Spent,
    store: StoreGauges,
    shed: Shed,
    interrupted: CounterVec,
    in_flight: IntGauge,
    config_revision: IntGauge,
    config_reload_failures: IntCounter,
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
            registry: Registry::new(),
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
            attempts: IntCounterVec::new(
                Opts::new("omniroute_attempts_total", "Attempts by how they ended."),
                &["provider", "outcome"],
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
            interrupted: CounterVec::new(
                Opts::new(
                    "omniroute_interrupted_total",
                    "Answers cut after they had begun, by who cut them.",
                ),
                &["by"],
            )?,
            in_flight: IntGauge::new("omniroute_requests_in_flight", "Requests being served now.")?,
            config_revision: IntGauge::new(
                "omniroute_config_revision",
                "Number of the configuration in force.",
            )?,
            config_reload_failures: IntCounter::new(
                "omniroute_config_reload_failures_total",
                "Reloads refused because the file had problems.",
            )?,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let registry = &self.registry;
        registry.register(Box::new(self.request_seconds.clone()))?;
        registry.register(Box::new(self.first_byte_seconds.clone()))?;
        registry.register(Box::new(self.attempts.clone()))?;
        registry.register(Box::new(self.account_cool_down_seconds.clone()))?;
        self.state.register(registry)?;
        self.answers.register(registry)?;
        self.spent.register(registry)?;
        self.budgets.register(registry)?;
        self.store.register(registry)?;
        self.shed.register(registry)?;
        registry.register(Box::new(self.interrupted.clone()))?;
        registry.register(Box::new(self.in_flight.clone()))?;
        registry.register(Box::new(self.config_revision.clone()))?;
        registry.register(Box::new(self.config_reload_failures.clone()))?;
        let build = IntGauge::with_opts(
            Opts::new("omniroute_build_info", "Always 1; the label tells the version.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build.set(1);
        registry.register(Box::new(build))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(())
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

    /// Returns all metrics as Prometheus text.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }

    /// Counts a request as running until the guard is dropped.
    pub fn enter(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Returns the number of running requests.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// Records the end of one attempt.
    pub fn attempt(&self, record: &AttemptRecord) {
        let outcome = record.failure.map_or("served", |reason| reason.name());
        self.attempts.with_label_values(&[record.provider.as_str(), outcome]).inc();
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
        self.config_revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
    }

    /// Records a refused reload.
    pub fn config_refused(&self) {
        self.config_reload_failures.inc();
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
