//! Login, logout, the first password, sessions.

use std::net::IpAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use omniroute_core::clock::millis;
use omniroute_core::hex;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actor::{Actor, Author};
use super::given::{self, FromPath};
use super::problem::Problem;
use super::{Parts, access, audited, same_origin, time};
use crate::login::{LIFE, PasswordError, Session, SessionHash};
use crate::proxy::ClientAddress;

/// Bytes of a session's hash that name it.
const NAME_BYTES: usize = 8;

/// Longest name of a browser that is kept, in characters.
const MAX_AGENT_CHARS: usize = 200;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Password)]
pub(super) struct Given {
    password: String,
}

/// Logs in with the password; the answer sets the cookie of a session.
#[utoipa::path(post, path = "/api/auth/login", request_body = Given, security(()))]
pub(super) async fn login(
    State(parts): State<Parts>,
    Extension(client): Extension<ClientAddress>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    same_origin::check(&headers)?;
    let Given { password } = given::json(&body)?;
    if parts.login.password.fingerprint().is_none() {
        let what = "no password is set yet; set one with the token that the log names, or start with INITIAL_PASSWORD";
        return Err(Problem::new(StatusCode::FORBIDDEN, "needs_setup", what));
    }
    right_password(&parts, client.0, password).await?;
    begin(&parts, client.0, &headers).await
}

/// Checks a password, and counts a wrong one.
async fn right_password(
    parts: &Parts,
    address: Option<IpAddr>,
    password: String,
) -> Result<(), Problem> {
    let lockouts = &parts.state.lockouts;
    if let Some(left) = lockouts.admit_login(address, parts.clock.now()) {
        return Err(Problem::locked("too many wrong passwords", left));
    }
    if parts.login.password.is(password).await {
        lockouts.logged_in(address);
        return Ok(());
    }
    lockouts.login_failed(address, parts.clock.now());
    let what = "the password is wrong";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_password", what))
}

async fn begin(
    parts: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let now = parts.clock.wall();
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let password = parts.login.password.fingerprint().ok_or_else(Problem::internal)?;
    let session = Session {
        begun: now,
        used: now,
        address,
        agent: agent.unwrap_or_default().chars().take(MAX_AGENT_CHARS).collect(),
        password,
    };
    let (id, hash) = parts.login.sessions.begin(session.clone());
    if let Some(store) = &parts.store {
        store.keep_session(hash, session).await?;
    }
    let life = Duration::try_from(LIFE).unwrap_or(Duration::DAY);
    let cookie = self::cookie(parts, &id).max_age(life).build();
    Ok(with_cookie(&cookie, json!({ "success": true })))
}

fn cookie<'c>(parts: &Parts, id: &'c str) -> cookie::CookieBuilder<'c> {
    Cookie::build((access::COOKIE, id))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(parts.login.secure_cookie)
}

