//! `weighted`: drawn one after the other, each draw in proportion to the weights that are left.
//!
//! The ones that are not drawn first are the fallbacks, so a fallback's share follows its weight too. A
//! weight of 0 is only a fallback.
//!
//! All draws are made at once: whoever waits an exponential time with its weight as the rate comes first
//! with just that probability, and so on for the rest (Efraimidis and Spirakis, "Weighted random sampling
//! with a reservoir", 2006).

use rand::RngExt;

use super::{Candidate, Strategy, Turn};

#[derive(Debug)]
pub(super) struct Weighted;

impl Strategy for Weighted {
    fn order(&self, candidates: &[Candidate], turn: &mut Turn<'_>) -> Vec<usize> {
        let mut drawn: Vec<(f64, usize)> = candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| {
                let chance: f64 = turn.rng.random();
                // From 0 exclusive to 1 inclusive, whose logarithm exists.
                let wait = -(1.0 - chance).ln() / f64::from(candidate.weight);
                (if candidate.weight == 0 { f64::INFINITY } else { wait }, index)
            })
            .collect();
        // The sort is stable, so those without weight stay in the operator's order.
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
        drawn.into_iter().map(|(_, index)| index).collect()
    }

    fn why(&self) -> &'static str {
        "by chance, in proportion to the weights"
    }
}
