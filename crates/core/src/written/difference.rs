//! The difference between two generations in words.

use serde_json::Value;

use super::Written;
use super::view::shown;
use crate::config::node::{Content, Node};

/// Longest value that a line repeats, in characters.
const MAX_VALUE_CHARS: usize = 120;

impl Written {
    /// Says what a later state changes, one line for each object or setting, in the order of the file.
    /// Secrets are said to have changed, never shown.
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        compare("", "", Some(&self.root), Some(&later.root), &mut lines);
        lines
    }
}

/// Compares two nodes of the same path. `field` is the last name of the path.
fn compare(
    path: &str,
    field: &str,
    earlier: Option<&Node>,
    later: Option<&Node>,
    lines: &mut Vec<String>,
) {
    let there = |node: Option<&Node>| node.filter(|node| !node.is_null()).is_some();
    match (earlier, later) {
        (Some(a), Some(b)) if there(earlier) && there(later) => {
            if let (Some(a), Some(b)) = (named(a, field), named(b, field)) {
                for name in union(&a, &b) {
                    let (a, b) = (get(&a, name), get(&b, name));
                    compare(&join(path, name), name, a, b, lines);
                }
            } else if a.to_json() != b.to_json() {
                lines.push(changed(path, &shown(field, a), &shown(field, b)));
            }
        }
        (_, Some(node)) if there(later) => {
            let added = |value: &Value| format!("is added: {}", written(value));
            one_sided(path, field, node, &added, lines);
        }
        (Some(node), _) if there(earlier) => {
            one_sided(path, field, node, &|_| "is removed".to_owned(), lines);
        }
        _ => {}
    }
}

/// Tells what stands on one side only; sections are told by what is in them.
fn one_sided(
    path: &str,
    field: &str,
    node: &Node,
    words: &dyn Fn(&Value) -> String,
    lines: &mut Vec<String>,
) {
    let is_section = !path.contains('.');
    match named(node, field).filter(|entries| is_section && !entries.is_empty()) {
        Some(entries) => {
            for (name, node) in entries {
                let path = join(path, name);
                lines.push(format!("{path} {}", words(&shown(name, node))));
            }
        }
        None => lines.push(format!("{path} {}", words(&shown(field, node)))),
    }
}

fn changed(path: &str, from: &Value, to: &Value) -> String {
    if from == to {
        return format!("{path} changes (a secret, not shown)");
    }
    format!("{path} changes from {} to {}", written(from), written(to))
}

fn written(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text;
    }
    let start: String = text.chars().take(MAX_VALUE_CHARS).collect();
    format!("{start}…")
}

/// The entries of a map, or of a list whose items carry names; `None` for anything else.
fn named<'n>(node: &'n Node, field: &str) -> Option<Vec<(&'n str, &'n Node)>> {
    match &node.content {
        Content::Map(entries) => {
            Some(entries.iter().map(|entry| (entry.name.as_str(), &entry.node)).collect())
        }
        Content::List(items) => {
            let name_field = match field {
                "accounts" | "models" => "id",
                "client_keys" => "name",
                _ => return None,
            };
            items
                .iter()
                .map(|item| match &item.entry(name_field)?.content {
                    Content::Scalar(name) => Some((name.text.as_str(), item)),
                    _ => None,
                })
                .collect()
        }
        _ => None,
    }
}

fn union<'n>(a: &[(&'n str, &'n Node)], b: &[(&'n str, &'n Node)]) -> Vec<&'n str> {
    let mut names: Vec<&str> = a.iter().map(|(name, _)| *name).collect();
    let new = b.iter().map(|(name, _)| *name).filter(|name| get(a, name).is_none());
    names.extend(new);
    names
}

fn get<'n>(entries: &[(&'n str, &'n Node)], name: &str) -> Option<&'n Node> {
    entries.iter().find(|(other, _)| *other == name).map(|(_, node)| *node)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
