//! Answers that are given again: what they save, and forgetting them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Parts;
use super::openapi::also_at;

/// What kept answers did since the start.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CacheStats)]
pub(super) struct Stats {
    /// Answers kept now.
    entries: usize,
    /// Bytes of their bodies.
    bytes: usize,
    hits: u64,
    misses: u64,
    /// Requests that could have been answered but for `X-OmniRoute-No-Cache`.
    bypassed: u64,
    /// Hits among hits and misses, from 0 to 1; `null` before the first of them.
    hit_rate: Option<f64>,
    saved: SavedNow,
    idempotency: Ids,
}

/// What hits saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SavedNow {
    input_tokens: u64,
    output_tokens: u64,
    /// Dollars with all their digits, of those answers whose price is known.
    cost_usd: String,
}

/// Calls by the ids their clients gave them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Ids {
    /// Ids that are known now: of calls under way and of those whose window is open.
    active: usize,
    /// Bytes of the answers that are given again within their windows.
    bytes: usize,
}

/// The numbers by the names that the product had which this one replaces.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CacheOverview)]
struct Overview {
    semantic_cache: SemanticCache,
    idempotency: ActiveKeys,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SemanticCache {
    memory_entries: usize,
    /// Nothing is kept on disk.
    db_entries: usize,
    hits: u64,
    misses: u64,
    /// In per cent with one decimal; 0 before the first.
    hit_rate: f64,
    tokens_saved: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActiveKeys {
    active_keys: usize,
}

/// How many answers were forgotten.
#[derive(Debug, Serialize, ToSchema)]
struct Cleared {
    cleared: usize,
}

/// Makes the routes of the cache.
pub(super) fn routes() -> OpenApiRouter<Parts> {
    OpenApiRouter::default()
        .routes(routes!(overview, clear))
        .routes(routes!(stats))
        .routes(also_at("/api/cache/stats", routes!(clear)))
}

/// Tells what kept answers did since the start.
#[utoipa::path(get, path = "/api/cache/stats", responses((status = 200, body = Stats)))]
async fn stats(State(parts): State<Parts>) -> Json<Stats> {
    Json(Stats::of(&parts))
}

/// Tells what kept answers did, in the existing product's words.
#[utoipa::path(get, path = "/api/cache", responses((status = 200, body = Overview)))]
async fn overview(State(parts): State<Parts>) -> Json<Overview> {
    let stats = parts.state.answers.stats();
    let (active_keys, _) = parts.state.flights.held(parts.clock.now());
    Json(Overview {
        semantic_cache: SemanticCache {
            memory_entries: stats.entries,
            db_entries: 0,
            hits: stats.hits,
            misses: stats.misses,
            hit_rate: (hit_rate(stats.hits, stats.misses).unwrap_or_default() * 1000.0).round()
                / 10.0,
            tokens_saved: stats.saved.input.saturating_add(stats.saved.output),
        },
        idempotency: ActiveKeys { active_keys },
    })
}

/// Forgets the kept answers. What was counted stays.
#[utoipa::path(delete, path = "/api/cache", responses((status = 200, body = Cleared)))]
async fn clear(State(parts): State<Parts>) -> Json<Cleared> {
    let cleared = parts.state.answers.clear();
    tracing::info!(cleared, "kept answers were forgotten through the administration");
    Json(Cleared { cleared })
}

impl Stats {
    /// Takes the numbers of now.
    pub(super) fn of(parts: &Parts) -> Self {
        let stats = parts.state.answers.stats();
        let (active, bytes) = parts.state.flights.held(parts.clock.now());
        Self {
            entries: stats.entries,
            bytes: stats.bytes,
            hits: stats.hits,
            misses: stats.misses,
            bypassed: stats.bypassed,
            hit_rate: hit_rate(stats.hits, stats.misses),
            saved: SavedNow {
                input_tokens: stats.saved.input,
                output_tokens: stats.saved.output,
                cost_usd: stats.saved.cost.in_digits(),
            },
            idempotency: Ids { active, bytes },
        }
    }
}

/// Returns the share of hits, from 0 to 1; `None` while nobody has asked.
#[expect(clippy::cast_precision_loss, reason = "a share is no count")]
pub(super) fn hit_rate(hits: u64, misses: u64) -> Option<f64> {
    let asked = hits.saturating_add(misses);
    (asked > 0).then(|| hits as f64 / asked as f64)
}
