//! The form of the answer.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::body::{Block, Format, Thinking, Tool, ToolChoice};
use super::{Writing, schema, tools};
use crate::WireFormat;
use crate::chat::OutputFormat;
use crate::field_names::Field;

/// What of a request says the form of the answer.
pub(super) struct Form<'r, 'a> {
    pub(super) system: &'r mut Vec<Block<'a>>,
    pub(super) tools: &'r mut Vec<Tool<'a>>,
    pub(super) choice: &'r mut Option<ToolChoice<'a>>,
    pub(super) thinking: Option<&'r Thinking>,
}

/// Writes the form of the answer.
///
/// A model that cannot be held to a schema is made to call a tool that takes it. Where calls cannot be
/// forced or there are other tools, and for JSON of any form, the system prompt says it.
pub(super) fn format<'a>(
    writing: &mut Writing<'a, '_>,
    form: &mut Form<'_, 'a>,
) -> Option<Format<'a>> {
    match &writing.request.output {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => {
            writing.approximate(Field::OUTPUT, "asked for in the system prompt");
            form.system.push(Block::text("Answer with one JSON object and nothing else."));
            None
        }
        OutputFormat::JsonSchema { schema, strict, .. } if writing.facts.structured_output => {
            if *strict == Some(false) {
                writing.approximate(Field::OUTPUT_STRICT, "the schema is always enforced");
            }
            Some(Format { kind: "json_schema", schema: enforceable(writing, schema) })
        }
        OutputFormat::JsonSchema { schema, .. } => {
            let is_manual = form.thinking.is_some_and(|thinking| thinking.kind == "enabled");
            if form.tools.is_empty() && !is_manual && is_of_object(schema) {
                writing.approximate(Field::OUTPUT, "the schema is sent as that of a forced tool");
                writing.aftercare.answer_tool = Some(tools::ANSWER.to_owned());
                form.tools.push(Tool::Own(tools::answer(schema)));
                let name = Some(Cow::Borrowed(tools::ANSWER));
                *form.choice =
                    Some(ToolChoice { kind: "tool", name, disable_parallel_tool_use: Some(true) });
            } else {
                writing.approximate(Field::OUTPUT, "the schema is asked for in the system prompt");
                form.system.push(Block::text(format!(
                    "Answer with JSON that satisfies this JSON Schema, and with nothing else:\n{}",
                    schema.get()
                )));
            }
            None
        }
    }
}

/// Tells whether a schema may be that of a tool.
fn is_of_object(schema: &RawValue) -> bool {
    let schema: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    schema["type"] == "object" || (schema["type"].is_null() && schema["properties"].is_object())
}

fn enforceable<'a>(writing: &mut Writing<'_, '_>, schema: &'a RawValue) -> Cow<'a, RawValue> {
    let Some(fitted) = schema::fitted(schema) else { return Cow::Borrowed(schema) };
    // Gemini never answers with members that its schema does not name.
    let is_same = fitted.only_closed && writing.request.origin == Some(WireFormat::Gemini);
    if !is_same {
        writing.approximate(Field::OUTPUT, "the schema was fitted to what can be enforced");
    }
    Cow::Owned(fitted.schema)
}
