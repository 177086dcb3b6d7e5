//! The translator's screen: which format a request has, and what becomes of it in another.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use omniroute_core::snapshot::Snapshot;
use omniroute_wire::translator::translate_reply;
use omniroute_wire::{ModelFacts, Translator, WireFormat};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::Problem;
use super::{Parts, given};
use crate::playground;

/// A request of any format.
#[derive(Deserialize, ToSchema)]
#[schema(as = Untold)]
pub(super) struct Asked {
    #[schema(value_type = Object)]
    body: Value,
}

/// Guesses the format of a request.
#[utoipa::path(post, path = "/api/translator/detect", request_body = Asked)]
pub(super) async fn detect(body: Bytes) -> Result<Json<Value>, Problem> {
    let asked: Asked = given::json(&body)?;
    Ok(Json(json!({ "success": true, "format": playground::guess(&asked.body).name() })))
}

/// What is to be translated.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Translated)]
enum Kind {
    #[default]
    Request,
    Reply,
    Stream,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Translation)]
pub(super) struct Ask {
    /// The format of what is given; guessed for requests if it is not said.
    #[serde(alias = "from")]
    source_format: Option<String>,
    #[serde(alias = "to")]
    target_format: String,
    /// `provider/model`, so that what is known of the model counts; the request's own if not given.
    model: Option<String>,
    #[serde(default)]
    kind: Kind,
    /// A JSON object; of streams the text.
    body: Value,
    /// The existing product's; its other steps show the same.
    step: Option<Value>,
}

/// Translates a request for a provider, or a reply for a client.
#[utoipa::path(post, path = "/api/translator/translate", request_body = Ask)]
pub(super) async fn translate(
    State(parts): State<Parts>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let ask: Ask = given::json(&body)?;
    if ask.step.as_ref().is_some_and(|step| step != "direct") {
        return Err(Problem::field("step", "write `direct`, or leave it out"));
    }
    let source = match &ask.source_format {
        Some(name) => format("sourceFormat", name)?,
        None => playground::guess(&ask.body),
    };
    let target = format("targetFormat", &ask.target_format)?;
    let body = match &ask.body {
        Value::String(text) => Bytes::from(text.clone()),
        other => Bytes::from(other.to_string()),
    };
    let mut answer = match ask.kind {
        Kind::Request => request((source, target), &body, ask.model.as_deref(), &parts)?,
        Kind::Reply => reply((source, target), &body, ask.model.as_deref()),
        Kind::Stream => stream((source, target), &body, ask.model.as_deref()),
    };
    answer["success"] = json!(true);
    answer["sourceFormat"] = json!(source.name());
    answer["targetFormat"] = json!(target.name());
    Ok(Json(answer))
}

fn format(field: &'static str, name: &str) -> Result<WireFormat, Problem> {
    playground::format(name).map_err(|what| Problem::field(field, what))
}

fn request(
    (source, target): (WireFormat, WireFormat),
    body: &Bytes,
    model: Option<&str>,
    parts: &Parts,
) -> Result<Value, Problem> {
    let (facts, model) = known(&parts.live.load(), model);
    let codecs = (source.codec(), target.codec());
    let translated = playground::request(codecs, body, model.as_deref(), &facts);
    let translated = translated.map_err(|error| Problem::field("body", error.to_string()))?;
    let notes = translated.notes.entries().iter().map(|note| {
        json!({ "field": note.field, "mark": playground::mark(note), "detail": note.detail })
    });
    Ok(json!({ "result": shown(&translated.body), "notes": notes.collect::<Vec<_>>() }))
}

/// Returns what is known of a model, and the provider's name for it.
fn known(snapshot: &Snapshot, model: Option<&str>) -> (ModelFacts, Option<String>) {
    let split = model.and_then(|model| model.split_once('/'));
    let found = split.and_then(|(provider, name)| Some((snapshot.by_prefix.get(provider)?, name)));
    match found {
        Some((provider, name)) => (provider.facts(name).into_owned(), Some(name.to_owned())),
        None => (ModelFacts::default(), model.map(ToOwned::to_owned)),
    }
}

fn reply((source, target): (WireFormat, WireFormat), body: &Bytes, model: Option<&str>) -> Value {
    let context = playground::context(model);
    let whole = translate_reply(source.codec(), target.codec(), body, &context);
    let error = whole.error.map(|error| error.message);
    json!({ "result": shown(&whole.body), "error": error })
}

fn stream((source, target): (WireFormat, WireFormat), body: &Bytes, model: Option<&str>) -> Value {
    let context = playground::context(model);
    let mut translator = Translator::new(source.codec(), target.codec(), context);
    let mut pieces = Vec::new();
    translator.push(body, &mut pieces);
    translator.finish(&mut pieces);
    let text = String::from_utf8_lossy(&pieces.concat()).into_owned();
    json!({ "result": text, "error": translator.error().map(|error| &error.message) })
}

/// Shows a body as JSON if it is any.
fn shown(body: &[u8]) -> Value {
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    serde_json::from_slice(body).unwrap_or_else(|_| text())
}
