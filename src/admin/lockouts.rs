//! Addresses that are locked: those that sent too many wrong keys or passwords, and those that were banned.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use omniroute_core::clock::millis;
use omniroute_core::error::quoted;
use serde::Serialize;

use super::Parts;
use super::given::FromPath;
use super::problem::Problem;

/// One locked address.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Locked {
    pub(super) address: String,
    pub(super) left_ms: u64,
    /// Why, in words.
    pub(super) reason: String,
}

/// Why an address is locked that nobody banned.
const WRONG_KEYS: &str = "too many wrong keys or passwords";

/// Lists addresses that are locked after wrong keys or passwords, or banned.
#[utoipa::path(get, path = "/api/lockouts", responses((status = 200, body = Vec<Locked>)))]
pub(super) async fn list(State(parts): State<Parts>) -> Json<Vec<Locked>> {
    Json(Locked::all(&parts))
}

impl Locked {
    /// Lists the locked addresses.
    pub(super) fn all(parts: &Parts) -> Vec<Self> {
        let (lockouts, now) = (&parts.state.lockouts, parts.clock.now());
        let shown = |address: IpAddr, left: Duration, reason: &str| Self {
            address: address.to_string(),
            left_ms: millis(left),
            reason: reason.to_owned(),
        };
        let banned = lockouts.bans(now).into_iter().map(|(address, ban)| {
            shown(address, ban.until.saturating_duration_since(now), &ban.reason)
        });
        let locked = lockouts.locked(now).into_iter();
        banned.chain(locked.map(|(address, left)| shown(address, left, WRONG_KEYS))).collect()
    }
}

/// Reads an address.
///
/// # Errors
///
/// That it is none.
pub(super) fn address(text: &str) -> Result<IpAddr, Problem> {
    let what = || Problem::invalid(format!("`{}` is no IP address", quoted(text)));
    text.trim().parse().map_err(|_| what())
}

/// Unlocks an address, whether it was locked or banned.
///
/// # Errors
///
/// That it was neither.
pub(super) fn lift(parts: &Parts, address: IpAddr) -> Result<(), Problem> {
    if !parts.state.lockouts.unlock(address) {
        return Err(Problem::missing(format!("`{address}` is not locked")));
    }
    tracing::info!(%address, "an address was unlocked through the administration");
    Ok(())
}

/// Unlocks an address.
#[utoipa::path(delete, path = "/api/lockouts/{address}", responses((status = 204)))]
pub(super) async fn unlock(
    State(parts): State<Parts>,
    FromPath(address): FromPath<String>,
) -> Result<StatusCode, Problem> {
    lift(&parts, self::address(&address)?).map(|()| StatusCode::NO_CONTENT)
}

/// Unlocks all addresses, and lifts all bans.
#[utoipa::path(delete, path = "/api/lockouts", responses((status = 204)))]
pub(super) async fn unlock_all(State(parts): State<Parts>) -> StatusCode {
    parts.state.lockouts.unlock_all();
    tracing::info!("all addresses were unlocked through the administration");
    StatusCode::NO_CONTENT
}
