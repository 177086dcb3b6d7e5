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
        let mut drawn: Vec<u64> = candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| ticket(wait(candidate.weight, turn.rng.random()), index))
            .collect();
        drawn.sort_unstable();
        drawn.into_iter().map(|ticket| (ticket & PLACE) as usize).collect()
    }

    fn why(&self) -> &'static str {
        "by chance, in proportion to the weights"
    }
}

/// The low half of a ticket: the candidate's place in the operator's order.
const PLACE: u64 = u32::MAX as u64;

/// How long a candidate waits for its turn, given `chance` from 0 inclusive to 1 exclusive.
///
/// Never negative, never NaN: the logarithm's argument is over 0 and at most 1.
fn wait(weight: u32, chance: f32) -> f32 {
    if weight == 0 { f32::INFINITY } else { -(1.0 - chance).ln() / weight as f32 }
}

/// The wait before the place, in one number: those that wait equally long stay in the operator's order.
/// The bits of numbers that are not negative sort as the numbers do.
fn ticket(wait: f32, place: usize) -> u64 {
    (u64::from(wait.abs().to_bits()) << 32) | (place as u64 & PLACE)
}
