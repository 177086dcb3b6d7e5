//! Whether somebody at this machine has to log in (`admin.require_login`) under the existing product's name.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{changed, edit_of};
use crate::admin::Parts;
use crate::admin::actor::{Actor, Author};
use crate::admin::given;
use crate::admin::problem::Problem;

const NAME: &str = "admin.require_login";

/// Whether somebody at this machine has to log in; from elsewhere everybody has to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequireLogin {
    require_login: bool,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RequireLoginChanges)]
pub(super) struct Wanted {
    require_login: Option<bool>,
    /// Not here.
    #[schema(value_type = Option<String>)]
    password: Option<serde_json::Value>,
}

/// Shows whether somebody at this machine has to log in.
#[utoipa::path(get, path = "/api/settings/require-login", responses((status = 200, body = RequireLogin)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<RequireLogin> {
    Json(RequireLogin { require_login: parts.live.load().require_login })
}

/// Says whether somebody at this machine has to log in.
#[utoipa::path(
    post,
    path = "/api/settings/require-login",
    request_body = Wanted,
    responses((status = 200, body = RequireLogin))
)]
pub(super) async fn change(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    body: Bytes,
) -> Result<Json<RequireLogin>, Problem> {
    actor.is_known()?;
    let wanted: Wanted = given::json(&body)?;
    if wanted.password.is_some() {
        let what = "POST /api/auth/password changes the password: it wants the old one too";
        return Err(Problem::field("password", what));
    }
    let Some(is_required) = wanted.require_login else {
        return Err(Problem::field("requireLogin", "it is missing"));
    };
    changed(&parts, &by, |basis| edit_of(NAME, json!(is_required), basis, &by)).await?;
    Ok(show(State(parts)).await)
}
