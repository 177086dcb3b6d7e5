//! Gauges of how accounts and providers are; they are set when somebody looks.

use std::time::{Duration, Instant};

use omniroute_core::snapshot::{Account, Snapshot};
use omniroute_core::state::{Gate, SharedState, Standing};
use prometheus::{GaugeVec, IntGauge, IntGaugeVec, Opts};

use super::roll::Roll;

/// The gauges.
#[derive(Debug)]
pub(super) struct StateGauges {
    breaker_state: IntGaugeVec,
    account_rest_left_seconds: GaugeVec,
    account_running: IntGaugeVec,
    account_limit: GaugeVec,
    account_limit_used: GaugeVec,
    locked_addresses: IntGauge,
}

impl StateGauges {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let account = &["provider", "account"];
        Ok(Self {
            breaker_state: IntGaugeVec::new(
                Opts::new(
                    "omniroute_breaker_state",
                    "State of a provider's circuit breaker: 0 closed, 1 half-open, 2 open.",
                ),
                &["provider"],
            )?,
            account_rest_left_seconds: GaugeVec::new(
                Opts::new(
                    "omniroute_account_rest_left_seconds",
                    "For how long an account is not tried, or tried last; 0 if it is ready.",
                ),
                account,
            )?,
            account_running: IntGaugeVec::new(
                Opts::new("omniroute_account_running", "Calls running at an account now."),
                account,
            )?,
            account_limit: GaugeVec::new(
                Opts::new(
                    "omniroute_account_limit",
                    "Limits of an account, where it has them: requests and tokens in a minute (rpm, tpm), \
                     calls at once (concurrent).",
                ),
                &["provider", "account", "limit"],
            )?,
            account_limit_used: GaugeVec::new(
                Opts::new("omniroute_account_limit_used", "How much of each limit is used now."),
                &["provider", "account", "limit"],
            )?,
            locked_addresses: IntGauge::new(
                "omniroute_locked_addresses",
                "Addresses locked after too many wrong keys.",
            )?,
        })
    }

    pub(super) fn register(&self, roll: &Roll) -> Result<(), prometheus::Error> {
        roll.register(Box::new(self.breaker_state.clone()))?;
        roll.register(Box::new(self.account_rest_left_seconds.clone()))?;
        roll.register(Box::new(self.account_running.clone()))?;
        roll.register(Box::new(self.account_limit.clone()))?;
        roll.register(Box::new(self.account_limit_used.clone()))?;
        roll.register(Box::new(self.locked_addresses.clone()))
    }

    pub(super) fn observe(&self, snapshot: &Snapshot, state: &SharedState, now: Instant) {
        self.breaker_state.reset();
        self.account_rest_left_seconds.reset();
        self.account_running.reset();
        self.account_limit.reset();
        self.account_limit_used.reset();
        let locked = state.lockouts.locked(now).len();
        self.locked_addresses.set(i64::try_from(locked).unwrap_or(i64::MAX));
        for account in snapshot.accounts.values().flatten() {
            let provider = &account.provider;
            let breaker = match provider.state.breaker.gate(now) {
                Gate::Closed => 0,
                Gate::HalfOpen | Gate::Probing => 1,
                Gate::Open(_) => 2,
            };
            self.breaker_state.with_label_values(&[provider.id.as_str()]).set(breaker);
            let labels = [provider.id.as_str(), account.id.as_str()];
            let left = match account.state.standing(now) {
                Standing::Ready => Duration::ZERO,
                Standing::Behind(left) | Standing::Away(left, _) => left,
            };
            self.account_rest_left_seconds.with_label_values(&labels).set(left.as_secs_f64());
            self.account_running.with_label_values(&labels).set(account.state.running().into());
            self.observe_limits(labels, account, now);
        }
    }

    /// Shows the limits that an account has; 0 is none.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    fn observe_limits(&self, [provider, id]: [&str; 2], account: &Account, now: Instant) {
        let (requests, tokens) = account.state.used(now);
        let limits = [
            ("rpm", account.limits.rpm.into(), requests),
            ("tpm", account.limits.tpm, tokens),
            ("concurrent", account.limits.concurrent.into(), account.state.running().into()),
        ];
        for (name, most, used) in limits.into_iter().filter(|(_, most, _)| *most > 0) {
            let labels = [provider, id, name];
            self.account_limit.with_label_values(&labels).set(most as f64);
            self.account_limit_used.with_label_values(&labels).set(used as f64);
        }
    }
}
