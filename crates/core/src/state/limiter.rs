//! The limits of an account: the operator's own, and what the provider's answers say is left.
//!
//! Limits over a minute are kept by remembering when calls began: a bucket that refills would let through up to
//! twice the limit within some minute.

use std::time::{Duration, Instant};

use super::minute::{Added, Minute};
use crate::resilience::Limits;
use crate::verdict::{Remaining, Told};

/// Why an account is busy, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The limit that is reached, by the YAML's name for it.
    pub limit: &'static str,
    /// When it has room again; `None` if that depends on a running call.
    pub left: Option<Duration>,
}

/// What has been used of an account's limits.
#[derive(Debug, Default)]
pub struct Limiter {
    begun: Minute,
    tokens: Minute,
    last: Option<Instant>,
    requests_left: Option<Left>,
    tokens_left: Option<Left>,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    left: u64,
    until: Instant,
}

/// The tokens of a call that are counted; `None` inside where they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted(Option<Added>);

impl Limiter {
    /// Returns what keeps a call of about `tokens` from beginning now; of several limits the longest.
    pub fn busy(
        &mut self,
        limits: &Limits,
        running: u32,
        tokens: u64,
        now: Instant,
    ) -> Option<Busy> {
        self.forget(now);
        if limits.concurrent > 0 && running >= limits.concurrent {
            return Some(Busy { limit: "concurrent", left: None });
        }
        let timed = [
            ("min_gap", self.gap(limits.min_gap, now)),
            ("rpm", until_room(&self.begun, limits.rpm.into(), 1, now)),
            ("tpm", until_room(&self.tokens, limits.tpm, tokens, now)),
            ("the provider's requests", until_reset(self.requests_left, now)),
            ("the provider's tokens", until_reset(self.tokens_left, now)),
        ];
        let reached = timed.into_iter().filter_map(|(limit, left)| Some((limit, left?)));
        let (limit, left) = reached.max_by_key(|(_, left)| *left)?;
        Some(Busy { limit, left: Some(left) })
    }

    /// Counts a call as begun.
    pub fn begin(&mut self, limits: &Limits, tokens: u64, now: Instant) -> Counted {
        self.last = Some(now);
        if limits.rpm > 0 {
            self.begun.add(1, now);
        }
        let counted = Counted((limits.tpm > 0).then(|| self.tokens.add(tokens, now)));
        for (left, amount) in [(&mut self.requests_left, 1), (&mut self.tokens_left, tokens)] {
            if let Some(left) = left {
                left.left = left.left.saturating_sub(amount);
            }
        }
        counted
    }

    /// Corrects the tokens of a call, once they are known.
    pub fn correct(&mut self, counted: &mut Counted, tokens: u64) {
        if let Some(added) = &mut counted.0 {
            self.tokens.correct(added, tokens);
        }
    }

    /// Takes note of what the provider says is left. What it does not speak of stays.
    pub fn told(&mut self, told: Told, now: Instant) {
        let left =
            |remaining: Remaining| Left { left: remaining.left, until: now + remaining.resets_in };
        if let Some(requests) = told.requests {
            self.requests_left = Some(left(requests));
        }
        if let Some(tokens) = told.tokens {
            self.tokens_left = Some(left(tokens));
        }
    }

    /// Tells whether the provider's own limits are known and not yet full again.
    pub fn is_told(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.requests_left.is_some() || self.tokens_left.is_some()
    }

    /// Returns what the provider said is left of its limits of requests and tokens, less what was asked for
    /// since, and until when; `None` where nothing is known, or it is full again.
    pub fn left(&mut self, now: Instant) -> [Option<Remaining>; 2] {
        self.forget(now);
        [self.requests_left, self.tokens_left].map(|told| {
            let told = told?;
            let resets_in = told.until.saturating_duration_since(now);
            Some(Remaining { left: told.left, resets_in })
        })
    }

    /// Returns how many calls and tokens count against `rpm` and `tpm` now.
    pub fn used(&mut self, now: Instant) -> (u64, u64) {
        self.forget(now);
        let sum = |minute: &Minute| u64::try_from(minute.sum()).unwrap_or(u64::MAX);
        (sum(&self.begun), sum(&self.tokens))
    }

    /// Returns after how long nothing counts against `rpm` and `tpm` any more.
    pub fn unused_in(&self, now: Instant) -> [Duration; 2] {
        let until = |minute: &Minute| left(minute.unused_at()?, now);
        [until(&self.begun), until(&self.tokens)].map(Option::unwrap_or_default)
    }

    /// Without a gap there is no wait, even if another thread's clock was read a moment later.
    fn gap(&self, min_gap: Duration, now: Instant) -> Option<Duration> {
        let last = self.last.filter(|_| !min_gap.is_zero())?;
        left(last + min_gap, now)
    }

    fn forget(&mut self, now: Instant) {
        self.begun.forget(now);
        self.tokens.forget(now);
        for told in [&mut self.requests_left, &mut self.tokens_left] {
            if told.is_some_and(|told| told.until <= now) {
                *told = None;
            }
        }
    }
}

/// Returns how long there is no room for an amount under a limit; 0 is none.
fn until_room(minute: &Minute, limit: u64, amount: u64, now: Instant) -> Option<Duration> {
    if limit == 0 {
        return None;
    }
    left(minute.room_at(limit, amount)?, now)
}

fn left(until: Instant, now: Instant) -> Option<Duration> {
    Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
}

/// Nothing left of the provider's own limit: no call before the reset. A few tokens left are no
/// reason, since providers let the last call go over.
fn until_reset(told: Option<Left>, now: Instant) -> Option<Duration> {
    let told = told?;
    if told.left > 0 {
        return None;
    }
    left(told.until, now)
}
