//! Schemas for OpenAI's strict mode, which takes closed objects whose members are all required.
//!
//! Other vendors' strict modes take members that may be missing. Such a member becomes required and may be
//! null instead; what strict mode does not know is taken out and said in the description.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::json_schema::{CONDITIONS, remark};

/// Bounds that strict mode does not know.
const BOUNDS: [&str; 6] = [
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "uniqueItems",
    "unevaluatedProperties",
];

/// Formats that it knows.
const FORMATS: [&str; 9] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// Keywords that hold schemas by name.
const MAPS: [&str; 3] = ["properties", "$defs", "definitions"];

/// Most nested schemas; deeper ones are refused by the API as well.
const MAX_DEPTH: u32 = 64;

/// What became of a schema.
#[derive(Debug)]
pub(crate) enum Strict<'a> {
    /// It fits as it was written, or was made to.
    Fits(Cow<'a, RawValue>),
    /// It cannot be strict: it has members of any name, or branches at its root.
    Impossible,
}

impl Strict<'_> {
    /// Tells whether anything was changed.
    pub(crate) const fn is_changed(&self) -> bool {
        matches!(self, Self::Fits(Cow::Owned(_)))
    }
}

/// What of a schema cannot be strict.
#[derive(Debug)]
struct Open;

/// Makes a schema one for strict mode.
pub(crate) fn strict(schema: &RawValue) -> Strict<'_> {
    let Ok(mut value) = serde_json::from_str::<Value>(schema.get()) else {
        return Strict::Impossible;
    };
    let is_object = value.get("type").is_some_and(|kind| kind == "object");
    if !is_object || value.get("anyOf").is_some() || value.get("oneOf").is_some() {
        return Strict::Impossible;
    }
    match close(&mut value, MAX_DEPTH) {
        Err(Open) => Strict::Impossible,
        Ok(false) => Strict::Fits(Cow::Borrowed(schema)),
        Ok(true) => RawValue::from_string(value.to_string())
            .map_or(Strict::Impossible, |raw| Strict::Fits(Cow::Owned(raw))),
    }
}

/// Closes a schema and all inside it; tells whether anything changed.
fn close(schema: &mut Value, depth: u32) -> Result<bool, Open> {
    let Some(members) = schema.as_object_mut() else {
        return if schema.is_boolean() { Err(Open) } else { Ok(false) };
    };
    if depth == 0 || members.contains_key("allOf") || members.contains_key("prefixItems") {
        return Err(Open);
    }
    let mut changed = take_unknown(members);
    if let Some(branches) = members.remove("oneOf") {
        members.insert("anyOf".to_owned(), branches);
        changed = true;
    }
    if members.get("type").is_some_and(has_object) || members.contains_key("properties") {
        changed |= close_object(members)?;
    }
    for keyword in MAPS {
        for inner in members.get_mut(keyword).and_then(Value::as_object_mut).into_iter().flatten() {
            changed |= close(inner.1, depth - 1)?;
        }
    }
    if let Some(items) = members.get_mut("items") {
        changed |= close(items, depth - 1)?;
    }
    for branch in members.get_mut("anyOf").and_then(Value::as_array_mut).into_iter().flatten() {
        changed |= close(branch, depth - 1)?;
    }
    Ok(changed)
}

fn has_object(kind: &Value) -> bool {
    kind == "object"
        || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

/// Takes out the keywords that strict mode does not know.
fn take_unknown(members: &mut Map<String, Value>) -> bool {
    let mut taken = Vec::new();
    for keyword in BOUNDS.into_iter().chain(CONDITIONS) {
        if let Some(bound) = members.shift_remove(keyword) {
            taken.push(format!("{keyword}: {bound}"));
        }
    }
    let is_unknown = |format: &Value| format.as_str().is_some_and(|word| !FORMATS.contains(&word));
    if members.get("format").is_some_and(is_unknown)
        && let Some(format) = members.shift_remove("format")
    {
        taken.push(format!("format: {format}"));
    }
    if taken.is_empty() {
        return false;
    }
    remark(members, &taken.join(", "));
    true
}

/// Closes an object and makes its members required.
fn close_object(members: &mut Map<String, Value>) -> Result<bool, Open> {
    let mut changed = false;
    match members.get("additionalProperties") {
        Some(Value::Bool(false)) => {}
        Some(_) => return Err(Open),
        None => {
            members.insert("additionalProperties".to_owned(), Value::Bool(false));
            changed = true;
        }
    }
    let known = members.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) else {
        return Ok(changed);
    };
    let mut required = known.clone();
    for (name, schema) in properties.iter_mut() {
        if !known.iter().any(|known| known == name.as_str()) {
            allow_null(schema);
            required.push(Value::from(name.as_str()));
            changed = true;
        }
    }
    if !required.is_empty() {
        members.insert("required".to_owned(), Value::Array(required));
    }
    Ok(changed)
}

/// Lets a value be null.
fn allow_null(schema: &mut Value) {
    let nothing = json!({"type": "null"});
    let is_plain = schema.get("const").is_none();
    if let Some(branches) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        if !branches.contains(&nothing) {
            branches.push(nothing);
        }
        return;
    }
    let Some(kind) = schema.get("type").cloned().filter(|_| is_plain) else {
        let known = std::mem::take(schema);
        *schema = json!({"anyOf": [known, nothing]});
        return;
    };
    let mut kinds = match kind {
        Value::Array(kinds) => kinds,
        kind => vec![kind],
    };
    if kinds.iter().any(|kind| kind == "null") {
        return;
    }
    kinds.push("null".into());
    schema["type"] = kinds.into();
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &str, expected: Option<&str>) {
        let raw = RawValue::from_string(schema.to_owned()).unwrap();
        let made = match strict(&raw) {
            Strict::Fits(made) => Some(made.get().to_owned()),
            Strict::Impossible => None,
        };
        assert_eq!(made.as_deref(), expected, "{schema}");
    }

    #[test]
    fn a_schema_that_fits_keeps_its_characters() {
        let schema = r#"{"type":"object", "properties":{"a":{"type":"number","minimum":1.0}},"required":["a"],"additionalProperties":false}"#;
        check(schema, Some(schema));
    }

    #[test]
    fn members_that_may_be_missing_may_be_null_instead() {
        check(
            r##"{"type":"object","properties":{"a":{"type":"string","enum":["x"]},"b":{"$ref":"#/$defs/b"},"c":{"type":"null"}},"required":["c"]}"##,
            Some(
                r##"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]},"b":{"anyOf":[{"$ref":"#/$defs/b"},{"type":"null"}]},"c":{"type":"null"}},"required":["c","a","b"],"additionalProperties":false}"##,
            ),
        );
    }

    #[test]
    fn what_strict_mode_does_not_know_is_said_in_the_description() {
        check(
            r#"{"type":"object","properties":{"a":{"oneOf":[{"type":"string","maxLength":3,"format":"uri"}]}},"required":["a"],"additionalProperties":false}"#,
            Some(
                r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"string","description":"(maxLength: 3, format: \"uri\")"}]}},"required":["a"],"additionalProperties":false}"#,
            ),
        );
    }

    #[test]
    fn open_objects_and_branches_at_the_root_cannot_be_strict() {
        check(r#"{"type":"object","additionalProperties":true}"#, None);
        check(
            r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}}}}"#,
            None,
        );
        check(r#"{"type":"object","anyOf":[]}"#, None);
        check(r#"{"type":"array"}"#, None);
        check(r#"{"type":"object","properties":{"a":{"allOf":[]}}}"#, None);
    }
}
