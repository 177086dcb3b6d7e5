//! The log of calls in the existing product's words: as objects and as lines.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use omniroute_core::usage::{Body, RecordId, UsageRecord};
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::Asked;
use super::calls::limit;
use super::view;
use crate::admin::given::{FromPath, FromQuery};
use crate::admin::problem::Problem;
use crate::admin::requests::{Details, bodies, oldest_with_bodies};
use crate::admin::{Parts, time};
use crate::store::usage::{Filter, Listing, MAX_PAGE, Span, page};
use crate::store::{ReadTx, StoreError};

/// Calls of a list unless the request says otherwise, and lines of the log.
const DEFAULT_LIMIT: usize = 200;

/// Most pages that are looked through for calls that a text is searched in.
const MAX_PAGES: usize = 20;

/// One call.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct CallLog {
    #[schema(value_type = String)]
    id: RecordId,
    request_id: Box<str>,
    timestamp: String,
    method: Option<Box<str>>,
    path: Option<Box<str>>,
    status: u16,
    model: Option<Box<str>>,
    requested_model: Box<str>,
    provider: Option<Box<str>>,
    account: Option<Box<str>>,
    /// Milliseconds.
    duration: u64,
    tokens: InOut,
    source_format: String,
    error: Option<String>,
    combo_name: Option<Box<str>>,
    api_key_id: Option<Box<str>>,
    api_key_name: Option<Box<str>>,
    has_request_body: bool,
    has_response_body: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InOut {
    r#in: u64,
    out: u64,
}

