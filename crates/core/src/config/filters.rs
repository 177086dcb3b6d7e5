//! `filters` as written, and the contract's filters that are not available yet.

use super::node::{Content, Entry, Node};
use super::report::{Place, Report};
use super::scalars;
use super::section::{Section, items};

/// One item of the list.
#[derive(Clone)]
pub(crate) struct FilterText {
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) place: Place,
    /// The settings; `None` when only the name is there.
    pub(crate) settings: Option<Node>,
}

/// Reads `filters` as a list of names or of maps of one name and its settings: it replaces the default
/// list. A map is left to [`read_settings`].
pub(crate) fn read(node: &Node, report: &Report) -> Option<Vec<FilterText>> {
    if matches!(node.content, Content::Map(_)) {
        return None;
    }
    let mut filters: Vec<FilterText> = Vec::new();
    for item in items(node, report)? {
        let Some(filter) = one(item, report) else { continue };
        if filters.iter().any(|other| other.name == filter.name) {
            report.add(&filter.place, format!("filter `{}` is in the list twice", filter.name));
            continue;
        }
        filters.push(filter);
    }
    Some(filters)
}

/// Reads `filters` as a map of names and settings: the default list stays, with these settings. A list is
/// left to [`read`].
pub(crate) fn read_settings(node: &Node, _: &Report) -> Option<Vec<FilterText>> {
    let Content::Map(entries) = &node.content else { return None };
    let of_entry = |entry: &Entry| FilterText {
        name: entry.name.clone(),
        place: entry.place.clone(),
        settings: (!entry.node.is_null()).then(|| entry.node.clone()),
    };
    Some(entries.iter().map(of_entry).collect())
}

fn one(node: &Node, report: &Report) -> Option<FilterText> {
    if let Content::Map(entries) = &node.content {
        let [entry] = entries.as_slice() else {
            let form = "write `- name` or `- name: { … }`";
            report.add_with(&node.place, "a filter is one name with its settings", form);
            return None;
        };
        let settings = (!entry.node.is_null()).then(|| entry.node.clone());
        return Some(FilterText { name: entry.name.clone(), place: entry.place.clone(), settings });
    }
    let name = scalars::text(node, report)?;
    Some(FilterText { name, place: node.place.clone(), settings: None })
}

/// A reader of settings that tells whether they have an effect.
type LaterFilter = fn(&Node, &Report) -> Option<bool>;

/// Filters of the contract that the register may not have yet, with readers of their settings.
const LATER: [(&str, LaterFilter); 1] = [("request_log", request_log)];

/// Returns the names of the contract's filters that may not be available yet.
pub(crate) fn later_names() -> impl Iterator<Item = &'static str> {
    LATER.iter().map(|(name, _)| *name)
}

/// Checks a filter of the contract that the register does not have; `false` if it is none of them.
///
/// One whose settings have no effect passes; any other is refused.
pub(crate) fn check_later(filter: &FilterText, report: &Report) -> bool {
    let Some((name, read)) = LATER.iter().find(|(name, _)| *name == filter.name) else {
        return false;
    };
    let has_effect = match &filter.settings {
        Some(settings) => read(settings, report),
        None => Some(true),
    };
    if has_effect == Some(true) {
        report.unavailable(&filter.place, name);
    }
    true
}

fn request_log(node: &Node, report: &Report) -> Option<bool> {
    Section::open(node, &["bodies"], report)?.read("bodies", scalars::flag);
    Some(true)
}
