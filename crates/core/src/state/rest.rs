//! Cool-downs: how an account, or one model of it, rests after a provider refused it.
//!
//! A cool-down belongs to an account, not to a provider: one user's spent quota says nothing about
//! another's. Who was told to wait is *away* and is not tried. Who failed without being told to wait is
//! *behind*: others go first for a while, but it still serves when it is the only one, because a single
//! failure is no reason to turn every client away.
//!
//! The wait is the provider's own when it names one, else it doubles per failure from the profile's
//! `cool_down` to its `max_cool_down`, less up to a tenth by chance so that accounts that failed
//! together do not come back together. One success forgets it all.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::resilience::Profile;
use crate::verdict::{Reason, Rest};

/// Most models of one account whose rest is remembered; clients choose the names, so they are bounded.
const MAX_MODELS: usize = 256;

/// Largest part of a doubled wait that chance takes off.
const JITTER: f64 = 0.1;

/// Whether an account may be tried now, as far as its cool-downs say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Ready,
    /// Yes, after all others; for this long.
    Behind(Duration),
    /// No; for this long, for this reason.
    Away(Duration, Reason),
}

/// The rests of an account and of its models.
#[derive(Debug, Default)]
pub struct Rests {
    account: Resting,
    models: HashMap<Box<str>, Resting>,
}

/// One rest.
#[derive(Clone, Copy, Debug, Default)]
struct Resting {
    failures_in_row: u32,
    away: Option<(Instant, Reason)>,
    behind_until: Option<Instant>,
}

/// A failure to rest after.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// How to rest.
    pub rest: Rest,
    /// Why.
    pub reason: Reason,
    /// The model at fault; `None` if the account as a whole is.
    pub model: Option<&'a str>,
    /// A number by chance, from 0 to 1.
    pub chance: f64,
}

impl Rests {
    /// Returns the standing of the account for a model: the worse of both rests.
    pub fn standing(&self, model: &str, now: Instant) -> Standing {
        let account = self.account.standing(now);
        match self.models.get(model).map(|resting| resting.standing(now)) {
            Some(of_model) => account.worse(of_model),
            None => account,
        }
    }

    /// Returns the account's own standing, whatever the model.
    pub fn of_account(&self, now: Instant) -> Standing {
        self.account.standing(now)
    }

    /// Returns the models that rest, with their standing.
    pub fn of_models(&self, now: Instant) -> impl Iterator<Item = (&str, Standing)> {
        self.models
            .iter()
            .map(move |(model, resting)| (&**model, resting.standing(now)))
            .filter(|(_, standing)| *standing != Standing::Ready)
    }

    /// Rests after a failure and returns for how long.
    pub fn failed(
        &mut self,
        failure: Failure<'_>,
        profile: &Profile,
        now: Instant,
    ) -> Option<Duration> {
        let resting = match failure.model {
            None => &mut self.account,
            Some(model) => {
                if self.models.len() >= MAX_MODELS && !self.models.contains_key(model) {
                    self.models.retain(|_, resting| resting.standing(now) != Standing::Ready);
                }
                if self.models.len() >= MAX_MODELS && !self.models.contains_key(model) {
                    return None;
                }
                self.models.entry(model.into()).or_default()
            }
        };
        resting.failed(failure, profile, now)
    }

    /// Forgets failures: the account served this model.
    pub fn served(&mut self, model: &str) {
        self.account.served();
        if let Some(resting) = self.models.get_mut(model) {
            resting.served();
        }
    }

    /// Tells whether nothing rests.
    pub fn is_calm(&self, now: Instant) -> bool {
        self.account.is_calm(now) && self.models.values().all(|resting| resting.is_calm(now))
    }
}

impl Resting {
    fn standing(&self, now: Instant) -> Standing {
        let left =
            |until: Instant| Some(until.saturating_duration_since(now)).filter(|l| !l.is_zero());
        if let Some((until, reason)) = self.away
            && let Some(left) = left(until)
        {
            return Standing::Away(left, reason);
        }
        self.behind_until.and_then(left).map_or(Standing::Ready, Standing::Behind)
    }

    fn is_calm(&self, now: Instant) -> bool {
        self.failures_in_row == 0 && self.standing(now) == Standing::Ready
    }

    fn failed(
        &mut self,
        failure: Failure<'_>,
        profile: &Profile,
        now: Instant,
    ) -> Option<Duration> {
        let step = doubled(profile, self.failures_in_row)
            .mul_f64(1.0 - JITTER * failure.chance.clamp(0.0, 1.0));
        let wait = match failure.rest {
            Rest::None => return None,
            Rest::Behind | Rest::Away(None) => step,
            Rest::Away(Some(told)) => told,
            Rest::AwayLong => profile.max_cool_down,
        };
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        let until = now + wait;
        if failure.rest == Rest::Behind {
            self.behind_until = Some(self.behind_until.map_or(until, |before| before.max(until)));
        } else if self.away.is_none_or(|(before, _)| before < until) {
            self.away = Some((until, failure.reason));
        }
        Some(wait)
    }

    /// A wait that the provider named stays: the success may be of a request sent before it.
    const fn served(&mut self) {
        self.failures_in_row = 0;
        self.behind_until = None;
    }
}

impl Standing {
    /// Returns the one that keeps from more, and of two alike the longer.
    fn worse(self, other: Self) -> Self {
        let rank = |standing: &Self| match standing {
            Self::Ready => (0, Duration::ZERO),
            Self::Behind(left) => (1, *left),
            Self::Away(left, _) => (2, *left),
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// Returns `cool_down × backoff^failures`, at most `max_cool_down`.
fn doubled(profile: &Profile, failures: u32) -> Duration {
    let factor = profile.backoff.max(1.0).powi(i32::try_from(failures).unwrap_or(i32::MAX));
    let seconds = profile.cool_down.as_secs_f64() * factor;
    let most = profile.max_cool_down;
    Duration::try_from_secs_f64(seconds).map_or(most, |wait| wait.min(most))
}
