//! What counts for a minute each, in bounded memory.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long an amount counts.
const MINUTE: Duration = Duration::from_secs(60);

/// What comes within this time is kept as one and counts until a minute after the last of it. So nothing goes too early, and
/// there are never more than 6,000 moments, 280 KiB, however many calls there are.
pub(super) const MOMENT: Duration = Duration::from_millis(10);

/// Amounts of the last minute: calls, or their tokens.
#[derive(Debug, Default)]
pub(super) struct Minute {
    moments: VecDeque<Moment>,
    /// How many moments have been forgotten so far: a moment's number is its place among all.
    forgotten: u64,
    /// Of all moments: adding them up anew for every call would cost as much as there are.
    sum: u128,
}

#[derive(Debug)]
struct Moment {
    first: Instant,
    last: Instant,
    amount: u128,
}

/// An amount that was added; it can be corrected while it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Added {
    moment: u64,
    amount: u64,
}

impl Minute {
    /// Adds an amount that counts from now on.
    pub(super) fn add(&mut self, amount: u64, now: Instant) -> Added {
        self.sum += u128::from(amount);
        match self.moments.back_mut() {
            // Another thread's clock may have been read a moment earlier.
            Some(moment) if now.saturating_duration_since(moment.first) < MOMENT => {
                moment.last = moment.last.max(now);
                moment.amount += u128::from(amount);
            }
            _ => {
                let amount = amount.into();
                self.moments.push_back(Moment { first: now, last: now, amount });
            }
        }
        Added { moment: self.forgotten + self.moments.len() as u64 - 1, amount }
    }

    /// Puts another amount in the place of one that was added; does nothing once that counts no more.
    pub(super) fn correct(&mut self, added: &mut Added, amount: u64) {
        // Nothing is looked for.
        let place = added.moment.checked_sub(self.forgotten);
        if let Some(place) = place.and_then(|place| usize::try_from(place).ok())
            && let Some(moment) = self.moments.get_mut(place)
        {
            for sum in [&mut moment.amount, &mut self.sum] {
                *sum = *sum - u128::from(added.amount) + u128::from(amount);
            }
            added.amount = amount;
        }
    }

    /// Forgets what counts no more.
    pub(super) fn forget(&mut self, now: Instant) {
        let is_over = |moment: &&Moment| now.saturating_duration_since(moment.last) >= MINUTE;
        while let Some(moment) = self.moments.front().filter(is_over) {
            self.sum -= moment.amount;
            self.moments.pop_front();
            self.forgotten += 1;
        }
    }

    /// Returns how much counts.
    pub(super) const fn sum(&self) -> u128 {
        self.sum
    }

    /// Returns from when on nothing counts, if nothing is added; `None` if nothing counts now.
    pub(super) fn unused_at(&self) -> Option<Instant> {
        self.moments.back().map(|newest| newest.last + MINUTE)
    }

    /// Returns from when on there is room for an amount beside what counts; `None` if there is now. What is larger than
    /// the whole limit goes when nothing else counts: it could never go otherwise.
    pub(super) fn room_at(&self, limit: u64, amount: u64) -> Option<Instant> {
        let mut over = (self.sum + u128::from(amount)).saturating_sub(limit.into());
        let mut free_at = None;
        for moment in &self.moments {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(moment.amount);
            free_at = Some(moment.last + MINUTE);
        }
        free_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn memory_depends_on_the_time_and_not_on_the_calls() {
        let (mut minute, mut now) = (Minute::default(), Clock::manual(0).now());
        for _ in 0..70_000 {
            now += Duration::from_millis(1);
            minute.forget(now);
            minute.add(1, now);
        }
        assert_eq!(minute.moments.len(), 6_000);
        assert_eq!(minute.sum(), 60_000);
    }

    #[test]
    fn a_moment_counts_until_a_minute_after_its_last() {
        let (mut minute, start) = (Minute::default(), Clock::manual(0).now());
        minute.add(3, start);
        let second = start + Duration::from_millis(9);
        minute.add(4, second);
        assert_eq!(minute.room_at(10, 3), None);
        assert_eq!(minute.room_at(10, 4), Some(second + MINUTE));

        minute.forget(start + MINUTE);
        assert_eq!(minute.sum(), 7);
        minute.forget(second + MINUTE);
        assert_eq!((minute.sum(), minute.unused_at()), (0, None));
    }
}
