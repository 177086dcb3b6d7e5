//! Distribution of each strategy, with seeded chance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::{prop, prop_assert_eq, proptest};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::{Between, Candidate, STRATEGIES, Turn};
use crate::strategy;

const SEED: u64 = 0x0517;
const REQUESTS: usize = 10_000;

fn strategy(between: Between, name: &str) -> &'static dyn strategy::Strategy {
    between.strategies().find(|known| known.name == name).unwrap().strategy
}

fn candidates(count: usize) -> Vec<Candidate> {
    vec![Candidate { weight: 1, ..Candidate::default() }; count]
}

/// Counts how often each candidate goes first.
fn firsts(strategy: &dyn strategy::Strategy, candidates: &[Candidate], sticky: u64) -> Vec<usize> {
    let mut rng = SmallRng::seed_from_u64(SEED);
    let mut number = 0;
    let mut firsts = vec![0; candidates.len()];
    for _ in 0..REQUESTS {
        let mut next = || {
            number += 1;
            number - 1
        };
        let mut turn = Turn { rng: &mut rng, number: &mut next, sticky };
        firsts[strategy.order(candidates, &mut turn)[0]] += 1;
    }
    firsts
}

fn order(strategy: &dyn strategy::Strategy, candidates: &[Candidate]) -> Vec<usize> {
    let mut rng = SmallRng::seed_from_u64(SEED);
    strategy.order(candidates, &mut Turn { rng: &mut rng, number: &mut || 0, sticky: 1 })
}

fn assert_near(seen: usize, expected: usize) {
    let slack = REQUESTS / 40;
    assert!(seen.abs_diff(expected) < slack, "{seen} is not near {expected}");
}

#[test]
fn the_operators_order_never_changes() {
    let mut three = candidates(3);
    three[0].priority = 2;
    assert_eq!(order(strategy(Between::Accounts, "fill_first"), &three), [1, 2, 0]);
    assert_eq!(firsts(strategy(Between::Targets, "priority"), &candidates(3), 1), [REQUESTS, 0, 0]);
}

#[test]
fn round_robin_stays_for_its_run_and_moves_on() {
    let strategy = strategy(Between::Accounts, "round_robin");
    let mut rng = SmallRng::seed_from_u64(SEED);
    let mut seen = Vec::new();
    for number in 0..7 {
        let mut turn = Turn { rng: &mut rng, number: &mut || number, sticky: 3 };
        seen.push(strategy.order(&candidates(3), &mut turn));
    }
    let first = vec![0, 1, 2];
    let second = vec![1, 2, 0];
    assert_eq!(seen[..3], [first.clone(), first.clone(), first]);
    assert_eq!(seen[3..6], [second.clone(), second.clone(), second]);
    assert_eq!(seen[6], [2, 0, 1]);
}

