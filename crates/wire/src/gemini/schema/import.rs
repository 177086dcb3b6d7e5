//! From this format's dialect to JSON Schema.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::chat::RawJson;

/// Names of types by number (proto `Type`).
const TYPES: [&str; 8] =
    ["type_unspecified", "string", "number", "integer", "boolean", "array", "object", "null"];

/// Returns `raw` as JSON Schema: the same characters if it is that already, else rewritten.
pub(in crate::gemini) fn to_json_schema(raw: &RawValue) -> RawJson {
    let Ok(written) = serde_json::from_str::<Value>(raw.get()) else { return raw.to_owned() };
    let mut schema = written.clone();
    convert(&mut schema);
    if schema == written {
        return raw.to_owned();
    }
    to_raw_value(&schema).unwrap_or_else(|_| raw.to_owned())
}

fn convert(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    for snake in ["any_of", "min_items", "max_items", "min_length", "max_length"] {
        rename(members, snake);
    }
    for snake in ["property_ordering", "min_properties", "max_properties"] {
        rename(members, snake);
    }
    members.shift_remove("propertyOrdering");
    members.shift_remove("example");
    if members.get("format").and_then(Value::as_str) == Some("enum") {
        members.shift_remove("format");
    }
    lower_type(members);
    numbers(members);

    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        properties.values_mut().for_each(convert);
    }
    for name in ["items", "additionalProperties"] {
        if let Some(inner) = members.get_mut(name) {
            convert(inner);
        }
    }
    for name in ["anyOf", "prefixItems"] {
        if let Some(Value::Array(branches)) = members.get_mut(name) {
            branches.iter_mut().for_each(convert);
        }
    }
    nullable(members);
}

fn rename(members: &mut Map<String, Value>, snake: &str) {
    let mut words = snake.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        camel.push_str(&word[..1].to_ascii_uppercase());
        camel.push_str(&word[1..]);
    }
    if let Some(value) = members.shift_remove(snake) {
        members.insert(camel, value);
    }
}

fn lower_type(members: &mut Map<String, Value>) {
    let Some(kind) = members.get_mut("type") else { return };
    let lower = match &*kind {
        Value::String(name) => name.to_ascii_lowercase(),
        Value::Number(number) => {
            let place = number.as_u64().and_then(|place| usize::try_from(place).ok());
            place
                .and_then(|place| TYPES.get(place))
                .map_or_else(String::new, |name| (*name).to_owned())
        }
        _ => return,
    };
    if lower.is_empty() || lower == "type_unspecified" {
        members.shift_remove("type");
    } else {
        *kind = Value::from(lower);
    }
}

/// Bounds are 64-bit integers there, which protobuf JSON may write as strings.
fn numbers(members: &mut Map<String, Value>) {
    let bounds =
        ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];
    for name in bounds {
        if let Some(bound) = members.get_mut(name)
            && let Some(number) = bound.as_str().and_then(|text| text.parse::<u64>().ok())
        {
            *bound = Value::from(number);
        }
    }
}

fn nullable(members: &mut Map<String, Value>) {
    let Some(flag) = members.shift_remove("nullable") else { return };
    if flag != Value::Bool(true) {
        return;
    }
    if let Some(Value::Array(branches)) = members.get_mut("anyOf") {
        branches.push(json!({"type": "null"}));
    }
    if let Some(kind) = members.get_mut("type") {
        let name = kind.take();
        *kind = json!([name, "null"]);
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.push(Value::Null);
    }
}
