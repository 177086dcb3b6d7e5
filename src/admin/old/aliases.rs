//! Exact aliases under the existing product's two names for them. Aliases with wildcards are at
//! `/api/aliases`, and shown by `/api/settings`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::written::{Kind, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::changed;
use crate::admin::Parts;
use crate::admin::actor::Author;
use crate::admin::change::{Edit, To};
use crate::admin::given::{self, FromQuery};
use crate::admin::problem::Problem;
use crate::live::Basis;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AliasesByName)]
pub(super) struct All {
    /// What each name stands for.
    aliases: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AliasFromTo)]
pub(super) struct FromTo {
    from: String,
    to: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AliasFrom)]
pub(super) struct From {
    from: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AliasOfModel)]
pub(super) struct OfModel {
    model: String,
    alias: String,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Named {
    alias: Option<String>,
}

/// Shows the exact aliases; none are built in.
#[utoipa::path(get, path = "/api/settings/model-aliases")]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Value> {
    Json(now(&parts))
}

fn now(parts: &Parts) -> Value {
    let all = by_name(&parts.live.basis());
    json!({ "builtIn": {}, "custom": all, "all": all })
}

fn by_name(basis: &Basis) -> Map<String, Value> {
    exact(basis).map(|view| (view.name, view.value)).collect()
}

fn exact(basis: &Basis) -> impl Iterator<Item = View> {
    basis.written.views(Kind::Alias).into_iter().filter(|view| !is_pattern(&view.name))
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Sets all exact aliases: those that are not named go.
#[utoipa::path(put, path = "/api/settings/model-aliases", request_body = All)]
pub(super) async fn replace(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let All { aliases } = given::json(&body)?;
    changed(&parts, &by, |basis| {
        let before = by_name(basis);
        let gone = before.keys().filter(|name| !aliases.contains_key(*name)).map(|name| gone(name));
        let mut edits: Vec<Edit> = gone.collect();
        for (name, target) in &aliases {
            if before.get(name).and_then(Value::as_str) != Some(target) {
                edits.push(put(name, target)?);
            }
        }
        Ok(edits)
    })
    .await?;
    Ok(Json(now(&parts)))
}

/// Sets one exact alias.
#[utoipa::path(post, path = "/api/settings/model-aliases", request_body = FromTo)]
pub(super) async fn add(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let FromTo { from, to } = given::json(&body)?;
    changed(&parts, &by, |_| Ok(vec![put(&from, &to)?])).await?;
    Ok(Json(now(&parts)))
}

/// Removes an exact alias.
#[utoipa::path(delete, path = "/api/settings/model-aliases", request_body = From)]
pub(super) async fn remove(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let From { from } = given::json(&body)?;
    checked(&from)?;
    changed(&parts, &by, |_| Ok(vec![gone(&from)])).await?;
    Ok(Json(now(&parts)))
}

/// Shows what models are called besides.
#[utoipa::path(get, path = "/api/models/alias")]
pub(super) async fn of_models(State(parts): State<Parts>) -> Json<Value> {
    Json(json!({ "aliases": by_name(&parts.live.basis()) }))
}

/// Gives a model another name.
#[utoipa::path(put, path = "/api/models/alias", request_body = OfModel)]
pub(super) async fn name_model(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let OfModel { model, alias } = given::json(&body)?;
    changed(&parts, &by, |_| Ok(vec![put(&alias, &model)?])).await?;
    Ok(Json(json!({ "success": true, "model": model, "alias": alias })))
}

/// Takes another name of a model away.
#[utoipa::path(delete, path = "/api/models/alias", params(Named))]
pub(super) async fn forget(
    State(parts): State<Parts>,
    by: Author,
    FromQuery(named): FromQuery<Named>,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::field("alias", "it is missing from the query");
    let alias = named.alias.ok_or_else(missing)?;
    checked(&alias)?;
    changed(&parts, &by, |_| Ok(vec![gone(&alias)])).await?;
    Ok(Json(json!({ "success": true })))
}

fn put(name: &str, target: &str) -> Result<Edit, Problem> {
    checked(name)?;
    let to = To::Put(json!(target));
    Ok(Edit { kind: Kind::Alias, name: name.to_owned(), to, expected: None })
}

fn gone(name: &str) -> Edit {
    Edit { kind: Kind::Alias, name: name.to_owned(), to: To::Gone, expected: None }
}

/// Refuses names that are patterns.
fn checked(name: &str) -> Result<(), Problem> {
    if is_pattern(name) {
        let what = "a name with `*` or `?` is a pattern; /api/aliases has those";
        return Err(Problem::field("alias", what));
    }
    Ok(())
}
