//! `random`: a fresh shuffle for each request (Fisher–Yates).

use rand::seq::SliceRandom;

use super::{Candidate, Strategy, Turn};

#[derive(Debug)]
pub(super) struct Random;

impl Strategy for Random {
    fn order(&self, candidates: &[Candidate], turn: &mut Turn<'_>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.shuffle(turn.rng);
        order
    }

    fn why(&self) -> &'static str {
        "by chance"
    }
}
