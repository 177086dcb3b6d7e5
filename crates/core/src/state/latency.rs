//! How fast a provider is: percentiles of the time to the first content over the last minutes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::clock::millis;

/// How long answers are collected before the older half is forgotten: percentiles are of the last five
/// to ten minutes.
const TURN: Duration = Duration::from_secs(300);

/// Longest time that is told apart; the longest a request may take by default.
const MAX_MILLISECONDS: u64 = 30 * 60 * 1000;

/// Significant digits: percentiles are within one per cent.
const DIGITS: u8 = 2;

/// Times to the first content.
#[derive(Debug, Default)]
pub struct Latencies {
    inner: Mutex<Option<Halves>>,
}

#[derive(Debug)]
struct Halves {
    since: Instant,
    newer: Histogram<u32>,
    older: Histogram<u32>,
}

impl Latencies {
    /// Counts an answer.
    pub fn count(&self, after: Duration, now: Instant) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.is_none() {
            *inner = Halves::new(now);
        }
        let Some(halves) = inner.as_mut() else { return };
        halves.turn(now);
        halves.newer.saturating_record(millis(after).clamp(1, MAX_MILLISECONDS));
    }

    /// Returns the number of answers and the times within which 50, 95 and 99 of 100 began.
    pub fn percentiles(&self, now: Instant) -> Option<(u64, [Duration; 3])> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let halves = inner.as_mut()?;
        halves.turn(now);
        let mut all = halves.older.clone();
        all.add(&halves.newer).ok()?;
        let within = |share| Duration::from_millis(all.value_at_quantile(share));
        (!all.is_empty()).then(|| (all.len(), [within(0.5), within(0.95), within(0.99)]))
    }
}

impl Halves {
    /// The bounds are constants that make a histogram.
    fn new(now: Instant) -> Option<Self> {
        let newer = Histogram::new_with_bounds(1, MAX_MILLISECONDS, DIGITS).ok()?;
        Some(Self { since: now, older: newer.clone(), newer })
    }

    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed < TURN {
            return;
        }
        std::mem::swap(&mut self.newer, &mut self.older);
        self.newer.reset();
        if passed >= 2 * TURN {
            self.older.reset();
        }
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn percentiles_are_of_the_last_minutes() {
        let (latencies, clock) = (Latencies::default(), Clock::manual(0));
        assert_eq!(latencies.percentiles(clock.now()), None);
        for milliseconds in 1..=100 {
            latencies.count(Duration::from_millis(milliseconds), clock.now());
        }
        let (answers, seen) = latencies.percentiles(clock.now()).unwrap();
        assert_eq!((answers, seen.map(|within| within.as_millis())), (100, [50, 95, 99]));

        clock.advance(TURN);
        latencies.count(Duration::from_secs(7200), clock.now());
        let (answers, [_, _, p99]) = latencies.percentiles(clock.now()).unwrap();
        assert_eq!(answers, 101, "the older half counts for another while");
        assert!(p99 <= Duration::from_secs(1810), "cut to the longest: {p99:?}");

        clock.advance(2 * TURN);
        assert_eq!(latencies.percentiles(clock.now()), None);
    }
}
