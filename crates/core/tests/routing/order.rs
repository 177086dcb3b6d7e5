//! Who is tried, and in which order, by rests and verdicts.

use std::time::Duration;

use omniroute_core::error::Error;
use omniroute_core::verdict::{Next, Rest};

use super::kit::{PROVIDERS, named, world};

const COMBOS: &str = "
combos:
  inner: { targets: [al/shared, beta/large] }
  outer: { targets: [inner, beta/large, al/small-2] }
  windows: { targets: [al/small, al/shared, beta/large] }
";

const AWAY: Rest = Rest::Away(Some(Duration::from_secs(60)));

#[test]
fn accounts_go_by_priority_within_each_target() {
    let world = world(COMBOS);
    let order = ["a-first:shared", "a-late:shared", "b-one:large"];
    assert_eq!(world.order("inner"), order, "disabled accounts are not there");
}

#[test]
fn nested_combos_flatten_and_name_each_target_once() {
    let order =
        ["a-first:shared", "a-late:shared", "b-one:large", "a-first:small-2", "a-late:small-2"];
    assert_eq!(world(COMBOS).order("outer"), order);
}

#[test]
fn accounts_that_are_behind_go_last_and_those_away_not_at_all() {
    let world = world(COMBOS);
    world.rest("a-first", Rest::Behind);
    world.rest("a-late", AWAY);
    assert_eq!(world.order("inner"), ["b-one:large", "a-first:shared"]);

    world.pass(61);
    assert_eq!(world.order("inner"), ["a-first:shared", "a-late:shared", "b-one:large"]);
}

#[test]
fn a_models_fault_rests_only_that_model_of_that_account() {
    let world = world(COMBOS);
    world.rest_model("a-first", "shared", AWAY);
    assert_eq!(world.order("inner"), ["a-late:shared", "b-one:large"]);
    assert_eq!(world.order("al/small"), ["a-first:small", "a-late:small"]);
}

#[test]
fn a_verdict_takes_out_what_it_rules_out() {
    let world = world(COMBOS);
    let left = |next: Next| {
        let mut plan = world.plan("outer");
        let failed = world.choose(&mut plan);
        assert_eq!(named(&failed), "a-first:shared");
        plan.narrow(&failed, next);
        world.rest_of(&mut plan)
    };
    assert_eq!(left(Next::Nobody), Vec::<String>::new());
    let anyone = ["a-late:shared", "b-one:large", "a-first:small-2", "a-late:small-2"];
    assert_eq!(left(Next::Anyone), anyone);
    assert_eq!(left(Next::OtherAccount), ["a-late:shared", "b-one:large", "a-late:small-2"]);
    assert_eq!(left(Next::OtherModel), ["b-one:large", "a-first:small-2", "a-late:small-2"]);
}

#[test]
fn a_prompt_that_is_too_long_goes_on_to_a_larger_window_only() {
    let world = world(COMBOS);
    let mut plan = world.plan("windows");
    let failed = world.choose(&mut plan);
    plan.narrow(&failed, Next::LargerWindow);
    assert_eq!(world.rest_of(&mut plan), ["b-one:large"], "an unknown window is no larger one");

    let mut plan = world.plan("al/small");
    let failed = world.choose(&mut plan);
    plan.narrow(&failed, Next::LargerWindow);
    assert!(world.rest_of(&mut plan).is_empty(), "the same model has the same window everywhere");
}

#[test]
fn a_state_that_changes_after_the_plan_was_made_counts() {
    let world = world(COMBOS);
    let mut plan = world.plan("inner");
    world.choose(&mut plan);
    world.rest("a-late", AWAY);
    assert_eq!(world.rest_of(&mut plan), ["b-one:large"]);
}

#[test]
fn no_more_attempts_than_allowed() {
    let world = world(&format!("{COMBOS}routing: {{ max_attempts: 2 }}\n"));
    assert_eq!(world.order("outer"), ["a-first:shared", "a-late:shared"]);
}

#[test]
fn with_nobody_to_ask_the_error_says_why() {
    let world = world(COMBOS);
    let none = world.nobody("gamma/lonely");
    assert!(matches!(none, Error::NoAccount { .. }), "{none}");
    assert!(none.to_string().contains("gamma"), "{none}");

    world.rest("b-one", Rest::Away(Some(Duration::from_secs(9))));
    let away = world.nobody("beta/large");
    assert_eq!(away.retry_after(), Some(Duration::from_secs(9)));
    assert_eq!(away.code().status, 429);
}

#[test]
fn a_blocked_provider_serves_nobody() {
    let mut world = world(COMBOS);
    world.facts.blocked_providers = [world.account("a-late").provider.id.clone()].into();
    assert_eq!(world.order("inner"), ["b-one:large"]);

    let error = world.nobody("al/small");
    assert_eq!(error.code().status, 403);
    assert!(error.to_string().contains("alpha"), "{error}");
}

#[test]
fn explain_gives_the_decision_a_request_gets() {
    let aliases = "aliases: { quick: al/small-2 }\n";
    let world = world(&format!("{COMBOS}{aliases}"));
    world.rest("a-first", Rest::Behind);
    world.rest("a-late", AWAY);
    for name in ["outer", "inner", "quick", "large", "al/small"] {
        let explanation = world.explain(name);

        let explained: Vec<String> = explanation
            .candidates
            .iter()
            .filter(|candidate| candidate.order.is_some())
            .map(|c| format!("{}:{}", c.account.as_deref().unwrap_or("-"), c.model))
            .collect();
        assert_eq!(explained, world.order(name), "{name}");
        assert_eq!(explanation.error, None, "{name}");
    }
    let resting = world.explain("al/small").candidates.pop().unwrap();
    assert_eq!((resting.order, resting.account.as_deref()), (None, Some("a-late")));
    assert_eq!(resting.why, "rests for 60 s more after rate_limit");
    assert!(world.explain("nonsense").error.is_some_and(|error| error.contains("nonsense")));
}

#[test]
fn an_edit_keeps_the_state_of_accounts_that_remain_the_same() {
    let mut world = world(COMBOS);
    world.rest("b-one", AWAY);

    world.edit(PROVIDERS);
    assert_eq!(world.nobody("large").retry_after(), Some(Duration::from_secs(60)));

    world.edit(&PROVIDERS.replace("key: k-3", "key: k-new"));
    assert_eq!(world.order("large"), ["b-one:large"], "a new key begins afresh");
}
