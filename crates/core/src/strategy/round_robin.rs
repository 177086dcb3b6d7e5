//! `round_robin`: each in turn, for a number of requests in a row.

use super::{Candidate, Strategy, Turn};

#[derive(Debug)]
pub(super) struct RoundRobin;

impl Strategy for RoundRobin {
    fn order(&self, candidates: &[Candidate], turn: &mut Turn<'_>) -> Vec<usize> {
        let count = candidates.len();
        if count < 2 {
            return (0..count).collect();
        }
        let run = (turn.number)() / turn.sticky.max(1);
        let first = usize::try_from(run % count as u64).unwrap_or(0);
        (first..count).chain(0..first).collect()
    }

    fn why(&self) -> &'static str {
        "each in turn"
    }
}
