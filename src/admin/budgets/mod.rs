//! Budgets of client keys (`/api/usage/budget`): set, shown, taken away.
//!
//! A budget is a field of its key, so it changes as keys do: one owner, `If-Match`, an audit entry.

mod given;
mod status;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use omniroute_core::written::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::given::{Wanted, matching, period};
use self::status::{InOldWords, OfKey};
use super::Parts;
use super::actor::Author;
use super::change::{Edit, To, apply};
use super::given::{self as body, FromQuery};
use super::if_match::IfMatch;
use super::objects::{self, revision};
use super::page::Page;
use super::problem::Problem;

/// How often a change is tried again that somebody else's came before.
const TRIES: usize = 4;

/// Which key, and which of its budgets.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Where {
    #[serde(alias = "apiKeyId")]
    key_id: Option<String>,
    period: Option<String>,
    timezone: Option<String>,
}

/// One key's budgets in both forms.
#[derive(Serialize)]
struct Both {
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    #[serde(rename = "apiKeyId")]
    api_key_id: String,
    #[serde(flatten)]
    now: OfKey,
    #[serde(flatten)]
    old: InOldWords,
}

#[derive(Serialize)]
struct All {
    budgets: Vec<OfKey>,
    total: usize,
    next: Option<String>,
}

/// Shows the budgets of all client keys, or of the one that is named.
#[utoipa::path(get, path = "/api/usage/budget", params(Where, Page), responses((status = 404)))]
pub(super) async fn show(
    State(parts): State<Parts>,
    FromQuery(of): FromQuery<Where>,
    FromQuery(page): FromQuery<Page>,
) -> Result<Response, Problem> {
    if let Some(name) = &of.key_id {
        return Ok(Json(both(&parts, name, None).await?).into_response());
    }
    let (snapshot, basis, now) = (parts.live.load(), parts.live.basis(), parts.clock.timestamp());
    let mut keys: Vec<_> = snapshot.client_keys.iter().collect();
    keys.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    let total = keys.len();
    let (keys, next) = page.of(keys, |key| key.name.as_str())?;
    let budgets = keys.into_iter().map(|key| OfKey::of(key, &basis, now)).collect();
    Ok(Json(All { budgets, total, next }).into_response())
}

async fn both(parts: &Parts, name: &str, success: Option<bool>) -> Result<Both, Problem> {
    let (snapshot, now) = (parts.live.load(), parts.clock.timestamp());
    let key = snapshot.client_keys.named(name).ok_or_else(|| missing(name))?;
    Ok(Both {
        success,
        api_key_id: name.to_owned(),
        now: OfKey::of(key, &parts.live.basis(), now),
        old: InOldWords::of(key, parts, now).await?,
    })
}

fn missing(name: &str) -> Problem {
    let what = format!("there is no client key `{name}`; GET /api/keys lists them");
    Problem::missing(what)
}

/// Sets budgets of a client key.
#[utoipa::path(post, path = "/api/usage/budget", params(IfMatch), request_body = Wanted)]
pub(super) async fn set(
    State(parts): State<Parts>,
    by: Author,
    if_match: IfMatch,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let wanted: Wanted = body::json(&bytes)?;
    let name = wanted.key_id.clone();
    change(&parts, by, (&name, if_match), |budgets| wanted.over(budgets)).await?;
    Ok(Json(both(&parts, &name, Some(true)).await?).into_response())
}

/// Takes away all budgets of a client key, or those of a period.
#[utoipa::path(delete, path = "/api/usage/budget", params(Where, IfMatch))]
pub(super) async fn remove(
    State(parts): State<Parts>,
    by: Author,
    FromQuery(of): FromQuery<Where>,
    if_match: IfMatch,
) -> Result<Response, Problem> {
    let name = of.key_id.ok_or_else(|| Problem::field("keyId", "it is missing from the query"))?;
    let of_period = match &of.period {
        None => None,
        Some(word) => Some(
            period(word)
                .ok_or_else(|| Problem::field("period", "there are: daily, weekly, monthly"))?,
        ),
    };
    change(&parts, by, (&name, if_match), |mut budgets| {
        let Some(period) = of_period else { return Ok(Vec::new()) };
        for at in matching(&budgets, period, of.timezone.as_deref()).into_iter().rev() {
            budgets.remove(at);
        }
        Ok(budgets)
    })
    .await?;
    Ok(Json(both(&parts, &name, Some(true)).await?).into_response())
}

/// Changes the budgets of a key. Without `If-Match` it is tried again if somebody changes the key at the
/// same time: neither change is lost.
async fn change(
    parts: &Parts,
    by: Author,
    (name, IfMatch(given)): (&str, IfMatch),
    edit: impl Fn(Vec<Value>) -> Result<Vec<Value>, Problem>,
) -> Result<(), Problem> {
    for tries_left in (0..TRIES).rev() {
        let basis = parts.live.basis();
        objects::find(&basis, Kind::ClientKey, name).map_err(|_| missing(name))?;
        let stored = basis.objects.iter().find(|object| object.is(Kind::ClientKey, name));
        let budgets = match stored.and_then(|object| object.value.get("budget")) {
            Some(Value::Array(budgets)) => budgets.clone(),
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![one.clone()],
        };
        let budgets = edit(budgets)?;
        let budgets = if budgets.is_empty() { Value::Null } else { Value::Array(budgets) };
        let edit = Edit {
            kind: Kind::ClientKey,
            name: name.to_owned(),
            to: To::Merged(json!({ "budget": budgets })),
            expected: given.or_else(|| revision(&basis, Kind::ClientKey, name)),
        };
        match apply(parts, by.clone(), vec![edit]).await {
            Err(problem) if problem.is_stale() && given.is_none() && tries_left > 0 => {}
            result => return result.map(drop),
        }
    }
    Ok(())
}
