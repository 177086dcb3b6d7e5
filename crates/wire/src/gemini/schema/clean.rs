//! From JSON Schema to the dialect of models that refuse it.
//!
//! Unknown keywords are refused there with a 400, so everything is reduced to what the dialect has.
//! Constraints that go are said in the description, where the model at least reads them.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::fold;
use crate::json_schema::{CONDITIONS, remark};

/// The keywords of the dialect (proto `Schema` of `generativelanguage.v1beta`).
const KEYWORDS: [&str; 22] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "propertyOrdering",
    "anyOf",
    "default",
    "example",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minProperties",
    "maxProperties",
];

/// Formats the dialect takes.
const FORMATS: [&str; 6] = ["enum", "date-time", "float", "double", "int32", "int64"];

/// Keywords whose loss lets wrong values through, and that can be said in words.
const SAID: [&str; 4] = ["exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems"];

/// Keywords whose loss lets wrong values through, and that cannot be said in few words, beside
/// [`CONDITIONS`].
const LOST: [&str; 3] = ["dependencies", "unevaluatedProperties", "unevaluatedItems"];

/// Most schemas within one; references can multiply a short schema without end.
const MAX_SCHEMAS: usize = 20_000;

/// Most characters that references may copy into their places, for the same reason.
const MAX_COPIED: usize = 4 * 1024 * 1024;

/// Deepest nesting after references are resolved.
const MAX_DEPTH: usize = 64;

/// A schema in the dialect.
#[derive(Debug, PartialEq)]
pub(in crate::gemini) struct Cleaned {
    /// The schema. `None`: it would say nothing but "an object".
    pub(in crate::gemini) schema: Option<Value>,
    /// Whether a constraint was lost or changed.
    pub(in crate::gemini) changed: bool,
}

/// Cleans a schema.
///
/// # Errors
///
/// Says what cannot be carried: a reference to another document, or no schema at all.
pub(in crate::gemini) fn clean(raw: &RawValue) -> Result<Cleaned, String> {
    let root: Value = serde_json::from_str(raw.get())
        .map_err(|fault| format!("its schema cannot be read: {fault}"))?;
    let mut cleaner = Cleaner {
        root: &root,
        references: Vec::new(),
        schemas: 0,
        copied: 0,
        depth: 0,
        changed: false,
    };
    let schema = cleaner.schema(&root)?;
    let says_something =
        |schema: &Value| schema.get("properties").is_some() || schema["type"] != "OBJECT";
    Ok(Cleaned { schema: schema.filter(says_something), changed: cleaner.changed })
}

struct Cleaner<'s> {
    root: &'s Value,
    references: Vec<String>,
    schemas: usize,
    copied: usize,
    depth: usize,
    changed: bool,
}

