//! `fill_first` and `priority`: the first one serves until it cannot.

use super::{Candidate, Strategy, Turn};

#[derive(Debug)]
pub(super) struct InOrder;

impl Strategy for InOrder {
    fn order(&self, candidates: &[Candidate], _: &mut Turn<'_>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        // The sort is stable, so equals stay in the operator's order.
        order.sort_by_key(|&index| candidates[index].priority);
        order
    }

    fn why(&self) -> &'static str {
        "the operator's order"
    }

    fn is_operators_order(&self) -> bool {
        true
    }
}
