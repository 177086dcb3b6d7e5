//! What the dialects of JSON Schema have in common that models are held to.

use serde_json::{Map, Value};

/// Keywords that no such dialect has: they put conditions on a value that a schema of it cannot show.
pub(crate) const CONDITIONS: [&str; 9] = [
    "contains",
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
];

/// Adds a remark to the description, where the model at least reads what it is not held to.
pub(crate) fn remark(members: &mut Map<String, Value>, text: &str) {
    let description = match members.get("description").and_then(Value::as_str) {
        Some(known) if !known.is_empty() => format!("{known} ({text})"),
        _ => format!("({text})"),
    };
    members.insert("description".to_owned(), Value::from(description));
}
