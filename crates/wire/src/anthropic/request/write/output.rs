//! The form of the answer.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::body::{Block, Format};
use super::names;
use super::{Writing, schema};
use crate::chat::OutputFormat;
use crate::field_names::Field;

/// Writes the form of the answer. Models that cannot be held to one are told about it behind the
/// system prompt.
pub(super) fn format<'a>(
    writing: &mut Writing<'a, '_>,
    system: &mut Vec<Block<'a>>,
) -> Option<Format<'a>> {
    match &writing.request.output {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => {
            writing.approximate(Field::OUTPUT, "asked for in the system prompt");
            system.push(Block::text("Answer with one JSON object and nothing else."));
            None
        }
        OutputFormat::JsonSchema { schema, strict, .. } if writing.facts.structured_output => {
            if *strict == Some(false) {
                writing.approximate(names::OUTPUT_STRICT, "the schema is always enforced");
            }
            Some(Format { kind: "json_schema", schema: enforceable(writing, schema) })
        }
        OutputFormat::JsonSchema { schema, .. } => {
            writing.approximate(Field::OUTPUT, "the schema is asked for in the system prompt");
            system.push(Block::text(format!(
                "Answer with JSON that satisfies this JSON Schema, and with nothing else:\n{}",
                schema.get()
            )));
            None
        }
    }
}

fn enforceable<'a>(writing: &mut Writing<'_, '_>, schema: &'a RawValue) -> Cow<'a, RawValue> {
    match schema::fitted(schema) {
        None => Cow::Borrowed(schema),
        Some(fitted) => {
            writing.approximate(Field::OUTPUT, "the schema was fitted to what can be enforced");
            Cow::Owned(fitted)
        }
    }
}
