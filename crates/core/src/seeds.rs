//! Chance that tests can repeat.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Gives every request a seed of its own. The same first seed gives the same ones in the same order.
#[derive(Debug)]
pub struct Seeds {
    first: u64,
    given: AtomicU64,
}

impl Seeds {
    /// Begins with a seed.
    pub const fn new(first: u64) -> Self {
        Self { first, given: AtomicU64::new(0) }
    }

    /// Returns the next seed.
    pub fn next(&self) -> u64 {
        // An odd step goes through all numbers before it repeats one; the generator mixes its seed.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        self.first.wrapping_add(number.wrapping_mul(STEP))
    }

    /// Returns a number from 0 to 1.
    pub fn chance(&self) -> f64 {
        SmallRng::seed_from_u64(self.next()).random()
    }
}
