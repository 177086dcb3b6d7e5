//! Lays a stored object into the tree of the file.

use serde_json::Value;

use super::object::{Kind, StoredObject};
use crate::config::node::{Content, Entry, Node, Scalar, ScalarKind};
use crate::config::report::{DASHBOARD, Place, Report};

/// Settings that only the file may hold: they need a restart, or decide who gets in at all.
const FILE_ONLY: [&str; 2] = ["server", "client_keys"];

/// Lays one object over the file's tree; reports it if the file has one of that name.
pub(super) fn over(root: &mut Node, object: &StoredObject, report: &Report) {
    let place = place(object.kind, &object.name);
    if let Some(what) = refused(object) {
        report.add(&place, what);
        return;
    }
    let laid = match object.kind {
        Kind::Model => model(root, object, &place),
        Kind::Account | Kind::ClientKey => {
            let (section, field) = (object.kind.section(), object.kind.name_field());
            open(root, section, &place).and_then(|list| {
                append(list, field.unwrap_or("name"), &object.name, &object.value, &place)
            })
        }
        Kind::Setting => match Kind::steps(&object.name).split_last() {
            Some((name, section)) => {
                open(root, section, &place).and_then(|map| insert(map, name, &object.value, &place))
            }
            None => Ok(()),
        },
        kind => open(root, kind.section(), &place)
            .and_then(|map| insert(map, &object.name, &object.value, &place)),
    };
    if let Err(other) = laid {
        let (kind, name) = (object.kind.word(), &object.name);
        let what = format!("{kind} `{name}` stands in the file too ({})", position(&other));
        report.add_with(&place, what, "an object has one owner: remove one of the two");
    }
}

/// Where an object of the dashboard stands.
pub(super) fn place(kind: Kind, name: &str) -> Place {
    let section = kind.section().join(".");
    let path = match kind {
        Kind::Setting => name.to_owned(),
        _ => format!("{section}[\"{name}\"]"),
    };
    Place { file: DASHBOARD.into(), path, mark: None }
}

/// Says why the dashboard may not keep such an object at all.
fn refused(object: &StoredObject) -> Option<String> {
    if object.kind == Kind::Setting {
        let top = Kind::steps(&object.name).first().copied().unwrap_or_default();
        return FILE_ONLY
            .contains(&top)
            .then(|| format!("`{}` is set in the file only", object.name));
    }
    // A key by reference would let who has the dashboard read the environment and files.
    let key = object.value.get("key")?;
    (!key.is_string()).then(|| "`key` has to be the key itself here".to_owned())
}

pub(super) fn position(place: &Place) -> String {
    match place.mark {
        Some((line, column)) => format!("{}:{line}:{column}", place.file),
        None => place.file.to_string(),
    }
}

/// Opens a section, making it where it is missing. A section that is no map or list is left to its
/// reader, which reports it.
fn open<'n>(root: &'n mut Node, path: &[&str], place: &Place) -> Result<&'n mut Node, Place> {
    let mut node = root;
    for name in path {
        if node.is_null() {
            node.content = Content::Map(Vec::new());
        }
        let Content::Map(entries) = &mut node.content else { return Err(node.place.clone()) };
        let index = match entries.iter().position(|entry| entry.name == *name) {
            Some(index) => index,
            None => {
                let node = Node { place: place.clone(), content: Content::Null };
                entries.push(Entry { name: (*name).to_owned(), place: place.clone(), node });
                entries.len() - 1
            }
        };
        node = &mut entries[index].node;
    }
    Ok(node)
}

/// Puts a value into a map, unless there is one of that name.
fn insert(map: &mut Node, name: &str, value: &Value, place: &Place) -> Result<(), Place> {
    if map.is_null() {
        map.content = Content::Map(Vec::new());
    }
    let Content::Map(entries) = &mut map.content else { return Err(map.place.clone()) };
    match entries.iter_mut().find(|entry| entry.name == name) {
        Some(entry) if !entry.node.is_null() => Err(entry.place.clone()),
        Some(entry) => {
            entry.node = node(value, place);
            Ok(())
        }
        None => {
            let node = node(value, place);
            entries.push(Entry { name: name.to_owned(), place: place.clone(), node });
            Ok(())
        }
    }
}

/// Puts a value into a list of maps that carry their names, unless there is one of that name.
fn append(
    list: &mut Node,
    field: &str,
    name: &str,
    value: &Value,
    place: &Place,
) -> Result<(), Place> {
    if list.is_null() {
        list.content = Content::List(Vec::new());
    }
    let Content::List(items) = &mut list.content else { return Err(list.place.clone()) };
    if let Some(other) = items.iter().find(|item| is_named(item, field, name)) {
        return Err(other.place.clone());
    }
    let mut item = node(value, place);
    let named = node(&Value::String(name.to_owned()), place);
    if let Content::Map(entries) = &mut item.content {
        entries.retain(|entry| entry.name != field);
        entries.insert(0, Entry { name: field.to_owned(), place: place.clone(), node: named });
    }
    items.push(item);
    Ok(())
}

/// Tells whether an item of a list has this name; models may be written as their id alone.
fn is_named(item: &Node, field: &str, name: &str) -> bool {
    let named = item.entry(field).unwrap_or(item);
    matches!(&named.content, Content::Scalar(scalar) if scalar.text == name)
}

/// Adds a model to its provider.
fn model(root: &mut Node, object: &StoredObject, place: &Place) -> Result<(), Place> {
    let Some((provider, id)) = object.name.split_once('/') else { return Ok(()) };
    let models = open(root, &["providers", provider, "models"], place)?;
    append(models, "id", id, &object.value, place)
}

/// Makes a node of a JSON value. Texts are texts: nothing in them is replaced from the environment.
fn node(value: &Value, place: &Place) -> Node {
    let below = |value: &Value, step: String| {
        let path = format!("{}{step}", place.path);
        node(value, &Place { path, ..place.clone() })
    };
    let scalar = |text: String, kind| {
        Content::Scalar(Scalar { text, kind, plain: kind != ScalarKind::Text, from_env: false })
    };
    let content = match value {
        Value::Null => Content::Null,
        Value::Bool(flag) => scalar(flag.to_string(), ScalarKind::Flag(*flag)),
        Value::Number(number) => {
            let fraction = number.as_f64().unwrap_or_default();
            let kind = number.as_i64().map_or(ScalarKind::Fraction(fraction), ScalarKind::Whole);
            scalar(number.to_string(), kind)
        }
        Value::String(text) => scalar(text.clone(), ScalarKind::Text),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            Content::List(items.map(|(index, item)| below(item, format!("[{index}]"))).collect())
        }
        Value::Object(map) => Content::Map(
            map.iter()
                .map(|(name, value)| {
                    let node = below(value, format!(".{name}"));
                    Entry { name: name.clone(), place: node.place.clone(), node }
                })
                .collect(),
        ),
    };
    Node { place: place.clone(), content }
}
