//! Settings in words: the file's, and the existing product's for the same.

use std::time::Duration;

use omniroute_core::clock::millis;
use omniroute_core::strategy::Between;
use serde_json::{Map, Value, json};

use super::table::of_filter;
use crate::admin::Parts;
use crate::admin::problem::Problem;
use crate::old_words::{ACCOUNT_STRATEGIES, old_names, old_of, ours_of_either};

/// Writes a duration as the file has it.
pub(in crate::admin) fn duration(duration: Duration) -> String {
    let ms = millis(duration);
    if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") }
}

/// Returns the strategy of combos that name none, unless it is set.
pub(super) fn default_combo_strategy() -> &'static str {
    Between::Targets.default_strategy().name
}

/// Returns the existing product's fields of what is in force.
pub(super) fn old(parts: &Parts) -> Map<String, Value> {
    let (snapshot, basis) = (parts.live.load(), parts.live.basis());
    let strategy = snapshot.routing.account_strategy.name;
    let blocked = snapshot.filters.blocked_providers();
    let blocked: Vec<&str> = blocked.iter().map(|id| id.as_str()).collect();
    let aliases = snapshot.wildcard_aliases.iter();
    let aliases = aliases.map(|alias| json!({ "pattern": alias.pattern, "target": alias.target }));
    let fields = [
        ("requireLogin", json!(snapshot.require_login)),
        (
            "requireAuthForModels",
            json!(asks_for_keys(parts, &of_filter("api_key", &basis.written))),
        ),
        ("blockedProviders", json!(blocked)),
        ("enableRequestLogs", json!(snapshot.filters.logs_bodies())),
        ("fallbackStrategy", json!(old_of(&ACCOUNT_STRATEGIES, strategy))),
        ("stickyRoundRobinLimit", json!(snapshot.routing.sticky_calls)),
        ("wildcardAliases", aliases.collect()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Tells whether who lists or calls models needs a key.
fn asks_for_keys(parts: &Parts, settings: &Value) -> bool {
    let snapshot = parts.live.load();
    let variable = parts.live.source().variable("REQUIRE_API_KEY");
    let by_environment = match variable.unwrap_or_default().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    };
    let by_file = settings.get("required").and_then(Value::as_bool);
    let required = match (by_environment, by_file) {
        (Some(true), _) => true,
        (_, Some(required)) => required,
        (Some(false), None) => false,
        (None, None) => !snapshot.client_keys.is_empty(),
    };
    required && snapshot.filters.names().contains(&"api_key")
}

/// Translates a field of the existing product's into the setting that it is.
///
/// # Errors
///
/// That the value is none of its words.
pub(super) fn translated(name: String, value: Value) -> Result<(String, Value), Problem> {
    let (name, value) = match name.as_str() {
        "requireLogin" => ("admin.require_login", value),
        "blockedProviders" => ("filters.model_access", json!({ "blocked_providers": value })),
        "enableRequestLogs" => ("filters.request_log", json!({ "bodies": value })),
        "stickyRoundRobinLimit" => ("routing.sticky_calls", value),
        "fallbackStrategy" => {
            let word = value.as_str().unwrap_or_default();
            let Some(ours) = ours_of_either(&ACCOUNT_STRATEGIES, word) else {
                let known = old_names(&ACCOUNT_STRATEGIES);
                return Err(Problem::field(name, format!("there are: {known}")));
            };
            ("routing.account_strategy", json!(ours))
        }
        _ => return Ok((name, value)),
    };
    Ok((name.to_owned(), value))
}
