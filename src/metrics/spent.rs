//! Counters of what calls took and cost.

use omniroute_core::context::{AttemptRecord, Outcome};
use omniroute_core::snapshot::Snapshot;
use prometheus::{CounterVec, IntCounterVec, Opts};

use super::roll::Roll;

/// Model label for models the catalogue does not know.
const OTHER_MODEL: &str = "other";

/// The counters.
#[derive(Debug)]
pub(super) struct Spent {
    tokens: IntCounterVec,
    cost: CounterVec,
    unpriced: IntCounterVec,
}

impl Spent {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let model = &["provider", "model"];
        Ok(Self {
            tokens: IntCounterVec::new(
                Opts::new(
                    "omniroute_tokens_total",
                    "Tokens as providers counted them; estimated where they did not.",
                ),
                &["provider", "model", "kind"],
            )?,
            cost: CounterVec::new(
                Opts::new("omniroute_cost_dollars_total", "What calls cost, where that is known."),
                model,
            )?,
            unpriced: IntCounterVec::new(
                Opts::new(
                    "omniroute_unpriced_requests_total",
                    "Requests that took tokens of a model whose price nobody knows.",
                ),
                model,
            )?,
        })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.tokens.clone()))?;
        roll.register(Box::new(self.cost.clone()))?;
        roll.register(Box::new(self.unpriced.clone()))
    }

    /// Counts what a request took and cost. `last`: the attempt that took it.
    pub(super) fn count(&self, outcome: &Outcome, last: &AttemptRecord, snapshot: &Snapshot) {
        let usage = &outcome.usage;
        if usage.is_empty() {
            return;
        }
        let provider = snapshot.providers.get(&last.provider);
        let is_known = provider.is_some_and(|provider| provider.knows(&last.model));
        let model = if is_known { &*last.model } else { OTHER_MODEL };
        for (kind, count) in [
            ("input", usage.input),
            ("cache_read", usage.cache_read),
            ("cache_write", usage.cache_write),
            ("output", usage.output),
        ] {
            if let Some(count) = count.filter(|count| *count > 0) {
                let labels = [last.provider.as_str(), model, kind];
                self.tokens.with_label_values(&labels).inc_by(count);
            }
        }
        let labels = [last.provider.as_str(), model];
        match outcome.charge {
            Some(charge) => {
                self.cost.with_label_values(&labels).inc_by(charge.amount.as_dollars());
            }
            None => self.unpriced.with_label_values(&labels).inc(),
        }
    }
}
