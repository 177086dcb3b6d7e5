//! The `routing` section: strategies and bounds.

use std::time::Duration;

use super::node::Node;
use super::report::Report;
use super::scalars;
use super::section::Section;
use crate::strategy::{Between, Named};

/// Most attempts a request may be given.
const MAX_ATTEMPTS: u64 = 16;

/// `routing` as written: only what is there.
#[derive(Debug, Default)]
pub(crate) struct RoutingText {
    pub(crate) account_strategy: Option<Named>,
    pub(crate) combo_strategy: Option<Named>,
    pub(crate) sticky_calls: Option<u64>,
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
    let attempts = |node: &Node, report: &Report| scalars::whole(node, report, 1..=MAX_ATTEMPTS);
    Some(RoutingText {
        account_strategy: section.read("account_strategy", account_strategy),
        combo_strategy: section.read("combo_strategy", combo_strategy),
        sticky_calls: section.read("sticky_calls", scalars::count),
        max_attempts: section
            .read("max_attempts", attempts)
            .and_then(|attempts| usize::try_from(attempts).ok()),
        deadline: section.read("deadline", scalars::some_duration),
        retry_on_reset: section.read("retry_on_reset", scalars::flag),
    })
}

/// Reads a strategy over the targets of a combo.
pub(crate) fn combo_strategy(node: &Node, report: &Report) -> Option<Named> {
    strategy(Between::Targets, node, report)
}

fn account_strategy(node: &Node, report: &Report) -> Option<Named> {
    strategy(Between::Accounts, node, report)
}

fn strategy(between: Between, node: &Node, report: &Report) -> Option<Named> {
    let table: Vec<_> = between.strategies().map(|named| (named.name, named)).collect();
    scalars::word(node, report, &table)
}
