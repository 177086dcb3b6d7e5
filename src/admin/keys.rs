//! Client keys: made here, shown once, kept as a keyed hash.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use omniroute_core::hex;
use omniroute_core::written::{Kind, View};
use rand::RngExt;
use rand::distr::Alphanumeric;
use serde_json::{Map, Value, json};

use super::Parts;
use super::actor::{Actor, Author};
use super::change::{Edit, To, apply};
use super::given::{self, FromPath, FromQuery};
use super::if_match::IfMatch;
use super::objects::{self, revision};
use super::page::Page;
use super::problem::Problem;
use crate::live::Basis;

/// What keys begin with that are made here.
const START: &str = "sk-omni-";

/// Random letters and digits after it: 256 bits and a little.
const RANDOM_CHARS: usize = 43;

/// Letters of a key that are kept to recognise it by.
const SHOWN_CHARS: usize = 12;

/// Fields of the existing product's keys, and what they are called here.
const OTHER_NAMES: [(&str, &str); 3] = [
    ("allowedModels", "models"),
    ("expiresAt", "expires"),
    ("strictTranslation", "strict_translation"),
];

/// Fields that only the gateway writes.
const OWN_FIELDS: [&str; 5] = ["key", "key_hash", "key_pepper", "key_sha256", "key_prefix"];

/// Lists client keys.
#[utoipa::path(get, path = "/api/keys", params(Page))]
pub(super) async fn list(
    State(parts): State<Parts>,
    FromQuery(page): FromQuery<Page>,
) -> Result<Json<Value>, Problem> {
    objects::list(&parts, (Kind::ClientKey, "keys"), &page, shown)
}

fn shown(view: View, basis: &Basis) -> Value {
    let mut value = match view.value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let start = value.shift_remove("key_prefix");
    for field in OWN_FIELDS {
        value.shift_remove(field);
    }
    let start = start.and_then(|start| Some(format!("{}…", start.as_str()?)));
    let mut map = Map::new();
    map.insert("id".to_owned(), json!(view.name));
    map.insert("name".to_owned(), json!(view.name));
    map.insert("key".to_owned(), json!(start));
    map.insert("origin".to_owned(), json!(view.origin.word()));
    map.insert("revision".to_owned(), json!(revision(basis, Kind::ClientKey, &view.name)));
    map.extend(value);
    Value::Object(map)
}

/// Makes a client key. The answer is the only one that holds it.
#[utoipa::path(post, path = "/api/keys", request_body = Object, responses((status = 201, body = Object)))]
pub(super) async fn create(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    body: Bytes,
) -> Result<Response, Problem> {
    actor.is_known()?;
    let (name, mut value) = read(&body)?;
    let name = name.ok_or_else(|| Problem::field("name", "it is missing"))?;
    let key = make();
    let hash = parts.live.load().client_keys.hash_of(key.as_bytes());
    value.insert("key_hash".to_owned(), json!(hex::encode(&hash)));
    value.insert("key_prefix".to_owned(), json!(key[..SHOWN_CHARS]));
    let (kind, to) = (Kind::ClientKey, To::New(Value::Object(value)));
    apply(&parts, by, vec![Edit { kind, name: name.clone(), to, expected: None }]).await?;
    let mut made = find(&parts, &name)?;
    made["key"] = json!(key);
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

fn make() -> String {
    let random = rand::rng().sample_iter(Alphanumeric).take(RANDOM_CHARS).map(char::from);
    START.chars().chain(random).collect()
}

fn read(body: &[u8]) -> Result<(Option<String>, Map<String, Value>), Problem> {
    let mut value = given::renamed(body, &["id", "origin", "revision"], &OTHER_NAMES)?;
    if let Some(own) = OWN_FIELDS.iter().find(|field| value.contains_key(**field)) {
        let what = "keys are made by the gateway; leave it out";
        return Err(Problem::field(*own, what));
    }
    match value.shift_remove("name") {
        None => Ok((None, value)),
        Some(Value::String(name)) if !name.is_empty() => Ok((Some(name), value)),
        Some(_) => Err(Problem::field("name", "a text is expected")),
    }
}

fn find(parts: &Parts, name: &str) -> Result<Value, Problem> {
    let basis = parts.live.basis();
    objects::find(&basis, Kind::ClientKey, name).map(|view| shown(view, &basis))
}

/// Shows a client key, without what opens anything.
#[utoipa::path(get, path = "/api/keys/{*name}")]
pub(super) async fn show(
    State(parts): State<Parts>,
    FromPath(name): FromPath<String>,
) -> Result<Json<Value>, Problem> {
    find(&parts, &name).map(Json)
}

/// Changes what a client key may do.
#[utoipa::path(patch, path = "/api/keys/{*name}", params(IfMatch), request_body = Object)]
pub(super) async fn change(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    FromPath(name): FromPath<String>,
    IfMatch(expected): IfMatch,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    actor.is_known()?;
    find(&parts, &name)?;
    let (_, value) = read(&body)?;
    let (kind, to) = (Kind::ClientKey, To::Merged(Value::Object(value)));
    let edit = Edit { kind, name: name.clone(), to, expected };
    apply(&parts, by, vec![edit]).await?;
    find(&parts, &name).map(Json)
}

/// Revokes a client key: it opens nothing any more.
#[utoipa::path(delete, path = "/api/keys/{*name}", params(IfMatch), responses((status = 204)))]
pub(super) async fn revoke(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    FromPath(name): FromPath<String>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    actor.is_known()?;
    let edit = Edit { kind: Kind::ClientKey, name, to: To::Gone, expected };
    apply(&parts, by, vec![edit]).await?;
    Ok(StatusCode::NO_CONTENT)
}
