use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

fn raw(schema: &Value) -> Box<RawValue> {
    RawValue::from_string(schema.to_string()).unwrap()
}

#[track_caller]
fn check(schema: Value, expected: Value, changed: bool) {
    let cleaned = clean(&raw(&schema)).unwrap();
    assert_eq!(cleaned.schema.unwrap_or_default(), expected, "{schema}");
    assert_eq!(cleaned.changed, changed, "{schema}");
}

#[test]
fn local_references_are_resolved_in_place() {
    check(
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A", "description": "mine"}},
            "$defs": {"A": {"type": "string", "description": "theirs"}}}),
        json!({"type": "OBJECT", "properties": {"a": {"type": "STRING", "description": "mine"}}}),
        false,
    );
}

#[test]
fn a_cycle_ends_in_an_object() {
    check(
        json!({"type": "object", "properties": {"next": {"$ref": "#"}}}),
        json!({"type": "OBJECT", "properties": {"next":
            {"type": "OBJECT", "properties": {"next": {"type": "OBJECT"}}}}}),
        true,
    );
}

#[test]
fn references_cannot_multiply_without_end() {
    let mut schemas = json!({});
    for level in 0..30 {
        let next = format!("#/$defs/s{}", level + 1);
        schemas[format!("s{level}")] =
            json!({"type": "object", "properties": {"a": {"$ref": next}, "b": {"$ref": next}}});
    }
    schemas["s30"] = json!({"type": "string"});
    let bomb = json!({"$ref": "#/$defs/s0", "$defs": schemas});

    let cleaned = clean(&raw(&bomb)).unwrap();

    assert!(cleaned.changed);
}

#[test]
fn a_large_schema_is_not_copied_without_end() {
    let mut properties = json!({});
    for number in 0..2_000 {
        properties[format!("p{number}")] = json!({"$ref": "#/$defs/big"});
    }
    let big = json!({"type": "string", "description": "x".repeat(20_000)});
    let bomb = json!({"type": "object", "properties": properties, "$defs": {"big": big}});

    let cleaned = clean(&raw(&bomb)).unwrap();

    assert!(cleaned.changed);
    assert!(cleaned.schema.unwrap_or_default().to_string().len() < 5_000_000);
}

#[test]
fn remote_and_missing_references_are_refused() {
    let refused = |reference: &str| clean(&raw(&json!({"$ref": reference}))).unwrap_err();
    assert!(refused("https://x.example/s.json").contains("another document"));
    assert!(refused("#/nowhere").contains("not there"));
}

#[test]
fn all_of_is_merged() {
    check(
        json!({"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "string"}}, "required": ["b", "a"], "title": "T"}
        ]}),
        json!({"type": "OBJECT", "title": "T",
            "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}},
            "required": ["a", "b"], "propertyOrdering": ["a", "b"]}),
        true,
    );
}

#[test]
fn one_of_becomes_any_of_and_null_becomes_nullable() {
    check(
        json!({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
        json!({"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": true}),
        false,
    );
    check(json!({"type": ["string", "null"]}), json!({"type": "STRING", "nullable": true}), false);
    check(
        json!({"type": ["string", "integer"]}),
        json!({"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        false,
    );
    check(
        json!({"anyOf": [{"type": "string"}, {"type": "null"}], "title": "T"}),
        json!({"title": "T", "nullable": true, "type": "STRING"}),
        false,
    );
}

#[test]
fn constants_and_values_that_are_no_text_are_handled() {
    check(json!({"const": "a"}), json!({"enum": ["a"], "type": "STRING"}), false);
    check(
        json!({"type": "string", "enum": ["a", null]}),
        json!({"type": "STRING", "enum": ["a"], "nullable": true}),
        false,
    );
    check(
        json!({"enum": [1, 2], "description": "level"}),
        json!({"type": "INTEGER", "description": "level (one of: 1, 2)"}),
        true,
    );
}

#[test]
fn tuples_become_lists_of_any() {
    check(
        json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}),
        json!({"type": "ARRAY", "items": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}}),
        true,
    );
    check(
        json!({"type": "array", "items": [{"type": "string"}, {"type": "number"}]}),
        json!({"type": "ARRAY", "items": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}}),
        true,
    );
}

#[test]
fn unknown_keywords_go_and_constraints_are_said() {
    check(
        json!({"$schema": "x", "$id": "y", "type": "object", "additionalProperties": false,
            "properties": {"a": {"type": "string", "format": "email", "pattern": "x"}}}),
        json!({"type": "OBJECT", "properties":
            {"a": {"type": "STRING", "pattern": "x", "description": "(format: email)"}}}),
        true,
    );
    check(
        json!({"type": "number", "exclusiveMinimum": 0, "maximum": 5, "format": "double"}),
        json!({"type": "NUMBER", "maximum": 5, "format": "double",
            "description": "(exclusiveMinimum: 0)"}),
        true,
    );
    check(json!({"type": "string", "not": {"const": "x"}}), json!({"type": "STRING"}), true);
}

#[test]
fn required_names_must_exist_and_the_order_is_kept() {
    check(
        json!({"type": "object", "required": ["z", "b", "a"],
            "properties": {"b": {"type": "string"}, "a": {"type": "string"}, "c": false}}),
        json!({"type": "OBJECT", "required": ["b", "a"], "propertyOrdering": ["b", "a"],
            "properties": {"b": {"type": "STRING"}, "a": {"type": "STRING"}}}),
        false,
    );
}

#[test]
fn arrays_get_items_and_empty_objects_say_nothing() {
    check(json!({"type": "array"}), json!({"type": "ARRAY", "items": {"type": "STRING"}}), true);
    check(json!({"type": "object", "properties": {}}), Value::Null, false);
    check(
        json!({"type": "object", "properties": {"any": true}}),
        json!({"type": "OBJECT", "properties": {"any": {"type": "STRING"}}}),
        true,
    );
}

#[test]
fn a_property_may_have_the_name_of_a_keyword() {
    check(
        json!({"type": "object", "properties": {"not": {"type": "string"}, "$ref": {"type": "string"}}}),
        json!({"type": "OBJECT", "propertyOrdering": ["not", "$ref"],
            "properties": {"not": {"type": "STRING"}, "$ref": {"type": "STRING"}}}),
        false,
    );
}

#[test]
fn the_dialect_becomes_json_schema() {
    let check = |dialect: Value, expected: Value| {
        let read: Value = serde_json::from_str(to_json_schema(&raw(&dialect)).get()).unwrap();
        assert_eq!(read, expected, "{dialect}");
    };
    check(
        json!({"type": "OBJECT", "propertyOrdering": ["type"],
            "properties": {"type": {"type": "STRING", "format": "enum", "enum": ["A"], "example": "A"}}}),
        json!({"type": "object", "properties": {"type": {"type": "string", "enum": ["A"]}}}),
    );
    check(json!({"type": "STRING", "nullable": true}), json!({"type": ["string", "null"]}));
    check(json!({"type": 6, "min_properties": "1"}), json!({"type": "object", "minProperties": 1}));
    check(
        json!({"any_of": [{"type": "INTEGER", "format": "int32"}], "nullable": true}),
        json!({"anyOf": [{"type": "integer", "format": "int32"}, {"type": "null"}]}),
    );
}

#[test]
fn what_is_json_schema_already_keeps_its_characters() {
    let text = r#"{ "type":"object", "properties" : {"a":{"type":"number","maximum":1.0}}}"#;
    let raw = RawValue::from_string(text.to_owned()).unwrap();
    assert_eq!(to_json_schema(&raw).get(), text);
}
