//! The breaker, step by step and against a model of a few lines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::clock::Clock;
use crate::resilience::Profile;
use crate::state::breaker::{Breaker, Gate, Pass};

const THRESHOLD: u32 = 3;
const OPEN_FOR: Duration = Duration::from_secs(30);
const PROFILE: Profile = Profile {
    failure_threshold: THRESHOLD,
    open_for: OPEN_FOR,
    cool_down: Duration::from_secs(3),
    max_cool_down: Duration::from_secs(60),
    backoff: 2.0,
};

fn fail(breaker: &Arc<Breaker>, now: Instant) {
    breaker.enter(now).unwrap().failed(true, &PROFILE, now);
}

fn opened(clock: &Clock) -> Arc<Breaker> {
    let breaker = Arc::new(Breaker::default());
    for _ in 0..THRESHOLD {
        fail(&breaker, clock.now());
    }
    breaker
}

#[test]
fn it_opens_at_the_threshold_and_lets_nothing_through() {
    let clock = Clock::manual(0);
    let breaker = Arc::new(Breaker::default());
    for _ in 1..THRESHOLD {
        fail(&breaker, clock.now());
        assert_eq!(breaker.gate(clock.now()), Gate::Closed);
    }
    fail(&breaker, clock.now());
    assert_eq!(breaker.gate(clock.now()), Gate::Open(OPEN_FOR));
    assert!(breaker.enter(clock.now()).is_none());
}

#[test]
fn failures_that_are_rare_or_long_ago_do_not_open_it() {
    let clock = Clock::manual(0);
    let breaker = Arc::new(Breaker::default());
    for _ in 0..10 {
        breaker.enter(clock.now()).unwrap().answered(clock.now());
    }
    for _ in 0..9 {
        fail(&breaker, clock.now());
    }
    assert_eq!(breaker.gate(clock.now()), Gate::Closed, "less than half of all");
    clock.advance(Duration::from_secs(60));
    for _ in 1..THRESHOLD {
        fail(&breaker, clock.now());
    }
    assert_eq!(breaker.gate(clock.now()), Gate::Closed, "the others are a minute ago");
}

#[test]
fn one_probe_decides_and_the_open_time_doubles() {
    let clock = Clock::manual(0);
    let breaker = opened(&clock);
    clock.advance(OPEN_FOR);
    let mut probe = breaker.enter(clock.now()).unwrap();
    assert!(probe.is_probe());
    assert!(breaker.enter(clock.now()).is_none(), "one at a time");
    probe.failed(true, &PROFILE, clock.now());
    assert_eq!(breaker.gate(clock.now()), Gate::Open(2 * OPEN_FOR));

    clock.advance(2 * OPEN_FOR);
    breaker.enter(clock.now()).unwrap().answered(clock.now());
    assert_eq!(breaker.gate(clock.now()), Gate::Closed);
    for _ in 0..THRESHOLD {
        fail(&breaker, clock.now());
    }
    assert_eq!(breaker.gate(clock.now()), Gate::Open(OPEN_FOR), "the doubling begins anew");
}

#[test]
fn a_probe_that_comes_to_nothing_makes_room_for_another() {
    let clock = Clock::manual(0);
    let breaker = opened(&clock);
    clock.advance(OPEN_FOR);
    drop(breaker.enter(clock.now()).unwrap());
    assert_eq!(breaker.gate(clock.now()), Gate::HalfOpen);
    assert!(breaker.enter(clock.now()).unwrap().is_probe());
}

#[test]
fn calls_from_before_the_opening_change_nothing() {
    let clock = Clock::manual(0);
    let breaker = Arc::new(Breaker::default());
    let (mut late_good, mut late_bad) =
        (breaker.enter(clock.now()).unwrap(), breaker.enter(clock.now()).unwrap());
    for _ in 0..THRESHOLD {
        fail(&breaker, clock.now());
    }
    late_good.answered(clock.now());
    late_bad.failed(true, &PROFILE, clock.now());
    assert_eq!(breaker.gate(clock.now()), Gate::Open(OPEN_FOR));
}

#[test]
fn it_comes_back_as_it_was_after_a_restart_and_forgets_when_told_to() {
    let clock = Clock::manual(0);
    let (left, openings) = opened(&clock).openings(clock.now()).unwrap();
    let breaker = Arc::new(Breaker::default());
    breaker.restore(left, openings, clock.now());
    assert_eq!(breaker.gate(clock.now()), Gate::Open(OPEN_FOR));
    clock.advance(OPEN_FOR);
    breaker.enter(clock.now()).unwrap().failed(true, &PROFILE, clock.now());
    assert_eq!(breaker.gate(clock.now()), Gate::Open(2 * OPEN_FOR), "the doubling goes on");
    breaker.reset();
    assert_eq!((breaker.gate(clock.now()), breaker.openings(clock.now())), (Gate::Closed, None));
}

