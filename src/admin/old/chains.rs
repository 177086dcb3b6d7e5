//! Fallback chains in the existing product's form: by model, the providers that have it in order.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::snapshot::Snapshot;
use omniroute_core::written::Kind;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::changed;
use crate::admin::Parts;
use crate::admin::actor::Author;
use crate::admin::change::{Edit, To};
use crate::admin::problem::Problem;
use crate::admin::{custom_models, given};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChainOfModel)]
pub(super) struct Wanted {
    /// The model's id, the same at all providers.
    model: String,
    chain: Vec<Link>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChainLink)]
struct Link {
    /// A provider's id or prefix.
    provider: String,
    /// Lower goes first; links without one go last, in their order.
    priority: Option<u32>,
    #[serde(default = "yes")]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChainName)]
pub(super) struct Named {
    model: String,
}

/// Shows fallback chains by model.
#[utoipa::path(get, path = "/api/fallback/chains")]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Value> {
    let snapshot = parts.live.load();
    let views = parts.live.basis().written.views(Kind::FallbackChain).into_iter();
    let chains = views.map(|view| {
        let targets = view.value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let links =
            targets.enumerate().map(|(at, target)| link(&snapshot, &view.name, (at, target)));
        let links: Value = links.collect();
        (view.name.clone(), links)
    });
    Json(Value::Object(Map::from_iter(chains)))
}

/// Shows a link; what it leads to besides the provider only where that is another model.
fn link(snapshot: &Snapshot, chain: &str, (at, target): (usize, &str)) -> Value {
    let same = target.strip_suffix(chain).and_then(|rest| rest.strip_suffix('/'));
    let prefix = same.or_else(|| Some(target.split_once('/')?.0));
    let provider = prefix.and_then(|prefix| snapshot.by_prefix.get(prefix));
    let mut link = json!({
        "provider": provider.map(|provider| provider.id.as_str()),
        "priority": at + 1,
        "enabled": true,
    });
    if same.is_none() || provider.is_none() {
        link["model"] = json!(target);
    }
    link
}

/// Sets the fallback chain of a model: its providers in order.
#[utoipa::path(post, path = "/api/fallback/chains", request_body = Wanted)]
pub(super) async fn set(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let Wanted { model, chain } = given::json(&body)?;
    let targets = targets(&parts, &model, chain)?;
    let to = To::Put(json!(targets));
    let edit = Edit { kind: Kind::FallbackChain, name: model.clone(), to, expected: None };
    changed(&parts, &by, |_| Ok(vec![edit.clone()])).await?;
    Ok(Json(json!({ "success": true, "model": model })))
}

fn targets(parts: &Parts, model: &str, mut chain: Vec<Link>) -> Result<Vec<String>, Problem> {
    if chain.is_empty() {
        return Err(Problem::field("chain", "it names no provider; DELETE removes a chain"));
    }
    if let Some(at) = chain.iter().position(|link| !link.enabled) {
        let what = "a link that is off is not kept here; leave it out";
        return Err(Problem::field(format!("chain[{at}].enabled"), what));
    }
    chain.sort_by_key(|link| link.priority.unwrap_or(u32::MAX));
    let snapshot = parts.live.load();
    let target = |link: Link| {
        let id = custom_models::known(parts, &link.provider)?;
        let prefix = snapshot.providers.get(&id).map_or(id.as_str(), |provider| &*provider.prefix);
        Ok(format!("{prefix}/{model}"))
    };
    chain.into_iter().map(target).collect()
}

/// Removes the fallback chain of a model.
#[utoipa::path(delete, path = "/api/fallback/chains", request_body = Named)]
pub(super) async fn remove(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let Named { model } = given::json(&body)?;
    let is_there = parts.live.basis().written.view(Kind::FallbackChain, &model).is_some();
    if is_there {
        let edit = Edit { kind: Kind::FallbackChain, name: model, to: To::Gone, expected: None };
        changed(&parts, &by, |_| Ok(vec![edit.clone()])).await?;
    }
    Ok(Json(json!({ "success": true, "removed": is_there })))
}
