//! How an account has done of late, and how many second attempts that allows.
//!
//! A second attempt helps when its account works, and doubles the load of a storm when nothing does. So
//! an account that has just been seen to work takes as many as there are; any other is first asked by a
//! few, and the rest wait for what these come to. Their number over the last seconds is bounded by a
//! part of all calls (the retry budgets of Finagle and linkerd: 20 %, ten seconds, and a few besides).

use std::time::{Duration, Instant};

use super::window::{Counts, Window};

/// How far back outcomes and second attempts count.
const LATELY: Duration = Duration::from_secs(10);

/// Second attempts that an account which is not known to work is given whatever its load, within
/// [`LATELY`], and most at once.
const FEW: u32 = 5;

/// One second attempt more for this many calls: 20 %.
const CALLS_PER_RETRY: u32 = 5;

/// Part of the newest time in the usual latency.
const NEWEST_PART: f64 = 0.2;

/// How an account has done of late.
#[derive(Debug)]
pub struct Health {
    outcomes: Window,
    /// Calls begun: bad ones are second attempts made without knowing that the account works.
    begun: Window,
    trying: u32,
    latency: Option<Duration>,
}

/// Whether an account takes a second attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It works: as many as there are.
    Free,
    /// It is not known to work: this one may find out.
    Trial,
    /// Others are finding out.
    Wait,
    /// The budget is spent.
    Spent,
}

impl Default for Health {
    fn default() -> Self {
        let (outcomes, begun) = (Window::new(LATELY), Window::new(LATELY));
        Self { outcomes, begun, trying: 0, latency: None }
    }
}

impl Health {
    /// Tells whether a second attempt may be made.
    pub fn room(&self, now: Instant) -> Room {
        let outcomes = self.outcomes.counts(now);
        if outcomes.good > 0 && outcomes.good >= outcomes.bad {
            return Room::Free;
        }
        let begun = self.begun.counts(now);
        let budget = FEW + begun.good / CALLS_PER_RETRY;
        if begun.bad >= budget {
            return if self.trying > 0 { Room::Wait } else { Room::Spent };
        }
        if self.trying >= FEW { Room::Wait } else { Room::Trial }
    }

    /// Counts a call as begun; a trial until [`Health::trial_ended`].
    pub fn begin(&mut self, is_trial: bool, now: Instant) {
        self.begun.count(!is_trial, now);
        self.trying += u32::from(is_trial);
    }

    /// Ends a trial, whatever it came to.
    pub const fn trial_ended(&mut self) {
        self.trying = self.trying.saturating_sub(1);
    }

    /// Counts an answer, with its time to the first content.
    pub fn answered(&mut self, after: Duration, now: Instant) {
        self.outcomes.count(true, now);
        self.latency = Some(match self.latency {
            None => after,
            Some(usual) => usual.mul_f64(1.0 - NEWEST_PART) + after.mul_f64(NEWEST_PART),
        });
    }

    /// Counts a failure.
    pub fn failed(&mut self, now: Instant) {
        self.outcomes.count(false, now);
    }

    /// Returns the outcomes of late.
    pub fn outcomes(&self, now: Instant) -> Counts {
        self.outcomes.counts(now)
    }

    /// Returns the usual time to the first content.
    pub const fn latency(&self) -> Option<Duration> {
        self.latency
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn who_is_not_known_to_work_is_asked_by_a_few() {
        let (mut health, clock) = (Health::default(), Clock::manual(0));
        for _ in 0..FEW {
            assert_eq!(health.room(clock.now()), Room::Trial);
            health.begin(true, clock.now());
        }
        assert_eq!(health.room(clock.now()), Room::Wait);

        health.answered(Duration::from_millis(80), clock.now());
        assert_eq!(health.room(clock.now()), Room::Free, "one answer is enough");
    }

    #[test]
    fn a_storm_spends_the_budget_and_a_quiet_while_gives_it_back() {
        let (mut health, clock) = (Health::default(), Clock::manual(0));
        for _ in 0..FEW {
            health.begin(true, clock.now());
            health.failed(clock.now());
            health.trial_ended();
        }
        assert_eq!(health.room(clock.now()), Room::Spent);
        for _ in 0..CALLS_PER_RETRY {
            health.begin(false, clock.now());
        }
        assert_eq!(health.room(clock.now()), Room::Trial, "a fifth of the calls besides");

        let mut spent = Health::default();
        for _ in 0..FEW {
            spent.begin(true, clock.now());
            spent.trial_ended();
        }
        clock.advance(LATELY);
        assert_eq!(spent.room(clock.now()), Room::Trial);
    }

    #[test]
    fn who_fails_more_often_than_not_does_not_work() {
        let (mut health, clock) = (Health::default(), Clock::manual(0));
        health.answered(Duration::ZERO, clock.now());
        health.failed(clock.now());
        assert_eq!(health.room(clock.now()), Room::Free);
        health.failed(clock.now());
        assert_eq!(health.room(clock.now()), Room::Trial);
    }

    #[test]
    fn the_usual_latency_follows_slowly() {
        let (mut health, clock) = (Health::default(), Clock::manual(0));
        health.answered(Duration::from_millis(100), clock.now());
        health.answered(Duration::from_millis(600), clock.now());
        assert_eq!(health.latency(), Some(Duration::from_millis(200)));
    }
}
