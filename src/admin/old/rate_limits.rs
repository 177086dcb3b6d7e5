//! The limits of accounts and what rests because of them, as the existing product lists them.

use axum::Json;
use axum::extract::State;
use omniroute_core::clock::millis;
use omniroute_core::snapshot::Account;
use omniroute_core::state::Standing;
use serde::Serialize;

use crate::admin::Parts;
use crate::admin::health::{Rest, rests};
use crate::admin::resilience::with_accounts;

/// Limits of accounts, and what rests.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RateLimits {
    connections: Vec<LimitedAccount>,
    lockouts: Vec<RestingModel>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct LimitedAccount {
    connection_id: String,
    provider: String,
    name: String,
    /// Whether the account has limits of its own or of the defaults; what providers tell counts always.
    rate_limit_protection: bool,
    enabled: bool,
    /// Whether the account rests now.
    active: bool,
    /// Calls that run now.
    running: u32,
    limits: LimitsInUse,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct LimitsInUse {
    /// 0: no limit; so are the others.
    requests_per_minute: u32,
    requests_used: u64,
    tokens_per_minute: u64,
    tokens_used: u64,
    min_time_between_requests: u64,
    concurrent_requests: u32,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct RestingModel {
    provider: String,
    connection_id: String,
    /// `null`: the whole account.
    model: Option<String>,
    reason: Option<&'static str>,
    remaining_ms: u64,
}

/// Shows the limits of accounts, what is used of them, and what rests.
#[utoipa::path(get, path = "/api/rate-limits", responses((status = 200, body = RateLimits)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<RateLimits> {
    let (snapshot, now) = (parts.live.load(), parts.clock.now());
    let of_account = |account: &Account| {
        let (state, limits) = (&account.state, &account.limits);
        let (requests_used, tokens_used) = state.used(now);
        LimitedAccount {
            connection_id: account.id.to_string(),
            provider: account.provider.id.to_string(),
            name: account.id.to_string(),
            rate_limit_protection: !limits.is_unlimited(),
            enabled: !limits.is_unlimited(),
            active: state.standing(now) != Standing::Ready,
            running: state.running(),
            limits: LimitsInUse {
                requests_per_minute: limits.rpm,
                requests_used,
                tokens_per_minute: limits.tpm,
                tokens_used,
                min_time_between_requests: millis(limits.min_gap),
                concurrent_requests: limits.concurrent,
            },
        }
    };
    let accounts = with_accounts(&snapshot).flat_map(|(_, accounts)| accounts);
    let mut connections: Vec<_> = accounts.map(|account| of_account(account)).collect();
    connections.sort_by(|a, b| a.connection_id.cmp(&b.connection_id));
    let resting = |rest: Rest| RestingModel {
        provider: rest.provider,
        connection_id: rest.account,
        model: rest.model,
        reason: rest.reason,
        remaining_ms: rest.remaining_ms,
    };
    let lockouts = rests(&snapshot, now).into_iter().map(resting).collect();
    Json(RateLimits { connections, lockouts })
}
