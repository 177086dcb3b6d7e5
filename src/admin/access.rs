//! Who may administrate: whoever sends a client key with the scope `admin`, or the cookie of a session;
//! at this machine also the command line, and whoever is there if the operator switched the login off.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use cookie::Cookie;
use http::request::Parts as Head;
use http::{HeaderMap, Method, StatusCode, header};
use omniroute_core::clock::Clock;
use omniroute_core::presented;
use omniroute_core::snapshot::Snapshot;

use super::Parts;
use super::actor::Actor;
use super::problem::Problem;
use super::same_origin;
use crate::login::{SessionHash, Used};
use crate::proxy::ClientAddress;

/// The cookie of a session.
pub(super) const COOKIE: &str = "omniroute_session";

/// Lets only administrators through. Wrong keys lock the address for a while, as they do elsewhere.
pub(super) async fn admin_only(
    State(parts): State<Parts>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut head, body) = request.into_parts();
    let actor = allowed(&parts, &head).await?;
    head.extensions.insert(actor);
    Ok(next.run(Request::from_parts(head, body)).await)
}

/// Tells who sends a request.
///
/// # Errors
///
/// That whoever it is may not.
pub(super) async fn allowed(parts: &Parts, head: &Head) -> Result<Actor, Problem> {
    let client = head.extensions.get().copied().unwrap_or(ClientAddress(None));
    let actor = actor(parts, &head.headers, client).await?;
    if !matches!(actor, Actor::Key(_) | Actor::Console) && !is_safe(&head.method) {
        same_origin::check(&head.headers)?;
    }
    Ok(actor)
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

async fn actor(
    parts: &Parts,
    headers: &HeaderMap,
    ClientAddress(address): ClientAddress,
) -> Result<Actor, Problem> {
    // A key in the URL would stand in logs on the way.
    if let Some(key) = presented::key(headers, "") {
        let is_near = address.is_none_or(|address| address.to_canonical().is_loopback());
        if is_near && parts.login.console.is(&key) {
            return Ok(Actor::Console);
        }
        return by_key(parts, address, &key);
    }
    if let Some(session) = session(parts, headers).await {
        return Ok(Actor::Session(session));
    }
    let is_here = address.is_some_and(|address| address.to_canonical().is_loopback());
    if !parts.live.load().require_login && is_here {
        same_origin::check_host(headers)?;
        return Ok(Actor::Local);
    }
    let what = "log in, or send a client key with the scope `admin` as `Authorization: Bearer …`";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", what))
}

fn by_key(parts: &Parts, address: Option<IpAddr>, key: &[u8]) -> Result<Actor, Problem> {
    let snapshot = parts.live.load();
    let found = snapshot.client_keys.find(key);
    let name = found.map(|key| key.name.as_str());
    if let Some(left) = parts.state.lockouts.admit(address, (key, name), parts.clock.now()) {
        return Err(Problem::locked("too many wrong keys came from this address", left));
    }
    match found {
        Some(key) if key.may_administrate(parts.clock.wall()) => Ok(Actor::Key(key.name.clone())),
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

/// Finds the session of a request's cookie.
pub(super) async fn session(parts: &Parts, headers: &HeaderMap) -> Option<SessionHash> {
    let id = cookie(headers)?;
    let (hash, used) = parts.login.session(&id, parts.clock.wall())?;
    if let (Used::Noted(session), Some(store)) = (used, &parts.store)
        && let Err(error) = store.keep_session(hash, session).await
    {
        tracing::warn!(%error, "the use of a session is not written down");
    }
    Some(hash)
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| Cookie::split_parse(line.to_owned())).flatten();
    cookies.find(|cookie| cookie.name() == COOKIE).map(|cookie| cookie.value().to_owned())
}

/// Tells whether a request's headers carry an administrator's key.
pub fn is_admin(snapshot: &Snapshot, headers: &HeaderMap, clock: &Clock) -> bool {
    presented::key(headers, "").is_some_and(|key| {
        let found = snapshot.client_keys.find(&key);
        found.is_some_and(|key| key.may_administrate(clock.wall()))
    })
}
