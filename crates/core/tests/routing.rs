//! From a model name to the order of attempts, on compiled configurations.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::time::Duration;

use omniroute_core::clock::Clock;
use omniroute_core::error::Error;
use omniroute_core::filter::FilterRegister;
use omniroute_core::routing::{explain, plan, resolve};
use omniroute_core::snapshot::{ConfigFile, Inputs, Overrides, Snapshot, compile};
use omniroute_core::state::SharedState;
use omniroute_core::verdict::{Next, Rest};

const CONFIG: &str = "
providers:
  alpha: { prefix: al, wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: { kind: static_key, header: x-key }, models: [{ id: small }, { id: shared }, { id: renamed, upstream: real-name }] }
  beta: { wire: anthropic, base_url: 'http://127.0.0.1:2', auth: { kind: static_key, header: x-key }, models: [{ id: large }, { id: shared }] }
  gamma: { wire: gemini, base_url: 'http://127.0.0.1:3', auth: { kind: static_key, header: x-key }, models: [{ id: lonely }] }
accounts:
  - { id: a-late, provider: alpha, key: k-1, priority: 2 }
  - { id: a-first, provider: alpha, key: k-2, priority: 1 }
  - { id: b-one, provider: beta, key: k-3 }
  - { id: b-off, provider: beta, key: k-4, enabled: false }
combos:
  al/small: { targets: [beta/large] }
  inner: { targets: [al/shared, beta/large] }
  outer: { targets: [inner, beta/large, al/small-2] }
aliases:
  quick: al/small-2
  claude-*: beta/large
  claude-opus-*: al/shared
  be*: al/shared
";

fn snapshot() -> Snapshot {
    let inputs = Inputs {
        file: Some(ConfigFile { name: "test.yaml".to_owned(), text: CONFIG.to_owned() }),
        overrides: Overrides::default(),
        bound: &[],
        env: &|_| None,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
        register: &FilterRegister::default(),
        clock: &Clock::manual(1_780_000_000),
        pepper: [0; 32],
        revision: 1,
    };
    compile(&inputs).unwrap_or_else(|problems| panic!("{problems}"))
}

fn targets(name: &str) -> Vec<String> {
    let route = resolve(&snapshot(), name).unwrap_or_else(|error| panic!("{name}: {error}"));
    route.targets.iter().map(|target| format!("{}:{}", target.provider.id, target.model)).collect()
}

#[test]
fn names_are_read_in_the_documented_order() {
    assert_eq!(targets("al/small"), ["beta:large"], "a combo before a prefix");
    assert_eq!(targets("quick"), ["alpha:small-2"], "an exact alias");
    assert_eq!(
        targets("al/anything/at-all"),
        ["alpha:anything/at-all"],
        "a prefix passes any model"
    );
    assert_eq!(targets("alpha/small"), ["alpha:small"], "the id works as a prefix");
    assert_eq!(targets("beta/large"), ["beta:large"], "a prefix before a wildcard alias");
    assert_eq!(targets("claude-opus-5"), ["alpha:shared"], "the most specific wildcard");
    assert_eq!(targets("claude-haiku"), ["beta:large"]);
    assert_eq!(targets("large"), ["beta:large"], "a bare id that one provider offers");
    assert_eq!(targets("al/renamed"), ["alpha:real-name"], "the provider's own name is sent");
}

#[test]
fn nested_combos_flatten_and_name_each_target_once() {
    assert_eq!(targets("outer"), ["alpha:shared", "beta:large", "alpha:small-2"]);
}

#[test]
fn unknown_and_ambiguous_names_say_what_is_near() {
    let error = |name: &str| resolve(&snapshot(), name).unwrap_err();

    let ambiguous = error("shared");
    assert!(matches!(ambiguous, Error::AmbiguousModel { .. }));
    assert!(ambiguous.to_string().contains("al/shared, beta/shared"), "{ambiguous}");
    assert_eq!(ambiguous.code().status, 400);

    let near = error("quik");
    assert!(near.to_string().contains("`quick`"), "{near}");
    assert_eq!((near.code().status, near.code().name), (404, "model_not_found"));

    let elsewhere = error("lonely");
    assert!(elsewhere.to_string().contains("gamma/lonely"), "{elsewhere}");
    assert!(elsewhere.to_string().contains("account"), "{elsewhere}");
}

fn order(state: &SharedState, clock: &Clock, name: &str) -> Vec<String> {
    let snapshot = snapshot();
    let route = resolve(&snapshot, name).unwrap();
    let mut plan = plan(&route, &snapshot, state, clock.now()).unwrap();
    let mut order = Vec::new();
    while let Some(choice) = plan.next(clock.now()) {
        order.push(format!("{}:{}", choice.account.id, choice.target.model));
    }
    order
}

fn rest(state: &SharedState, clock: &Clock, account: &str, rest: Rest) {
    let snapshot = snapshot();
    let account =
        snapshot.accounts.values().flatten().find(|known| known.id.as_str() == account).unwrap();
    state.account(account).failed(rest, &account.provider.profile, clock.now());
}

