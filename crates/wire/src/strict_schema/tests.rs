use super::*;

/// The schema as it is sent, `None` if it cannot be strict.
fn sent(schema: &Value) -> Option<Value> {
    let raw = RawValue::from_string(schema.to_string()).unwrap();
    match fit(&raw) {
        Fit::AsIs => Some(schema.clone()),
        Fit::Changed { schema, .. } => Some(serde_json::from_str(schema.get()).unwrap()),
        Fit::Impossible => None,
    }
}

/// An object of one required member.
fn holding(inner: &Value) -> Value {
    json!({
        "type": "object", "properties": {"a": inner}, "required": ["a"],
        "additionalProperties": false,
    })
}

#[test]
fn a_schema_that_fits_is_left_alone() {
    let schema = json!({
        "type": "object",
        "properties": {
            "b": {"type": ["string", "null"], "pattern": "x", "format": "date", "default": "y"},
            "a": {"type": "array", "items": {"$ref": "#"}, "maxItems": 3},
        },
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    let raw = RawValue::from_string(schema.to_string()).unwrap();

    assert!(matches!(fit(&raw), Fit::AsIs), "whatever the order of `required`");
}

#[test]
fn members_that_may_be_missing_may_be_null_instead() {
    let schema = json!({
        "type": "object",
        "properties": {
            "word": {"type": "string", "enum": ["x"]},
            "place": {"$ref": "#/$defs/place"},
            "nothing": {"type": "null"},
            "bare": {"enum": ["a", "b"]},
            "fixed": {"type": "string", "const": "c"},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "list": {"type": ["array", "null"], "items": {"type": "number", "minimum": 0}},
        },
        "required": ["nothing", "gone"],
        "$defs": {"place": {"properties": {"x": {"type": ["number"]}}}},
    });
    let expected = json!({
        "type": "object",
        "properties": {
            "word": {"type": ["string", "null"], "enum": ["x", null]},
            "place": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
            "nothing": {"type": "null"},
            "bare": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
            "fixed": {"anyOf": [{"type": "string", "const": "c"}, {"type": "null"}]},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "list": {"type": ["array", "null"], "items": {"type": "number", "minimum": 0}},
        },
        "required": ["word", "place", "nothing", "bare", "fixed", "either", "list"],
        "$defs": {"place": {
            "type": "object",
            "properties": {"x": {"type": ["number", "null"]}},
            "required": ["x"],
            "additionalProperties": false,
        }},
        "additionalProperties": false,
    });
    assert_eq!(sent(&schema), Some(expected));
}

#[test]
fn what_strict_mode_does_not_know_is_said_in_the_description() {
    let inner = json!({"oneOf": [
        {"type": "string", "description": "D", "maxLength": 3, "format": "uri"},
        {"type": "array", "items": {"type": "string"}, "contains": {}, "minContains": 1},
    ]});
    let expected = json!({"anyOf": [
        {"type": "string", "description": "D (maxLength: 3, format: \"uri\")"},
        {"type": "array", "items": {"type": "string"}, "description": "(minContains: 1, contains: {})"},
    ]});
    assert_eq!(sent(&holding(&inner)), Some(holding(&expected)));
}

#[test]
fn a_tool_without_arguments_is_an_object_without_members() {
    let expected = json!({"type": "object", "additionalProperties": false, "properties": {}});
    assert_eq!(sent(&json!({"type": "object"})), Some(expected));
}

#[test]
fn values_of_any_kind_cannot_be_strict() {
    for inner in [
        json!(true),
        json!({}),
        json!({"description": "anything"}),
        json!({"type": "object"}),
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
        json!({"type": "array"}),
        json!({"type": "array", "items": [{"type": "string"}]}),
        json!({"type": "array", "prefixItems": [{"type": "string"}]}),
        json!({"allOf": [{"type": "string"}]}),
        json!({"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}]}),
    ] {
        assert_eq!(sent(&holding(&inner)), None, "{inner}");
    }
    for root in [
        json!({"type": "object", "additionalProperties": true}),
        json!({"type": "object", "anyOf": []}),
        json!({"type": "object", "oneOf": []}),
        json!({"type": "array", "items": {"type": "string"}}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}}),
    ] {
        assert_eq!(sent(&root), None, "{root}");
    }
}

#[test]
fn a_schema_beyond_the_limits_cannot_be_strict() {
    let check = |schema: &Value, fits: bool| assert_eq!(sent(schema).is_some(), fits);
    let nested = |objects: usize| {
        (1..objects).fold(holding(&json!({"type": "string"})), |inner, _| holding(&inner))
    };
    check(&nested(10), true);
    check(&nested(11), false);

    let many = |members: usize| {
        let all: Map<String, Value> =
            (0..members).map(|n| (format!("m{n}"), json!({"type": "string"}))).collect();
        json!({"type": "object", "properties": all})
    };
    check(&many(5_000), true);
    check(&many(5_001), false);

    let values =
        |count: usize, text: &str| holding(&json!({"type": "string", "enum": vec![text; count]}));
    check(&values(1_000, "x"), true);
    check(&values(1_001, "x"), false);
    check(&values(10, &"x".repeat(12_000)), false);
}

#[test]
fn only_members_that_became_nullable_concern_the_reply() {
    let concerns = |schema: Value| {
        let raw = RawValue::from_string(schema.to_string()).unwrap();
        matches!(fit(&raw), Fit::Changed { optional: Some(_), .. })
    };
    assert!(concerns(json!({"type": "object", "properties": {"a": {"type": "string"}}})));
    assert!(!concerns(json!({"type": "object", "properties": {"a": {"type": "null"}}})));
}
