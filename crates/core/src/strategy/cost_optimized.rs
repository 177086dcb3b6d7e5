//! `cost_optimized`: the cheapest first by the price of input tokens; unknown prices last.
//!
//! Accounts of one provider have one price, so for them the operator's priority decides: give the
//! cheapest account the lowest number.

use super::{Candidate, Strategy, Turn};

#[derive(Debug)]
pub(super) struct CostOptimized;

impl Strategy for CostOptimized {
    fn order(&self, candidates: &[Candidate], _: &mut Turn<'_>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by_key(|&index| {
            let candidate = &candidates[index];
            (candidate.price.unwrap_or(u64::MAX), candidate.priority)
        });
        order
    }

    fn looks_at_price(&self) -> bool {
        true
    }

    fn why(&self) -> &'static str {
        "the cheapest first"
    }
}
