//! Gauges of how budgets of client keys stand; they are set when somebody looks.

use jiff::Timestamp;
use omniroute_core::snapshot::Snapshot;
use prometheus::{GaugeVec, Opts};

use super::roll::Roll;

/// The gauges.
#[derive(Debug)]
pub(super) struct BudgetGauges {
    limit: GaugeVec,
    spent: GaugeVec,
    left: GaugeVec,
    reserved: GaugeVec,
    reached: GaugeVec,
    overrun: GaugeVec,
}

impl BudgetGauges {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            GaugeVec::new(Opts::new(name, help), &["client_key", "period", "timezone"])
        };
        Ok(Self {
            limit: gauge(
                "omniroute_budget_limit_dollars",
                "How much a client key may spend in a window.",
            )?,
            spent: gauge("omniroute_budget_spent_dollars", "What it has spent in this one.")?,
            left: gauge(
                "omniroute_budget_left_dollars",
                "What it may still spend: the limit less what is spent and reserved, never below 0.",
            )?,
            reserved: gauge(
                "omniroute_budget_reserved_dollars",
                "The most that its running calls can cost.",
            )?,
            reached: gauge(
                "omniroute_budget_reached_ratio",
                "The highest threshold of `warn_at` that it has reached; 0 if none.",
            )?,
            overrun: GaugeVec::new(
                Opts::new(
                    "omniroute_budget_overrun_dollars",
                    "What calls cost beyond what was reserved for them, since the start.",
                ),
                &["client_key"],
            )?,
        })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        for gauge in self.all() {
            roll.register(Box::new(gauge.clone()))?;
        }
        Ok(())
    }

    pub(super) fn observe(&self, snapshot: &Snapshot, now: Timestamp) {
        for gauge in self.all() {
            gauge.reset();
        }
        for key in snapshot.client_keys.iter().filter(|key| !key.budgets.is_empty()) {
            let name = key.name.as_str();
            self.overrun.with_label_values(&[name]).set(key.purse.overrun().as_dollars());
            for budget in key.budgets.iter() {
                let labels = [name, budget.period.name(), budget.zone_name()];
                let standing = key.purse.standing(budget, now);
                let taken = standing.spent.as_dollars() + standing.reserved.as_dollars();
                let left = budget.limit.as_dollars() - taken;
                for (gauge, value) in [
                    (&self.limit, budget.limit.as_dollars()),
                    (&self.spent, standing.spent.as_dollars()),
                    (&self.left, left.max(0.0)),
                    (&self.reserved, standing.reserved.as_dollars()),
                    (&self.reached, f64::from(standing.reached) / 1000.0),
                ] {
                    gauge.with_label_values(&labels).set(value);
                }
            }
        }
    }

    const fn all(&self) -> [&GaugeVec; 6] {
        [&self.limit, &self.spent, &self.left, &self.reserved, &self.reached, &self.overrun]
    }
}
