//! Accounts by the existing product's name and fields: connections of `/api/providers`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use omniroute_core::written::{Kind, View};
use serde_json::{Map, Value, json};

use super::Parts;
use super::actor::Author;
use super::change::{Edit, To, apply};
use super::given::{self, FromPath};
use super::if_match::IfMatch;
use super::objects::{self, revision};
use super::problem::Problem;
use crate::live::Basis;

/// Fields of connections, and what they are called here.
const OTHER_NAMES: [(&str, &str); 3] =
    [("apiKey", "key"), ("isActive", "enabled"), ("baseUrl", "base_url")];

/// What a list shows besides, and takes back without a meaning.
const SHOWN_ONLY: [&str; 7] =
    ["authType", "createdAt", "id", "origin", "revision", "testStatus", "updatedAt"];

/// Longest id made of a name, in characters.
const MAX_ID_CHARS: usize = 64;

/// Lists accounts in the existing product's fields.
#[utoipa::path(get, path = "/api/providers")]
pub(super) async fn list(State(parts): State<Parts>) -> Json<Value> {
    let basis = parts.live.basis();
    let views = basis.written.views(Kind::Account);
    let shown: Vec<_> = views.into_iter().map(|view| shown(view, &basis)).collect();
    Json(json!({ "connections": shown }))
}

fn shown(view: View, basis: &Basis) -> Value {
    let field = |name: &str| view.value.get(name).cloned();
    let auth = if field("key").is_some() { "apikey" } else { "none" };
    json!({
        "id": view.name,
        "name": view.name,
        "provider": field("provider"),
        "authType": auth,
        "priority": field("priority").unwrap_or(json!(1)),
        "isActive": field("enabled").unwrap_or(json!(true)),
        "baseUrl": field("base_url"),
        "origin": view.origin.word(),
        "revision": revision(basis, Kind::Account, &view.name),
    })
}

/// Shows an account in the existing product's fields.
#[utoipa::path(get, path = "/api/providers/{*id}")]
pub(super) async fn show(
    State(parts): State<Parts>,
    FromPath(id): FromPath<String>,
) -> Result<Json<Value>, Problem> {
    one(&parts, &id).map(|connection| Json(json!({ "connection": connection })))
}

fn one(parts: &Parts, id: &str) -> Result<Value, Problem> {
    let basis = parts.live.basis();
    objects::find(&basis, Kind::Account, id).map(|view| shown(view, &basis))
}

/// Adds an account. Its id is made of the name.
#[utoipa::path(post, path = "/api/providers", request_body = Object, responses((status = 201, body = Object)))]
pub(super) async fn add(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Response, Problem> {
    let (name, value) = read(&body)?;
    let name = name.ok_or_else(|| Problem::field("name", "it is missing"))?;
    let id = id_of(&name);
    if id.is_empty() {
        return Err(Problem::field("name", "it holds neither a letter nor a digit"));
    }
    let to = To::New(Value::Object(value));
    let edit = Edit { kind: Kind::Account, name: id.clone(), to, expected: None };
    apply(&parts, by, vec![edit]).await?;
    let connection = one(&parts, &id)?;
    Ok((StatusCode::CREATED, Json(json!({ "connection": connection }))).into_response())
}

/// Changes the fields that are given.
#[utoipa::path(method(put, patch), path = "/api/providers/{*id}", params(IfMatch), request_body = Object)]
pub(super) async fn change(
    State(parts): State<Parts>,
    by: Author,
    FromPath(id): FromPath<String>,
    IfMatch(expected): IfMatch,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    one(&parts, &id)?;
    let (name, value) = read(&body)?;
    if name.is_some_and(|name| id_of(&name) != id) {
        let what = "an account keeps its name: usage is counted under it; add another one instead";
        return Err(Problem::field("name", what));
    }
    let to = To::Merged(Value::Object(value));
    let edit = Edit { kind: Kind::Account, name: id.clone(), to, expected };
    apply(&parts, by, vec![edit]).await?;
    one(&parts, &id).map(|connection| Json(json!({ "connection": connection })))
}

/// Removes an account.
#[utoipa::path(delete, path = "/api/providers/{*id}", params(IfMatch))]
pub(super) async fn remove(
    State(parts): State<Parts>,
    by: Author,
    FromPath(id): FromPath<String>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Value>, Problem> {
    let edit = Edit { kind: Kind::Account, name: id, to: To::Gone, expected };
    apply(&parts, by, vec![edit]).await?;
    Ok(Json(json!({ "success": true })))
}

fn read(body: &[u8]) -> Result<(Option<String>, Map<String, Value>), Problem> {
    let mut value = given::renamed(body, &SHOWN_ONLY, &OTHER_NAMES)?;
    match value.shift_remove("name") {
        None => Ok((None, value)),
        Some(Value::String(name)) => Ok((Some(name), value)),
        Some(_) => Err(Problem::field("name", "a text is expected")),
    }
}

/// Makes an id of a name: letters, digits, `-`, `_` and `.`; anything else becomes `-`.
fn id_of(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let id: String = name.trim().chars().map(|c| if fits(c) { c } else { '-' }).collect();
    id.trim_matches('-').chars().take(MAX_ID_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_what_fits_into_one() {
        assert_eq!(id_of(" My key (work) "), "My-key--work");
        assert_eq!(id_of("team.a_1"), "team.a_1");
        assert_eq!(id_of("日本"), "");
    }
}
