//! `power_of_two`: two are drawn by chance, the healthier one goes first.
//!
//! Choosing the better of two keeps load even without everybody running to the one that looks best
//! just now (Mitzenmacher, "The power of two choices in randomized load balancing", 2001). What is
//! compared is the expected wait, as in peak-EWMA balancers: the usual time to the first content, times
//! the calls that are running already, made longer by recent failures.

use std::time::Duration;

use rand::seq::SliceRandom;

use super::{Candidate, Strategy, Turn};

/// How much longer a wait counts when every recent call failed: a failure costs another attempt and
/// usually more than one.
const FAILURE_WEIGHT: f64 = 9.0;

#[derive(Debug)]
pub(super) struct PowerOfTwo;

impl Strategy for PowerOfTwo {
    fn order(&self, candidates: &[Candidate], turn: &mut Turn<'_>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.shuffle(turn.rng);
        // One that never answered is taken for as fast as the fastest, so that it gets its chance.
        let fastest = candidates.iter().filter_map(|candidate| candidate.latency).min();
        let wait = |index: usize| expected_wait(&candidates[index], fastest);
        if order.len() > 1 && wait(order[1]) < wait(order[0]) {
            order.swap(0, 1);
        }
        order
    }

    fn why(&self) -> &'static str {
        "the healthier of two drawn by chance"
    }

    fn looks_at_health(&self) -> bool {
        true
    }
}

fn expected_wait(candidate: &Candidate, fastest: Option<Duration>) -> f64 {
    let latency = candidate.latency.or(fastest).map_or(1.0, |latency| latency.as_secs_f64());
    let running = f64::from(candidate.in_flight) + 1.0;
    latency.max(0.001) * running * FAILURE_WEIGHT.mul_add(candidate.failing, 1.0)
}
