//! The calls, a page at a time or as a file.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use omniroute_core::money::Nanodollars;
use omniroute_core::usage::{RecordId, UsageRecord};
use serde::Serialize;

use super::asked::Asked;
use super::{view, write_what_waits};
use crate::admin::blocking::blocking;
use crate::admin::given::FromQuery;
use crate::admin::problem::Problem;
use crate::admin::{Parts, time};
use crate::store::usage::{Export, Form, MAX_PAGE, page};

/// Calls of a page unless the request says otherwise.
const DEFAULT_LIMIT: usize = 100;

/// Largest export in bytes: answers are made whole here.
const MAX_EXPORT_BYTES: usize = 48 * 1024 * 1024;

/// A page of calls.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Calls {
    requests: Vec<Call>,
    /// Where the next page begins; `null`: this is the last. A page may be short and yet not the last.
    next: Option<RecordId>,
}

/// A call with its time and cost in words.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Call {
    /// When it ended.
    time: String,
    #[serde(flatten)]
    record: UsageRecord,
    /// Dollars; `null` if the price is not known.
    cost: Option<String>,
}

/// Lists calls, the newest first.
#[utoipa::path(get, path = "/api/usage", params(Asked))]
pub(in crate::admin) async fn list(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Calls>, Problem> {
    let (listing, before) = (asked.listing(&parts)?, asked.before()?);
    let most = limit(&asked, DEFAULT_LIMIT)?;
    let page = view(&parts, move |tx| page(tx, &listing, before, most)).await?;
    let requests = page.rows.into_iter().map(Call::from).collect();
    Ok(Json(Calls { requests, next: page.next }))
}

/// Returns how many calls are asked for.
///
/// # Errors
///
/// None, or too many.
pub(in crate::admin) fn limit(asked: &Asked, default: usize) -> Result<usize, Problem> {
    let limit = asked.limit.unwrap_or(default);
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::field("limit", format!("it has to be from 1 to {MAX_PAGE}")))
}

impl Call {
    /// Returns its row.
    pub(in crate::admin) const fn record(&self) -> &UsageRecord {
        &self.record
    }
}

impl From<UsageRecord> for Call {
    fn from(record: UsageRecord) -> Self {
        let cost = record.cost_nanodollars.map(|cost| Nanodollars::new(cost).in_digits());
        Self { time: time::of_ms(record.ended_unix_ms()), record, cost }
    }
}

/// Exports the calls asked for as a file, the newest first.
#[utoipa::path(
    get,
    path = "/api/usage/export",
    params(Asked),
    responses(
        (status = 200, content((String = "text/csv"), (Vec<Object> = "application/json"))),
        (status = 413),
    )
)]
pub(in crate::admin) async fn export(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Response, Problem> {
    let (form, kind, name) = match asked.format.as_deref() {
        None | Some("csv") => (Form::Csv, "text/csv; charset=utf-8", "usage.csv"),
        Some("json") => (Form::Json, "application/json", "usage.json"),
        Some(_) => return Err(Problem::field("format", "there are: csv, json")),
    };
    let (store, listing) = (parts.store()?.clone(), asked.listing(&parts)?);
    let text = blocking(move || {
        write_what_waits(&store);
        let mut text = String::new();
        for piece in Export::new(store, listing, form) {
            text.push_str(&piece?);
            if text.len() > MAX_EXPORT_BYTES {
                return Err(too_large());
            }
        }
        Ok(text)
    })
    .await?;
    let mut response = Response::new(Body::from(text));
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

fn too_large() -> Problem {
    let what = format!(
        "the export is larger than {MAX_EXPORT_BYTES} bytes; ask for a shorter time (`from`, `until`)"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", what)
}
