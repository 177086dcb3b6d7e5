//! The `resilience` section: how long accounts rest.

use std::time::Duration;

use super::limits;
use super::node::Node;
use super::report::{Place, Report, Spot};
use super::scalars;
use super::section::{Section, entries};
use crate::snapshot::Profile;

/// A profile as written: only what is there.
#[derive(Debug)]
pub(crate) struct ProfileText {
    pub(crate) name: Spot<String>,
    pub(crate) cool_down: Option<Duration>,
    pub(crate) max_cool_down: Option<Duration>,
    pub(crate) backoff: Option<f64>,
    /// Where the profile's values stand.
    pub(crate) place: Place,
}

/// Values of a profile that have no effect yet, as the contract gives them by default.
struct BreakerDefaults {
    failure_threshold: u64,
    open_for: Duration,
}

/// Reads `resilience`.
pub(crate) fn read(node: &Node, report: &Report) -> Option<Vec<ProfileText>> {
    let section = Section::open(node, &["profiles", "account_limits"], report)?;
    section.refuse("account_limits", limits::every_account);
    Some(section.read("profiles", profiles).unwrap_or_default())
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
    let defaults = breaker_defaults(&name.value);
    section.refuse("failure_threshold", |node, report| {
        Some(scalars::count(node, report)? != defaults.failure_threshold)
    });
    section.refuse("open_for", |node, report| {
        Some(scalars::duration(node, report)? != defaults.open_for)
    });
    Some(ProfileText {
        name,
        cool_down: section.read("cool_down", scalars::some_duration),
        max_cool_down: section.read("max_cool_down", scalars::some_duration),
        backoff: section.read("backoff", scalars::factor),
        place: node.place.clone(),
    })
}

fn breaker_defaults(profile: &str) -> BreakerDefaults {
    match profile {
        "oauth" => BreakerDefaults { failure_threshold: 3, open_for: Duration::from_secs(60) },
        _ => BreakerDefaults { failure_threshold: 5, open_for: Duration::from_secs(30) },
    }
}

/// Returns the built-in profile of this name, or `None`.
pub(crate) fn built_in(name: &str) -> Option<Profile> {
    let (cool_down, max_cool_down) = match name {
        "oauth" => (Duration::from_secs(5), Duration::from_secs(120)),
        "api_key" => (Duration::from_secs(3), Duration::from_secs(60)),
        _ => return None,
    };
    Some(Profile { cool_down, max_cool_down, backoff: 2.0 })
}
