//! The models of the catalogue, grouped by provider.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use omniroute_core::snapshot::{ModelKind, Provider};
use serde::Serialize;

use super::Parts;

/// `{"catalog": {prefix: {…}}}`
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Catalog {
    catalog: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ProviderModels)]
struct Entry {
    /// The provider's id.
    provider: String,
    /// Whether it has an account and is not blocked.
    active: bool,
    models: Vec<Known>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = KnownModel)]
struct Known {
    /// As clients write it.
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Lists the models that are known, by provider.
#[utoipa::path(get, path = "/api/models/catalog", responses((status = 200, body = Catalog)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Catalog> {
    let snapshot = parts.live.load();
    let blocked = snapshot.filters.blocked_providers();
    let entry = |provider: &Provider| Entry {
        provider: provider.id.to_string(),
        active: !snapshot.accounts_of(&provider.id).is_empty() && !blocked.contains(&provider.id),
        models: models(provider),
    };
    let providers = snapshot.providers.values();
    let catalog =
        providers.map(|provider| (provider.prefix.to_string(), entry(provider))).collect();
    Json(Catalog { catalog })
}

fn models(provider: &Provider) -> Vec<Known> {
    let known = provider.models.iter().map(|(name, model)| Known {
        id: format!("{}/{name}", provider.prefix),
        name: model.name.as_deref().unwrap_or(name).to_owned(),
        kind: word(model.kind),
    });
    let mut models: Vec<Known> = known.collect();
    models.sort_by(|a, b| a.id.cmp(&b.id));
    models
}

const fn word(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Chat => "chat",
        ModelKind::Embeddings => "embedding",
        ModelKind::Images => "image",
        ModelKind::Transcription => "transcription",
        ModelKind::Speech => "speech",
        ModelKind::Moderation => "moderation",
        ModelKind::Rerank => "rerank",
    }
}
