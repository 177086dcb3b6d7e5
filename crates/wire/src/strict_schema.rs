//! Schemas for OpenAI's strict mode, which takes closed objects whose members are all required.
//!
//! A member that may be missing becomes required and may be null instead; the reply then loses such nulls
//! again (`aftercare`). What strict mode does not know is taken out and said in the description. A schema
//! that cannot be made to fit is sent as it is, and not as a strict one.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::aftercare::OptionalMembers;
use crate::chat::{RawJson, Tool};
use crate::field_names::Field;
use crate::json_schema::{CONDITIONS, remark};
use crate::writing::Writing;

/// Bounds that strict mode refuses.
const BOUNDS: [&str; 9] = [
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "uniqueItems",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Formats that it knows.
const FORMATS: [&str; 9] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// Keywords that hold schemas by name.
const MAPS: [&str; 3] = ["properties", "$defs", "definitions"];

/// Keywords of which one must say what a value is.
const KINDS: [&str; 5] = ["type", "anyOf", "$ref", "enum", "const"];

/// Most objects inside each other (OpenAI's guide to structured outputs, as all that follow).
const MAX_DEPTH: usize = 10;
/// Most members of all objects together.
const MAX_MEMBERS: usize = 5_000;
/// Most values of all enums together.
const MAX_VALUES: usize = 1_000;
/// Most characters of all names and values of enums together.
const MAX_CHARACTERS: usize = 120_000;

/// A schema as it goes out, and whether it is to be kept to exactly.
pub(crate) type Sent<'a> = (Cow<'a, RawValue>, Option<bool>);

/// Returns the schema of a tool's arguments, `None` if it has none; a strict one is fitted.
pub(crate) fn parameters<'a>(
    writing: &mut Writing<'_, '_>,
    tool: &'a Tool,
) -> (Option<Cow<'a, RawValue>>, Option<bool>) {
    let Some(schema) = tool.schema.as_deref() else { return (None, tool.strict) };
    let ((schema, strict), optional) = fitted(writing, Field::TOOL_STRICT, schema, tool.strict);
    if let Some(optional) = optional {
        writing.aftercare.optional_arguments.insert(tool.name.clone(), Arc::new(optional));
    }
    (Some(schema), strict)
}

/// Returns the schema of the answer; a strict one is fitted.
pub(crate) fn answer<'a>(
    writing: &mut Writing<'_, '_>,
    schema: &'a RawValue,
    strict: Option<bool>,
) -> Sent<'a> {
    let (sent, optional) = fitted(writing, Field::OUTPUT_STRICT, schema, strict);
    writing.aftercare.optional_in_answer = optional.map(Arc::new);
    sent
}

/// Fits a schema if it is a strict one, and notes what that cost at its `field`.
fn fitted<'a>(
    writing: &mut Writing<'_, '_>,
    field: Field,
    schema: &'a RawValue,
    strict: Option<bool>,
) -> (Sent<'a>, Option<OptionalMembers>) {
    if strict != Some(true) {
        return ((Cow::Borrowed(schema), strict), None);
    }
    match fit(schema) {
        Fit::AsIs => ((Cow::Borrowed(schema), strict), None),
        Fit::Changed { schema, optional } => {
            writing.approximate(field, "the schema was fitted to OpenAI's strict mode");
            ((Cow::Owned(schema), strict), optional)
        }
        Fit::Impossible => {
            let why = "sent as not strict: OpenAI's strict mode cannot take this schema";
            writing.approximate(field, why);
            ((Cow::Borrowed(schema), Some(false)), None)
        }
    }
}

/// How a schema fits strict mode.
#[derive(Debug)]
enum Fit {
    /// As it is.
    AsIs,
    /// After changes; `optional` if members became nullable.
    Changed { schema: RawJson, optional: Option<OptionalMembers> },
    /// Not at all.
    Impossible,
}

fn fit(schema: &RawValue) -> Fit {
    let Ok(known) = serde_json::from_str::<Value>(schema.get()) else { return Fit::Impossible };
    let is_object = known.get("type").is_some_and(|kind| kind == "object");
    if !is_object || known.get("anyOf").is_some() || known.get("oneOf").is_some() {
        return Fit::Impossible;
    }
    let (mut made, mut fitting) = (known.clone(), Fitting::default());
    if fitting.schema(&mut made, 0).is_err() || fitting.is_too_large() {
        return Fit::Impossible;
    }
    if !fitting.changed {
        return Fit::AsIs;
    }
    let optional = fitting.made_nullable.then(|| OptionalMembers::of(&known));
    RawValue::from_string(made.to_string())
        .map_or(Fit::Impossible, |schema| Fit::Changed { schema, optional })
}

/// Something in a schema that cannot be strict.
#[derive(Debug)]
struct Misfit;

/// What fitting came to so far.
#[derive(Debug, Default)]
struct Fitting {
    changed: bool,
    made_nullable: bool,
    members: usize,
    values: usize,
    characters: usize,
}

impl Fitting {
    const fn is_too_large(&self) -> bool {
        self.members > MAX_MEMBERS || self.values > MAX_VALUES || self.characters > MAX_CHARACTERS
    }

