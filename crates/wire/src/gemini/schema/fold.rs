//! Brings the ways in which JSON Schema says one thing into the single one of this dialect.

use serde_json::{Map, Value, json};

/// Merges the members of `newer` into `older`: properties together, `required` as a union, else the
/// newer value wins.
pub(super) fn merge(older: &mut Map<String, Value>, newer: Map<String, Value>) {
    for (name, value) in newer {
        match (older.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) if name == "properties" => {
                known.extend(more);
            }
            (Some(Value::Array(known)), Value::Array(more)) if name == "required" => {
                for value in more {
                    if !known.contains(&value) {
                        known.push(value);
                    }
                }
            }
            (_, value) => {
                older.insert(name, value);
            }
        }
    }
}

/// Turns `oneOf` into `anyOf`.
pub(super) fn one_of(members: &mut Map<String, Value>) {
    let Some(Value::Array(mut branches)) = members.shift_remove("oneOf") else { return };
    if let Some(Value::Array(known)) = members.get_mut("anyOf") {
        known.append(&mut branches);
    } else {
        members.insert("anyOf".to_owned(), Value::Array(branches));
    }
}

/// Turns a null among types, branches or values into `nullable`, and several types into branches.
pub(super) fn nulls(members: &mut Map<String, Value>) {
    let mut nullable = false;
    if let Some(Value::Array(types)) = members.get_mut("type") {
        let before = types.len();
        types.retain(|name| name != "null");
        nullable |= types.len() < before;
        match types.len() {
            0 => {
                members.shift_remove("type");
            }
            1 => {
                let only = types.remove(0);
                members.insert("type".to_owned(), only);
            }
            _ => {
                let branches = types.iter().map(|name| json!({"type": name})).collect();
                members.shift_remove("type");
                members.entry("anyOf").or_insert(Value::Array(branches));
            }
        }
    }
    if let Some(Value::Array(branches)) = members.get_mut("anyOf") {
        let before = branches.len();
        branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
        nullable |= branches.len() < before;
        match branches.len() {
            0 => {
                members.shift_remove("anyOf");
            }
            1 => {
                let only = branches.remove(0);
                members.shift_remove("anyOf");
                if let Value::Object(only) = only {
                    merge(members, only);
                }
            }
            _ => {}
        }
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        let before = values.len();
        values.retain(|value| !value.is_null());
        nullable |= values.len() < before;
    }
    if nullable {
        members.insert("nullable".to_owned(), Value::Bool(true));
    }
}

/// Turns the items of a tuple into one schema for all; tells whether there was a tuple.
pub(super) fn tuple(members: &mut Map<String, Value>) -> bool {
    let prefix = members.shift_remove("prefixItems");
    let items = members.get("items");
    let branches = match (prefix, items) {
        (Some(Value::Array(mut branches)), rest) => {
            branches.extend(rest.filter(|rest| rest.is_object()).cloned());
            branches
        }
        (_, Some(Value::Array(branches))) => branches.clone(),
        _ => return false,
    };
    members.insert("items".to_owned(), json!({"anyOf": branches}));
    true
}
