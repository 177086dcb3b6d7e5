//! The limits of an account: the operator's own, and what the provider's answers say is left.
//!
//! Limits over a minute are kept exactly, by remembering when calls began: a bucket that refills would
//! let through up to twice the limit within some minute.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::resilience::Limits;
use crate::verdict::{Remaining, Told};

/// What `rpm` and `tpm` count over.
const MINUTE: Duration = Duration::from_secs(60);

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
    begun: VecDeque<Instant>,
    tokens: VecDeque<Spent>,
    /// How many of them have been forgotten so far: a call's number is its place among all.
    forgotten: u64,
    /// The sum of `tokens`: adding them up anew for every call would cost as much as there were calls.
    tokens_sum: u128,
    last: Option<Instant>,
    requests_left: Option<Left>,
    tokens_left: Option<Left>,
}

#[derive(Debug)]
struct Spent {
    at: Instant,
    tokens: u64,
}

#[derive(Clone, Copy, Debug)]
struct Left {
    left: u64,
    until: Instant,
}

/// A call whose tokens are counted; `None` inside where they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallNumber(Option<u64>);

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
            ("rpm", self.minute_of(limits.rpm, now)),
            ("tpm", self.room_for(limits.tpm, tokens, now)),
            ("the provider's requests", until_reset(self.requests_left, now)),
            ("the provider's tokens", until_reset(self.tokens_left, now)),
        ];
        let reached = timed.into_iter().filter_map(|(limit, left)| Some((limit, left?)));
        let (limit, left) = reached.max_by_key(|(_, left)| *left)?;
        Some(Busy { limit, left: Some(left) })
    }

    /// Counts a call as begun.
    pub fn begin(&mut self, limits: &Limits, tokens: u64, now: Instant) -> CallNumber {
        self.last = Some(now);
        if limits.rpm > 0 {
            self.begun.push_back(now);
        }
        let is_counted = limits.tpm > 0;
        let call = CallNumber(is_counted.then(|| self.forgotten + self.tokens.len() as u64));
        if is_counted {
            self.tokens.push_back(Spent { at: now, tokens });
            self.tokens_sum += u128::from(tokens);
        }
        for (left, amount) in [(&mut self.requests_left, 1), (&mut self.tokens_left, tokens)] {
            if let Some(left) = left {
                left.left = left.left.saturating_sub(amount);
            }
        }
        call
    }

    /// Corrects the tokens of a call, once they are known.
    pub fn correct(&mut self, call: CallNumber, tokens: u64) {
        // Nothing is looked for: at a thousand calls a second there are sixty thousand.
        let place = call.0.and_then(|number| number.checked_sub(self.forgotten));
        if let Some(place) = place.and_then(|place| usize::try_from(place).ok())
            && let Some(spent) = self.tokens.get_mut(place)
        {
            self.tokens_sum = self.tokens_sum - u128::from(spent.tokens) + u128::from(tokens);
            spent.tokens = tokens;
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
    pub fn used(&mut self, now: Instant) -> (usize, u64) {
        self.forget(now);
        (self.begun.len(), u64::try_from(self.tokens_sum).unwrap_or(u64::MAX))
    }

    /// Returns after how long nothing counts against `rpm` and `tpm` any more.
    pub fn unused_in(&self, now: Instant) -> [Duration; 2] {
        let newest = [self.begun.back().copied(), self.tokens.back().map(|spent| spent.at)];
        newest.map(|at| at.and_then(|at| left(at + MINUTE, now)).unwrap_or_default())
    }

    /// Without a gap there is no wait, even if another thread's clock was read a moment later.
    fn gap(&self, min_gap: Duration, now: Instant) -> Option<Duration> {
        let last = self.last.filter(|_| !min_gap.is_zero())?;
        left(last + min_gap, now)
    }

    fn minute_of(&self, rpm: u32, now: Instant) -> Option<Duration> {
        let rpm = usize::try_from(rpm).ok().filter(|rpm| *rpm > 0)?;
        let oldest_in_the_way = self.begun.len().checked_sub(rpm)?;
        left(*self.begun.get(oldest_in_the_way)? + MINUTE, now)
    }

    /// A call larger than the whole limit goes when nothing else counts: it could never go otherwise.
    fn room_for(&self, tpm: u64, tokens: u64, now: Instant) -> Option<Duration> {
        if tpm == 0 {
            return None;
        }
        let mut over = (self.tokens_sum + u128::from(tokens)).saturating_sub(tpm.into());
        let mut free_at = None;
        for spent in &self.tokens {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(spent.tokens.into());
            free_at = Some(spent.at + MINUTE);
        }
        left(free_at?, now)
    }

    fn forget(&mut self, now: Instant) {
        let is_over = |at: Instant| now.saturating_duration_since(at) >= MINUTE;
        while self.begun.front().is_some_and(|at| is_over(*at)) {
            self.begun.pop_front();
        }
        while let Some(spent) = self.tokens.front().filter(|spent| is_over(spent.at)) {
            self.tokens_sum -= u128::from(spent.tokens);
            self.tokens.pop_front();
            self.forgotten += 1;
        }
        for told in [&mut self.requests_left, &mut self.tokens_left] {
            if told.is_some_and(|told| told.until <= now) {
                *told = None;
            }
        }
    }
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
