//! Breakers and locked addresses in one list, as the existing product has them (`/api/policies`).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::clock::millis;
use omniroute_core::state::Gate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::admin::actor::Author;
use crate::admin::lockouts::{self, Locked};
use crate::admin::problem::Problem;
use crate::admin::resilience::with_accounts;
use crate::admin::{Parts, audited, given};

/// Who is not asked, and who is not heard.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policies {
    circuit_breakers: Vec<PolicyBreaker>,
    locked_identifiers: Vec<LockedIdentifier>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyBreaker {
    /// The provider.
    name: String,
    /// `closed`, `open` or `half_open`.
    state: &'static str,
    /// Openings in a row.
    openings: u32,
    /// Until an open breaker lets a probe through.
    open_for_ms: Option<u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct LockedIdentifier {
    /// The address.
    identifier: String,
    /// Milliseconds since 1970.
    locked_until: u64,
    remaining_ms: u64,
    reason: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyAction)]
pub(super) struct Wanted {
    /// `unlock`.
    action: String,
    identifier: String,
}

/// Shows breakers, and addresses that are locked.
#[utoipa::path(get, path = "/api/policies", responses((status = 200, body = Policies)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Policies> {
    let (snapshot, now) = (parts.live.load(), parts.clock.now());
    let breakers = with_accounts(&snapshot).map(|(provider, _)| {
        let breaker = &provider.state.breaker;
        let gate = breaker.gate(now);
        PolicyBreaker {
            name: provider.id.to_string(),
            state: gate.name(),
            openings: breaker.openings(now).map_or(0, |(_, openings)| openings),
            open_for_ms: if let Gate::Open(left) = gate { Some(millis(left)) } else { None },
        }
    });
    let mut circuit_breakers: Vec<PolicyBreaker> = breakers.collect();
    circuit_breakers.sort_by(|a, b| a.name.cmp(&b.name));
    let wall = parts.clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let locked = Locked::all(&parts).into_iter().map(|locked| LockedIdentifier {
        identifier: locked.address,
        locked_until: millis(wall).saturating_add(locked.left_ms),
        remaining_ms: locked.left_ms,
        reason: locked.reason,
    });
    Json(Policies { circuit_breakers, locked_identifiers: locked.collect() })
}

/// Unlocks an address.
#[utoipa::path(post, path = "/api/policies", request_body = Wanted)]
pub(super) async fn act(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let Wanted { action, identifier } = given::json(&body)?;
    if action != "unlock" {
        let what = "there is: unlock; POST /api/resilience/reset closes breakers";
        return Err(Problem::field("action", what));
    }
    let address = lockouts::address(&identifier)?;
    lockouts::lift(&parts, address)?;
    audited(&parts, &by, "address.unban", &address.to_string()).await?;
    Ok(Json(json!({ "success": true, "action": "unlocked", "identifier": identifier })))
}
