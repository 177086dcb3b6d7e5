//! What limits traffic: the limits of accounts, and keys of the contract that have no effect yet.
//!
//! The readers of the latter check the form and tell whether the value asks for an effect; the caller
//! refuses it then. A limit that is silently not kept would be worse than none.

use std::time::Duration;

use super::node::{Content, Node};
use super::report::Report;
use super::scalars;
use super::section::{Section, each};
use crate::resilience::Limits;

/// Limits of an account as written: only what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LimitsText {
    pub(crate) rpm: Option<u32>,
    pub(crate) tpm: Option<u64>,
    pub(crate) min_gap: Option<Duration>,
    pub(crate) concurrent: Option<u32>,
}

impl LimitsText {
    /// Returns the limits, those that are not written taken from `general`.
    pub(crate) fn over(&self, general: &Self) -> Limits {
        Limits {
            rpm: self.rpm.or(general.rpm).unwrap_or_default(),
            tpm: self.tpm.or(general.tpm).unwrap_or_default(),
            min_gap: self.min_gap.or(general.min_gap).unwrap_or_default(),
            concurrent: self.concurrent.or(general.concurrent).unwrap_or_default(),
        }
    }
}

/// Reads `limits` of an account.
pub(crate) fn account(node: &Node, report: &Report) -> Option<LimitsText> {
    let section = Section::open(node, &["rpm", "tpm", "min_gap", "concurrent"], report)?;
    Some(limits(&section))
}

/// Reads `resilience.account_limits`: the limits of accounts that name none, and the longest wait.
pub(crate) fn every_account(
    node: &Node,
    report: &Report,
) -> Option<(LimitsText, Option<Duration>)> {
    let known = ["rpm", "tpm", "min_gap", "concurrent", "max_wait"];
    let section = Section::open(node, &known, report)?;
    Some((limits(&section), section.read("max_wait", scalars::duration)))
}

fn limits(section: &Section<'_>) -> LimitsText {
    let small =
        |node: &Node, report: &Report| scalars::whole(node, report, 0..=u64::from(u32::MAX));
    let count = |name| section.read(name, small).and_then(|count| u32::try_from(count).ok());
    LimitsText {
        rpm: count("rpm"),
        tpm: section.read("tpm", scalars::count),
        min_gap: section.read("min_gap", scalars::duration),
        concurrent: count("concurrent"),
    }
}

/// Reads `limits` of a client key, which have no effect yet; tells whether they ask for any.
pub(crate) fn client_key(node: &Node, report: &Report) -> Option<bool> {
    let known = ["rpm", "tpm", "concurrent"];
    let section = Section::open(node, &known, report)?;
    let limits = known.iter().filter_map(|name| section.read(name, scalars::count));
    Some(limits.fold(false, |has_effect, limit| has_effect | (limit != 0)))
}

/// Reads `budget` of a client key: one or a list of them.
pub(crate) fn budget(node: &Node, report: &Report) -> Option<bool> {
    if matches!(node.content, Content::List(_)) {
        return Some(!each(node, report, one_budget)?.is_empty());
    }
    one_budget(node, report).map(|()| true)
}

fn one_budget(node: &Node, report: &Report) -> Option<()> {
    let periods = [("daily", ()), ("weekly", ()), ("monthly", ())];
    let section = Section::open(node, &["limit", "period"], report)?;
    section.require("limit", scalars::money)?;
    section.require("period", |node, report| scalars::word(node, report, &periods))
}
