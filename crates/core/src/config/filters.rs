//! `filters` as written.

use super::node::{Content, Entry, Node};
use super::report::{Place, Report};
use super::scalars;
use super::section::items;

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