impl Cleaner<'_> {
    /// Cleans one schema; `None` for `false`, which nothing satisfies.
    fn schema(&mut self, schema: &Value) -> Result<Option<Value>, String> {
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(false) => return Ok(None),
            _ => {
                self.changed = true;
                return Ok(Some(json!({"type": "STRING"})));
            }
        };
        self.schemas += 1;
        if self.schemas > MAX_SCHEMAS || self.depth > MAX_DEPTH {
            self.changed = true;
            return Ok(Some(json!({"type": "OBJECT"})));
        }
        self.depth += 1;
        let referred = self.references.len();
        let cleaned = self.members(members.clone());
        self.references.truncate(referred);
        self.depth -= 1;
        cleaned.map(Some)
    }

    fn members(&mut self, mut members: Map<String, Value>) -> Result<Value, String> {
        if !self.resolve(&mut members)? {
            return Ok(json!({"type": "OBJECT"}));
        }
        self.all_of(&mut members)?;
        fold::one_of(&mut members);
        if let Some(only) = members.shift_remove("const") {
            members.insert("enum".to_owned(), json!([only]));
        }
        fold::nulls(&mut members);
        self.values(&mut members);
        self.changed |= fold::tuple(&mut members);
        self.constraints(&mut members);
        members.retain(|name, _| KEYWORDS.contains(&name.as_str()));
        self.inside(&mut members)?;
        self.finish(&mut members);
        Ok(Value::Object(members))
    }

    /// Puts what a reference names in its place; `false` if it leads back to itself.
    fn resolve(&mut self, members: &mut Map<String, Value>) -> Result<bool, String> {
        while let Some(reference) = members.shift_remove("$ref") {
            let Some(pointer) = reference.as_str().and_then(|text| text.strip_prefix('#')) else {
                return Err(format!("its schema refers to another document: {reference}"));
            };
            if self.references.iter().any(|known| known == pointer) {
                self.changed = true;
                return Ok(false);
            }
            let Some(Value::Object(target)) = self.root.pointer(pointer) else {
                return Err(format!("its schema refers to `#{pointer}`, which is not there"));
            };
            for value in target.values() {
                weigh(value, &mut self.copied);
            }
            if self.copied > MAX_COPIED {
                self.changed = true;
                return Ok(false);
            }
            self.references.push(pointer.to_owned());
            let beside = std::mem::replace(members, target.clone());
            fold::merge(members, beside);
        }
        Ok(true)
    }

    fn all_of(&mut self, members: &mut Map<String, Value>) -> Result<(), String> {
        let Some(Value::Array(branches)) = members.shift_remove("allOf") else { return Ok(()) };
        self.changed |= branches.len() > 1;
        let own = std::mem::take(members);
        for branch in branches {
            let Value::Object(mut branch) = branch else { continue };
            self.schemas += 1;
            if self.schemas > MAX_SCHEMAS || self.depth > MAX_DEPTH || !self.resolve(&mut branch)? {
                self.changed = true;
                continue;
            }
            self.depth += 1;
            let merged = self.all_of(&mut branch);
            self.depth -= 1;
            merged?;
            fold::merge(members, branch);
        }
        fold::merge(members, own);
        Ok(())
    }

    /// Keeps values that are text and says others in the description: written as text they would
    /// change the type of the answer.
    fn values(&mut self, members: &mut Map<String, Value>) {
        let Some(Value::Array(values)) = members.get("enum") else { return };
        if values.iter().all(Value::is_string) {
            if values.is_empty() {
                members.shift_remove("enum");
            } else {
                members.entry("type").or_insert_with(|| Value::from("string"));
            }
            return;
        }
        let first = values.iter().find(|value| !value.is_null());
        let kind = match first {
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(number)) if number.is_f64() => "number",
            Some(Value::Number(_)) => "integer",
            _ => "string",
        };
        let list: Vec<String> = values.iter().map(Value::to_string).collect();
        let text = format!("one of: {}", list.join(", "));
        members.shift_remove("enum");
        members.entry("type").or_insert_with(|| Value::from(kind));
        remark(members, &text);
        self.changed = true;
    }

    fn constraints(&mut self, members: &mut Map<String, Value>) {
        if let Some(format) = members.get("format").and_then(Value::as_str).map(str::to_owned)
            && !FORMATS.contains(&format.as_str())
        {
            members.shift_remove("format");
            remark(members, &format!("format: {format}"));
            self.changed = true;
        }
        for name in SAID {
            if let Some(bound) = members.shift_remove(name)
                && bound != Value::Bool(false)
            {
                remark(members, &format!("{name}: {bound}"));
                self.changed = true;
            }
        }
        let is_map = members.get("additionalProperties").is_some_and(|extra| !extra.is_boolean());
        self.changed |=
            is_map || CONDITIONS.iter().chain(&LOST).any(|name| members.contains_key(*name));
    }

    /// Cleans the schemas inside.
    fn inside(&mut self, members: &mut Map<String, Value>) -> Result<(), String> {
        if let Some(Value::Object(properties)) = members.shift_remove("properties") {
            let mut cleaned = Map::new();
            for (name, property) in properties {
                if let Some(property) = self.schema(&property)? {
                    cleaned.insert(name, property);
                }
            }
            if !cleaned.is_empty() {
                members.insert("properties".to_owned(), Value::Object(cleaned));
            }
        }
        if let Some(items) = members.shift_remove("items")
            && let Some(items) = self.schema(&items)?
        {
            members.insert("items".to_owned(), items);
        }
        if let Some(Value::Array(branches)) = members.shift_remove("anyOf") {
            let mut cleaned = Vec::new();
            for branch in branches {
                cleaned.extend(self.schema(&branch)?);
            }
            if !cleaned.is_empty() {
                members.insert("anyOf".to_owned(), Value::Array(cleaned));
            }
        }
        Ok(())
    }

    fn finish(&mut self, members: &mut Map<String, Value>) {
        if let Some(Value::String(kind)) = members.get_mut("type") {
            kind.make_ascii_uppercase();
        } else if members.contains_key("properties") {
            members.insert("type".to_owned(), Value::from("OBJECT"));
        } else if members.contains_key("items") {
            members.insert("type".to_owned(), Value::from("ARRAY"));
        }
        let is_array = members.get("type").is_some_and(|kind| kind == "ARRAY");
        if is_array && !members.contains_key("items") {
            members.insert("items".to_owned(), json!({"type": "STRING"}));
            self.changed = true;
        }
        let names: Vec<Value> = match members.get("properties") {
            Some(Value::Object(properties)) => {
                properties.keys().map(|k| k.as_str().into()).collect()
            }
            _ => Vec::new(),
        };
        if let Some(Value::Array(required)) = members.get_mut("required") {
            required.retain(|name| names.contains(name));
        }
        if members
            .get("required")
            .is_some_and(|required| required.as_array().is_none_or(Vec::is_empty))
        {
            members.shift_remove("required");
        }
        if names.len() > 1 {
            members.insert("propertyOrdering".to_owned(), Value::Array(names));
        }
    }
}

/// Adds the size of a value to `sum`, no longer than it matters.
fn weigh(value: &Value, sum: &mut usize) {
    if *sum > MAX_COPIED {
        return;
    }
    *sum += 8;
    match value {
        Value::String(text) => *sum += text.len(),
        Value::Array(list) => list.iter().for_each(|value| weigh(value, sum)),
        Value::Object(members) => {
            for (name, value) in members {
                *sum += name.len();
                weigh(value, sum);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
