//! What is written must have an effect: limits, budgets and system prompts of keys need their filters.

use super::access::API_KEY;
use crate::config::client_keys::ClientKeyText;
use crate::config::report::{Place, Report};
use crate::filter::FilterChain;

/// The filter that keeps `limits` of client keys.
const CLIENT_LIMITS: &str = "client_limits";
/// The filter that keeps `budget` of client keys.
const BUDGET: &str = "budget";
/// The filter that adds `system_prompt` of client keys.
const SYSTEM_PROMPT: &str = "system_prompt";

/// Reports limits, budgets and system prompts that nobody would see to.
pub(super) fn check(keys: &[ClientKeyText], filters: &FilterChain, report: &Report) {
    let place = |name| filters.names().iter().position(|known| *known == name);
    for key in keys {
        let limits = key.limits.as_ref().filter(|limits| !limits.value.is_unlimited());
        if let Some(limits) = limits {
            needs(filters, (CLIENT_LIMITS, "limits"), &limits.place, report);
            // Limits are kept as soon as a request comes, which needs to know whose it is.
            let (asks, keeps) = (place(API_KEY), place(CLIENT_LIMITS));
            if asks.zip(keeps).is_some_and(|(asks, keeps)| keeps < asks) {
                let what =
                    "`client_limits` stands before `api_key` in `filters`, so it knows no key";
                report.add_with(&limits.place, what, "put it after `api_key`");
            }
        }
        if let Some(budgets) = key.budgets.as_ref().filter(|budgets| !budgets.value.is_empty()) {
            needs(filters, (BUDGET, "budget"), &budgets.place, report);
        }
        if let Some(prompt) = &key.system_prompt {
            needs(filters, (SYSTEM_PROMPT, "system_prompt"), &prompt.place, report);
        }
    }
}

fn needs(filters: &FilterChain, (name, key): (&str, &str), place: &Place, report: &Report) {
    for filter in [name, API_KEY] {
        if !filters.names().contains(&filter) {
            let what = format!("`{key}` has no effect: `filters` lacks `{filter}`");
            report.add_with(place, what, format!("add `- {filter}` to `filters`"));
        }
    }
}
