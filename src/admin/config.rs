//! The configuration as a whole: what is in force, what a change would do, several changes at once, and
//! the way back.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::snapshot::ConfigFile;
use omniroute_core::written::{Kind, StoredObject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::actor::{Actor, Author};
use super::blocking::blocking;
use super::change::{Changed, Edit, To, apply, audited, go_back, planned};
use super::given::{self, FromPath};
use super::problem::Problem;
use super::{Parts, time};

/// Most changes of one request.
const MAX_CHANGES: usize = 1000;

/// Tells which configuration is in force.
#[utoipa::path(get, path = "/api/config")]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Value> {
    let basis = parts.live.basis();
    Json(json!({
        "generation": basis.number,
        "file": parts.live.source().file().map(|path| path.display().to_string()),
        "fileHeldBack": basis.held.is_some(),
        "objects": basis.objects.len(),
        "restartRequired": basis.restart_required,
        "problem": parts.live.problem().as_deref(),
    }))
}

/// Reads the configuration file again.
#[utoipa::path(post, path = "/api/config/reload")]
pub(super) async fn reload(State(parts): State<Parts>, by: Author) -> Result<Json<Value>, Problem> {
    let live = Arc::clone(&parts.live);
    let snapshot = blocking(move || Ok(live.reload()?)).await?;
    audited(&parts, &by, "config.reload", &format!("generation {}", snapshot.revision)).await?;
    let restart_required = parts.live.basis().restart_required.clone();
    Ok(Json(json!({
        "generation": snapshot.revision,
        "restartRequired": restart_required,
    })))
}

/// Changes that are made together.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Changes)]
pub(super) struct Wanted {
    /// A text in the place of the file; for plans only.
    file: Option<String>,
    #[serde(default)]
    changes: Vec<WantedChange>,
}

/// One of them.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Change)]
struct WantedChange {
    /// `account`, `combo`, `fallback chain`, …
    kind: String,
    name: String,
    /// The new value in the shape of the file; `null` removes the object.
    value: Value,
}

impl Wanted {
    fn edits(self) -> Result<Vec<Edit>, Problem> {
        if self.changes.len() > MAX_CHANGES {
            let what = format!("at most {MAX_CHANGES} changes at once");
            return Err(Problem::field("changes", what));
        }
        let edits = self.changes.into_iter().enumerate().map(|(index, change)| {
            let kind = Kind::named(&change.kind.replace(['-', '_'], " ")).ok_or_else(|| {
                let known = Kind::ALL.map(Kind::word).join(", ");
                Problem::field(format!("changes[{index}].kind"), format!("there are: {known}"))
            })?;
            let to = if change.value.is_null() { To::Gone } else { To::Put(change.value) };
            Ok(Edit { kind, name: change.name, to, expected: None })
        });
        edits.collect()
    }
}

/// Says what changes would come to; changes nothing.
#[utoipa::path(post, path = "/api/config/plan", request_body = Wanted)]
pub(super) async fn plan(State(parts): State<Parts>, body: Bytes) -> Result<Json<Value>, Problem> {
    let wanted: Wanted = given::json(&body)?;
    let file = wanted.file.clone().map(|text| ConfigFile { name: "file".to_owned(), text });
    let edits = wanted.edits()?;
    let live = Arc::clone(&parts.live);
    let candidate = blocking(move || {
        let objects: Arc<[StoredObject]> = planned(&live.basis(), edits)?;
        Ok(live.plan(objects, file)?)
    })
    .await?;
    Ok(Json(json!({
        "changes": candidate.changes,
        "restartRequired": candidate.basis().restart_required,
    })))
}

/// Makes changes of the dashboard's objects, all or nothing.
#[utoipa::path(post, path = "/api/config/apply", request_body = Wanted)]
pub(super) async fn apply_all(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let wanted: Wanted = given::json(&body)?;
    if wanted.file.is_some() {
        let what = "the file is edited where it is; save it there, or plan it here";
        return Err(Problem::field("file", what));
    }
    if wanted.changes.is_empty() {
        return Err(Problem::field("changes", "there is nothing to change"));
    }
    changed(apply(&parts, by, wanted.edits()?).await?)
}

fn changed(changed: Changed) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "generation": changed.generation, "changes": changed.changes })))
}

/// Lists the generations that are kept.
#[utoipa::path(get, path = "/api/config/generations")]
pub(super) async fn generations(State(parts): State<Parts>) -> Result<Json<Value>, Problem> {
    let store = parts.store()?;
    let current = parts.live.basis().number;
    let generations = store.generations().await?;
    let shown = generations.iter().map(|generation| {
        json!({
            "generation": generation.number,
            "at": time::iso(generation.at),
            "changes": generation.changes,
            "current": generation.number == current,
        })
    });
    Ok(Json(json!({ "generations": shown.collect::<Vec<_>>() })))
}

/// Goes back to a generation, the file's part included.
#[utoipa::path(post, path = "/api/config/rollback/{generation}", params(("generation" = u64, Path)))]
pub(super) async fn rollback(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    FromPath(number): FromPath<u64>,
) -> Result<Json<Value>, Problem> {
    actor.is_known()?;
    let store = parts.store()?;
    let generations = store.generations().await?;
    let kept: Vec<String> = generations.iter().map(|g| g.number.to_string()).collect();
    let found = generations.into_iter().find(|generation| generation.number == number);
    let Some(found) = found else {
        let what = format!("generation {number} is not kept; there are: {}", kept.join(", "));
        return Err(Problem::missing(what));
    };
    changed(go_back(&parts, by, found).await?)
}
