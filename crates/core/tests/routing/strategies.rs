//! Every strategy on a compiled configuration: each switch decides requests.

use std::collections::BTreeMap;
use std::time::Duration;

use omniroute_core::ids::AccountId;
use omniroute_core::verdict::Rest;

use super::kit::{World, of, world};

const THREE: &str = "
providers:
  solo: { wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: { kind: static_key, header: x-key } }
accounts:
  - { id: one, provider: solo, key: k-1, priority: 3 }
  - { id: two, provider: solo, key: k-2, priority: 2 }
  - { id: three, provider: solo, key: k-3, priority: 1 }
";

fn three(routing: &str) -> World {
    of(&format!("{THREE}routing: {{ {routing} }}\n"))
}

fn served(world: &mut World, name: &str, times: u64) -> Vec<String> {
    let serve = |seed| {
        world.facts.seed = seed;
        let served = world.serve(name);
        served.split(':').next().unwrap().to_owned()
    };
    (0..times).map(serve).collect()
}

fn counts(served: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for one in served {
        *counts.entry(one.as_str()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn accounts_are_filled_in_order_unless_told_otherwise() {
    assert_eq!(served(&mut three(""), "solo/m", 3), ["three", "three", "three"]);
    let world = &mut three("account_strategy: cost_optimized");
    assert_eq!(
        served(world, "solo/m", 2),
        ["three", "three"],
        "the lowest priority is the cheapest"
    );
}

#[test]
fn accounts_take_turns_of_sticky_calls() {
    let world = &mut three("account_strategy: round_robin, sticky_calls: 2");
    let turns = ["three", "three", "two", "two", "one", "one", "three"];
    assert_eq!(served(world, "solo/m", 7), turns);
    world.rest("two", Rest::Away(Some(Duration::from_secs(60))));
    let seen = served(world, "solo/m", 8);
    assert_eq!(counts(&seen), BTreeMap::from([("one", 4), ("three", 4)]));
}

#[test]
fn the_default_run_is_three_calls() {
    let world = &mut three("account_strategy: round_robin");
    assert_eq!(served(world, "solo/m", 4), ["three", "three", "three", "two"]);
}

#[test]
fn accounts_are_drawn_by_chance() {
    let seen = served(&mut three("account_strategy: random"), "solo/m", 3_000);
    for (account, count) in counts(&seen) {
        assert!((900..1_100).contains(&count), "{account}: {count}");
    }
}

#[test]
fn the_account_whose_last_turn_is_longest_ago_goes_first() {
    let world = &mut three("account_strategy: least_used");
    assert_eq!(served(world, "solo/m", 5), ["three", "two", "one", "three", "two"]);
}

#[test]
fn of_two_accounts_the_one_with_fewer_running_calls_goes_first() {
    let world = &mut three("account_strategy: power_of_two");
    let mut running = Vec::new();
    for seed in 0..30 {
        world.facts.seed = seed;
        running.push(world.begin("solo/m"));
    }
    for id in ["one", "two", "three"] {
        let calls = world.account(id).state.running();
        assert!((9..=11).contains(&calls), "{id}: {calls}");
    }
}

fn combo(strategy: &str) -> World {
    world(&format!(
        "
combos:
  c: {{ {strategy} targets: [ {{ model: al/shared, weight: 3 }}, beta/large ] }}
pricing:
  al/shared: {{ input: $3, output: $15 }}
  beta/large: {{ input: $0.60, output: $2.20 }}
"
    ))
}

#[test]
fn combos_are_tried_in_order_unless_told_otherwise() {
    assert_eq!(served(&mut combo(""), "c", 2), ["a-first", "a-first"]);
    let general = "
combos: { c: { targets: [al/shared, beta/large] }, own: { strategy: priority, targets: [al/shared, beta/large] } }
routing: { combo_strategy: round_robin, sticky_calls: 1 }
";
    let world = &mut world(general);
    assert_eq!(served(world, "c", 3), ["a-first", "b-one", "a-first"], "the general strategy");
    assert_eq!(served(world, "own", 2), ["a-first", "a-first"], "a combo's own goes before it");
}

#[test]
fn combos_take_turns() {
    let world = &mut combo("strategy: round_robin,");
    let turns = ["a-first", "a-first", "a-first", "b-one", "b-one", "b-one"];
    assert_eq!(served(world, "c", 6), turns);
}

#[test]
fn combos_are_drawn_by_chance_and_by_weight() {
    let seen = served(&mut combo("strategy: random,"), "c", 2_000);
    assert!((900..1_100).contains(&counts(&seen)["b-one"]), "{:?}", counts(&seen));
    let seen = served(&mut combo("strategy: weighted,"), "c", 8_000);
    assert!((1_850..2_150).contains(&counts(&seen)["b-one"]), "a quarter: {:?}", counts(&seen));
}

#[test]
fn the_model_with_the_fewest_calls_of_the_last_hour_goes_first() {
    let world = &mut combo("strategy: least_used,");
    assert_eq!(served(world, "c", 4), ["a-first", "b-one", "a-first", "b-one"]);
    world.rest("b-one", Rest::Away(Some(Duration::from_secs(60))));
    served(world, "c", 3);
    world.pass(61);
    assert_eq!(
        served(world, "c", 4),
        ["b-one", "b-one", "b-one", "b-one"][..3]
            .iter()
            .copied()
            .chain(["a-first"])
            .collect::<Vec<_>>(),
        "it catches up"
    );
    world.pass(3600);
    assert_eq!(world.first("c"), "b-one:large", "an hour later only the last turn counts");
}

#[test]
fn the_cheapest_model_goes_first() {
    assert_eq!(served(&mut combo("strategy: cost_optimized,"), "c", 2), ["b-one", "b-one"]);
}

#[test]
fn looking_takes_nobodys_turn() {
    let world = &mut combo("strategy: round_robin,");
    for _ in 0..5 {
        assert_eq!(world.explain("c").candidates[0].account.as_deref(), Some("a-first"));
    }
    assert_eq!(served(world, "c", 4), ["a-first", "a-first", "a-first", "b-one"]);
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let mut world = three("account_strategy: random");
    world.facts.seed = 42;
    assert_eq!(world.order("solo/m"), world.order("solo/m"));
}

#[test]
fn a_session_stays_with_its_account_as_long_as_that_can_serve() {
    let mut world = three("account_strategy: round_robin, sticky_calls: 1");
    world.facts.last_account = Some(AccountId::new("one"));
    assert_eq!(served(&mut world, "solo/m", 3), ["one", "one", "one"]);
    world.rest("one", Rest::Behind);
    let seen = world.order("solo/m");
    assert_eq!(seen[2], "one:m", "{seen:?}");

    let mut filled = three("account_strategy: fill_first");
    filled.facts.last_account = Some(AccountId::new("one"));
    assert_eq!(filled.first("solo/m"), "three:m", "the operator's order goes before it");

    let mut combo = combo("strategy: random,");
    combo.facts.last_account = Some(AccountId::new("b-one"));
    assert_eq!(served(&mut combo, "c", 4), ["b-one"; 4]);
}
