//! Second attempts and breakers on a compiled configuration.

use omniroute_core::routing::{Exhausted, Pick};
use omniroute_core::verdict::Reason;

use super::kit::{World, of};

fn pair() -> World {
    of("
providers:
  one: { wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: { kind: static_key, header: x-key } }
  two: { wire: openai_chat, base_url: 'http://127.0.0.1:2', auth: { kind: static_key, header: x-key } }
accounts:
  - { id: first, provider: one, key: k-1 }
  - { id: first-b, provider: one, key: k-3 }
  - { id: second, provider: two, key: k-2 }
combos: { c: { targets: [one/m, two/m] } }
resilience: { profiles: { api_key: { failure_threshold: 3, open_for: 30s } } }
")
}

/// Fails a call of the account whose turn it is.
fn fail(world: &World, account: &str, reason: Reason) {
    let mut plan = world.plan(if account == "second" { "two/m" } else { "one/m" });
    let choice = loop {
        let choice = world.choose(&mut plan);
        if choice.account.id.as_str() == account {
            break choice;
        }
    };
    let mut ticket = choice.begin(0, false, world.clock.now()).unwrap();
    let others = world.snapshot.accounts_of(&choice.target.provider.id);
    ticket.failed(reason, others, world.clock.now());
}

#[test]
fn a_breaker_opens_when_no_account_of_the_provider_works() {
    let world = pair();
    for _ in 0..5 {
        fail(&world, "first", Reason::ServerError);
    }
    assert_eq!(world.first("c"), "first:m", "one broken account is no broken provider");
    fail(&world, "first-b", Reason::ServerError);
    assert_eq!(world.order("c"), ["second:m"]);

    let down = world.nobody("one/m");
    assert_eq!((down.code().status, down.code().name), (503, "none_available"));
    assert_eq!(down.retry_after().unwrap().as_secs(), 30);
}

#[test]
fn refusals_open_no_breaker() {
    let world = pair();
    for reason in [Reason::RateLimit, Reason::Quota, Reason::Credential, Reason::Request] {
        for _ in 0..10 {
            fail(&world, "first", reason);
            fail(&world, "first-b", reason);
        }
    }
    assert_eq!(world.first("c"), "first:m");
}

#[test]
fn a_half_open_breaker_lets_one_probe_through() {
    let world = pair();
    for account in ["first", "first-b", "first"] {
        fail(&world, account, Reason::Reset);
    }
    world.pass(30);
    let (probed, mut probe) = world.begin("c");
    assert_eq!(probed, "first:m");
    assert_eq!(world.first("c"), "second:m", "one probe at a time");
    let mut plan = world.plan("one/m");
    assert!(matches!(plan.next(world.clock.now()), Pick::Wait { left: None, .. }));

    probe.answered(world.clock.now());
    assert_eq!(world.first("c"), "first:m", "closed again while the probe's stream still runs");
}

#[test]
fn second_attempts_to_who_does_not_work_are_few() {
    let world = pair();
    let mut refused = 0;
    let mut tried = 0;
    for _ in 0..100 {
        let mut plan = world.plan("c");
        let failed = world.choose(&mut plan);
        let mut ticket = failed.begin(0, false, world.clock.now()).unwrap();
        ticket.failed(Reason::RateLimit, &[], world.clock.now());
        drop(ticket);
        plan.narrow(&failed, omniroute_core::verdict::Next::OtherAccount);
        loop {
            match plan.next(world.clock.now()) {
                Pick::Try(choice) => {
                    tried += 1;
                    let mut ticket = choice.begin(0, true, world.clock.now()).unwrap();
                    ticket.failed(Reason::RateLimit, &[], world.clock.now());
                }
                Pick::Nobody(why) => {
                    refused += usize::from(why == Exhausted::RetryBudget);
                    break;
                }
                wait @ Pick::Wait { .. } => panic!("{wait:?}"),
            }
        }
    }
    assert!(tried <= 2 * (5 + 20), "{tried} second attempts for 100 requests");
    assert!(refused > 50, "{refused}");
}

#[test]
fn second_attempts_to_who_works_are_free() {
    let world = pair();
    let now = world.clock.now();
    let mut running = Vec::new();
    for index in 0..100 {
        let mut plan = world.plan("c");
        let failed = world.choose(&mut plan);
        plan.narrow(&failed, omniroute_core::verdict::Next::OtherModel);
        match plan.next(now) {
            Pick::Try(choice) => {
                let mut ticket = choice.begin(0, true, now).unwrap();
                if index >= 4 {
                    // The first few are still finding out; then one of them has answered.
                    ticket.answered(now);
                }
                running.push(ticket);
            }
            other => panic!("{index}: {other:?}"),
        }
    }
    assert_eq!(running.len(), 100);
}

#[test]
fn while_a_few_find_out_the_others_wait() {
    let world = pair();
    let now = world.clock.now();
    let second = || {
        let mut plan = world.plan("c");
        let failed = world.choose(&mut plan);
        plan.narrow(&failed, omniroute_core::verdict::Next::OtherModel);
        plan.next(now)
    };
    let mut trials = Vec::new();
    for _ in 0..5 {
        let Pick::Try(choice) = second() else { panic!() };
        trials.push(choice.begin(0, true, now).unwrap());
    }
    assert!(matches!(second(), Pick::Wait { left: None, for_outcome: true, .. }));
    trials[0].answered(now);
    assert!(matches!(second(), Pick::Try(_)));
}
