//! What the administration shows of what was written: who owns it, and its values without secrets.

use serde_json::{Map, Value};

use super::Written;
use super::lay::position;
use super::object::Kind;
use crate::config::node::{Content, Entry, Node};

/// What stands where a secret is.
const HIDDEN: &str = "***";

/// Fields that hold secrets wherever they stand.
const SECRET_FIELDS: [&str; 5] = ["key", "key_sha256", "key_hash", "key_pepper", "password"];

/// Who owns an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator's file: it is edited there.
    File,
    /// The dashboard and the administration's API.
    Dashboard,
}

impl Origin {
    /// The origin in a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Dashboard => "dashboard",
        }
    }

    fn of(node: &Node) -> Self {
        if node.place.is_dashboards() { Self::Dashboard } else { Self::File }
    }
}

/// An object as it may be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name among its kind.
    pub name: String,
    /// Who owns it.
    pub origin: Origin,
    /// Its settings; secrets are replaced by stars.
    pub value: Value,
}

impl Written {
    /// Shows all objects of a kind, in the order written. Single settings are not listed; ask for each.
    pub fn views(&self, kind: Kind) -> Vec<View> {
        let Some(section) = find(&self.root, kind.section()) else { return Vec::new() };
        if kind == Kind::Model {
            return models(section);
        }
        match &section.content {
            Content::Map(entries) => entries.iter().map(view).collect(),
            Content::List(items) => items.iter().filter_map(|item| item_view(item, kind)).collect(),
            _ => Vec::new(),
        }
    }

    /// Shows one object.
    pub fn view(&self, kind: Kind, name: &str) -> Option<View> {
        if kind == Kind::Setting {
            let path = Kind::steps(name);
            let node = find(&self.root, &path)?;
            let last = path.last().copied().unwrap_or_default();
            let value = shown(last, node);
            return Some(View { name: name.to_owned(), origin: Origin::of(node), value });
        }
        self.views(kind).into_iter().find(|view| view.name == name)
    }
}

impl Written {
    /// Says where the file has a setting, or what it has in its place: `omniroute.yaml:8:3`. `None` if the
    /// dashboard may have it.
    pub fn position_in_file(&self, setting: &str) -> Option<String> {
        self.position_of(&Kind::steps(setting))
    }

    /// The same of what stands at the end of a path of names.
    pub fn position_of(&self, path: &[&str]) -> Option<String> {
        let mut node = &self.root;
        for step in path {
            let below = match &node.content {
                Content::Map(_) => node.entry(step).filter(|node| !node.is_null())?,
                Content::Null => return None,
                _ => break,
            };
            node = below;
        }
        (Origin::of(node) == Origin::File).then(|| position(&node.place))
    }
}

fn find<'n>(root: &'n Node, path: &[&str]) -> Option<&'n Node> {
    let found = path.iter().try_fold(root, |node, name| node.entry(name))?;
    (!found.is_null()).then_some(found)
}

fn view(entry: &Entry) -> View {
    let (name, node) = (entry.name.clone(), &entry.node);
    View { name, origin: Origin::of(node), value: shown("", node) }
}

fn item_view(item: &Node, kind: Kind) -> Option<View> {
    let field = kind.name_field()?;
    let named = item.entry(field).unwrap_or(item);
    let Content::Scalar(name) = &named.content else { return None };
    let mut value = shown("", item);
    if let Value::Object(map) = &mut value {
        map.shift_remove(field);
    }
    Some(View { name: name.text.clone(), origin: Origin::of(item), value })
}

/// Models that were added, by provider.
fn models(providers: &Node) -> Vec<View> {
    let Content::Map(entries) = &providers.content else { return Vec::new() };
    let of_provider = |entry: &Entry| {
        let items = match entry.node.entry("models").map(|models| &models.content) {
            Some(Content::List(items)) => items.iter().collect(),
            _ => Vec::new(),
        };
        let views = items.into_iter().filter_map(|item| item_view(item, Kind::Model));
        views.map(|view| View { name: format!("{}/{}", entry.name, view.name), ..view }).collect()
    };
    entries.iter().flat_map(|entry| -> Vec<View> { of_provider(entry) }).collect()
}

/// A node as JSON without secrets.
pub(super) fn shown(field: &str, node: &Node) -> Value {
    match &node.content {
        // Where a secret is, but not which: a name of the environment or a path.
        Content::Map(_) if SECRET_FIELDS.contains(&field) => node.to_json(),
        Content::Scalar(_) if SECRET_FIELDS.contains(&field) => Value::String(HIDDEN.to_owned()),
        Content::Scalar(scalar) if scalar.from_env => Value::String(HIDDEN.to_owned()),
        Content::Scalar(scalar) => match without_password(&scalar.text) {
            Some(text) => Value::String(text),
            None => node.to_json(),
        },
        // What is sent along may be a credential, whatever its name.
        Content::Map(entries) if field == "headers" => {
            let hidden = |entry: &Entry| (entry.name.clone(), Value::String(HIDDEN.to_owned()));
            Value::Object(Map::from_iter(entries.iter().map(hidden)))
        }
        Content::Map(entries) => Value::Object(Map::from_iter(
            entries.iter().map(|entry| (entry.name.clone(), shown(&entry.name, &entry.node))),
        )),
        Content::List(items) => Value::Array(items.iter().map(|item| shown("", item)).collect()),
        Content::Null | Content::Broken => Value::Null,
    }
}

/// Returns an address without its password, if it has one.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (user_info, _) = authority.rsplit_once('@')?;
    let user = user_info.split(':').next().unwrap_or_default();
    Some(format!("{scheme}://{user}:{HIDDEN}{}", &rest[user_info.len()..]))
}
