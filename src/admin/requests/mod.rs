//! The request log (`/api/requests`): calls with all that is known of them.
//!
//! It is a view: rows of usage, joined by their ids with what the filter `request_log` keeps besides, and with
//! the decision of the router as long as that is remembered. Calls that were not logged are in the list too,
//! with what their rows say. Requests that no key let through are no calls; they are in the access log.

mod purge;
mod shown;

use axum::Json;
use axum::extract::State;
use omniroute_core::clock::millis;
use omniroute_core::usage::{Bodies, RecordId};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::shown::Details;
use self::shown::{Entry, Whole};
use super::given::{FromPath, FromQuery};
use super::problem::Problem;
use super::usage::{Asked, find, limit, ms, view};
use super::{Parts, explain};
use crate::store::usage::page;
use crate::store::{ReadTx, StoreError, requests};

/// Requests of a page unless the request says otherwise.
const DEFAULT_LIMIT: usize = 100;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Parts> {
    OpenApiRouter::default()
        .routes(routes!(list, purge::purge))
        .routes(routes!(one))
        .routes(routes!(explain::of_request))
}

/// A page.
#[derive(Debug, Serialize)]
struct Listed {
    requests: Vec<Entry>,
    /// Where the next page begins; `null`: this is the last. A page may be short and yet not the last.
    next: Option<RecordId>,
}

/// Lists requests, the newest first.
#[utoipa::path(get, path = "/api/requests", params(Asked), responses((status = 200, body = Object)))]
async fn list(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Listed>, Problem> {
    let (listing, before) = (asked.listing(&parts)?, asked.before()?);
    let (most, oldest) = (limit(&asked, DEFAULT_LIMIT)?, oldest_with_bodies(&parts));
    let listed = view(&parts, move |tx| {
        let page = page(tx, &listing, before, most)?;
        let entry = |record| Entry::of(tx, record, oldest);
        let requests = page.rows.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Listed { requests, next: page.next })
    });
    Ok(Json(listed.await?))
}

/// Shows a request, by its own id or the one in `x-request-id`; of several the newest.
#[utoipa::path(get, path = "/api/requests/{id}", responses((status = 200, body = Object)))]
async fn one(
    State(parts): State<Parts>,
    FromPath(id): FromPath<String>,
) -> Result<Json<Whole>, Problem> {
    let oldest = oldest_with_bodies(&parts);
    let found = view(&parts, move |tx| {
        let Some(record) = find(tx, &id)? else { return Ok(None) };
        let bodies = bodies(tx, record.id, oldest)?;
        Ok(Some((Entry::of(tx, record, oldest)?, bodies)))
    });
    let (entry, bodies) = found.await?.ok_or_else(|| {
        let what =
            "there is no such request (any more); GET /api/requests lists those that are kept";
        Problem::missing(what)
    })?;
    Ok(Json(Whole::of(entry, bodies, &parts.explained)))
}

/// Returns the bodies of a call, if they are kept and their time is not over: they go within a minute after.
pub(super) fn bodies(
    tx: &ReadTx<'_>,
    id: RecordId,
    oldest: u64,
) -> Result<Option<Bodies>, StoreError> {
    if id.unix_ms() < oldest { Ok(None) } else { requests::bodies(tx, id) }
}

/// Returns when the oldest calls ended whose bodies are shown, in milliseconds since 1970.
pub(super) fn oldest_with_bodies(parts: &Parts) -> u64 {
    let keep = parts.live.load().filters.keeps_bodies();
    ms(parts.clock.timestamp()).saturating_sub(millis(keep))
}
