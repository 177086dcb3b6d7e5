//! The strategy of combos that name none (`routing.combo_strategy`) under the existing product's name.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{changed, edit_of, value_of};
use crate::admin::Parts;
use crate::admin::actor::Author;
use crate::admin::given;
use crate::admin::problem::Problem;
use crate::old_words::{COMBO_STRATEGIES, old_names, old_of, ours_of_either};

const NAME: &str = "routing.combo_strategy";

/// Other defaults of combos, and where their counterparts are.
const ELSEWHERE: [(&str, &str); 9] = [
    ("maxRetries", "attempts are bounded over a whole request: `routing.max_attempts`"),
    ("retryDelayMs", "the next target is tried at once; rests are in `resilience.profiles`"),
    ("timeoutMs", "no attempt begins after `routing.deadline`; `server.timeouts` bounds each"),
    ("concurrencyPerModel", "accounts have limits: `resilience.account_limits.concurrent`"),
    ("queueTimeoutMs", "it is `resilience.account_limits.max_wait`"),
    ("healthCheckEnabled", "health is learned from the calls themselves; there are no checks"),
    ("healthCheckTimeoutMs", "health is learned from the calls themselves; there are no checks"),
    ("maxComboDepth", "combos nest as deep as they are written; circles are refused"),
    ("trackMetrics", "all calls are counted"),
];

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ComboDefaults)]
pub(super) struct Wanted {
    /// `strategy`: the strategy of combos that name none; `null`: the built-in one.
    #[serde(default)]
    #[schema(value_type = Object)]
    combo_defaults: Map<String, Value>,
    /// None here: a combo is one list of targets.
    #[serde(default)]
    #[schema(value_type = Object)]
    provider_overrides: Map<String, Value>,
}

/// Shows what combos do that do not say it themselves.
#[utoipa::path(get, path = "/api/settings/combo-defaults")]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Value> {
    Json(now(&parts))
}

fn now(parts: &Parts) -> Value {
    let strategy = value_of(NAME, parts, &parts.live.basis());
    let ours = strategy.as_str().unwrap_or_default();
    let old = old_of(&COMBO_STRATEGIES, ours);
    json!({ "comboDefaults": { "strategy": old }, "providerOverrides": {} })
}

/// Changes what combos do that do not say it themselves.
#[utoipa::path(patch, path = "/api/settings/combo-defaults", request_body = Wanted)]
pub(super) async fn change(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let wanted: Wanted = given::json(&body)?;
    if let Some((provider, _)) = wanted.provider_overrides.iter().next() {
        let what = "providers have no combos of their own; limits are per account: /api/accounts";
        return Err(Problem::field(format!("providerOverrides.{provider}"), what));
    }
    let mut strategy = None;
    for (name, value) in wanted.combo_defaults {
        if name != "strategy" {
            return Err(not_here(&name));
        }
        strategy = Some(in_our_words(value)?);
    }
    let Some(strategy) = strategy else {
        return Err(Problem::field("comboDefaults", "nothing is given: name `strategy`"));
    };
    changed(&parts, &by, |basis| edit_of(NAME, strategy.clone(), basis, &by)).await?;
    Ok(Json(now(&parts)))
}

fn not_here(name: &str) -> Problem {
    let known = ELSEWHERE.iter().find(|(known, _)| *known == name);
    let what = known.map_or("there is no such default; there is `strategy`", |(_, what)| what);
    Problem::field(format!("comboDefaults.{name}"), what)
}

fn in_our_words(value: Value) -> Result<Value, Problem> {
    if value.is_null() {
        return Ok(value);
    }
    let word = value.as_str().unwrap_or_default();
    ours_of_either(&COMBO_STRATEGIES, word).map(|ours| json!(ours)).ok_or_else(|| {
        let known = old_names(&COMBO_STRATEGIES);
        Problem::field("comboDefaults.strategy", format!("there are: {known}"))
    })
}
