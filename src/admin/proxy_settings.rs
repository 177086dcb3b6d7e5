//! Network tunnels by level, in the guide's words (`/api/settings/proxy`).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::written::{Kind, Written};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::actor::Author;
use super::change::{Edit, To, apply};
use super::given::{self, FromQuery};
use super::problem::Problem;
use super::tunnels::Proxy;
use super::{Parts, tunnel_fields};

/// What a request sets; `null` takes a tunnel away.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Tunnels)]
pub(super) struct Given {
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<Proxy>)]
    global: Option<Option<Proxy>>,
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Proxy>)]
    providers: Map<String, Value>,
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Proxy>)]
    combos: Map<String, Value>,
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Proxy>)]
    keys: Map<String, Value>,
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Proxy>)]
    accounts: Map<String, Value>,
    /// The other form: one level at a time.
    level: Option<String>,
    id: Option<String>,
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<Proxy>)]
    proxy: Option<Option<Proxy>>,
}

/// Tells `null` from a field that is not there.
fn some<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<Option<Proxy>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Where {
    level: Option<String>,
    id: Option<String>,
    /// An account: through which tunnel its calls leave, and which level says so.
    resolve: Option<String>,
}

/// Shows the network tunnels, the one of a level, or the one that an account's calls leave through.
#[utoipa::path(get, path = "/api/settings/proxy", params(Where), responses((status = 404)))]
pub(super) async fn show(
    State(parts): State<Parts>,
    FromQuery(at): FromQuery<Where>,
) -> Result<Json<Value>, Problem> {
    let shown = all(&parts.live.basis().written);
    if let Some(account) = at.resolve {
        return tunnel_fields::resolved(&parts.live.load(), &account, &shown).map(Json);
    }
    let Some(level) = at.level else { return Ok(Json(shown)) };
    let id = at.id.unwrap_or_default();
    let proxy = match level.as_str() {
        "global" => shown["global"].clone(),
        "provider" | "combo" | "key" | "account" => shown[format!("{level}s")][&id].clone(),
        _ => return Err(unknown_level()),
    };
    Ok(Json(json!({ "level": level, "id": id, "proxy": proxy })))
}

fn all(written: &Written) -> Value {
    let level = |kind: Kind| {
        let views = written.views(kind).into_iter();
        let tunnels = views.filter_map(|view| {
            let tunnel = view.value.get("tunnel").filter(|tunnel| !tunnel.is_null())?;
            Some((view.name, tunnel_fields::shown(tunnel)))
        });
        Value::Object(Map::from_iter(tunnels))
    };
    let global =
        written.view(Kind::Setting, "tunnel").map(|view| tunnel_fields::shown(&view.value));
    json!({
        "global": global,
        "providers": level(Kind::Provider),
        "combos": level(Kind::Combo),
        "keys": level(Kind::ClientKey),
        "accounts": level(Kind::Account),
    })
}

/// Sets network tunnels.
#[utoipa::path(put, path = "/api/settings/proxy", request_body = Given)]
pub(super) async fn change(
    State(parts): State<Parts>,
    by: Author,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let edits = edits(given::json(&body)?)?;
    if edits.is_empty() {
        let what = "nothing is given: name `global`, `providers`, `combos`, `keys` or `accounts`";
        return Err(Problem::invalid(what));
    }
    apply(&parts, by, there(&parts, edits)).await?;
    Ok(Json(all(&parts.live.basis().written)))
}

/// Takes a network tunnel away.
#[utoipa::path(delete, path = "/api/settings/proxy", params(Where))]
pub(super) async fn remove(
    State(parts): State<Parts>,
    by: Author,
    FromQuery(at): FromQuery<Where>,
) -> Result<Json<Value>, Problem> {
    let level = at.level.ok_or_else(|| Problem::field("level", "it is missing from the query"))?;
    let edits = there(&parts, vec![edit(&level, at.id.as_deref(), None)?]);
    if !edits.is_empty() {
        apply(&parts, by, edits).await?;
    }
    Ok(Json(all(&parts.live.basis().written)))
}

/// Leaves out tunnels that are to go and are not there.
fn there(parts: &Parts, edits: Vec<Edit>) -> Vec<Edit> {
    let basis = parts.live.basis();
    let is_there = |edit: &Edit| {
        !matches!(edit.to, To::Gone) || basis.written.view(edit.kind, &edit.name).is_some()
    };
    edits.into_iter().filter(is_there).collect()
}

fn edits(given: Given) -> Result<Vec<Edit>, Problem> {
    let mut edits = Vec::new();
    if let Some(global) = given.global {
        edits.push(edit("global", None, global)?);
    }
    let levels = [
        ("provider", given.providers),
        ("combo", given.combos),
        ("key", given.keys),
        ("account", given.accounts),
    ];
    for (level, tunnels) in levels {
        for (name, proxy) in tunnels {
            let field = format!("{level}s.{name}");
            let proxy: Option<Proxy> = serde_json::from_value(proxy)
                .map_err(|error| Problem::field(field, error.to_string()))?;
            edits.push(edit(level, Some(&name), proxy)?);
        }
    }
    if let Some(level) = given.level {
        edits.push(edit(&level, given.id.as_deref(), given.proxy.flatten())?);
    }
    Ok(edits)
}

/// The change of one level. A tunnel stands where the file would have it.
fn edit(level: &str, id: Option<&str>, proxy: Option<Proxy>) -> Result<Edit, Problem> {
    let url = proxy.map(|proxy| proxy.url()).transpose()?;
    let of_object = |kind, name: &str| {
        let to = To::Merged(json!({ "tunnel": url }));
        Edit { kind, name: name.to_owned(), to, expected: None }
    };
    let of_setting = |name: String| {
        let to = url.clone().map_or(To::Gone, |url| To::Put(Value::String(url)));
        Edit { kind: Kind::Setting, name, to, expected: None }
    };
    let id = || id.ok_or_else(|| Problem::field("id", format!("a {level} has to be named")));
    Ok(match level {
        "global" => of_setting("tunnel".to_owned()),
        // Also of providers that the catalogue or the file has.
        "provider" => of_setting(format!("/providers/{}/tunnel", id()?)),
        "combo" => of_object(Kind::Combo, id()?),
        "key" => of_object(Kind::ClientKey, id()?),
        "account" => of_object(Kind::Account, id()?),
        _ => return Err(unknown_level()),
    })
}

fn unknown_level() -> Problem {
    Problem::field("level", "there are: global, provider, combo, key, account")
}
