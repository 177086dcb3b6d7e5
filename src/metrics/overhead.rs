//! What the gateway itself adds to a call.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec};

use super::roll::Roll;

/// Seconds; from a call that passes byte for byte to a machine that is out of breath.
const BUCKETS: [f64; 14] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_15, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.1, 0.5, 1.0,
];

/// The histogram, with a handle for each value of its label.
#[derive(Debug)]
pub(super) struct Overhead {
    all: HistogramVec,
    exact: Histogram,
    translated: Histogram,
}

impl Overhead {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let options = HistogramOpts::new(
            "omniroute_overhead_seconds",
            "Time to the first byte of an answer that was spent in the gateway: neither waiting for a \
             provider, nor for the client's body, nor for an account to have room.",
        );
        let all = HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["passage"])?;
        let exact = all.with_label_values(&["exact"]);
        let translated = all.with_label_values(&["translated"]);
        Ok(Self { all, exact, translated })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.all.clone()))
    }

    /// Records one call whose answer begins.
    pub(super) fn observe(&self, is_exact: bool, took: Duration) {
        let histogram = if is_exact { &self.exact } else { &self.translated };
        histogram.observe(took.as_secs_f64());
    }
}
