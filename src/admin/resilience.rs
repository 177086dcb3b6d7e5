//! How providers and accounts are now, and how to forget it.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use omniroute_core::clock::millis;
use omniroute_core::snapshot::{Account, Provider, Snapshot};
use omniroute_core::state::{Gate, Standing};
use serde::Serialize;
use serde_json::Value;

use super::settings::{self, ACCOUNT_LIMITS};
use super::{Parts, profiles};

/// The state of all providers that have accounts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Resilience {
    providers: Vec<ProviderNow>,
    /// Profiles in force.
    #[schema(value_type = Object)]
    profiles: Value,
    /// Limits of accounts that name none.
    #[schema(value_type = Object)]
    account_limits: Value,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ProviderState)]
struct ProviderNow {
    id: String,
    /// `closed`, `open` or `half_open`.
    breaker: &'static str,
    /// Until an open breaker lets a probe through.
    open_for_ms: Option<u64>,
    /// Openings in a row.
    openings: u32,
    /// Times to the first content of the last minutes.
    latency: Option<Latency>,
    accounts: Vec<AccountNow>,
}

/// Times to the first content of the last minutes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Latency {
    p50_ms: u64,
    p95_ms: u64,
    p99_ms: u64,
    /// Answers that this is of.
    answers: u64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AccountState)]
struct AccountNow {
    id: String,
    #[serde(flatten)]
    standing: StandingNow,
    /// Calls running now.
    running: u32,
    /// Share of failures in the last ten seconds, from 0 to 1.
    failing: f64,
    limits: LimitsNow,
    /// Models that rest on this account.
    resting_models: Vec<ModelNow>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ModelState)]
struct ModelNow {
    model: String,
    #[serde(flatten)]
    standing: StandingNow,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Standing)]
struct StandingNow {
    /// `ready`, `behind` (tried after all others) or `away` (not tried).
    standing: &'static str,
    left_ms: Option<u64>,
    reason: Option<&'static str>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Limits)]
struct LimitsNow {
    rpm: u32,
    rpm_used: u64,
    tpm: u64,
    tpm_used: u64,
    min_gap_ms: u64,
    concurrent: u32,
}

/// Tells how providers and accounts are now.
#[utoipa::path(get, path = "/api/resilience", responses((status = 200, body = Resilience)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Resilience> {
    let (snapshot, now) = (parts.live.load(), parts.clock.now());
    let mut providers: Vec<ProviderNow> = with_accounts(&snapshot)
        .map(|(provider, accounts)| provider_now(provider, accounts, now))
        .collect();
    providers.sort_by(|a, b| a.id.cmp(&b.id));
    let basis = parts.live.basis();
    let profiles = profiles::now(&snapshot, &basis);
    let account_limits = settings::value_of(ACCOUNT_LIMITS, &parts, &basis);
    Json(Resilience { providers, profiles, account_limits })
}

/// Closes breakers, ends cool-downs, unlocks addresses; those that were banned stay so.
#[utoipa::path(post, path = "/api/resilience/reset", responses((status = 204)))]
pub(super) async fn reset(State(parts): State<Parts>) -> StatusCode {
    for (provider, accounts) in with_accounts(&parts.live.load()) {
        provider.state.breaker.reset();
        for account in accounts {
            account.state.reset();
        }
    }
    parts.state.lockouts.forgive_all();
    tracing::info!("breakers, cool-downs and lockouts were reset through the administration");
    StatusCode::NO_CONTENT
}

/// Closes breakers, ends cool-downs, unlocks addresses, in the existing product's words.
#[utoipa::path(delete, path = "/api/monitoring/health", responses((status = 204)))]
pub(super) async fn reset_health(parts: State<Parts>) -> StatusCode {
    reset(parts).await
}

impl Latency {
    /// Returns how fast a provider is; `None` if there were no answers lately.
    pub(super) fn of(provider: &Provider, now: Instant) -> Option<Self> {
        let (answers, [p50, p95, p99]) = provider.state.latency.percentiles(now)?;
        Some(Self { p50_ms: millis(p50), p95_ms: millis(p95), p99_ms: millis(p99), answers })
    }
}

/// Iterates over the providers that have accounts.
pub(super) fn with_accounts(
    snapshot: &Snapshot,
) -> impl Iterator<Item = (&Provider, &[std::sync::Arc<Account>])> {
    snapshot.accounts.iter().filter_map(|(id, accounts)| {
        let provider = snapshot.providers.get(id)?;
        Some((&**provider, accounts.as_slice()))
    })
}

fn provider_now(
    provider: &Provider,
    accounts: &[std::sync::Arc<Account>],
    now: Instant,
) -> ProviderNow {
    let gate = provider.state.breaker.gate(now);
    ProviderNow {
        id: provider.id.to_string(),
        breaker: gate.name(),
        open_for_ms: match gate {
            Gate::Open(left) => Some(millis(left)),
            _ => None,
        },
        openings: provider.state.breaker.openings(now).map_or(0, |(_, openings)| openings),
        latency: Latency::of(provider, now),
        accounts: accounts.iter().map(|account| account_now(account, now)).collect(),
    }
}

fn account_now(account: &Account, now: Instant) -> AccountNow {
    let (state, limits) = (&account.state, &account.limits);
    let (rpm_used, tpm_used) = state.used(now);
    let models = state.resting_models(now).into_iter();
    AccountNow {
        id: account.id.to_string(),
        standing: state.standing(now).into(),
        running: state.running(),
        failing: state.health(now).0,
        limits: LimitsNow {
            rpm: limits.rpm,
            rpm_used,
            tpm: limits.tpm,
            tpm_used,
            min_gap_ms: millis(limits.min_gap),
            concurrent: limits.concurrent,
        },
        resting_models: models
            .map(|(model, standing)| ModelNow { model: model.into(), standing: standing.into() })
            .collect(),
    }
}

impl From<Standing> for StandingNow {
    fn from(standing: Standing) -> Self {
        let (standing, left, reason) = match standing {
            Standing::Ready => ("ready", None, None),
            Standing::Behind(left) => ("behind", Some(left), None),
            Standing::Away(left, reason) => ("away", Some(left), Some(reason.name())),
        };
        Self { standing, left_ms: left.map(millis), reason }
    }
}
