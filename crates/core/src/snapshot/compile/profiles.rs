//! Profiles: the built-in ones, changed and added to by the operator.

use std::collections::HashMap;

use crate::config::report::Report;
use crate::config::resilience::{ProfileText, built_in};
use crate::resilience::Profile;

/// Profiles by name.
pub(super) type Profiles = HashMap<String, Profile>;

/// Names of the built-in profiles; the last stands in for what an own profile does not say.
const BUILT_IN: [&str; 2] = ["oauth", DEFAULT_PROFILE];

/// The profile of a provider that names none.
pub(super) const DEFAULT_PROFILE: &str = "api_key";

/// Lays the operator's profiles over the built-in ones, field by field.
pub(super) fn compile(written: &[ProfileText], report: &Report) -> Profiles {
    let mut profiles: Profiles = BUILT_IN
        .into_iter()
        .filter_map(|name| built_in(name).map(|profile| (name.to_owned(), profile)))
        .collect();
    for text in written {
        let Some(base) = built_in(&text.name.value).or_else(|| built_in(DEFAULT_PROFILE)) else {
            continue;
        };
        let profile = Profile {
            failure_threshold: text.failure_threshold.unwrap_or(base.failure_threshold),
            open_for: text.open_for.unwrap_or(base.open_for),
            cool_down: text.cool_down.unwrap_or(base.cool_down),
            max_cool_down: text.max_cool_down.unwrap_or(base.max_cool_down),
            backoff: text.backoff.unwrap_or(base.backoff),
        };
        if profile.cool_down > profile.max_cool_down {
            let what = format!(
                "`cool_down` ({:?}) is longer than `max_cool_down` ({:?})",
                profile.cool_down, profile.max_cool_down
            );
            report.add(&text.place, what);
        }
        profiles.insert(text.name.value.clone(), profile);
    }
    profiles
}