fn with_cookie(cookie: &Cookie<'_>, body: serde_json::Value) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// Ends the session of the cookie.
#[utoipa::path(post, path = "/api/auth/logout", security(()))]
pub(super) async fn logout(
    State(parts): State<Parts>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    same_origin::check(&headers)?;
    if let Some(session) = access::session(&parts, &headers).await {
        forget(&parts, vec![session]).await?;
    }
    let cookie = cookie(&parts, "").max_age(Duration::ZERO).build();
    Ok(with_cookie(&cookie, json!({ "success": true })))
}

/// Tells whether the request is logged in, and whether a password is set.
#[utoipa::path(get, path = "/api/auth/status", security(()))]
pub(super) async fn status(
    State(parts): State<Parts>,
    headers: HeaderMap,
) -> Json<serde_json::Value> {
    let is_session = access::session(&parts, &headers).await.is_some();
    let snapshot = parts.live.load();
    let is_key = access::is_admin(&snapshot, &headers, &parts.clock);
    Json(json!({
        "authenticated": is_session || is_key,
        "requireLogin": snapshot.require_login,
        "needsSetup": parts.login.password.fingerprint().is_none(),
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = FirstPassword)]
pub(super) struct First {
    token: String,
    password: String,
}

/// Sets the first password with the token that the gateway made.
#[utoipa::path(post, path = "/api/auth/setup", request_body = First, security(()))]
pub(super) async fn setup(
    State(parts): State<Parts>,
    Extension(client): Extension<ClientAddress>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    same_origin::check(&headers)?;
    let First { token, password } = given::json(&body)?;
    if let Some(left) = parts.state.lockouts.admit_login(client.0, parts.clock.now()) {
        return Err(Problem::locked("too many wrong tokens", left));
    }
    if !parts.login.setup.is(token.trim()) {
        parts.state.lockouts.login_failed(client.0, parts.clock.now());
        let what = "this is not the setup token, or a password is set already";
        return Err(Problem::new(StatusCode::FORBIDDEN, "wrong_token", what));
    }
    set(&parts, password).await?;
    parts.login.setup.forget();
    let by = Author {
        by: "setup token".to_owned(),
        from: client.0.map(|a| a.to_string()),
        is_known: true,
    };
    audited(&parts, &by, "password.set", "administrator").await?;
    begin(&parts, client.0, &headers).await
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = ChangedPassword)]
pub(super) struct Changed {
    #[serde(default, alias = "currentPassword")]
    current: Option<String>,
    #[serde(alias = "newPassword")]
    new: String,
}

/// Changes the password. All sessions end, and one begins.
///
/// The command line need not know the old one, and gets no session.
#[utoipa::path(post, path = "/api/auth/password", request_body = Changed)]
pub(super) async fn change(
    State(parts): State<Parts>,
    Extension(client): Extension<ClientAddress>,
    (actor, by): (Actor, Author),
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Changed { current, new } = given::json(&body)?;
    if actor != Actor::Console {
        let current = current.ok_or_else(|| Problem::field("current", "it is missing"))?;
        right_password(&parts, client.0, current).await?;
    }
    set(&parts, new).await?;
    parts.login.setup.forget();
    audited(&parts, &by, "password.set", "administrator").await?;
    if actor == Actor::Console {
        return Ok(Json(json!({ "success": true })).into_response());
    }
    begin(&parts, client.0, &headers).await
}

async fn set(parts: &Parts, password: String) -> Result<(), Problem> {
    let login = std::sync::Arc::clone(&parts.login);
    let set = tokio::task::spawn_blocking(move || login.password.set(&password)).await;
    match set.map_err(|_| Problem::internal())? {
        Ok(()) => Ok(()),
        Err(error @ PasswordError::Weak(_)) => Err(Problem::field("password", error.to_string())),
        Err(error) => {
            tracing::error!(%error, "the password was not set");
            Err(Problem::internal())
        }
    }
}

/// A session as it may be shown.
#[derive(Serialize)]
pub(super) struct Shown {
    id: String,
    begun: String,
    used: String,
    idle_ms: u64,
    address: Option<String>,
    agent: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// Lists who is logged in.
#[utoipa::path(get, path = "/api/auth/sessions")]
pub(super) async fn sessions(State(parts): State<Parts>, actor: Actor) -> Json<serde_json::Value> {
    let now = parts.clock.wall();
    let list = parts.login.sessions.list(parts.login.password.fingerprint(), now);
    let shown = list.into_iter().map(|(hash, session)| Shown {
        id: name(&hash),
        begun: time::iso(session.begun),
        used: time::iso(session.used),
        idle_ms: millis(now.duration_since(session.used).unwrap_or_default()),
        address: session.address.map(|address| address.to_string()),
        agent: session.agent,
        current: actor == Actor::Session(hash),
    });
    Json(json!({ "sessions": shown.collect::<Vec<_>>() }))
}

/// Ends a session.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", responses((status = 204)))]
pub(super) async fn revoke(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    FromPath(id): FromPath<String>,
) -> Result<StatusCode, Problem> {
    actor.is_known()?;
    let list = parts.login.sessions.list(parts.login.password.fingerprint(), parts.clock.wall());
    let found = list.into_iter().map(|(hash, _)| hash).find(|hash| name(hash) == id);
    let Some(found) = found else {
        return Err(Problem::missing(format!("there is no session `{id}`")));
    };
    forget(&parts, vec![found]).await?;
    audited(&parts, &by, "session.revoke", &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions: everybody has to log in again.
#[utoipa::path(delete, path = "/api/auth/sessions", responses((status = 204)))]
pub(super) async fn revoke_all(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
) -> Result<StatusCode, Problem> {
    actor.is_known()?;
    let list = parts.login.sessions.list(parts.login.password.fingerprint(), parts.clock.wall());
    forget(&parts, list.into_iter().map(|(hash, _)| hash).collect()).await?;
    audited(&parts, &by, "session.revoke", "all").await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn forget(parts: &Parts, sessions: Vec<SessionHash>) -> Result<(), Problem> {
    for session in &sessions {
        parts.login.sessions.end(session);
    }
    match &parts.store {
        Some(store) => Ok(store.forget_sessions(sessions).await?),
        None => Ok(()),
    }
}

/// What a session is called: the beginning of its hash, which opens nothing.
fn name(hash: &SessionHash) -> String {
    hex::encode(&hash[..NAME_BYTES])
}
