//! Schemas as OpenAI's strict mode takes them: closed objects whose properties are all required, and
//! no keyword that it cannot enforce.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::chat::RawJson;
use crate::json_schema::{CONDITIONS, remark};

/// What a note says of a schema that was changed.
pub(super) const CHANGED: &str = "the schema was fitted: optional members may come as null";
/// What a note says of a schema that cannot be strict.
pub(super) const IMPOSSIBLE: &str = "sent as not strict: the schema has members of any name or an \
                                     allOf, which strict mode refuses";

/// Keywords that hold a list of schemas.
const LISTS: [&str; 2] = ["anyOf", "prefixItems"];
/// Keywords that hold schemas by name.
const MAPS: [&str; 3] = ["properties", "$defs", "definitions"];
/// Bounds that strict mode refuses.
const BOUNDS: [&str; 5] =
    ["minLength", "maxLength", "minProperties", "maxProperties", "uniqueItems"];

/// How a schema fits strict mode.
pub(super) enum Fit {
    /// As it is.
    AsIs,
    /// After changes.
    Changed(RawJson),
    /// Not at all.
    Impossible,
}

/// Fits a schema to strict mode.
pub(super) fn fit(schema: &RawValue) -> Fit {
    let Ok(mut value) = serde_json::from_str::<Value>(schema.get()) else { return Fit::Impossible };
    let is_object = value.get("type").is_some_and(|kind| kind == "object");
    if !is_object || value.get("anyOf").is_some() || value.get("oneOf").is_some() {
        return Fit::Impossible;
    }
    match fit_one(&mut value) {
        None => Fit::Impossible,
        Some(false) => Fit::AsIs,
        Some(true) => {
            RawValue::from_string(value.to_string()).map_or(Fit::Impossible, Fit::Changed)
        }
    }
}

/// Fits a schema and all inside it; tells whether anything changed, `None` if it cannot be fitted.
fn fit_one(schema: &mut Value) -> Option<bool> {
    let Some(members) = schema.as_object_mut() else { return Some(false) };
    if members.contains_key("allOf") {
        return None;
    }
    let mut changed = false;
    if let Some(branches) = members.remove("oneOf") {
        members.insert("anyOf".to_owned(), branches);
        changed = true;
    }
    changed |= take_unknown(members);
    changed |= close(members)?;
    if let Some(items) = members.get_mut("items") {
        changed |= fit_one(items)?;
    }
    for keyword in LISTS {
        for branch in members.get_mut(keyword).and_then(Value::as_array_mut).into_iter().flatten() {
            changed |= fit_one(branch)?;
        }
    }
    for keyword in MAPS {
        let inner = members.get_mut(keyword).and_then(Value::as_object_mut);
        for (_, branch) in inner.into_iter().flatten() {
            changed |= fit_one(branch)?;
        }
    }
    changed |= require_all(members);
    Some(changed)
}

/// Moves what strict mode refuses to the description.
fn take_unknown(members: &mut Map<String, Value>) -> bool {
    let mut said = Vec::new();
    for keyword in BOUNDS.into_iter().chain(CONDITIONS) {
        if let Some(value) = members.shift_remove(keyword) {
            said.push(format!("{keyword}: {value}"));
        }
    }
    if said.is_empty() {
        return false;
    }
    remark(members, &said.join(", "));
    true
}

/// Says that an object takes no other members; `None` if it does take some.
fn close(members: &mut Map<String, Value>) -> Option<bool> {
    let is_object = members.get("type").is_some_and(|kind| {
        kind == "object"
            || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
    });
    if !is_object && !members.contains_key("properties") {
        return Some(false);
    }
    match members.get("additionalProperties") {
        Some(Value::Bool(false)) => Some(false),
        Some(_) => None,
        None => {
            members.insert("additionalProperties".to_owned(), Value::Bool(false));
            Some(true)
        }
    }
}

/// Requires all properties; those that were optional may be null instead.
fn require_all(members: &mut Map<String, Value>) -> bool {
    let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) else {
        return false;
    };
    let names: Vec<String> = properties.keys().cloned().collect();
    let required = members.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_required = |name: &String| required.iter().any(|known| known.as_str() == Some(name));
    let optional: Vec<&String> = names.iter().filter(|name| !is_required(name)).collect();
    if optional.is_empty() {
        return false;
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        for name in &optional {
            if let Some(property) = properties.get_mut(*name) {
                allow_null(property);
            }
        }
    }
    members.insert("required".to_owned(), names.into());
    true
}

fn allow_null(schema: &mut Value) {
    let is_plain = schema.get("enum").is_none() && schema.get("const").is_none();
    match schema.get_mut("type") {
        Some(Value::String(kind)) if is_plain && kind != "null" => {
            let kind = std::mem::take(kind);
            schema["type"] = json!([kind, "null"]);
        }
        Some(Value::Array(kinds)) if is_plain => {
            if !kinds.iter().any(|kind| kind == "null") {
                kinds.push("null".into());
            }
        }
        _ => *schema = json!({"anyOf": [schema.take(), {"type": "null"}]}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, expected: Option<&Value>) {
        let raw = RawValue::from_string(schema.to_string()).unwrap();
        let found = match fit(&raw) {
            Fit::AsIs => Some(schema.clone()),
            Fit::Changed(fitted) => Some(serde_json::from_str(fitted.get()).unwrap()),
            Fit::Impossible => None,
        };
        assert_eq!(found.as_ref(), expected, "{schema}");
    }

    #[test]
    fn a_schema_that_is_strict_is_left_alone() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"type": ["string", "null"], "pattern": "x", "format": "date"}},
        });
        let raw = RawValue::from_string(schema.to_string()).unwrap();
        assert!(matches!(fit(&raw), Fit::AsIs));
    }

    #[test]
    fn objects_are_closed_and_what_is_optional_may_be_null() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "age": {"type": "integer", "minimum": 0},
                "kind": {"enum": ["a", "b"]},
                "where": {"$ref": "#/$defs/place"},
                "either": {"oneOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
            },
            "required": ["name", "either"],
            "$defs": {"place": {"type": "object", "properties": {"x": {"type": ["number"]}}}},
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "(minLength: 1)"},
                "age": {"type": ["integer", "null"], "minimum": 0},
                "kind": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
                "where": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
                "either": {"anyOf": [
                    {"type": "object", "properties": {}, "additionalProperties": false},
                    {"type": "null"},
                ]},
            },
            "required": ["name", "age", "kind", "where", "either"],
            "$defs": {"place": {
                "type": "object",
                "properties": {"x": {"type": ["number", "null"]}},
                "additionalProperties": false,
                "required": ["x"],
            }},
            "additionalProperties": false,
        });
        check(&schema, Some(&expected));
    }

    #[test]
    fn maps_and_merges_cannot_be_strict() {
        let inside = |inner: Value| json!({"type": "object", "properties": {"a": inner}});
        check(&inside(json!({"type": "object", "additionalProperties": {"type": "string"}})), None);
        check(&inside(json!({"allOf": [{"type": "string"}]})), None);
        check(&json!({"type": "object", "additionalProperties": true}), None);
        check(&json!({"type": "array", "items": {}}), None);
        check(&json!({"type": "object", "anyOf": [{}]}), None);
    }
}