#[test]
fn accounts_go_by_priority_within_each_target() {
    let (state, clock) = (SharedState::default(), Clock::manual(0));
    assert_eq!(
        order(&state, &clock, "inner"),
        ["a-first:shared", "a-late:shared", "b-one:large"],
        "disabled accounts are not there"
    );
}

#[test]
fn accounts_that_are_behind_go_last_and_those_away_not_at_all() {
    let (state, clock) = (SharedState::default(), Clock::manual(0));
    rest(&state, &clock, "a-first", Rest::Behind);
    rest(&state, &clock, "a-late", Rest::Away(Some(Duration::from_secs(60))));

    assert_eq!(order(&state, &clock, "inner"), ["b-one:large", "a-first:shared"]);

    clock.advance(Duration::from_secs(61));
    assert_eq!(order(&state, &clock, "inner"), ["a-first:shared", "a-late:shared", "b-one:large"]);
}

#[test]
fn a_verdict_takes_out_what_it_rules_out() {
    let (snapshot, state, clock) = (snapshot(), SharedState::default(), Clock::manual(0));
    let left = |next: Next| {
        let route = resolve(&snapshot, "outer").unwrap();
        let mut plan = plan(&route, &snapshot, &state, clock.now()).unwrap();
        let failed = plan.next(clock.now()).unwrap();
        assert_eq!(failed.account.id.as_str(), "a-first");
        plan.narrow(&failed, next);
        let mut left = Vec::new();
        while let Some(choice) = plan.next(clock.now()) {
            left.push(format!("{}:{}", choice.account.id, choice.target.model));
        }
        left
    };
    assert_eq!(left(Next::Nobody), Vec::<String>::new());
    assert_eq!(
        left(Next::Anyone),
        ["a-late:shared", "b-one:large", "a-first:small-2", "a-late:small-2"]
    );
    assert_eq!(left(Next::OtherAccount), ["a-late:shared", "b-one:large", "a-late:small-2"]);
    assert_eq!(left(Next::OtherModel), ["b-one:large", "a-first:small-2", "a-late:small-2"]);
}

#[test]
fn with_nobody_to_ask_the_error_says_why() {
    let (snapshot, state, clock) = (snapshot(), SharedState::default(), Clock::manual(0));
    let fails = |name: &str| {
        let route = resolve(&snapshot, name).unwrap();
        plan(&route, &snapshot, &state, clock.now()).unwrap_err()
    };

    let none = fails("gamma/lonely");
    assert!(matches!(none, Error::NoAccount { .. }), "{none}");
    assert!(none.to_string().contains("gamma"), "{none}");

    rest(&state, &clock, "b-one", Rest::Away(Some(Duration::from_secs(9))));
    let away = fails("beta/large");
    assert_eq!(away.retry_after(), Some(Duration::from_secs(9)));
    assert_eq!(away.code().status, 429);
}

#[test]
fn explain_gives_the_decision_a_request_gets() {
    let (snapshot, state, clock) = (snapshot(), SharedState::default(), Clock::manual(0));
    rest(&state, &clock, "a-first", Rest::Behind);
    rest(&state, &clock, "a-late", Rest::Away(None));
    for name in ["outer", "inner", "quick", "claude-opus-1", "large", "al/small"] {
        let explanation = explain(&snapshot, &state, name, clock.now());

        let explained: Vec<String> = explanation
            .candidates
            .iter()
            .filter(|candidate| candidate.order.is_some())
            .map(|c| format!("{}:{}", c.account.as_deref().unwrap_or("-"), c.model))
            .collect();
        assert_eq!(explained, order(&state, &clock, name), "{name}");
        assert_eq!(explanation.error, None, "{name}");
    }
    let unknown = explain(&snapshot, &state, "nonsense", clock.now());
    assert!(unknown.error.is_some_and(|error| error.contains("nonsense")));
}

#[test]
fn an_edit_keeps_the_state_of_accounts_that_remain_the_same() {
    let (old, state, clock) = (snapshot(), SharedState::default(), Clock::manual(0));
    rest(&state, &clock, "b-one", Rest::Away(Some(Duration::from_secs(60))));

    state.reconcile(&old, &snapshot());
    assert!(plan(&resolve(&old, "large").unwrap(), &old, &state, clock.now()).is_err());

    let inputs = CONFIG.replace("key: k-3", "key: k-new");
    let changed = compile(&Inputs {
        file: Some(ConfigFile { name: "test.yaml".to_owned(), text: inputs }),
        overrides: Overrides::default(),
        bound: &[],
        env: &|_| None,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
        register: &FilterRegister::default(),
        clock: &clock,
        pepper: [0; 32],
        revision: 2,
    })
    .unwrap_or_else(|problems| panic!("{problems}"));
    state.reconcile(&old, &changed);
    let route = resolve(&changed, "large").unwrap();
    assert!(plan(&route, &changed, &state, clock.now()).is_ok(), "a new key begins afresh");
}
