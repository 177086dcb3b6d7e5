//! How one account is: cool-downs, limits, health, running calls.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::Freed;
use super::health::{Health, Room};
use super::limiter::{Busy, Counted, Limiter};
use super::rest::{Failure, Rests, Standing};
use crate::resilience::{Limits, Profile};
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::verdict::{Reason, Told};

/// How one account is. Shared by all snapshots that have the account.
#[derive(Debug)]
pub struct AccountState {
    /// Whether nothing stands in the way: no rest, no limit. Read without the lock.
    is_calm: AtomicBool,
    running: AtomicU32,
    last_used: AtomicU64,
    /// Whether the last call that said anything of the provider's health failed.
    is_failing: AtomicBool,
    inner: Mutex<Inner>,
    freed: Arc<Freed>,
}

#[derive(Debug, Default)]
struct Inner {
    rests: Rests,
    limiter: Limiter,
    health: Health,
}

/// What a call asks of an account.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The model by the provider's name.
    pub model: &'a str,
    /// The account's limits.
    pub limits: &'a Limits,
    /// Tokens the call is expected to take.
    pub tokens: u64,
    /// Whether another account was tried for the same request before.
    pub is_retry: bool,
}

/// Whether an account takes a call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Ready,
    /// Yes, after all others; for this long.
    Behind(Duration),
    /// Not yet.
    Busy(Busy),
    /// No; for this long.
    Away(Duration, Reason),
    /// No: as a second attempt it would be one too many.
    RetryBudget,
}

/// The name of the wait for what other second attempts come to.
pub const TRIAL: &str = "the retry budget";

impl AccountState {
    /// Makes the state of an account nobody has used.
    pub fn new(freed: Arc<Freed>) -> Self {
        Self {
            is_calm: AtomicBool::new(true),
            running: AtomicU32::new(0),
            last_used: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
            inner: Mutex::default(),
            freed,
        }
    }

    /// Returns whether the account takes this call now.
    pub fn admission(&self, asked: &Asked<'_>, now: Instant) -> Admission {
        if self.is_calm.load(Ordering::Acquire) && asked.limits.is_unlimited() && !asked.is_retry {
            return Admission::Ready;
        }
        self.admit(&mut self.lock(), asked, now)
    }

    /// Begins a call, if the account still takes it.
    ///
    /// # Errors
    ///
    /// Why it does not any more.
    pub fn begin(self: &Arc<Self>, asked: &Asked<'_>, now: Instant) -> Result<Permit, Admission> {
        let mut inner = self.lock();
        match self.admit(&mut inner, asked, now) {
            Admission::Ready | Admission::Behind(_) => {}
            refused => return Err(refused),
        }
        let is_trial = asked.is_retry && inner.health.room(now) == Room::Trial;
        inner.health.begin(is_trial, now);
        let counted = inner.limiter.begin(asked.limits, asked.tokens, now);
        self.running.fetch_add(1, Ordering::Relaxed);
        self.last_used.store(self.freed.next_use(), Ordering::Relaxed);
        drop(inner);
        let is_limited = !asked.limits.is_unlimited();
        Ok(Permit {
            account: Arc::clone(self),
            counted,
            begun: now,
            is_trial,
            is_limited,
            tokens: None,
        })
    }

    fn admit(&self, inner: &mut Inner, asked: &Asked<'_>, now: Instant) -> Admission {
        let standing = inner.rests.standing(asked.model, now);
        if let Standing::Away(left, reason) = standing {
            return Admission::Away(left, reason);
        }
        let running = self.running.load(Ordering::Relaxed);
        if let Some(busy) = inner.limiter.busy(asked.limits, running, asked.tokens, now) {
            return Admission::Busy(busy);
        }
        if asked.is_retry {
            match inner.health.room(now) {
                Room::Free | Room::Trial => {}
                Room::Wait => return Admission::Busy(Busy { limit: TRIAL, left: None }),
                Room::Spent => return Admission::RetryBudget,
            }
        }
        match standing {
            Standing::Behind(left) => Admission::Behind(left),
            Standing::Ready | Standing::Away(..) => Admission::Ready,
        }
    }

    /// Rests the account, or one of its models, after a failure. Returns the rest given.
    pub fn rest(&self, failure: Failure<'_>, profile: &Profile, now: Instant) -> Option<Duration> {
        let given = self.lock().rests.failed(failure, profile, now)?;
        self.is_calm.store(false, Ordering::Release);
        Some(given)
    }

