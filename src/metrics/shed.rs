//! What is refused so that the rest is served well.

use prometheus::{IntCounterVec, IntGauge, Opts};

use super::roll::Roll;

/// Why something is refused, by the limit's name in `limits`.
const REASONS: [&str; 4] =
    ["connections", "connections_per_address", "requests", "buffered_bodies"];

/// Connections, and what is refused.
#[derive(Debug)]
pub(super) struct Shed {
    total: IntCounterVec,
    connections: IntGauge,
    body_bytes: IntGauge,
}

impl Shed {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let total = IntCounterVec::new(
            Opts::new(
                "omniroute_shed_total",
                "Connections and requests refused because a limit of `limits` was reached.",
            ),
            &["reason"],
        )?;
        for reason in REASONS {
            total.with_label_values(&[reason]).reset();
        }
        let connections =
            IntGauge::new("omniroute_connections", "Connections of clients that are open now.")?;
        let body_bytes = IntGauge::new(
            "omniroute_buffered_body_bytes",
            "Bytes of request bodies that are held in memory now.",
        )?;
        Ok(Self { total, connections, body_bytes })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.total.clone()))?;
        roll.register(Box::new(self.connections.clone()))?;
        roll.register(Box::new(self.body_bytes.clone()))
    }

    pub(super) fn observe(&self, connections: usize, body_bytes: usize) {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.set(number(connections));
        self.body_bytes.set(number(body_bytes));
    }

    pub(super) fn count(&self, reason: &str) {
        self.total.with_label_values(&[reason]).inc();
    }
}
