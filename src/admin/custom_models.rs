//! Models that are added to a provider by hand, in the guide's words.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::error::quoted;
use omniroute_core::ids::ProviderId;
use omniroute_core::written::{Kind, Origin};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Parts;
use super::actor::Author;
use super::change::{Edit, To, apply};
use super::given::{self, FromQuery};
use super::problem::Problem;

/// Longest id of a model, in characters.
const MAX_ID_CHARS: usize = 240;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AddedModel)]
pub(super) struct Added {
    provider: String,
    model_id: String,
    model_name: Option<String>,
    /// `chat`, `embedding`, `image`, …
    kind: Option<String>,
    context_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    /// Who added it, and how it is called; the existing product's fields, of no effect here.
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(rename = "apiFormat")]
    _api_format: Option<String>,
    #[serde(rename = "supportedEndpoints")]
    _supported_endpoints: Option<Vec<String>>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Named {
    provider: Option<String>,
    model: Option<String>,
}

/// Adds a model to a provider, or changes it.
#[utoipa::path(post, path = "/api/provider-models", request_body = Added)]
pub(super) async fn add(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let added: Added = given::json(&body)?;
    let provider = known(&parts, &added.provider)?;
    if added.model_id.trim().is_empty() || added.model_id.chars().count() > MAX_ID_CHARS {
        let what = format!("a model's id has from 1 to {MAX_ID_CHARS} characters");
        return Err(Problem::field("modelId", what));
    }
    let mut value = Map::new();
    let fields = [
        ("name", added.model_name.map(Value::from)),
        ("kind", added.kind.map(Value::from)),
        ("context_tokens", added.context_tokens.map(Value::from)),
        ("max_output_tokens", added.max_output_tokens.map(Value::from)),
    ];
    for (name, field) in fields {
        value.extend(field.map(|field| (name.to_owned(), field)));
    }
    let name = format!("{provider}/{}", added.model_id);
    let to = To::Put(Value::Object(value));
    apply(&parts, by, vec![Edit { kind: Kind::Model, name: name.clone(), to, expected: None }])
        .await?;
    let view = parts.live.basis().written.view(Kind::Model, &name);
    let view = view.ok_or_else(Problem::internal)?;
    Ok(Json(json!({ "model": model(&added.model_id, &view.value) })))
}

/// Lists the models that were added by hand.
#[utoipa::path(get, path = "/api/provider-models", params(Named))]
pub(super) async fn list(
    State(parts): State<Parts>,
    FromQuery(named): FromQuery<Named>,
) -> Result<Json<Value>, Problem> {
    let provider = named.provider.map(|provider| known(&parts, &provider)).transpose()?;
    let views = parts.live.basis().written.views(Kind::Model);
    let mut by_provider: Map<String, Value> = Map::new();
    for view in views.into_iter().filter(|view| view.origin == Origin::Dashboard) {
        let Some((of, id)) = view.name.split_once('/') else { continue };
        let models = by_provider.entry(of.to_owned()).or_insert_with(|| json!([]));
        if let Value::Array(models) = models {
            models.push(model(id, &view.value));
        }
    }
    let models = match provider {
        Some(provider) => by_provider.shift_remove(provider.as_str()).unwrap_or_else(|| json!([])),
        None => Value::Object(by_provider),
    };
    Ok(Json(json!({ "models": models })))
}

/// Removes a model that was added by hand.
#[utoipa::path(delete, path = "/api/provider-models", params(Named))]
pub(super) async fn remove(
    State(parts): State<Parts>,
    by: Author,
    FromQuery(named): FromQuery<Named>,
) -> Result<Json<Value>, Problem> {
    let missing = |field| Problem::field(field, "it is missing from the query");
    let provider = known(&parts, &named.provider.ok_or_else(|| missing("provider"))?)?;
    let model = named.model.ok_or_else(|| missing("model"))?;
    let name = format!("{provider}/{model}");
    let is_there = parts.live.basis().written.view(Kind::Model, &name).is_some();
    if is_there {
        let edit = Edit { kind: Kind::Model, name, to: To::Gone, expected: None };
        apply(&parts, by, vec![edit]).await?;
    }
    Ok(Json(json!({ "removed": is_there })))
}

fn model(id: &str, value: &Value) -> Value {
    let name = value.get("name").cloned().unwrap_or_else(|| json!(id));
    let mut model = json!({ "id": id, "name": name, "source": "manual" });
    if let (Value::Object(model), Value::Object(value)) = (&mut model, value) {
        model.extend(value.clone());
    }
    model
}

/// Finds a provider by its id or prefix.
///
/// # Errors
///
/// That there is none.
pub(super) fn known(parts: &Parts, name: &str) -> Result<ProviderId, Problem> {
    let snapshot = parts.live.load();
    let found = snapshot.by_prefix.get(name).map(|provider| provider.id.clone());
    let id = ProviderId::new(name);
    found.or_else(|| snapshot.providers.contains_key(&id).then_some(id)).ok_or_else(|| {
        Problem::field("provider", format!("there is no provider `{}`", quoted(name)))
    })
}
