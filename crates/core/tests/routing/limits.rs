//! Limits of accounts: who is full is passed over, and waited for only when there is nobody else.

use std::time::Duration;

use omniroute_core::routing::Pick;
use omniroute_core::verdict::{Remaining, Told};

use super::kit::{World, of};

const SECOND: Duration = Duration::from_secs(1);

fn limited(limits: &str) -> World {
    of(&format!(
        "
providers:
  solo: {{ wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: {{ kind: static_key, header: x-key }} }}
accounts:
  - {{ id: main, provider: solo, key: k-1, priority: 1, limits: {{ {limits} }} }}
  - {{ id: spare, provider: solo, key: k-2, priority: 2, limits: {{ concurrent: 1 }} }}
"
    ))
}

fn waits(world: &World) -> (Option<Duration>, &'static str) {
    let mut plan = world.plan("solo/m");
    match plan.next(world.clock.now()) {
        Pick::Wait { left, limit, for_outcome: false } => (left, limit),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_account_is_passed_over_and_then_waited_for() {
    let world = limited("rpm: 2");
    assert_eq!(world.serve("solo/m"), "main:m");
    world.pass(20);
    assert_eq!(world.serve("solo/m"), "main:m");
    let (second, running) = world.begin("solo/m");
    assert_eq!(second, "spare:m", "two calls in a minute are enough");

    assert_eq!(waits(&world), (Some(40 * SECOND), "rpm"), "until the first is a minute ago");
    world.pass(40);
    assert_eq!(world.first("solo/m"), "main:m");
    drop(running);
}

#[test]
fn explain_names_who_is_full() {
    let world = limited("rpm: 1");
    world.serve("solo/m");
    let candidates = world.explain("solo/m").candidates;
    let full = candidates.iter().find(|c| c.account.as_deref() == Some("main")).unwrap();
    assert_eq!((full.order, full.why.as_str()), (None, "no room for 60 s more (rpm)"));
}

#[test]
fn no_minute_has_more_calls_than_allowed() {
    let world = limited("rpm: 3");
    let mut begun = Vec::new();
    for second in 0..300_u64 {
        if world.first("solo/m") == "main:m" {
            world.serve("solo/m");
            begun.push(second);
        }
        world.pass(1);
    }
    assert!(begun.len() >= 13, "{begun:?}");
    for (index, from) in begun.iter().enumerate() {
        let within = begun[index..].iter().take_while(|at| **at < from + 60).count();
        assert!(within <= 3, "{begun:?}");
    }
}

#[test]
fn calls_keep_their_distance() {
    let world = limited("min_gap: 500ms");
    assert_eq!(world.serve("solo/m"), "main:m");
    assert_eq!(world.serve("solo/m"), "spare:m");
    world.clock.advance(Duration::from_millis(500));
    assert_eq!(world.serve("solo/m"), "main:m");
}

#[test]
fn a_running_call_takes_its_place_until_it_has_ended() {
    let world = limited("concurrent: 1");
    let (first, main) = world.begin("solo/m");
    let (second, spare) = world.begin("solo/m");
    assert_eq!((first.as_str(), second.as_str()), ("main:m", "spare:m"));
    assert_eq!(waits(&world), (None, "concurrent"), "nobody knows when a call ends");
    drop(spare);
    assert_eq!(world.first("solo/m"), "spare:m");
    drop(main);
    assert_eq!(world.first("solo/m"), "main:m");
}

#[test]
fn of_several_that_get_free_all_have_their_turn() {
    let world = limited("concurrent: 1");
    let (main, spare) = (world.begin("solo/m"), world.begin("solo/m"));
    let mut plan = world.plan("solo/m");
    assert!(matches!(plan.next(world.clock.now()), Pick::Wait { .. }));
    drop((main, spare));
    assert_eq!(world.rest_of(&mut plan), ["main:m", "spare:m"]);
}

#[test]
fn tokens_are_estimated_first_and_corrected_later() {
    let mut world = limited("tpm: 1000");
    world.facts.tokens = 600;
    let (first, mut call) = world.begin("solo/m");
    assert_eq!(first, "main:m");
    assert_eq!(world.first("solo/m"), "spare:m", "600 and 600 are more than 1000");
    call.took(100);
    drop(call);
    assert_eq!(world.first("solo/m"), "main:m", "it was only 100");

    world.facts.tokens = 5000;
    assert_eq!(world.first("solo/m"), "spare:m");
    world.pass(60);
    assert_eq!(world.first("solo/m"), "main:m", "alone it may be larger than the limit");
}

#[test]
fn what_the_provider_says_is_left_counts_before_it_refuses() {
    let world = limited("");
    let left =
        |left| Told { requests: Some(Remaining { left, resets_in: 30 * SECOND }), tokens: None };
    world.account("main").state.told(left(2), world.clock.now());
    assert_eq!(world.serve("solo/m"), "main:m");
    assert_eq!(world.serve("solo/m"), "main:m");
    assert_eq!(world.first("solo/m"), "spare:m", "nothing is left");
    world.pass(30);
    assert_eq!(world.first("solo/m"), "main:m", "it is full again");
}

#[test]
fn a_clock_that_was_read_earlier_is_no_reason_to_wait() {
    let world = limited("");
    let earlier = world.clock.now();
    world.pass(1);
    world.serve("solo/m");
    let mut plan = world.plan("solo/m");
    let choice = world.choose(&mut plan);
    assert!(choice.begin(0, false, earlier).is_ok(), "a request on another thread");
}

#[test]
fn defaults_limit_nobody() {
    let world = limited("");
    let running: Vec<_> = (0..1_000).map(|_| world.begin("solo/m")).collect();
    assert!(running.iter().all(|(served, _)| served == "main:m"));
}

#[test]
fn limits_of_every_account_hold_where_one_names_none() {
    let world = of("
providers:
  solo: { wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: { kind: static_key, header: x-key } }
accounts:
  - { id: plain, provider: solo, key: k-1, priority: 1 }
  - { id: own, provider: solo, key: k-2, priority: 2, limits: { concurrent: 2 } }
resilience: { account_limits: { concurrent: 1, max_wait: 300ms } }
");
    let running: Vec<_> = (0..3).map(|_| world.begin("solo/m")).collect();
    let served: Vec<&str> = running.iter().map(|(served, _)| served.as_str()).collect();
    assert_eq!(served, ["plain:m", "own:m", "own:m"]);
    assert_eq!(world.snapshot.routing.max_wait, Duration::from_millis(300));
}
