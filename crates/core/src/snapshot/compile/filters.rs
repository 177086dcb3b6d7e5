//! The chain of filters: built in the order of the list, faults shown where they stand.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Inputs;
use super::access::{API_KEY, KeyRule};
use super::providers::Providers;
use crate::config::filters::FilterText;
use crate::config::nearest::did_you_mean;
use crate::config::report::{Place, Report, Spot};
use crate::filter::{BuildContext, FilterChain};
use crate::reach::Reach;

/// The filter that logs requests, and the variable that switches bodies on in it.
const REQUEST_LOG: &str = "request_log";
const ENABLE_REQUEST_LOGS: &str = "ENABLE_REQUEST_LOGS";

/// Filters that run when the file has no list, in order, as far as they are registered.
pub(super) const DEFAULT_LIST: [&str; 12] = [
    "cors",
    "ip_access",
    API_KEY,
    "client_limits",
    "model_access",
    "idempotency",
    "response_cache",
    "budget",
    "system_prompt",
    "thinking_budget",
    "progress",
    REQUEST_LOG,
];

/// Builds the chain.
pub(super) fn compile(
    (written, set): (&Option<Spot<Vec<FilterText>>>, &[FilterText]),
    rule: KeyRule,
    inputs: &Inputs<'_>,
    providers: &Providers,
    report: &Report,
) -> FilterChain {
    let list = match written {
        Some(list) => list.value.clone(),
        None => default_list(set, inputs),
    };
    let mut provider_ids = providers.ids.clone();
    provider_ids.sort();
    let mut context = BuildContext {
        provider_ids,
        clock: inputs.clock.clone(),
        lockouts: Arc::clone(&inputs.state.lockouts),
        flights: Arc::clone(&inputs.state.flights),
        answers: Arc::clone(&inputs.state.answers),
        notices: Arc::clone(&inputs.state.notices),
        reach: Reach::default(),
    };
    let mut chain = FilterChain::default();
    for filter in &list {
        let Some((name, build)) = inputs.register.find(&filter.name) else {
            report_unknown(filter, inputs, report);
            continue;
        };
        context.reach = filter.place.reach();
        match build(settings(filter, rule, inputs), &context) {
            Ok(built) => chain.push(name, built),
            Err(faults) => {
                for fault in faults {
                    let mut place = place_of(filter, &fault.path);
                    place.path = join(&place_of(filter, "").path, &fault.path);
                    report.add(&place, fault.what);
                }
            }
        }
    }
    chain
}

/// The default list as far as it is registered, with the settings that were set. Those of other filters
/// come last, to be built or reported.
fn default_list(set: &[FilterText], inputs: &Inputs<'_>) -> Vec<FilterText> {
    let by_default = DEFAULT_LIST.into_iter().filter_map(|name| {
        let set = set.iter().find(|filter| filter.name == name).cloned();
        set.or_else(|| inputs.register.find(name).is_some().then(|| bare(name)))
    });
    let others = set.iter().filter(|filter| !DEFAULT_LIST.contains(&filter.name.as_str()));
    by_default.chain(others.cloned()).collect()
}

fn bare(name: &str) -> FilterText {
    let place = Place::outside("built-in default");
    FilterText { name: name.to_owned(), place, settings: None }
}

/// Returns a filter's settings as JSON. The environment decides whether keys are required, except
/// that it cannot lift what the file requires; and whether bodies are logged, where the file does not say it.
fn settings(filter: &FilterText, rule: KeyRule, inputs: &Inputs<'_>) -> Value {
    let written = filter.settings.as_ref().map_or(Value::Null, |node| node.to_json());
    if filter.name != API_KEY && filter.name != REQUEST_LOG {
        return written;
    }
    let mut map = match written {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        other => return other,
    };
    if filter.name == REQUEST_LOG {
        let value = (inputs.env)(ENABLE_REQUEST_LOGS).unwrap_or_default().to_ascii_lowercase();
        if matches!(value.as_str(), "true" | "1" | "yes") {
            map.entry("bodies").or_insert(Value::Bool(true));
        }
        return if map.is_empty() { Value::Null } else { Value::Object(map) };
    }
    match rule {
        KeyRule::Required => {
            map.insert("required".to_owned(), Value::Bool(true));
        }
        KeyRule::Optional if !map.contains_key("required") => {
            map.insert("required".to_owned(), Value::Bool(false));
        }
        KeyRule::Optional | KeyRule::Unsaid => {}
    }
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

fn report_unknown(filter: &FilterText, inputs: &Inputs<'_>, report: &Report) {
    let known: Vec<&str> = inputs.register.names().collect();
    let hint = did_you_mean(&filter.name, known.iter().copied())
        .unwrap_or_else(|| format!("there are: {}", known.join(", ")));
    report.add_with(&filter.place, format!("no filter is named `{}`", filter.name), hint);
}

/// Returns the place of a path inside a filter's settings, or the nearest place known.
fn place_of(filter: &FilterText, path: &str) -> Place {
    filter.settings.as_ref().map_or(&filter.place, |node| node.place_of(path)).clone()
}

fn join(base: &str, path: &str) -> String {
    match (base.is_empty(), path.is_empty(), path.starts_with('[')) {
        (_, true, _) => base.to_owned(),
        (true, false, _) => path.to_owned(),
        (false, false, true) => format!("{base}{path}"),
        (false, false, false) => format!("{base}.{path}"),
    }
}
