//! Names of tools that stand in a namespace. Other formats have one name for both; a call must go back
//! to the client under both, or it finds no such tool.

use std::collections::HashMap;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::raw_members::RawMembers;

/// Returns the name of a tool for formats without namespaces.
///
/// Codex ends its namespaces in `__` itself (`mcp__files__`), so that the plain names are those of its
/// older versions.
pub(super) fn joined(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        None | Some("") => name.to_owned(),
        Some(namespace) if namespace.ends_with("__") => format!("{namespace}{name}"),
        Some(namespace) => format!("{namespace}__{name}"),
    }
}

/// The tools of one request that stand in a namespace, by their joined name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Namespaces(HashMap<String, (String, String)>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Declared<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    tools: Option<Vec<&'a RawValue>>,
}

impl Namespaces {
    /// Finds them in a client's request, in its tools and in those that stand in its input. Most have
    /// none, which is seen without parsing.
    pub(super) fn of(asked: &RawMembers<'_>) -> Self {
        let mut found = Self::default();
        found.add(list(asked.get("tools")));
        for item in list(asked.get("input")).into_iter().map(declared) {
            if item.kind.as_deref() == Some("additional_tools") {
                found.add(item.tools.unwrap_or_default());
            }
        }
        found
    }

    /// Returns namespace and name of a tool by its joined name, or `None` if it stands in none.
    pub(super) fn split(&self, joined: &str) -> Option<(&str, &str)> {
        self.0.get(joined).map(|(namespace, name)| (namespace.as_str(), name.as_str()))
    }

    fn add(&mut self, tools: Vec<&RawValue>) {
        for namespace in tools.into_iter().map(declared) {
            let is_one = namespace.kind.as_deref() == Some("namespace");
            let Some(outer) = namespace.name.filter(|_| is_one) else { continue };
            let inner = namespace.tools.unwrap_or_default().into_iter().map(declared);
            for name in inner.filter_map(|tool| tool.name) {
                self.0.insert(joined(Some(&outer), &name), (outer.clone(), name));
            }
        }
    }
}

/// Returns the entries of a list in which a namespace may stand.
fn list(raw: Option<&RawValue>) -> Vec<&RawValue> {
    raw.map(RawValue::get)
        .filter(|text| memmem::find(text.as_bytes(), b"\"namespace\"").is_some())
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn declared(raw: &RawValue) -> Declared<'_> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(asked: &[u8]) -> Namespaces {
        Namespaces::of(&serde_json::from_slice(asked).unwrap_or_default())
    }

    #[test]
    fn two_bars_stand_between_namespace_and_name() {
        assert_eq!(joined(None, "read"), "read");
        assert_eq!(joined(Some(""), "read"), "read");
        assert_eq!(joined(Some("files"), "read"), "files__read");
        assert_eq!(joined(Some("mcp__files__"), "read"), "mcp__files__read");
    }

    #[test]
    fn joined_names_are_split_as_the_request_declares_them() {
        let asked = br#"{"tools":[{"type":"function","name":"a__b"},
            {"type":"namespace","name":"files","tools":[{"type":"function","name":"read"}]}],
            "input":[{"role":"user","content":"hi"},{"type":"additional_tools","tools":[
            {"type":"namespace","name":"mcp__x__","tools":[{"type":"custom","name":"y"}]}]}]}"#;

        let names = names_of(asked);

        assert_eq!(names.split("files__read"), Some(("files", "read")));
        assert_eq!(names.split("mcp__x__y"), Some(("mcp__x__", "y")));
        assert_eq!(names.split("a__b"), None);
        assert_eq!(names_of(b"{\"input\":\"hi\"}"), Namespaces::default());
        assert_eq!(names_of(b"\"namespace\" and no JSON"), Namespaces::default());
    }
}
