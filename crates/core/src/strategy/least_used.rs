//! `least_used`: who was chosen least of late, and of those the one whose last turn is longest ago.
//!
//! Targets of a combo are counted over the last hour; accounts are not counted, so for them the last
//! turn alone decides.

use super::{Candidate, Strategy, Turn};

#[derive(Debug)]
pub(super) struct LeastUsed;

impl Strategy for LeastUsed {
    fn order(&self, candidates: &[Candidate], _: &mut Turn<'_>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by_key(|&index| {
            let candidate = &candidates[index];
            (candidate.recent_calls, candidate.last_used, candidate.priority)
        });
        order
    }

    fn looks_at_use(&self) -> bool {
        true
    }

    fn why(&self) -> &'static str {
        "the least used first"
    }
}
