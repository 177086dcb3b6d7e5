//! What kept answers do; taken over when somebody looks.

use std::sync::{Mutex, PoisonError};

use omniroute_core::replay::AnswerStats;
use prometheus::{Counter, IntCounterVec, IntGauge, Opts};

use super::roll::Roll;

/// The metrics of kept answers.
#[derive(Debug)]
pub(super) struct AnswerMetrics {
    requests: IntCounterVec,
    saved_tokens: IntCounterVec,
    saved_dollars: Counter,
    entries: IntGauge,
    bytes: IntGauge,
    /// Held while counters are raised to what was counted, so that two who look do not raise them twice.
    looking: Mutex<()>,
}

impl AnswerMetrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let requests = Opts::new(
            "omniroute_cache_requests_total",
            "Requests whose answer may be kept, by whether it was: hit, miss, bypass.",
        );
        let saved = Opts::new(
            "omniroute_cache_saved_tokens_total",
            "Tokens that kept answers saved, as their providers counted them.",
        );
        Ok(Self {
            requests: IntCounterVec::new(requests, &["result"])?,
            saved_tokens: IntCounterVec::new(saved, &["kind"])?,
            saved_dollars: Counter::new(
                "omniroute_cache_saved_dollars_total",
                "What kept answers saved, where the price is known.",
            )?,
            entries: IntGauge::new("omniroute_cache_entries", "Answers kept now.")?,
            bytes: IntGauge::new("omniroute_cache_bytes", "Bytes of the answers kept now.")?,
            looking: Mutex::new(()),
        })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.requests.clone()))?;
        roll.register(Box::new(self.saved_tokens.clone()))?;
        roll.register(Box::new(self.saved_dollars.clone()))?;
        roll.register(Box::new(self.entries.clone()))?;
        roll.register(Box::new(self.bytes.clone()))
    }

    pub(super) fn observe(&self, stats: &AnswerStats) {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        self.entries.set(i64::try_from(stats.entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(stats.bytes).unwrap_or(i64::MAX));
        let results = [("hit", stats.hits), ("miss", stats.misses), ("bypass", stats.bypassed)];
        for (result, count) in results {
            raise(&self.requests, result, count);
        }
        for (kind, count) in [("input", stats.saved.input), ("output", stats.saved.output)] {
            raise(&self.saved_tokens, kind, count);
        }
        let dollars = stats.saved.cost.as_dollars() - self.saved_dollars.get();
        self.saved_dollars.inc_by(dollars.max(0.0));
    }
}

/// Raises a counter to what was counted elsewhere; one that never counted anything is not shown.
fn raise(counters: &IntCounterVec, label: &str, counted: u64) {
    if counted > 0 {
        let counter = counters.with_label_values(&[label]);
        counter.inc_by(counted.saturating_sub(counter.get()));
    }
}
