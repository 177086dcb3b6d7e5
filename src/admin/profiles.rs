//! Resilience profiles and the limits of accounts, shown and changed (`PATCH /api/resilience`), in the
//! file's words or the existing product's.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::snapshot::Snapshot;
use omniroute_core::written::{Kind, Origin};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::actor::Author;
use super::change::{Edit, To, apply};
use super::problem::Problem;
use super::settings::{self, ACCOUNT_LIMITS, duration};
use super::{Parts, given};
use crate::live::Basis;

/// Fields of the existing product's profiles and limits, and what they are called here. The last says that
/// the number is of milliseconds.
const OTHER_NAMES: [(&str, &str, bool); 6] = [
    ("circuitBreakerThreshold", "failure_threshold", false),
    ("circuitBreakerReset", "open_for", true),
    ("transientCooldown", "cool_down", true),
    ("requestsPerMinute", "rpm", false),
    ("minTimeBetweenRequests", "min_gap", true),
    ("concurrentRequests", "concurrent", false),
];

/// What is changed.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResilienceChanges)]
pub(super) struct Wanted {
    #[serde(default)]
    #[schema(value_type = Object)]
    profiles: Map<String, Value>,
    #[serde(alias = "defaults")]
    #[schema(value_type = Option<Object>)]
    account_limits: Option<Map<String, Value>>,
}

/// Returns all profiles in force, and who owns each.
pub(super) fn now(snapshot: &Snapshot, basis: &Basis) -> Value {
    let views = basis.written.views(Kind::Profile);
    let origin = |name: &str| {
        let view = views.iter().find(|view| view.name == name);
        view.map_or("default", |view| Origin::word(view.origin))
    };
    let mut profiles: Vec<_> = snapshot.profiles.iter().collect();
    profiles.sort_by_key(|(name, _)| name.as_str());
    let shown = profiles.into_iter().map(|(name, profile)| {
        let shown = json!({
            "failure_threshold": profile.failure_threshold,
            "open_for": duration(profile.open_for),
            "cool_down": duration(profile.cool_down),
            "max_cool_down": duration(profile.max_cool_down),
            "backoff": profile.backoff,
            "origin": origin(name),
        });
        (name.clone(), shown)
    });
    Value::Object(shown.collect())
}

/// Changes resilience profiles and the limits of accounts, all or nothing.
///
/// A profile of `null` is the built-in one again.
#[utoipa::path(patch, path = "/api/resilience", request_body = Wanted)]
pub(super) async fn change(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let wanted: Wanted = given::json(&body)?;
    let basis = parts.live.basis();
    let mut edits = Vec::new();
    for (name, value) in wanted.profiles {
        let name = if name == "apikey" { "api_key".to_owned() } else { name };
        let is_there = basis.objects.iter().any(|object| object.is(Kind::Profile, &name));
        let to = match value {
            Value::Null if !is_there => continue,
            Value::Null => To::Gone,
            Value::Object(fields) => To::Merged(translated(&format!("profiles.{name}"), fields)?),
            _ => return Err(Problem::field(format!("profiles.{name}"), "a map is expected")),
        };
        edits.push(Edit { kind: Kind::Profile, name, to, expected: None });
    }
    if let Some(fields) = wanted.account_limits {
        let value = translated("account_limits", fields)?;
        edits.extend(settings::edit_of(ACCOUNT_LIMITS, value, &basis, &by)?);
    }
    if edits.is_empty() {
        return Err(Problem::invalid("nothing is given: name `profiles` or `account_limits`"));
    }
    apply(&parts, by, edits).await?;
    let basis = parts.live.basis();
    Ok(Json(json!({
        "ok": true,
        "profiles": now(&parts.live.load(), &basis),
        "account_limits": settings::value_of(ACCOUNT_LIMITS, &parts, &basis),
    })))
}

/// Returns fields in the file's words.
fn translated(path: &str, fields: Map<String, Value>) -> Result<Value, Problem> {
    let mut own = Map::new();
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        if matches!(name.as_str(), "rateLimitCooldown" | "maxBackoffLevel") {
            let what = "rests double from `cool_down` to `max_cool_down`, whatever the cause";
            return Err(Problem::field(path, what));
        }
        let known = OTHER_NAMES.into_iter().find(|(other, ..)| *other == name);
        let Some((_, name, is_of_ms)) = known else {
            own.insert(name, value);
            continue;
        };
        let value = match value.as_u64() {
            Some(ms) if is_of_ms => json!(format!("{ms}ms")),
            None if is_of_ms && !value.is_null() => {
                return Err(Problem::field(path, "a whole number of milliseconds is expected"));
            }
            _ => value,
        };
        own.insert(name.to_owned(), value);
    }
    Ok(Value::Object(own))
}
