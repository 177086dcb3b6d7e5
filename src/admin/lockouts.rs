//! Addresses that sent too many wrong keys.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use omniroute_core::clock::millis;
use serde::Serialize;

use super::Parts;
use super::given::FromPath;
use super::problem::Problem;

/// One locked address.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Locked {
    address: String,
    left_ms: u64,
}

/// Lists addresses that are locked after wrong keys or passwords.
#[utoipa::path(get, path = "/api/lockouts", responses((status = 200, body = Vec<Locked>)))]
pub(super) async fn list(State(parts): State<Parts>) -> Json<Vec<Locked>> {
    Json(Locked::all(&parts))
}

impl Locked {
    /// Lists the locked addresses.
    pub(super) fn all(parts: &Parts) -> Vec<Self> {
        let locked = parts.state.lockouts.locked(parts.clock.now()).into_iter();
        let shown = |(address, left): (IpAddr, Duration)| Self {
            address: address.to_string(),
            left_ms: millis(left),
        };
        locked.map(shown).collect()
    }
}

/// Unlocks an address.
#[utoipa::path(delete, path = "/api/lockouts/{address}", responses((status = 204)))]
pub(super) async fn unlock(
    State(parts): State<Parts>,
    FromPath(address): FromPath<String>,
) -> Result<StatusCode, Problem> {
    let parsed: IpAddr = address.parse().map_err(|_| {
        let what = format!("`{address}` is no IP address");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", what)
    })?;
    if parts.state.lockouts.unlock(parsed) {
        tracing::info!(address = %parsed, "an address was unlocked through the administration");
        Ok(StatusCode::NO_CONTENT)
    } else {
        let what = format!("`{address}` is not locked");
        Err(Problem::new(StatusCode::NOT_FOUND, "not_found", what))
    }
}

/// Unlocks all addresses.
#[utoipa::path(delete, path = "/api/lockouts", responses((status = 204)))]
pub(super) async fn unlock_all(State(parts): State<Parts>) -> StatusCode {
    parts.state.lockouts.unlock_all();
    tracing::info!("all addresses were unlocked through the administration");
    StatusCode::NO_CONTENT
}
