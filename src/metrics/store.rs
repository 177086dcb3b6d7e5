//! What is kept: gauges of the database and of what waits for it; they are set when somebody looks.

use prometheus::{Gauge, IntGauge, IntGaugeVec, Opts};

use super::roll::Roll;
use crate::store::Health;

/// The gauges. Without a store `up` is 0 and the rest has no value of its own.
#[derive(Debug)]
pub(super) struct StoreGauges {
    up: IntGauge,
    records: IntGaugeVec,
    bodies_lost: IntGauge,
    changes: IntGauge,
    commits: IntGauge,
    last_commit: Gauge,
}

impl StoreGauges {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            up: IntGauge::new(
                "omniroute_store_up",
                "Whether the database can be written: 0 while its disk fails, or where there is none.",
            )?,
            records: IntGaugeVec::new(
                Opts::new(
                    "omniroute_store_backlog_records",
                    "Records of usage that are not in the database: in the queue, in spill files, or lost.",
                ),
                &["place"],
            )?,
            bodies_lost: IntGauge::new(
                "omniroute_request_log_bodies_lost",
                "Calls whose bodies were to be logged and were not: too many waited, or the disk failed.",
            )?,
            changes: IntGauge::new(
                "omniroute_store_queued_changes",
                "Changes that wait for the thread that writes.",
            )?,
            commits: IntGauge::new(
                "omniroute_store_commits",
                "Transactions that were written since the start.",
            )?,
            last_commit: Gauge::new(
                "omniroute_store_last_commit_age_seconds",
                "Time since the last transaction was written; 0 before the first.",
            )?,
        })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.up.clone()))?;
        roll.register(Box::new(self.records.clone()))?;
        roll.register(Box::new(self.bodies_lost.clone()))?;
        roll.register(Box::new(self.changes.clone()))?;
        roll.register(Box::new(self.commits.clone()))?;
        roll.register(Box::new(self.last_commit.clone()))
    }

    pub(super) fn observe(&self, health: Option<&Health>) {
        let Some(health) = health else { return self.up.set(0) };
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.up.set(i64::from(health.trouble.is_none()));
        for (place, records) in
            [("queue", health.waiting as u64), ("spill", health.spilled), ("lost", health.lost)]
        {
            self.records.with_label_values(&[place]).set(whole(records));
        }
        self.bodies_lost.set(whole(health.bodies_lost));
        self.changes.set(whole(health.changes as u64));
        self.commits.set(whole(health.commits));
        self.last_commit.set(health.last_commit.unwrap_or_default().as_secs_f64());
    }
}
