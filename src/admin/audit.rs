//! The audit log.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Parts;
use super::blocking::blocking;
use super::page;
use super::problem::Problem;

/// Entries of a page unless the request says otherwise.
const DEFAULT: usize = 100;

/// Which part of the log is asked for.
#[derive(Deserialize)]
pub(super) struct Part {
    /// Only entries with smaller numbers.
    before: Option<u64>,
    limit: Option<usize>,
}

/// `GET /api/audit`: the newest entries first.
pub(super) async fn list(
    State(parts): State<Parts>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, Problem> {
    let store = parts.store()?;
    let limit = part.limit.unwrap_or(DEFAULT).clamp(1, page::MAX);
    let entries = store.audit(part.before, limit).await?;
    let next = entries.last().map(|(number, _)| *number).filter(|number| *number > 1);
    let shown = entries.into_iter().map(|(number, entry)| {
        let mut shown = json!(entry);
        shown["number"] = json!(number);
        shown
    });
    Ok(Json(json!({ "entries": shown.collect::<Vec<_>>(), "next": next })))
}

/// `GET /api/audit/verify`: checks the whole chain.
pub(super) async fn verify(State(parts): State<Parts>) -> Result<Json<Value>, Problem> {
    let store = parts.store()?.clone();
    let verified = blocking(move || Ok(store.verify_audit()?)).await?;
    Ok(Json(json!({
        "ok": verified.fault.is_none(),
        "entries": verified.entries,
        "fault": verified.fault,
    })))
}