    /// Fits a schema and all inside it; `depth` is how many objects it stands in.
    fn schema(&mut self, schema: &mut Value, depth: usize) -> Result<(), Misfit> {
        // Neither `true` nor the list of an old tuple.
        let Some(members) = schema.as_object_mut() else { return Err(Misfit) };
        if members.contains_key("allOf") || members.contains_key("prefixItems") {
            return Err(Misfit);
        }
        if let Some(branches) = members.shift_remove("oneOf") {
            if members.insert("anyOf".to_owned(), branches).is_some() {
                return Err(Misfit);
            }
            self.changed = true;
        }
        self.changed |= take_unknown(members) | name_kind(members);
        if !KINDS.iter().any(|keyword| members.contains_key(*keyword)) {
            return Err(Misfit);
        }
        self.count(members);
        let is_object = is_kind(members, "object");
        if is_object {
            self.close(members, depth)?;
        }
        let inside = depth + usize::from(is_object);
        for keyword in MAPS {
            let inner = members.get_mut(keyword).and_then(Value::as_object_mut);
            for (_, schema) in inner.into_iter().flatten() {
                self.schema(schema, inside)?;
            }
        }
        if let Some(items) = members.get_mut("items") {
            self.schema(items, inside)?;
        } else if is_kind(members, "array") {
            return Err(Misfit);
        }
        for branch in members.get_mut("anyOf").and_then(Value::as_array_mut).into_iter().flatten() {
            self.schema(branch, inside)?;
        }
        if is_object {
            self.require_all(members);
        }
        Ok(())
    }

    /// Says that an object takes no other members than it names.
    fn close(&mut self, members: &mut Map<String, Value>, depth: usize) -> Result<(), Misfit> {
        if depth == MAX_DEPTH {
            return Err(Misfit);
        }
        let names_none = !members.contains_key("properties");
        match members.get("additionalProperties") {
            Some(Value::Bool(false)) => {}
            // An object of whatever members; at the root it is a tool without arguments.
            None if names_none && depth > 0 => return Err(Misfit),
            None => {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
                self.changed = true;
            }
            Some(_) => return Err(Misfit),
        }
        if names_none {
            members.insert("properties".to_owned(), json!({}));
            self.changed = true;
        }
        Ok(())
    }

    /// Makes all members of an object required; those that were not may be null instead.
    fn require_all(&mut self, members: &mut Map<String, Value>) {
        let required = members.get("required").and_then(Value::as_array).cloned();
        let known = required.unwrap_or_default();
        let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) else {
            return;
        };
        for (name, schema) in properties.iter_mut() {
            if !known.iter().any(|known| known == name.as_str()) && allow_null(schema) {
                self.made_nullable = true;
            }
        }
        let all: Vec<Value> = properties.keys().map(|name| Value::from(name.as_str())).collect();
        if all.len() != known.len() || !all.iter().all(|name| known.contains(name)) {
            members.insert("required".to_owned(), all.into());
            self.changed = true;
        }
    }

    /// Counts what the size of a schema is measured by.
    fn count(&mut self, members: &Map<String, Value>) {
        for keyword in MAPS {
            let Some(inner) = members.get(keyword).and_then(Value::as_object) else { continue };
            self.members += if keyword == "properties" { inner.len() } else { 0 };
            self.characters += inner.keys().map(String::len).sum::<usize>();
        }
        let values = members.get("enum").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        self.values += values.len();
        let said = values.iter().chain(members.get("const")).filter_map(Value::as_str);
        self.characters += said.map(str::len).sum::<usize>();
    }
}

fn is_kind(members: &Map<String, Value>, word: &str) -> bool {
    members.get("type").is_some_and(|kind| {
        kind == word || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == word))
    })
}

/// Says of an object or a list that it is one, where only its other keywords do.
fn name_kind(members: &mut Map<String, Value>) -> bool {
    if KINDS.iter().any(|keyword| members.contains_key(*keyword)) {
        return false;
    }
    let kind = match members {
        _ if members.contains_key("properties") => "object",
        _ if members.contains_key("items") => "array",
        _ => return false,
    };
    members.insert("type".to_owned(), kind.into());
    true
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

/// Lets a value be null; tells whether it could not be before.
fn allow_null(schema: &mut Value) -> bool {
    let nothing = json!({"type": "null"});
    let has = |keyword| schema.get(keyword).is_some();
    let is_plain = has("type") && !has("const") && !has("anyOf") && !has("$ref");
    let is_union = has("anyOf") && !KINDS.iter().any(|keyword| *keyword != "anyOf" && has(keyword));
    if is_plain {
        let kind = schema["type"].take();
        let mut kinds = if let Value::Array(kinds) = kind { kinds } else { vec![kind] };
        let mut changed = add(&mut kinds, "null".into());
        schema["type"] = if let [only] = kinds.as_mut_slice() { only.take() } else { kinds.into() };
        if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            changed |= add(values, Value::Null);
        }
        return changed;
    }
    if let Some(branches) =
        schema.get_mut("anyOf").filter(|_| is_union).and_then(Value::as_array_mut)
    {
        return add(branches, nothing);
    }
    let known = schema.take();
    *schema = json!({"anyOf": [known, nothing]});
    true
}

/// Adds a value to a list that lacks it; tells whether it did.
fn add(list: &mut Vec<Value>, value: Value) -> bool {
    let is_new = !list.contains(&value);
    if is_new {
        list.push(value);
    }
    is_new
}

#[cfg(test)]
mod tests;
