//! Settings by tab (`/api/settings`): what is in force, who owns it, and changes of what the dashboard may
//! own. A setting that stands in the file is changed there.

mod own_address;
mod table;
mod words;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::written::Kind;
use serde_json::{Map, Value, json};

use self::table::{Form, IP_ACCESS, SETTINGS, Setting, Shown, Tab, named};
use super::actor::{Actor, Author};
use super::change::{Edit, To, apply};
use super::given::{self, FromPath};
use super::if_match::IfMatch;
use super::problem::Problem;
use super::{Parts, merge, profiles};
use crate::live::Basis;

pub(super) use self::table::ACCOUNT_LIMITS;
pub(super) use self::words::duration;

/// Shows all settings by tab, and the existing product's fields beside them.
#[utoipa::path(get, path = "/api/settings")]
pub(super) async fn show(State(parts): State<Parts>) -> Json<Value> {
    Json(all(&parts))
}

fn all(parts: &Parts) -> Value {
    let tabs = Tab::ALL.map(|tab| (tab.name().to_owned(), of_tab(parts, tab)));
    let mut shown = words::old(parts);
    shown.insert("tabs".to_owned(), Value::Object(Map::from_iter(tabs)));
    Value::Object(shown)
}

/// Shows the settings of a tab.
#[utoipa::path(get, path = "/api/settings/{tab}")]
pub(super) async fn show_tab(
    State(parts): State<Parts>,
    FromPath(tab): FromPath<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(of_tab(&parts, find(&tab)?)))
}

fn find(name: &str) -> Result<Tab, Problem> {
    Tab::ALL.into_iter().find(|tab| tab.name() == name).ok_or_else(|| {
        let known = Tab::ALL.map(Tab::name).join(", ");
        Problem::missing(format!("there is no tab `{name}`; there are: {known}"))
    })
}

fn of_tab(parts: &Parts, tab: Tab) -> Value {
    let basis = parts.live.basis();
    let settings = SETTINGS.into_iter().filter(|setting| setting.tab == tab);
    let settings: Map<String, Value> = settings
        .map(|setting| (setting.name.to_owned(), json!(Shown::of(setting, parts, &basis))))
        .collect();
    let mut shown = json!({ "settings": settings });
    let objects = |kind| -> Value {
        let views = basis.written.views(kind).into_iter();
        views
            .map(|v| json!({ "name": v.name, "origin": v.origin.word(), "value": v.value }))
            .collect()
    };
    match tab {
        Tab::Routing => {
            shown["aliases"] = objects(Kind::Alias);
            shown["fallback_chains"] = objects(Kind::FallbackChain);
        }
        Tab::Resilience => shown["profiles"] = profiles::now(&parts.live.load(), &basis),
        Tab::Security | Tab::Ai | Tab::Advanced => {}
    }
    shown
}

/// Changes settings, all or nothing; `null` brings a default back.
#[utoipa::path(patch, path = "/api/settings", params(IfMatch), request_body = Object)]
pub(super) async fn change(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    if_match: IfMatch,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    carry_out(&parts, (&actor, by), if_match, (None, &body)).await?;
    Ok(Json(all(&parts)))
}

/// Changes settings of a tab, all or nothing; `null` brings a default back.
#[utoipa::path(patch, path = "/api/settings/{tab}", params(IfMatch), request_body = Object)]
pub(super) async fn change_tab(
    State(parts): State<Parts>,
    FromPath(tab): FromPath<String>,
    actor: Actor,
    by: Author,
    if_match: IfMatch,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let tab = find(&tab)?;
    carry_out(&parts, (&actor, by), if_match, (Some(tab), &body)).await?;
    Ok(Json(of_tab(&parts, tab)))
}

/// Changes settings, all or nothing. `null` brings the default back.
async fn carry_out(
    parts: &Parts,
    (actor, by): (&Actor, Author),
    IfMatch(revision): IfMatch,
    (tab, body): (Option<Tab>, &Bytes),
) -> Result<(), Problem> {
    let wanted: Map<String, Value> = given::json(body)?;
    if revision.is_some() && wanted.len() != 1 {
        return Err(Problem::invalid("`If-Match` is for one setting at a time"));
    }
    let basis = parts.live.basis();
    let mut edits = Vec::new();
    for (name, value) in wanted {
        let (name, value) = words::translated(name, value)?;
        let setting = named(&name).filter(|setting| tab.is_none_or(|tab| tab == setting.tab));
        let setting = setting.ok_or_else(|| unknown(&name, tab))?;
        if setting.tab == Tab::Security {
            actor.is_known()?;
        }
        let edit = edit(setting, value, (&basis, &by))?;
        edits.extend(edit.map(|edit| Edit { expected: revision, ..edit }));
    }
    if edits.is_empty() {
        return Ok(());
    }
    apply(parts, by, edits).await.map(drop)
}

fn unknown(name: &str, tab: Option<Tab>) -> Problem {
    let here = SETTINGS.iter().filter(|setting| tab.is_none_or(|tab| tab == setting.tab));
    let known: Vec<&str> = here.map(|setting| setting.name).collect();
    Problem::field(name, format!("there is no such setting here; there are: {}", known.join(", ")))
}

/// Returns the change of one setting; `None` if nothing changes.
pub(super) fn edit_of(
    name: &str,
    value: Value,
    basis: &Basis,
    by: &Author,
) -> Result<Option<Edit>, Problem> {
    edit(named(name).ok_or_else(|| unknown(name, None))?, value, (basis, by))
}

/// Returns what is in force of a setting.
pub(super) fn value_of(name: &str, parts: &Parts, basis: &Basis) -> Value {
    named(name).map_or(Value::Null, |setting| Shown::of(setting, parts, basis).value)
}

fn edit(
    setting: Setting,
    value: Value,
    (basis, by): (&Basis, &Author),
) -> Result<Option<Edit>, Problem> {
    let name = setting.name;
    if let Form::Elsewhere(note) = setting.form {
        return Err(Problem::field(name, note));
    }
    if let Some(position) = basis.written.position_in_file(name) {
        let what =
            format!("`{name}` stands in the configuration file ({position}); change it there");
        return Err(Problem::conflict(what));
    }
    let stored = basis.objects.iter().find(|object| object.is(Kind::Setting, name));
    let to = match (value, setting.form) {
        (Value::Null, _) if stored.is_none() => return Ok(None),
        (Value::Null, _) => To::Gone,
        (value, Form::Fields) => {
            if !value.is_object() {
                return Err(Problem::field(name, "a map of its fields is expected"));
            }
            if name == IP_ACCESS {
                let merged = merge::patched(stored.map(|object| &object.value), value.clone())?;
                own_address::check(&merged, by)?;
            }
            To::Merged(value)
        }
        (value, _) => To::Put(value),
    };
    Ok(Some(Edit { kind: Kind::Setting, name: name.to_owned(), to, expected: None }))
}
