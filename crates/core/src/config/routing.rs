//! The `routing` section: strategies and bounds.

use std::time::Duration;

use super::node::Node;
use super::report::Report;
use super::scalars;
use super::section::Section;

/// Most attempts a request may be given.
const MAX_ATTEMPTS: u64 = 16;
/// Calls in a row that the contract gives an account by default.
const DEFAULT_STICKY_CALLS: u64 = 3;

/// Strategies over the accounts of a provider, by the contract.
const ACCOUNT_STRATEGIES: [&str; 6] =
    ["fill_first", "round_robin", "power_of_two", "random", "least_used", "cost_optimized"];
/// Strategies over the targets of a combo, by the contract.
const COMBO_STRATEGIES: [&str; 6] =
    ["priority", "round_robin", "random", "weighted", "least_used", "cost_optimized"];

/// `routing` as written: only what is there.
#[derive(Debug, Default)]
pub(crate) struct RoutingText {
    pub(crate) max_attempts: Option<usize>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) retry_on_reset: Option<bool>,
}

/// Reads `routing`.
pub(crate) fn read(node: &Node, report: &Report) -> Option<RoutingText> {
    let known = [
        "account_strategy",
        "sticky_calls",
        "combo_strategy",
        "max_attempts",
        "deadline",
        "retry_on_reset",
    ];
    let section = Section::open(node, &known, report)?;
    section.read("account_strategy", |node, report| {
        scalars::available_word(node, report, ACCOUNT_STRATEGIES[0], &ACCOUNT_STRATEGIES);
        Some(())
    });
    section.read("combo_strategy", combo_strategy);
    section.refuse("sticky_calls", |node, report| {
        Some(scalars::count(node, report)? != DEFAULT_STICKY_CALLS)
    });
    let attempts = |node: &Node, report: &Report| scalars::whole(node, report, 1..=MAX_ATTEMPTS);
    Some(RoutingText {
        max_attempts: section
            .read("max_attempts", attempts)
            .and_then(|attempts| usize::try_from(attempts).ok()),
        deadline: section.read("deadline", scalars::some_duration),
        retry_on_reset: section.read("retry_on_reset", scalars::flag),
    })
}

/// Reads the strategy of a combo; the only one available is `priority`.
pub(crate) fn combo_strategy(node: &Node, report: &Report) -> Option<()> {
    scalars::available_word(node, report, COMBO_STRATEGIES[0], &COMBO_STRATEGIES);
    Some(())
}
