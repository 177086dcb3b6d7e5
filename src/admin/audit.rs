//! The audit log.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Parts;
use super::blocking::blocking;
use super::given::FromQuery;
use super::page;
use super::problem::Problem;

/// Entries of a page unless the request says otherwise.
const DEFAULT: usize = 100;

/// Which part of the log is asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Only entries with smaller numbers.
    before: Option<u64>,
    limit: Option<usize>,
}

/// Lists the audit log, the newest entries first.
#[utoipa::path(get, path = "/api/audit", params(Part))]
pub(super) async fn list(
    State(parts): State<Parts>,
    FromQuery(part): FromQuery<Part>,
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

/// Checks the whole chain of the audit log.
#[utoipa::path(get, path = "/api/audit/verify")]
pub(super) async fn verify(State(parts): State<Parts>) -> Result<Json<Value>, Problem> {
    let store = parts.store()?.clone();
    let verified = blocking(move || Ok(store.verify_audit()?)).await?;
    Ok(Json(json!({
        "ok": verified.fault.is_none(),
        "entries": verified.entries,
        "fault": verified.fault,
    })))
}