#[test]
fn round_robin_is_fair_to_within_one_run_among_64_clients() {
    const STICKY: u64 = 3;
    let strategy = strategy(Between::Accounts, "round_robin");
    let (cursor, counts) = (AtomicU64::new(0), [const { AtomicU64::new(0) }; 7]);
    std::thread::scope(|scope| {
        for client in 0..64 {
            let (cursor, counts) = (&cursor, &counts);
            scope.spawn(move || {
                let mut rng = SmallRng::seed_from_u64(client);
                for _ in 0..50 {
                    let mut number = || cursor.fetch_add(1, Ordering::Relaxed);
                    let mut turn = Turn { rng: &mut rng, number: &mut number, sticky: STICKY };
                    let order = strategy.order(&candidates(counts.len()), &mut turn);
                    counts[order[0]].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let counts = counts.map(AtomicU64::into_inner);
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(most - least <= STICKY, "{counts:?}");
}

#[test]
fn chance_gives_everyone_the_same() {
    for seen in firsts(strategy(Between::Targets, "random"), &candidates(4), 1) {
        assert_near(seen, REQUESTS / 4);
    }
}

#[test]
fn weights_are_shares_and_zero_is_only_a_fallback() {
    let mut three = candidates(3);
    three[0].weight = 3;
    three[2].weight = 0;
    let seen = firsts(strategy(Between::Targets, "weighted"), &three, 1);
    assert_near(seen[0], REQUESTS * 3 / 4);
    assert_near(seen[1], REQUESTS / 4);
    assert_eq!(seen[2], 0);
    assert_eq!(order(strategy(Between::Targets, "weighted"), &three)[2], 2);
}

#[test]
fn weights_that_are_all_zero_leave_the_operators_order() {
    let none = vec![Candidate::default(); 3];
    assert_eq!(order(strategy(Between::Targets, "weighted"), &none), [0, 1, 2]);
}

#[test]
fn the_least_used_is_counted_first_and_timed_second() {
    let mut three = candidates(3);
    (three[0].last_used, three[1].last_used, three[2].last_used) = (5, 3, 4);
    let strategy = strategy(Between::Targets, "least_used");
    assert_eq!(order(strategy, &three), [1, 2, 0]);
    three[1].recent_calls = 1;
    assert_eq!(order(strategy, &three), [2, 0, 1]);
}

#[test]
fn the_cheapest_goes_first_and_an_unknown_price_last() {
    let mut three = candidates(3);
    (three[0].price, three[1].price) = (None, Some(600));
    three[2].price = Some(20);
    let strategy = strategy(Between::Targets, "cost_optimized");
    assert_eq!(order(strategy, &three), [2, 1, 0]);

    let mut accounts = candidates(2);
    accounts[0].priority = 7;
    assert_eq!(order(strategy, &accounts), [1, 0], "one price: the priority decides");
}

#[test]
fn the_healthier_of_two_goes_first_even_when_there_are_only_two() {
    let strategy = strategy(Between::Accounts, "power_of_two");
    let check = |change: fn(&mut Candidate)| {
        let mut two = candidates(2);
        change(&mut two[0]);
        assert_eq!(firsts(strategy, &two, 1), [0, REQUESTS]);
    };
    check(|worse| worse.in_flight = 1);
    check(|worse| worse.failing = 0.5);
    let mut two = candidates(2);
    two[0].latency = Some(Duration::from_millis(900));
    two[1].latency = Some(Duration::from_millis(300));
    assert_eq!(firsts(strategy, &two, 1), [0, REQUESTS]);
}

#[test]
fn of_many_equals_the_power_of_two_prefers_none() {
    let strategy = strategy(Between::Accounts, "power_of_two");
    for seen in firsts(strategy, &candidates(5), 1) {
        assert_near(seen, REQUESTS / 5);
    }
    let mut five = candidates(5);
    five[3].in_flight = 100;
    let seen = firsts(strategy, &five, 1);
    assert_eq!(seen[3], 0, "the worst is never the better of two");
}

proptest! {
    #[test]
    fn every_order_names_each_candidate_once(
        seed: u64,
        number: u64,
        sticky in 0_u64..9,
        drawn in prop::collection::vec(
            (0_u32..4, 0_u32..4, prop::option::of(0_u64..9), 0_u64..9, 0_u32..9, 0.0_f64..=1.0),
            0..12,
        ),
    ) {
        let candidates: Vec<Candidate> = drawn
            .into_iter()
            .map(|(priority, weight, price, last_used, in_flight, failing)| Candidate {
                priority, weight, price, last_used, in_flight, failing, ..Candidate::default()
            })
            .collect();
        for (named, _) in STRATEGIES {
            let mut rng = SmallRng::seed_from_u64(seed);
            let mut next = || number;
            let mut turn = Turn { rng: &mut rng, number: &mut next, sticky };
            let mut order = named.strategy.order(&candidates, &mut turn);
            let again = {
                let mut rng = SmallRng::seed_from_u64(seed);
                let mut next = || number;
                named.strategy.order(&candidates, &mut Turn { rng: &mut rng, number: &mut next, sticky })
            };
            prop_assert_eq!(&order, &again, "{} is pure", named.name);
            order.sort_unstable();
            prop_assert_eq!(order, (0..candidates.len()).collect::<Vec<_>>(), "{}", named.name);
        }
    }
}