impl CallLog {
    fn of(record: UsageRecord, details: Details) -> Self {
        let own = |name: Option<Arc<str>>| name.map(|name| (&*name).into());
        Self {
            method: details.method,
            path: details.path,
            id: record.id,
            timestamp: time::of_ms(record.ended_unix_ms()),
            request_id: (&*record.request_id).into(),
            status: record.status,
            model: own(record.model),
            requested_model: (&*record.asked).into(),
            provider: own(record.provider),
            account: own(record.account),
            duration: record.duration_us / 1000,
            tokens: InOut { r#in: record.tokens.input_total(), out: record.tokens.output },
            source_format: record.format.into_owned(),
            error: record.error.map(std::borrow::Cow::into_owned),
            combo_name: own(record.combo),
            api_key_id: own(record.client_key.clone()),
            api_key_name: own(record.client_key),
            has_request_body: details.has_bodies,
            has_response_body: details.has_bodies,
        }
    }
}

/// Lists calls in the existing product's words, the newest first.
#[utoipa::path(get, path = "/api/usage/call-logs", params(Asked), responses((status = 200, body = Vec<CallLog>)))]
pub(in crate::admin) async fn list(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Vec<CallLog>>, Problem> {
    let (found, oldest) = (found(&parts, &asked).await?, oldest_with_bodies(&parts));
    let logs = view(&parts, move |tx| {
        let log = |record: UsageRecord| {
            let details = Details::of(tx, record.id, oldest)?;
            Ok(CallLog::of(record, details))
        };
        found.into_iter().map(log).collect::<Result<_, StoreError>>()
    });
    Ok(Json(logs.await?))
}

/// Lists calls as lines of text, the newest first.
#[utoipa::path(get, path = "/api/usage/logs", params(Asked), responses((status = 200, body = Vec<String>)))]
pub(in crate::admin) async fn lines(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Vec<String>>, Problem> {
    let found = found(&parts, &asked).await?;
    Ok(Json(found.iter().map(line).collect()))
}

async fn found(parts: &Parts, asked: &Asked) -> Result<Vec<UsageRecord>, Problem> {
    let (listing, before) = (asked.listing(parts)?, asked.before()?);
    let most = limit(asked, DEFAULT_LIMIT)?;
    let search = asked.search.as_deref().unwrap_or_default().to_lowercase();
    view(parts, move |tx| {
        let (mut found, mut before) = (Vec::new(), before);
        for _ in 0..MAX_PAGES {
            let next = page(tx, &listing, before, most)?;
            found.extend(next.rows.into_iter().filter(|record| has(record, &search)));
            before = next.next;
            if found.len() >= most || before.is_none() {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    })
    .await
}

/// Tells whether a text, in lower case, stands in a name or id of a call.
fn has(record: &UsageRecord, search: &str) -> bool {
    let names =
        [&record.model, &record.provider, &record.account, &record.combo, &record.client_key];
    let names = names.into_iter().flatten().chain([&record.asked, &record.request_id]);
    search.is_empty() || names.into_iter().any(|name| name.to_lowercase().contains(search))
}

fn line(record: &UsageRecord) -> String {
    let part = |part: &Option<Arc<str>>| part.as_deref().unwrap_or("-").to_owned();
    format!(
        "{} | {} | {} | {} | {} | {} | {}",
        time::of_ms(record.ended_unix_ms()),
        record.model.as_deref().unwrap_or(&record.asked),
        part(&record.provider),
        part(&record.account),
        record.tokens.input_total(),
        record.tokens.output,
        record.status,
    )
}

/// Shows a call by its own id or the one in `x-request-id`; of several the newest.
#[utoipa::path(get, path = "/api/usage/call-logs/{id}")]
pub(in crate::admin) async fn one(
    State(parts): State<Parts>,
    FromPath(id): FromPath<String>,
) -> Result<Json<Value>, Problem> {
    let oldest = oldest_with_bodies(&parts);
    let found = view(&parts, move |tx| {
        let Some(record) = find(tx, &id)? else { return Ok(None) };
        let (details, bodies) =
            (Details::of(tx, record.id, oldest)?, bodies(tx, record.id, oldest)?);
        Ok(Some((record, details, bodies)))
    });
    let (record, details, bodies) = found.await?.ok_or_else(|| {
        let what = "there is no such call (any more); GET /api/usage lists those that are kept";
        Problem::missing(what)
    })?;
    let (connection, attempts) = (record.account.clone(), record.attempts);
    let mut shown = json!(CallLog::of(record, details));
    shown["connectionId"] = json!(connection);
    shown["attempts"] = json!(attempts);
    let (request, answer) = bodies.map(|bodies| (bodies.request, bodies.answer)).unzip();
    shown["requestBody"] = request.map_or(Value::Null, plain);
    shown["responseBody"] = answer.map_or(Value::Null, plain);
    Ok(Json(shown))
}

/// Shows a body as the JSON that it is, else as a text.
fn plain(body: Body) -> Value {
    serde_json::from_str(&body.text).unwrap_or_else(|_| json!(body.text))
}

/// Finds a call by its own id or the one in `x-request-id`; of several the newest.
pub(in crate::admin) fn find(tx: &ReadTx<'_>, id: &str) -> Result<Option<UsageRecord>, StoreError> {
    // Both may look the same.
    let by_own = match id.parse() {
        Ok(id) => of_id(tx, id)?,
        Err(_) => None,
    };
    match by_own {
        Some(record) => Ok(Some(record)),
        None => of_request(tx, id),
    }
}

fn of_id(tx: &ReadTx<'_>, id: RecordId) -> Result<Option<UsageRecord>, StoreError> {
    let span = Span { from: id.unix_ms(), until: id.unix_ms().saturating_add(1) };
    let found = page(tx, &all_of(span), None, MAX_PAGE)?.rows;
    Ok(found.into_iter().find(|record| record.id == id))
}

fn of_request(tx: &ReadTx<'_>, id: &str) -> Result<Option<UsageRecord>, StoreError> {
    let all = all_of(Span { from: 0, until: u64::MAX });
    let listing = Listing { request_id: Some(id.into()), ..all };
    let mut before = None;
    loop {
        let next = page(tx, &listing, before, 1)?;
        before = next.next;
        match next.rows.into_iter().next() {
            None if before.is_some() => {}
            found => return Ok(found),
        }
    }
}

fn all_of(span: Span) -> Listing {
    Listing { span, filter: Filter::default(), good: None, status: None, request_id: None }
}
