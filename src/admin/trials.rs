//! Trying an account: does its provider answer it?

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use omniroute_core::error::quoted;
use omniroute_core::snapshot::{Account, ModelKind, Snapshot};
use serde::Deserialize;
use serde_json::json;

use super::Parts;
use super::given::{self, FromPath};
use super::problem::Problem;
use crate::proxy::trial::{Trial, trial};

/// What paths of a trial end with.
const END: &str = "/test";

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountTrial)]
struct Ask {
    /// The model to ask; the provider's first by name if none is given.
    model: Option<String>,
}

/// Asks an account one short question, and tells what came of it.
#[utoipa::path(post, path = "/api/providers/{*id}", request_body(content = Option<Ask>))]
pub(super) async fn account(
    State(parts): State<Parts>,
    FromPath(path): FromPath<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Some(id) = path.strip_suffix(END) else {
        let what = "an account is changed with PUT or PATCH; POST is for `…/test`";
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", what));
    };
    let ask: Option<Ask> = given::json_if_any(&body)?;
    let snapshot = parts.live.load();
    let account = find(&snapshot, id)?;
    let model = match ask.and_then(|ask| ask.model) {
        Some(model) => model,
        None => first_model(account)?,
    };
    let tried = trial(&parts.fetch, (account, &model), &snapshot, &parts.clock).await;
    let tried = tried.map_err(|error| Problem::field("model", error.to_string()))?;
    Ok(Json(shown(&tried, &parts)).into_response())
}

fn shown(tried: &Trial, parts: &Parts) -> serde_json::Value {
    json!({
        "valid": tried.valid,
        "model": tried.model,
        "error": tried.error,
        "diagnosis": { "type": tried.reason.unwrap_or("ok"), "message": tried.error },
        "latencyMs": tried.latency_ms,
        "statusCode": tried.status,
        "testedAt": super::time::iso(parts.clock.wall()),
    })
}

fn find<'a>(snapshot: &'a Snapshot, id: &str) -> Result<&'a Arc<Account>, Problem> {
    let found = snapshot.accounts.values().flatten().find(|account| account.id.as_str() == id);
    found.ok_or_else(|| {
        let what = "there is no account of this name that is enabled";
        Problem::missing(format!("{what}: `{}`", quoted(id)))
    })
}

/// Returns the chat model that a trial asks if nobody says which.
fn first_model(account: &Account) -> Result<String, Problem> {
    let models = account.provider.models.iter();
    let chat = models.filter(|(_, model)| model.kind == ModelKind::Chat).map(|(id, _)| id);
    chat.min().map(ToString::to_string).ok_or_else(|| {
        let provider = &account.provider.id;
        let what = format!("no model of provider `{provider}` is known; write which to ask");
        Problem::field("model", what)
    })
}
