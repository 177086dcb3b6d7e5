//! The `resilience` section: breakers, rests, and the limits of accounts that name none.

use std::time::Duration;

use super::limits::{self, LimitsText};
use super::node::Node;
use super::report::{Place, Report, Spot};
use super::scalars;
use super::section::{Section, entries};
use crate::resilience::Profile;

/// Most failures that may be asked for before a breaker opens.
const MAX_THRESHOLD: u64 = 1_000;

/// A profile as written: only what is there.
#[derive(Debug)]
pub(crate) struct ProfileText {
    pub(crate) name: Spot<String>,
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) open_for: Option<Duration>,
    pub(crate) cool_down: Option<Duration>,
    pub(crate) max_cool_down: Option<Duration>,
    pub(crate) backoff: Option<f64>,
    /// Where the profile's values stand.
    pub(crate) place: Place,
}

/// `resilience` as written.
#[derive(Debug, Default)]
pub(crate) struct ResilienceText {
    pub(crate) profiles: Vec<ProfileText>,
    /// Limits of every account, unless it names its own.
    pub(crate) account_limits: LimitsText,
    pub(crate) max_wait: Option<Duration>,
}

/// Reads `resilience`.
pub(crate) fn read(node: &Node, report: &Report) -> Option<ResilienceText> {
    let section = Section::open(node, &["profiles", "account_limits"], report)?;
    let (account_limits, max_wait) =
        section.read("account_limits", limits::every_account).unwrap_or_default();
    let profiles = section.read("profiles", profiles).unwrap_or_default();
    Some(ResilienceText { profiles, account_limits, max_wait })
}

fn profiles(node: &Node, report: &Report) -> Option<Vec<ProfileText>> {
    let profiles = entries(node, report)?.iter().filter_map(|entry| {
        if !scalars::is_name(&entry.name) {
            report.add(&entry.place, "a profile's name is of letters, digits, `-`, `_` and `.`");
            return None;
        }
        profile(Spot::new(entry.name.clone(), &entry.place), &entry.node, report)
    });
    Some(profiles.collect())
}

fn profile(name: Spot<String>, node: &Node, report: &Report) -> Option<ProfileText> {
    let known = ["failure_threshold", "open_for", "cool_down", "max_cool_down", "backoff"];
    let section = Section::open(node, &known, report)?;
    Some(ProfileText {
        name,
        failure_threshold: section.read("failure_threshold", threshold),
        open_for: section.read("open_for", scalars::some_duration),
        cool_down: section.read("cool_down", scalars::some_duration),
        max_cool_down: section.read("max_cool_down", scalars::some_duration),
        backoff: section.read("backoff", scalars::factor),
        place: node.place.clone(),
    })
}

fn threshold(node: &Node, report: &Report) -> Option<u32> {
    let written = scalars::whole(node, report, 1..=MAX_THRESHOLD)?;
    u32::try_from(written).ok()
}

/// Returns the built-in profile of this name (the contract's values), or `None`.
pub(crate) fn built_in(name: &str) -> Option<Profile> {
    let seconds = Duration::from_secs;
    let (failure_threshold, open_for, cool_down, max_cool_down) = match name {
        "oauth" => (3, seconds(60), seconds(5), seconds(120)),
        "api_key" => (5, seconds(30), seconds(3), seconds(60)),
        _ => return None,
    };
    Some(Profile { failure_threshold, open_for, cool_down, max_cool_down, backoff: 2.0 })
}
