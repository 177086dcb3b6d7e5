//! The resources behind the dashboard's screens that are objects of the configuration: providers,
//! accounts, combos, aliases, chains, prices, profiles, keys.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::{HeaderValue, StatusCode, header};
use omniroute_core::written::{Kind, View};
use serde_json::{Map, Value, json};

use super::Parts;
use super::actor::Author;
use super::change::{Edit, To, apply};
use super::given::{self, FromPath, FromQuery};
use super::if_match::IfMatch;
use super::page::Page;
use super::problem::Problem;
use crate::live::Basis;

/// A collection of objects of one kind.
#[derive(Clone, Copy)]
pub(super) struct Collection {
    /// Its name in paths and lists.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The field that holds an object's name.
    pub(super) name_field: &'static str,
    /// The field that holds the whole value where that is no map.
    pub(super) value_field: Option<&'static str>,
}

const fn collection(name: &'static str, kind: Kind, name_field: &'static str) -> Collection {
    Collection { name, kind, name_field, value_field: None }
}

/// All collections.
pub(super) const COLLECTIONS: [Collection; 8] = [
    collection("provider-nodes", Kind::Provider, "id"),
    collection("accounts", Kind::Account, "id"),
    collection("combos", Kind::Combo, "name"),
    Collection { value_field: Some("target"), ..collection("aliases", Kind::Alias, "name") },
    Collection {
        value_field: Some("targets"),
        ..collection("fallback-chains", Kind::FallbackChain, "name")
    },
    collection("prices", Kind::Price, "model"),
    collection("profiles", Kind::Profile, "name"),
    collection("models", Kind::Model, "id"),
];

/// The routes of the collection itself.
pub(super) fn all(of: Collection) -> MethodRouter<Parts> {
    get(move |State(parts): State<Parts>, FromQuery(page): FromQuery<Page>| async move {
        list(&parts, (of.kind, of.name), &page, |view, basis| of.shown(view, basis))
    })
    .post(move |State(parts): State<Parts>, by: Author, body: Bytes| async move {
        create(&parts, of, by, &body).await
    })
}

/// The routes of one object.
pub(super) fn one(of: Collection) -> MethodRouter<Parts> {
    let change = move |merge: bool| {
        move |State(parts): State<Parts>,
              FromPath(name): FromPath<String>,
              by: Author,
              if_match: IfMatch,
              body: Bytes| async move {
            let (_, value) = of.read(&body)?;
            let to = if merge { To::Merged(value) } else { To::Put(value) };
            edit(&parts, of, by, (name, to), if_match).await
        }
    };
    get(move |State(parts): State<Parts>, FromPath(name): FromPath<String>| async move {
        show(&parts, of, &name, StatusCode::OK)
    })
    .put(change(false))
    .patch(change(true))
    .delete(
        move |State(parts): State<Parts>,
              FromPath(name): FromPath<String>,
              by: Author,
              if_match: IfMatch| async move {
            edit(&parts, of, by, (name, To::Gone), if_match).await
        },
    )
}

impl Collection {
    /// Shows an object: its fields, who owns it, and its revision.
    fn shown(self, view: View, basis: &Basis) -> Value {
        let mut map = Map::new();
        map.insert(self.name_field.to_owned(), json!(view.name));
        map.insert("origin".to_owned(), json!(view.origin.word()));
        if let Some(revision) = revision(basis, self.kind, &view.name) {
            map.insert("revision".to_owned(), json!(revision));
        }
        match (self.value_field, view.value) {
            (Some(field), value) => {
                map.insert(field.to_owned(), value);
            }
            (None, Value::Object(value)) => map.extend(value),
            (None, _) => {}
        }
        Value::Object(map)
    }

    /// Reads an object: its name, if it is given, and its value.
    fn read(self, body: &[u8]) -> Result<(Option<String>, Value), Problem> {
        let mut map: Map<String, Value> = given::json(body)?;
        // What a list shows may be sent back as it is.
        map.shift_remove("origin");
        map.shift_remove("revision");
        let name = match map.shift_remove(self.name_field) {
            None => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(Problem::field(self.name_field, "a text is expected")),
        };
        let Some(field) = self.value_field else { return Ok((name, Value::Object(map))) };
        let value = map.shift_remove(field);
        if let Some((other, _)) = map.iter().next() {
            return Err(Problem::field(other, format!("there is no such field; write `{field}`")));
        }
        value.map(|value| (name, value)).ok_or_else(|| Problem::field(field, "it is missing"))
    }
}

/// Finds an object of either side.
///
/// # Errors
///
/// That there is none.
pub(super) fn find(basis: &Basis, kind: Kind, name: &str) -> Result<View, Problem> {
    let view = basis.written.view(kind, name);
    view.ok_or_else(|| Problem::missing(format!("there is no {} `{name}`", kind.word())))
}

/// Returns when an object of the dashboard was changed last.
pub(super) fn revision(basis: &Basis, kind: Kind, name: &str) -> Option<u64> {
    let mut objects = basis.objects.iter();
    objects.find(|other| other.is(kind, name)).map(|found| found.since)
}

/// Lists a page of the objects of a kind under the collection's name.
pub(super) fn list(
    parts: &Parts,
    (kind, collection): (Kind, &str),
    page: &Page,
    shown: impl Fn(View, &Basis) -> Value,
) -> Result<Json<Value>, Problem> {
    let basis = parts.live.basis();
    let views = basis.written.views(kind);
    let (total, (views, next)) = (views.len(), page.of(views, |view| &view.name)?);
    let shown: Vec<_> = views.into_iter().map(|view| shown(view, &basis)).collect();
    Ok(Json(json!({ collection: shown, "total": total, "next": next })))
}

fn show(
    parts: &Parts,
    of: Collection,
    name: &str,
    status: StatusCode,
) -> Result<Response, Problem> {
    let basis = parts.live.basis();
    let view = find(&basis, of.kind, name)?;
    let mut response = (status, Json(of.shown(view, &basis))).into_response();
    if let Some(revision) = revision(&basis, of.kind, name)
        && let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\""))
    {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

async fn create(
    parts: &Parts,
    of: Collection,
    by: Author,
    body: &[u8],
) -> Result<Response, Problem> {
    let (name, value) = of.read(body)?;
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::field(of.name_field, "it is missing"))?;
    let edit = Edit { kind: of.kind, name: name.clone(), to: To::New(value), expected: None };
    apply(parts, by, vec![edit]).await?;
    show(parts, of, &name, StatusCode::CREATED)
}

async fn edit(
    parts: &Parts,
    of: Collection,
    by: Author,
    (name, to): (String, To),
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    let is_gone = matches!(to, To::Gone);
    // What is nowhere cannot be patched.
    if matches!(to, To::Merged(_)) {
        find(&parts.live.basis(), of.kind, &name)?;
    }
    let edit = Edit { kind: of.kind, name: name.clone(), to, expected };
    apply(parts, by, vec![edit]).await?;
    if is_gone {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    show(parts, of, &name, StatusCode::OK)
}
