//! `weighted`: drawn one after the other, each draw in proportion to the weights that are left.
//!
//! The ones that are not drawn first are the fallbacks, so drawing goes on: a fallback's share follows
//! its weight too. A weight of 0 is only a fallback.

use rand::RngExt;

use super::{Candidate, Strategy, Turn};

#[derive(Debug)]
pub(super) struct Weighted;

impl Strategy for Weighted {
    fn order(&self, candidates: &[Candidate], turn: &mut Turn<'_>) -> Vec<usize> {
        let mut left: Vec<usize> = (0..candidates.len()).collect();
        let mut order = Vec::with_capacity(left.len());
        let weight = |index: usize| u64::from(candidates[index].weight);
        let mut sum: u64 = left.iter().map(|&index| weight(index)).sum();
        while sum > 0 {
            let mut drawn = turn.rng.random_range(0..sum);
            let place = left.iter().position(|&index| match drawn.checked_sub(weight(index)) {
                Some(rest) => {
                    drawn = rest;
                    false
                }
                None => true,
            });
            let Some(place) = place else { break };
            let index = left.remove(place);
            sum -= weight(index);
            order.push(index);
        }
        order.append(&mut left);
        order
    }

    fn why(&self) -> &'static str {
        "by chance, in proportion to the weights"
    }
}
