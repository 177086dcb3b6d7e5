//! `omniroute-routing`: what a decision costs by itself: the model's name to the first choice.
//!
//! 50 providers with 10 accounts each; once with few and once with many models in the catalogue. Names of
//! every kind are resolved and planned, and the first choice is begun and ended, as a request does.

mod clock;

use std::alloc::System;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use mimalloc as _;
use omniroute_core::clock::Clock;
use omniroute_core::filter::FilterRegister;
use omniroute_core::routing::{Facts, Pick, Plan, resolve};
use omniroute_core::snapshot::{ConfigFile, Inputs, Overrides, Problems, Snapshot, compile};
use omniroute_core::state::SharedState;

/// The gateway's allocator.
#[global_allocator]
static ALLOCATOR: System = System;

const PROVIDERS: usize = 50;
const ACCOUNTS: usize = 10;
const FEW_MODELS: usize = 2;
const MANY_MODELS: usize = 400;

/// Most microseconds of a decision (the project's target).
const TARGET_US: f64 = 5.0;

/// Decisions of one round.
const DECISIONS: usize = 20_000;

/// Rounds; the fastest counts, since nothing but the machine makes a round slower.
const ROUNDS: usize = 15;

/// What is asked for, and what that is.
const NAMES: [(&str, &str); 5] = [
    ("p7/m1", "prefix and model"),
    ("m-of-p7", "bare model"),
    ("fast", "alias"),
    ("any-thing", "wildcard alias"),
    ("everyone", "combo of 50 targets"),
];

const STRATEGIES: [(&str, &str); 3] =
    [("fill_first", "priority"), ("round_robin", "round_robin"), ("power_of_two", "weighted")];

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn main() {
    match report() {
        Ok(text) => print!("{text}"),
        Err(problems) => print!("{problems}"),
    }
}

fn report() -> Result<String, Problems> {
    let mut text = format!(
        "routing alone: {PROVIDERS} providers with {ACCOUNTS} accounts (fastest of {ROUNDS} rounds)\n\n\
         accounts       combos         asked for               {FEW_MODELS} models us   {MANY_MODELS} models us\n"
    );
    let mut missed = Vec::new();
    for (accounts, combos) in STRATEGIES {
        let few = world(accounts, combos, FEW_MODELS)?;
        let many = world(accounts, combos, MANY_MODELS)?;
        for (name, what) in NAMES {
            let (few, many) = (decision_us(&few, name), decision_us(&many, name));
            // Writing into a string cannot fail.
            let _ =
                writeln!(text, "{accounts:<14} {combos:<14} {what:<22} {few:>12.2} {many:>15.2}");
            if few.max(many) > TARGET_US {
                missed
                    .push(format!("{accounts}, {what}: {:.2} us ({TARGET_US} us)", few.max(many)));
            }
        }
    }
    if missed.is_empty() {
        text.push_str("\nall targets are reached\n");
    } else {
        let _ = writeln!(text, "\nmissed:\n  {}", missed.join("\n  "));
    }
    Ok(text)
}

fn decision_us((snapshot, clock): &(Arc<Snapshot>, Clock), name: &str) -> f64 {
    let decide = |seed| {
        let now = clock.now();
        let Ok(route) = resolve(snapshot, name) else { return false };
        let mut plan = Plan::new(&route, snapshot, Facts { seed, ..Facts::default() });
        match plan.next(now) {
            Pick::Try(choice) => choice.begin(plan.tokens(), false, now).is_ok(),
            _ => false,
        }
    };
    assert!(decide(0), "{name} can be served");
    let round = || {
        let begun = clock::now();
        for seed in 0..DECISIONS {
            black_box(decide(seed as u64));
        }
        clock::now() - begun
    };
    let fastest = (0..ROUNDS).map(|_| round()).min().unwrap_or(Duration::ZERO);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let decisions = DECISIONS as f64;
    fastest.as_secs_f64() * 1e6 / decisions
}

fn world(accounts: &str, combos: &str, models: usize) -> Result<(Arc<Snapshot>, Clock), Problems> {
    let mut text = String::from("providers:\n");
    let mut rest = String::from("accounts:\n");
    let mut targets = Vec::new();
    for provider in 0..PROVIDERS {
        let ids: Vec<String> = (0..models).map(|model| format!("{{ id: m{model} }}")).collect();
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "  p{provider}: {{ wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: {{ kind: static_key, header: x-key }}, models: [{{ id: m-of-p{provider} }}, {}] }}",
            ids.join(", ")
        );
        for account in 0..ACCOUNTS {
            let id = format!("p{provider}-{account}");
            let _ = writeln!(
                rest,
                "  - {{ id: {id}, provider: p{provider}, key: some-key, priority: {account} }}"
            );
        }
        targets.push(format!("p{provider}/m1"));
    }
    let _ = write!(
        rest,
        "combos: {{ everyone: {{ strategy: {combos}, targets: [{}] }} }}\n\
         aliases: {{ fast: p3/m1, 'any-*': p4/m1 }}\n\
         routing: {{ account_strategy: {accounts} }}\n",
        targets.join(", ")
    );
    let clock = Clock::system();
    let inputs = Inputs {
        file: Some(ConfigFile { name: "bench.yaml".to_owned(), text: text + &rest }),
        objects: &[],
        overrides: Overrides::default(),
        bound: &[],
        env: &|_| None,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
        state: &SharedState::default(),
        register: &FilterRegister::default(),
        clock: &clock,
        pepper: [0; 32],
        revision: 1,
    };
    Ok((Arc::new(compile(&inputs)?), clock.clone()))
}
