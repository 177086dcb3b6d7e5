//! What limits traffic: the limits of accounts and of client keys.

use std::time::Duration;

use super::node::Node;
use super::report::Report;
use super::scalars;
use super::section::Section;
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

/// Reads `limits` of a client key.
pub(crate) fn client_key(node: &Node, report: &Report) -> Option<Limits> {
    let section = Section::open(node, &["rpm", "tpm", "concurrent"], report)?;
    Some(limits(&section).over(&LimitsText::default()))
}
