//! Arguments for a tool call, made from the tool's schema so that they satisfy what it requires.

use serde_json::{Map, Number, Value};

/// How deep schemas and references are followed.
const MOST_LEVELS: usize = 8;
/// The text given where text is wanted.
pub(crate) const SAMPLE_TEXT: &str = "text";

/// Returns arguments with every required property filled; `{}` without a schema.
///
/// The same schema always gives the same arguments. Understood are `type` (in Google's capitals too),
/// `required`, `properties`, `items` with `minItems`, `enum`, `const`, `default`, `minimum`, local
/// `$ref`, `anyOf`, `oneOf` and `allOf`; of alternatives the first is taken.
pub(crate) fn from_schema(schema: &Value) -> Value {
    match value(schema, schema, MOST_LEVELS) {
        object @ Value::Object(_) => object,
        _ => Value::Object(Map::new()),
    }
}

fn value(schema: &Value, root: &Value, levels: usize) -> Value {
    if levels == 0 {
        return Value::Null;
    }
    let target = schema["$ref"].as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
    if let Some(target) = target {
        return value(target, root, levels - 1);
    }
    let fixed = [schema.get("const"), schema["enum"].get(0), schema.get("default")];
    if let Some(fixed) = fixed.into_iter().flatten().next() {
        return fixed.clone();
    }
    for alternatives in ["anyOf", "oneOf", "any_of", "allOf"] {
        if let Some(first) = schema[alternatives].get(0) {
            return value(first, root, levels - 1);
        }
    }
    match kind(schema).as_str() {
        "string" => SAMPLE_TEXT.into(),
        "integer" | "number" => least(schema).into(),
        "boolean" => true.into(),
        "array" => array(schema, root, levels),
        "null" => Value::Null,
        _ => object(schema, root, levels),
    }
}

fn kind(schema: &Value) -> String {
    let named = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str());
    let implied = if schema["items"].is_object() { "array" } else { "object" };
    named.unwrap_or(implied).to_ascii_lowercase()
}

fn least(schema: &Value) -> Number {
    let minimum = schema["minimum"].as_number().cloned();
    let is_above_one = |number: &Number| number.as_f64().is_some_and(|number| number > 1.0);
    minimum.filter(is_above_one).unwrap_or_else(|| 1.into())
}

fn array(schema: &Value, root: &Value, levels: usize) -> Value {
    // Google writes 64-bit numbers as text.
    let fewest = schema["minItems"].as_u64().or_else(|| schema["minItems"].as_str()?.parse().ok());
    let wanted = fewest.unwrap_or(0).min(16);
    (0..wanted).map(|_| value(&schema["items"], root, levels - 1)).collect()
}

fn object(schema: &Value, root: &Value, levels: usize) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let filled = required.map(|name| {
        let property = &schema["properties"][name];
        let filling =
            if property.is_null() { SAMPLE_TEXT.into() } else { value(property, root, levels - 1) };
        (name.to_owned(), filling)
    });
    Value::Object(filled.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn required_properties_are_filled_by_type_and_others_left_out() {
        let schema = json!({"type": "object", "required": ["s", "i", "b", "e", "o", "a"], "properties": {
            "s": {"type": "string"}, "i": {"type": "INTEGER", "minimum": 5}, "b": {"type": "boolean"},
            "e": {"type": "string", "enum": ["north", "south"]},
            "o": {"type": "object", "required": ["n"], "properties": {"n": {"type": ["number", "null"]}}},
            "a": {"type": "array", "minItems": 2, "items": {"type": "string"}},
            "free": {"type": "string"}}});

        let arguments = from_schema(&schema);

        let wanted = json!({"s": "text", "i": 5, "b": true, "e": "north", "o": {"n": 1}, "a": ["text", "text"]});
        assert_eq!(arguments, wanted);
    }

    #[test]
    fn references_are_followed_and_circles_end() {
        let schema = json!({"type": "object", "required": ["place", "next"],
            "properties": {"place": {"$ref": "#/$defs/place"}, "next": {"$ref": "#"}},
            "$defs": {"place": {"anyOf": [{"type": "string"}, {"type": "null"}]}}});

        let arguments = from_schema(&schema);

        assert_eq!(arguments["place"], "text");
        assert_eq!(arguments["next"]["place"], "text");
    }

    #[test]
    fn a_missing_schema_gives_an_empty_object() {
        assert_eq!(from_schema(&Value::Null), json!({}));
    }
}
