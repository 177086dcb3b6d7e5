//! Cool-downs: how an account rests after a provider refused it or could not be reached.
//!
//! A cool-down belongs to an account, not to a provider: one user's spent quota says nothing about
//! another's. An account that was told to wait is *away* and is not tried. One that failed without
//! being told to wait is *behind*: others go first for a while, but it still serves when it is the
//! only one, because a single failure is no reason to turn every client away.
//!
//! The wait is the provider's own when it names one, else it doubles per failure from the profile's
//! `cool_down` to its `max_cool_down`, and one success forgets it all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::snapshot::Profile;
use crate::verdict::Rest;

/// How one account is.
#[derive(Debug, Default)]
pub struct AccountState {
    resting: AtomicBool,
    in_flight: AtomicU32,
    rest: Mutex<Resting>,
}

#[derive(Debug, Default)]
struct Resting {
    failures_in_row: u32,
    away_until: Option<Instant>,
    behind_until: Option<Instant>,
}

/// Whether an account may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Ready,
    /// Yes, after all others; for this long.
    Behind(Duration),
    /// No; for this long.
    Away(Duration),
}

impl AccountState {
    /// Returns whether the account may be tried at `now`.
    pub fn standing(&self, now: Instant) -> Standing {
        if !self.resting.load(Ordering::Acquire) {
            return Standing::Ready;
        }
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let left =
            |until: Option<Instant>| until.and_then(|until| until.checked_duration_since(now));
        match (left(rest.away_until), left(rest.behind_until)) {
            (Some(away), _) if !away.is_zero() => Standing::Away(away),
            (_, Some(behind)) if !behind.is_zero() => Standing::Behind(behind),
            _ => Standing::Ready,
        }
    }

    /// Counts a failure and rests the account as the verdict says. Returns the rest given.
    pub fn failed(&self, rest: Rest, profile: &Profile, now: Instant) -> Option<Duration> {
        if rest == Rest::None {
            return None;
        }
        let mut resting = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let step = doubled(profile, resting.failures_in_row);
        resting.failures_in_row = resting.failures_in_row.saturating_add(1);
        let wait = match rest {
            Rest::None => return None,
            Rest::Behind | Rest::Away(None) => step,
            Rest::Away(Some(told)) => told,
            Rest::AwayLong => profile.max_cool_down,
        };
        let until = now + wait;
        let slot =
            if rest == Rest::Behind { &mut resting.behind_until } else { &mut resting.away_until };
        *slot = Some(slot.map_or(until, |before| before.max(until)));
        self.resting.store(true, Ordering::Release);
        Some(wait)
    }

    /// Forgets failures: the account served.
    ///
    /// A wait that the provider named stays: the success may be of a request sent before it.
    pub fn served(&self) {
        if !self.resting.load(Ordering::Acquire) {
            return;
        }
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.failures_in_row = 0;
        rest.behind_until = None;
    }

    /// Counts a call as running until the permit is dropped.
    pub fn enter(self: &std::sync::Arc<Self>) -> Permit {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Permit(std::sync::Arc::clone(self))
    }

    /// Returns the number of running calls.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// A running call; dropping it ends the count.
#[derive(Debug)]
pub struct Permit(std::sync::Arc<AccountState>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns `cool_down × backoff^failures`, at most `max_cool_down`.
fn doubled(profile: &Profile, failures: u32) -> Duration {
    let factor = profile.backoff.max(1.0).powi(i32::try_from(failures).unwrap_or(i32::MAX));
    let seconds = profile.cool_down.as_secs_f64() * factor;
    let most = profile.max_cool_down;
    Duration::try_from_secs_f64(seconds).map_or(most, |wait| wait.min(most))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;

    const PROFILE: Profile = Profile {
        cool_down: Duration::from_secs(2),
        max_cool_down: Duration::from_secs(5),
        backoff: 2.0,
    };

    #[test]
    fn the_rest_doubles_until_its_maximum() {
        let (account, clock) = (AccountState::default(), Clock::manual(0));

        let waits: Vec<_> = (0..3)
            .map(|_| account.failed(Rest::Away(None), &PROFILE, clock.now()).unwrap().as_secs())
            .collect();

        assert_eq!(waits, [2, 4, 5], "doubles, then stays");
    }

    #[test]
    fn an_account_told_to_wait_is_away_until_then() {
        let (account, clock) = (AccountState::default(), Clock::manual(0));
        account.failed(Rest::Away(Some(Duration::from_secs(30))), &PROFILE, clock.now());

        clock.advance(Duration::from_secs(29));
        assert_eq!(account.standing(clock.now()), Standing::Away(Duration::from_secs(1)));

        clock.advance(Duration::from_secs(1));
        assert_eq!(account.standing(clock.now()), Standing::Ready);
    }

    #[test]
    fn a_failure_without_a_named_wait_only_puts_the_account_behind() {
        let (account, clock) = (AccountState::default(), Clock::manual(0));
        account.failed(Rest::Behind, &PROFILE, clock.now());
        assert_eq!(account.standing(clock.now()), Standing::Behind(Duration::from_secs(2)));

        account.served();

        assert_eq!(account.standing(clock.now()), Standing::Ready, "one success forgets it");
        let again = account.failed(Rest::Behind, &PROFILE, clock.now());
        assert_eq!(again, Some(Duration::from_secs(2)), "and the doubling begins anew");
    }

    #[test]
    fn a_shorter_wait_does_not_shorten_a_longer_one() {
        let (account, clock) = (AccountState::default(), Clock::manual(0));
        account.failed(Rest::Away(Some(Duration::from_secs(60))), &PROFILE, clock.now());
        account.failed(Rest::Away(Some(Duration::from_secs(1))), &PROFILE, clock.now());

        assert_eq!(account.standing(clock.now()), Standing::Away(Duration::from_secs(60)));
    }

    #[test]
    fn running_calls_are_counted_until_their_permit_goes() {
        let account = Arc::new(AccountState::default());
        let (first, second) = (account.enter(), account.enter());
        assert_eq!(account.in_flight(), 2);
        drop(first);
        assert_eq!(account.in_flight(), 1);
        drop(second);
        assert_eq!(account.in_flight(), 0);
    }
}
