//! Counts over the last while.

use std::time::{Duration, Instant};

/// Slots of a window: it slides by a tenth of its length at a time.
const SLOTS: usize = 10;

/// Counts of two kinds of events over the last while, in constant memory.
///
/// An event counts until between nine and ten tenths of the window's length have passed.
#[derive(Debug)]
pub struct Window {
    slot: Duration,
    origin: Option<Instant>,
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Number of the slot since the origin, plus one; 0 for an empty one.
    number: u64,
    counts: Counts,
}

/// Events of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Good ones.
    pub good: u32,
    /// Bad ones.
    pub bad: u32,
}

impl Counts {
    /// Returns the share of bad ones, from 0 to 1; 0 if there are none at all.
    pub fn share_of_bad(self) -> f64 {
        let all = self.good.saturating_add(self.bad);
        if all == 0 { 0.0 } else { f64::from(self.bad) / f64::from(all) }
    }
}

impl Window {
    /// Makes an empty window of this length.
    pub fn new(length: Duration) -> Self {
        Self { slot: length / SLOTS as u32, origin: None, slots: [Slot::default(); SLOTS] }
    }

    /// Counts an event.
    pub fn count(&mut self, is_good: bool, now: Instant) {
        let number = self.number(now);
        let slot = &mut self.slots[index(number)];
        if slot.number != number {
            *slot = Slot { number, counts: Counts::default() };
        }
        let kind = if is_good { &mut slot.counts.good } else { &mut slot.counts.bad };
        *kind = kind.saturating_add(1);
    }

    /// Returns the events of the last while.
    pub fn counts(&self, now: Instant) -> Counts {
        let Some(origin) = self.origin else { return Counts::default() };
        let newest = self.number_from(origin, now);
        let is_in = |slot: &&Slot| slot.number != 0 && slot.number + SLOTS as u64 > newest;
        self.slots.iter().filter(is_in).fold(Counts::default(), |sum, slot| Counts {
            good: sum.good.saturating_add(slot.counts.good),
            bad: sum.bad.saturating_add(slot.counts.bad),
        })
    }

    /// Forgets all events.
    pub fn clear(&mut self) {
        self.slots = [Slot::default(); SLOTS];
    }

    fn number(&mut self, now: Instant) -> u64 {
        let origin = *self.origin.get_or_insert(now);
        self.number_from(origin, now)
    }

    fn number_from(&self, origin: Instant, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(origin).as_nanos();
        u64::try_from(passed / self.slot.as_nanos().max(1)).unwrap_or(u64::MAX - 1) + 1
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn events_count_for_the_windows_length_and_no_longer() {
        let (mut window, clock) = (Window::new(10 * SECOND), Clock::manual(0));
        window.count(false, clock.now());
        clock.advance(5 * SECOND);
        window.count(true, clock.now());
        assert_eq!(window.counts(clock.now()), Counts { good: 1, bad: 1 });

        clock.advance(5 * SECOND - Duration::from_nanos(1));
        assert_eq!(window.counts(clock.now()).bad, 1, "just before its time is over");
        clock.advance(Duration::from_nanos(1));
        assert_eq!(window.counts(clock.now()), Counts { good: 1, bad: 0 });

        clock.advance(1000 * SECOND);
        assert_eq!(window.counts(clock.now()), Counts::default());
    }

    #[test]
    fn a_slot_is_emptied_before_it_is_used_again() {
        let (mut window, clock) = (Window::new(10 * SECOND), Clock::manual(0));
        window.count(false, clock.now());
        clock.advance(10 * SECOND);
        window.count(true, clock.now());
        assert_eq!(window.counts(clock.now()), Counts { good: 1, bad: 0 });
    }

    #[test]
    fn the_share_of_bad_ones_is_between_none_and_all() {
        assert!(Counts::default().share_of_bad().abs() < f64::EPSILON);
        assert!((Counts { good: 3, bad: 1 }.share_of_bad() - 0.25).abs() < f64::EPSILON);
    }
}
