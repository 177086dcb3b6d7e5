//! Why a request went, or would go, where it does.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use omniroute_core::error::Error;
use omniroute_core::ids::{AccountId, ProviderId};
use omniroute_core::routing::{self, Explanation, Facts};
use serde::Deserialize;

use super::Parts;
use super::given::{self, FromPath};
use super::problem::Problem;

/// A request that has not been sent.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Question)]
pub(super) struct Ask {
    /// The model as a client would write it.
    model: String,
    /// The provider, if it is asked on its own route.
    provider: Option<String>,
    /// The name of the client key that would be used.
    client_key: Option<String>,
    /// Tokens that the request would take.
    #[serde(default)]
    tokens: u64,
    /// The seed of chance; the same seed gives the same order.
    #[serde(default)]
    seed: u64,
    /// The account that served the same conversation last.
    last_account: Option<String>,
}

/// Tells where a request would go, and why. Nothing is sent.
#[utoipa::path(
    post,
    path = "/api/explain",
    request_body = Ask,
    responses((status = 200, content((Object = "application/json"), (String = "text/plain"))))
)]
pub(super) async fn ask(
    State(parts): State<Parts>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let ask: Ask = given::json(&body)?;
    let snapshot = parts.live.load();
    let provider = ask.provider.map(ProviderId::new);
    let mut route = routing::route(&snapshot, provider.as_ref(), &ask.model);
    let mut caller = None;
    if let Some(name) = &ask.client_key {
        let key = snapshot.client_keys.named(name).ok_or_else(|| {
            let what = format!("no client key is named `{name}`");
            Problem::new(StatusCode::NOT_FOUND, "not_found", what)
        })?;
        if !key.allows(&ask.model) {
            let what = format!("the API key `{name}` may not use the model `{}`", ask.model);
            route = Err(Error::Forbidden { what });
        }
        caller = Some(&**key);
    }
    let facts = Facts {
        tokens: ask.tokens,
        seed: ask.seed,
        last_account: ask.last_account.map(AccountId::new),
        blocked_providers: snapshot.filters.blocked_providers(),
    };
    let now = parts.clock.now();
    let explanation = routing::explain(&snapshot, (&ask.model, route), (caller, facts), now);
    Ok(answer(&explanation, &headers))
}

/// Tells why a request went where it went.
#[utoipa::path(
    get,
    path = "/api/requests/{id}/explain",
    responses((status = 200, content((Object = "application/json"), (String = "text/plain"))))
)]
pub(super) async fn of_request(
    State(parts): State<Parts>,
    FromPath(id): FromPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let decision = parts.explained.find(&id).ok_or_else(|| {
        let what = "this request is not known (any more): the latest 4,096 that were sent to a \
                    provider since the start are kept";
        Problem::new(StatusCode::NOT_FOUND, "not_found", what)
    })?;
    Ok(answer(&Explanation::from(&*decision), &headers))
}

/// Answers in words to whoever asks for `text/plain`, else as JSON.
fn answer(explanation: &Explanation, headers: &HeaderMap) -> Response {
    let wants_words = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.starts_with("text/plain"));
    if wants_words {
        explanation.to_string().into_response()
    } else {
        Json(explanation).into_response()
    }
}
