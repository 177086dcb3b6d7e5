//! Who may administrate: whoever sends a client key with the scope `admin`.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use omniroute_core::clock::Clock;
use omniroute_core::presented;
use omniroute_core::snapshot::Snapshot;

use super::Parts;
use super::problem::Problem;
use crate::proxy::ClientAddress;

/// Lets only administrators through. Wrong keys lock the address for a while, as they do elsewhere.
pub(super) async fn admin_only(
    State(parts): State<Parts>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let address = request.extensions().get::<ClientAddress>().and_then(|client| client.0);
    let snapshot = parts.live.load();
    let now = parts.clock.now();
    // A key in the URL would stand in logs on the way.
    let Some(key) = presented::key(request.headers(), "") else {
        let what = "send a client key with the scope `admin` as `Authorization: Bearer …`";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", what));
    };
    let found = snapshot.client_keys.find(&key);
    let name = found.map(|key| key.name.as_str());
    if let Some(left) = parts.state.lockouts.admit(address, (&key, name), now) {
        let what = format!(
            "too many wrong keys came from this address; try again in {} s",
            left.as_secs().max(1)
        );
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked", what));
    }
    match found {
        Some(key) if key.may_administrate(parts.clock.wall()) => Ok(next.run(request).await),
        Some(_) => {
            let what = "this key may not administrate (its scopes lack `admin`, or it has expired)";
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", what))
        }
        None => {
            let what = "the key is not known here";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", what))
        }
    }
}

/// Tells whether a request's headers carry an administrator's key.
pub fn is_admin(snapshot: &Snapshot, headers: &HeaderMap, clock: &Clock) -> bool {
    presented::key(headers, "").is_some_and(|key| {
        let found = snapshot.client_keys.find(&key);
        found.is_some_and(|key| key.may_administrate(clock.wall()))
    })
}