/// What may happen to a breaker.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A call asks to be let through, and runs if it is.
    Enter,
    /// A running call is answered.
    Answer(usize),
    /// A running call fails; everywhere, or while another account works.
    Fail(usize, bool),
    /// A running call comes to nothing.
    Leave(usize),
    /// Time passes, in tenths of the window.
    Pass(u64),
}

/// The same rules in the fewest words: time in slots, outcomes in a list.
#[derive(Default)]
struct Model {
    outcomes: Vec<(u64, bool)>,
    /// From which slot on a probe may begin.
    open_until: Option<u64>,
    probing: bool,
    openings: u32,
}

/// Seconds of a slot of the breaker's window.
const SLOT: u64 = 6;

impl Model {
    fn enter(&mut self, now: u64) -> Option<bool> {
        let Some(until) = self.open_until else { return Some(false) };
        if self.probing || now < until {
            return None;
        }
        self.probing = true;
        Some(true)
    }

    fn answered(&mut self, is_probe: bool, now: u64) {
        if is_probe {
            *self = Self::default();
        }
        if self.open_until.is_none() {
            self.outcomes.push((now, true));
        }
    }

    fn failed(&mut self, is_probe: bool, everywhere: bool, now: u64) {
        if is_probe {
            return self.open(now);
        }
        if self.open_until.is_some() {
            return;
        }
        self.outcomes.push((now, false));
        let lately = || self.outcomes.iter().filter(|(at, _)| at + 10 > now);
        let (all, bad) = (lately().count(), lately().filter(|(_, good)| !good).count());
        if everywhere && bad >= THRESHOLD as usize && 2 * bad >= all {
            self.open(now);
        }
    }

    fn open(&mut self, now: u64) {
        let slots = OPEN_FOR.as_secs() / SLOT * (1 << self.openings.min(30));
        self.open_until = Some(now + slots.min(PROFILE.max_cool_down.as_secs() / SLOT));
        (self.probing, self.openings) = (false, self.openings + 1);
        self.outcomes.clear();
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Enter),
        2 => any::<usize>().prop_map(Step::Answer),
        4 => any::<(usize, bool)>().prop_map(|(call, everywhere)| Step::Fail(call, everywhere)),
        1 => any::<usize>().prop_map(Step::Leave),
        2 => (1_u64..12).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn it_does_what_the_model_does(steps in prop::collection::vec(step(), 1..120)) {
        let (clock, breaker, mut model) =
            (Clock::manual(0), Arc::new(Breaker::default()), Model::default());
        // The breaker's slots begin with its first outcome, the model's with time.
        breaker.enter(clock.now()).unwrap().answered(clock.now());
        model.answered(false, 0);
        let (mut now, mut running): (u64, Vec<(Pass, bool)>) = (0, Vec::new());
        for step in steps {
            let at = clock.now();
            match step {
                Step::Enter => {
                    let (pass, expected) = (breaker.enter(at), model.enter(now));
                    prop_assert_eq!(pass.as_ref().map(Pass::is_probe), expected);
                    running.extend(pass.zip(expected));
                }
                Step::Pass(slots) => {
                    clock.advance(Duration::from_secs(slots * SLOT));
                    now += slots;
                }
                _ if running.is_empty() => {}
                Step::Answer(call) => {
                    let (mut pass, is_probe) = running.swap_remove(call % running.len());
                    pass.answered(at);
                    model.answered(is_probe, now);
                }
                Step::Fail(call, everywhere) => {
                    let (mut pass, is_probe) = running.swap_remove(call % running.len());
                    pass.failed(everywhere, &PROFILE, at);
                    model.failed(is_probe, everywhere, now);
                }
                Step::Leave(call) => {
                    let (pass, is_probe) = running.swap_remove(call % running.len());
                    drop(pass);
                    model.probing &= !is_probe;
                }
            }
            let is_closed = breaker.gate(clock.now()) == Gate::Closed;
            prop_assert_eq!(is_closed, model.open_until.is_none());
        }
        // With a provider that works it always gets back to closed.
        drop(running);
        clock.advance(Duration::from_secs(600));
        breaker.enter(clock.now()).unwrap().answered(clock.now());
        prop_assert_eq!(breaker.gate(clock.now()), Gate::Closed);
    }
}
