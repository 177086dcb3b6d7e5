//! What is left of providers' own limits, as far as their answers told, in the existing product's form.
//!
//! Providers tell what is left and when it is full again, never how much it was: totals and percentages
//! are not made up.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use omniroute_core::snapshot::Account;
use omniroute_core::state::Standing;
use omniroute_core::verdict::{Reason, Remaining};
use omniroute_core::written::Kind;
use serde::{Deserialize, Serialize};

use crate::admin::given::{FromPath, FromQuery};
use crate::admin::problem::Problem;
use crate::admin::resilience::with_accounts;
use crate::admin::{Parts, objects, time};

const UNKNOWN: &str = "no answer of the provider has told yet what is left of its limits";

/// Which accounts.
#[derive(Deserialize, Serialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    provider: Option<String>,
    connection_id: Option<String>,
}

/// What is left, by account.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Quotas {
    providers: Vec<QuotaOfAccount>,
    meta: QuotaMeta,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct QuotaMeta {
    generated_at: String,
    #[schema(value_type = Object)]
    filters: Asked,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct QuotaOfAccount {
    name: String,
    provider: String,
    connection_id: String,
    /// `expired` if the provider refused the credential; `null`: nothing speaks against it.
    token_status: Option<&'static str>,
    /// When the last of the limits is full again.
    reset_at: Option<String>,
    #[serde(flatten)]
    known: Known,
}

/// What is known of one account's limits.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = QuotaKnown)]
pub(super) struct Known {
    quotas: Both,
    /// Why nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = QuotasByKind)]
struct Both {
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Quota>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Quota>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Quota {
    remaining: u64,
    /// When it is full again.
    reset_at: String,
}

/// Lists what is left of providers' own limits, by account.
#[utoipa::path(get, path = "/api/usage/quota", params(Asked), responses((status = 200, body = Quotas)))]
pub(super) async fn list(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Json<Quotas> {
    let (snapshot, now) = (parts.live.load(), parts.clock.now());
    let is_asked = |account: &&std::sync::Arc<Account>| {
        let provider = asked.provider.as_deref();
        let id = asked.connection_id.as_deref();
        provider.is_none_or(|provider| account.provider.id.as_str() == provider)
            && id.is_none_or(|id| account.id.as_str() == id)
    };
    let accounts = with_accounts(&snapshot).flat_map(|(_, accounts)| accounts).filter(is_asked);
    let mut providers: Vec<_> = accounts.map(|account| of_account(&parts, account, now)).collect();
    providers.sort_by(|a, b| a.connection_id.cmp(&b.connection_id));
    let generated_at = time::iso(parts.clock.wall());
    Json(Quotas { providers, meta: QuotaMeta { generated_at, filters: asked } })
}

fn of_account(parts: &Parts, account: &Account, now: Instant) -> QuotaOfAccount {
    let told = account.state.left(now);
    let last = [told.requests, told.tokens].into_iter().flatten().map(|left| left.resets_in).max();
    let is_refused = matches!(account.state.standing(now), Standing::Away(_, Reason::Credential));
    QuotaOfAccount {
        name: account.id.to_string(),
        provider: account.provider.id.to_string(),
        connection_id: account.id.to_string(),
        token_status: is_refused.then_some("expired"),
        reset_at: last.map(|wait| at(parts, wait)),
        known: Known::of(parts, account, now),
    }
}

/// Shows what is left of the provider's own limits for an account.
#[utoipa::path(get, path = "/api/usage/{*id}", responses((status = 200, body = Known), (status = 404)))]
pub(super) async fn one(
    State(parts): State<Parts>,
    FromPath(id): FromPath<String>,
) -> Result<Json<Known>, Problem> {
    let snapshot = parts.live.load();
    let mut accounts = snapshot.accounts.values().flatten();
    if let Some(account) = accounts.find(|account| account.id.as_str() == id) {
        return Ok(Json(Known::of(&parts, account, parts.clock.now())));
    }
    objects::find(&parts.live.basis(), Kind::Account, &id)?;
    let quotas = Both { requests: None, tokens: None };
    Ok(Json(Known { quotas, message: Some("the account is not enabled; nobody asks through it") }))
}

impl Known {
    fn of(parts: &Parts, account: &Account, now: Instant) -> Self {
        let told = account.state.left(now);
        let quota =
            |left: Remaining| Quota { remaining: left.left, reset_at: at(parts, left.resets_in) };
        let quotas = Both { requests: told.requests.map(quota), tokens: told.tokens.map(quota) };
        let is_known = quotas.requests.is_some() || quotas.tokens.is_some();
        Self { quotas, message: (!is_known).then_some(UNKNOWN) }
    }
}

fn at(parts: &Parts, wait: Duration) -> String {
    time::iso(parts.clock.wall() + wait)
}
