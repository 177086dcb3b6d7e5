//! Schemas as the API can enforce them: closed objects, and no bounds on values.
//!
//! What is taken out is said in the description, so that the model still knows it.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json_schema::{CONDITIONS, remark};

/// Keywords that hold one schema.
const ONE: [&str; 1] = ["items"];
/// Keywords that hold a list of schemas.
const LISTS: [&str; 4] = ["anyOf", "allOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const MAPS: [&str; 3] = ["properties", "$defs", "definitions"];
/// Bounds on values that cannot be enforced.
const BOUNDS: [&str; 12] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];
/// Formats that can be enforced.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// A schema that was changed to fit.
pub(super) struct Fitted {
    pub(super) schema: Box<RawValue>,
    /// Whether objects were closed and nothing else was done.
    pub(super) only_closed: bool,
}

/// What was done to a schema.
#[derive(Default)]
struct Changes {
    closed: bool,
    others: bool,
}

/// Returns a schema fitted to the API, or `None` if it fits as it is or cannot be read.
pub(super) fn fitted(schema: &RawValue) -> Option<Fitted> {
    let mut value: Value = serde_json::from_str(schema.get()).ok()?;
    let mut changes = Changes::default();
    fit(&mut value, &mut changes);
    if !changes.closed && !changes.others {
        return None;
    }
    let schema = RawValue::from_string(value.to_string()).ok()?;
    Some(Fitted { schema, only_closed: !changes.others })
}

/// Fits a schema and all inside it.
fn fit(schema: &mut Value, changes: &mut Changes) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(branches) = members.remove("oneOf") {
        members.insert("anyOf".to_owned(), branches);
        changes.others = true;
    }
    changes.others |= take_bounds(members);
    changes.closed |= close(members);
    for keyword in ONE {
        if let Some(inner) = members.get_mut(keyword) {
            fit(inner, changes);
        }
    }
    for keyword in LISTS {
        for branch in members.get_mut(keyword).and_then(Value::as_array_mut).into_iter().flatten() {
            fit(branch, changes);
        }
    }
    for keyword in MAPS {
        let inner = members.get_mut(keyword).and_then(Value::as_object_mut);
        for (_, branch) in inner.into_iter().flatten() {
            fit(branch, changes);
        }
    }
}

/// Moves what cannot be enforced to the description.
fn take_bounds(members: &mut Map<String, Value>) -> bool {
    let mut said = Vec::new();
    for keyword in BOUNDS.into_iter().chain(CONDITIONS) {
        if let Some(value) = members.shift_remove(keyword) {
            said.push(format!("{keyword}: {value}"));
        }
    }
    if members.get("minItems").and_then(Value::as_u64).is_some_and(|least| least > 1)
        && let Some(value) = members.shift_remove("minItems")
    {
        said.push(format!("minItems: {value}"));
    }
    let is_foreign = |format: &str| !FORMATS.contains(&format);
    if members.get("format").and_then(Value::as_str).is_some_and(is_foreign)
        && let Some(value) = members.shift_remove("format")
    {
        said.push(format!("format: {value}"));
    }
    if said.is_empty() {
        return false;
    }
    remark(members, &said.join(", "));
    true
}

/// Objects must say that they take no other members.
fn close(members: &mut Map<String, Value>) -> bool {
    let is_object = members.get("type").is_some_and(|kind| {
        kind == "object"
            || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
    });
    let is_object = is_object || members.contains_key("properties");
    let is_closed = members.get("additionalProperties") == Some(&Value::Bool(false));
    if is_object && !is_closed {
        members.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    is_object && !is_closed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fit_value(schema: &Value) -> Option<Value> {
        let raw = RawValue::from_string(schema.to_string()).unwrap();
        fitted(&raw).map(|fitted| serde_json::from_str(fitted.schema.get()).unwrap())
    }

    #[test]
    fn a_schema_that_fits_is_left_alone() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "date"}}},
        });
        assert_eq!(fit_value(&schema), None);
    }

    #[test]
    fn objects_are_closed_and_bounds_are_said() {
        let schema = json!({
            "type": "object",
            "properties": {
                "age": {"type": "integer", "description": "Years.", "minimum": 0, "maximum": 150},
                "minimum": {"type": "string", "format": "phone"},
                "either": {"oneOf": [{"properties": {}}, {"type": "null"}]},
            },
            "$defs": {"list": {"type": "array", "minItems": 2, "items": {"type": "object"}}},
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "age": {"type": "integer", "description": "Years. (minimum: 0, maximum: 150)"},
                "minimum": {"type": "string", "description": "(format: \"phone\")"},
                "either": {"anyOf": [{"properties": {}, "additionalProperties": false}, {"type": "null"}]},
            },
            "$defs": {"list": {
                "type": "array", "description": "(minItems: 2)",
                "items": {"type": "object", "additionalProperties": false},
            }},
            "additionalProperties": false,
        });
        assert_eq!(fit_value(&schema), Some(expected));
    }
}