    /// Takes note of what the provider says is left of its limits.
    pub fn told(&self, told: Told, now: Instant) {
        if told == Told::default() {
            return;
        }
        self.lock().limiter.told(told, now);
        self.is_calm.store(false, Ordering::Release);
    }

    /// Forgets all rests.
    pub fn reset(&self) {
        let mut inner = self.lock();
        *inner = Inner { health: std::mem::take(&mut inner.health), ..Inner::default() };
        self.is_calm.store(true, Ordering::Release);
        drop(inner);
        self.freed.notify();
    }

    /// Returns the account's own standing, whatever the model.
    pub fn standing(&self, now: Instant) -> Standing {
        if self.is_calm.load(Ordering::Acquire) {
            return Standing::Ready;
        }
        self.lock().rests.of_account(now)
    }

    /// Returns the models that rest on this account, by name.
    pub fn resting_models(&self, now: Instant) -> Vec<(Box<str>, Standing)> {
        let inner = self.lock();
        let mut models: Vec<_> =
            inner.rests.of_models(now).map(|(model, standing)| (model.into(), standing)).collect();
        models.sort_by(|a: &(Box<str>, _), b| a.0.cmp(&b.0));
        models
    }

    /// Returns the number of running calls.
    pub fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed)
    }

    /// Returns the calls and tokens that count against the limits of a minute.
    pub fn used(&self, now: Instant) -> (u64, u64) {
        self.lock().limiter.used(now)
    }

    /// Returns what is left of the provider's own limits, as its answers told.
    pub fn left(&self, now: Instant) -> Told {
        let [requests, tokens] = self.lock().limiter.left(now);
        Told { requests, tokens }
    }

    /// Returns when the account was last chosen: a number that grows, 0 for never.
    pub fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Returns the share of failures of late, from 0 to 1, and the usual time to the first content.
    pub fn health(&self, now: Instant) -> (f64, Option<Duration>) {
        let inner = self.lock();
        (inner.health.outcomes(now).share_of_bad(), inner.health.latency())
    }

    /// Tells whether the account fails, or may not be asked.
    pub fn is_out(&self, now: Instant) -> bool {
        self.is_failing.load(Ordering::Relaxed) || matches!(self.standing(now), Standing::Away(..))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running call. Dropping it ends the call.
#[derive(Debug)]
pub struct Permit {
    account: Arc<AccountState>,
    counted: Counted,
    begun: Instant,
    is_trial: bool,
    is_limited: bool,
    tokens: Option<u64>,
}

impl Permit {
    /// The account answers: its first content is there. Returns how long that took.
    pub fn answered(&mut self, model: &str, now: Instant) -> Duration {
        let after = now.saturating_duration_since(self.begun);
        self.account.is_failing.store(false, Ordering::Relaxed);
        let was_trial = std::mem::take(&mut self.is_trial);
        let mut inner = self.account.lock();
        inner.health.answered(after, now);
        if !self.account.is_calm.load(Ordering::Acquire) {
            inner.rests.served(model);
            // Rests that are over and a provider's limits that are full again need no look any more.
            let is_calm = inner.rests.is_calm(now) && !inner.limiter.is_told(now);
            self.account.is_calm.store(is_calm, Ordering::Release);
        }
        if was_trial {
            inner.health.trial_ended();
        }
        drop(inner);
        self.account.freed.notify();
        after
    }

    /// The call failed. `is_providers_fault`: so that it says something of the provider's health.
    pub fn failed(&mut self, is_providers_fault: bool, now: Instant) {
        if is_providers_fault {
            self.account.is_failing.store(true, Ordering::Relaxed);
        }
        let was_trial = std::mem::take(&mut self.is_trial);
        let mut inner = self.account.lock();
        inner.health.failed(now);
        if was_trial {
            inner.health.trial_ended();
        }
    }

    /// Corrects the tokens the call was expected to take.
    pub const fn took(&mut self, tokens: u64) {
        self.tokens = Some(tokens);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.account.running.fetch_sub(1, Ordering::Relaxed);
        if self.is_trial || (self.is_limited && self.tokens.is_some()) {
            let mut inner = self.account.lock();
            if self.is_trial {
                inner.health.trial_ended();
            }
            if let Some(tokens) = self.tokens {
                inner.limiter.correct(&mut self.counted, tokens);
            }
        }
        self.account.freed.notify();
    }
}
