//! Whose turn it is between candidates, and how often each was chosen of late.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::window::Window;

/// How far back the uses of a combo's targets count.
const LATELY: Duration = Duration::from_secs(3600);

/// What is remembered of a choice between candidates: the accounts of a provider, the targets of a
/// combo.
#[derive(Debug, Default)]
pub struct PoolState {
    turn: AtomicU64,
    used: Mutex<HashMap<Box<str>, Used>>,
}

#[derive(Debug)]
struct Used {
    calls: Window,
    last: u64,
}

impl PoolState {
    /// Takes a turn and returns its number, from 0.
    pub fn take_turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the number the next turn will have.
    pub fn next_turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// Counts a candidate as chosen; `number` as in [`super::SharedState`]'s uses.
    pub fn chosen(&self, candidate: &str, number: u64, now: Instant) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = used.get_mut(candidate) {
            known.calls.count(true, now);
            known.last = number;
            return;
        }
        let mut calls = Window::new(LATELY);
        calls.count(true, now);
        used.insert(candidate.into(), Used { calls, last: number });
    }

    /// Returns how often a candidate was chosen in the last hour, and when last.
    pub fn uses(&self, candidate: &str, now: Instant) -> (u32, u64) {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.get(candidate).map_or((0, 0), |used| (used.calls.counts(now).good, used.last))
    }
}
