//! Tool declarations and the choice among them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::body::{OwnTool, Tool, ToolChoice};
use super::{Writing, cache, schema};
use crate::WireFormat;
use crate::chat::{self, ChatRequest};
use crate::field_names::Field;
use crate::tool_names::{First, ToolNames};

/// The names of tools that the API takes.
pub(super) const TOOL_NAMES: ToolNames =
    ToolNames { max_bytes: 128, marks: b"_-", first: First::Any };
/// The schema of a tool without arguments.
const NO_ARGUMENTS: &str = "{\"type\":\"object\",\"properties\":{}}";

/// Writes the declarations in the client's order.
pub(super) fn declarations<'a>(writing: &mut Writing<'a, '_>) -> Vec<Tool<'a>> {
    let mut seen = HashSet::new();
    let mut tools = Vec::with_capacity(writing.request.tools.len());
    for (index, tool) in writing.request.tools.iter().enumerate() {
        if !seen.insert(&*tool.name) {
            let why = format!("two tools are called `{}`", tool.name);
            writing.refuse(format!("tools[{index}].name"), why);
            continue;
        }
        match tool.of_vendor() {
            Some((WireFormat::Anthropic, raw)) => {
                tools.push(Tool::Raw(raw));
            }
            Some(_) => {
                let why = format!("`{}` runs at another vendor only", tool.name);
                writing.refuse(format!("tools[{index}]"), why);
            }
            None => tools.extend(own(writing, tool, index).map(Tool::Own)),
        }
    }
    tools
}

fn own<'a>(
    writing: &mut Writing<'a, '_>,
    tool: &'a chat::Tool,
    index: usize,
) -> Option<OwnTool<'a>> {
    if !TOOL_NAMES.is_legal(&tool.name) {
        // The reply would name a tool the client does not know.
        let why = "names of up to 128 letters, digits, `_` and `-` can be sent";
        writing.refuse(format!("tools[{index}].name"), why);
        return None;
    }
    let strict = tool.strict == Some(true) && writing.facts.structured_output;
    if tool.strict == Some(true) && !strict {
        writing.drop(Field::TOOL_STRICT, "the model cannot be held to a schema");
    }
    let mut input_schema = input_schema(tool.schema.as_deref());
    if strict && let Some(fitted) = schema::fitted(&input_schema) {
        writing.approximate(Field::TOOL_STRICT, "the schema was fitted to what can be enforced");
        input_schema = Cow::Owned(fitted);
    }
    Some(OwnTool {
        name: &tool.name,
        description: tool.description.as_deref().filter(|text| !text.is_empty()),
        input_schema,
        strict: strict.then_some(true),
        cache_control: tool.cache.as_ref().map(cache::mark),
    })
}

/// Returns a schema whose `type` is `object`, as the API demands.
fn input_schema(schema: Option<&RawValue>) -> Cow<'_, RawValue> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "type")]
        kind: Option<IgnoredAny>,
    }
    let raw = schema.map_or("", |schema| schema.get());
    let Some(members) = raw.strip_prefix('{') else { return no_arguments() };
    let has_type = serde_json::from_str::<Head>(raw).is_ok_and(|head| head.kind.is_some());
    match schema {
        Some(schema) if has_type => Cow::Borrowed(schema),
        _ if members.trim_start().starts_with('}') => no_arguments(),
        _ => RawValue::from_string(format!("{{\"type\":\"object\",{members}"))
            .map_or_else(|_| no_arguments(), Cow::Owned),
    }
}

fn no_arguments<'a>() -> Cow<'a, RawValue> {
    // The text is a constant and valid.
    Cow::Borrowed(serde_json::from_str(NO_ARGUMENTS).unwrap_or(RawValue::NULL))
}

/// Tells whether some call must come.
pub(super) fn is_forced(request: &ChatRequest) -> bool {
    !request.tools.is_empty()
        && matches!(
            request.tool_choice,
            chat::ToolChoice::Required
                | chat::ToolChoice::One(_)
                | chat::ToolChoice::Allowed { required: true, .. }
        )
}

/// Writes the choice. Without tools there is none to be made.
pub(super) fn choice<'a>(writing: &mut Writing<'a, '_>) -> Option<ToolChoice<'a>> {
    let request = writing.request;
    if request.tools.is_empty() {
        return None;
    }
    let disable_parallel_tool_use = (request.parallel_calls == Some(false)).then_some(true);
    let choice = |kind, name| Some(ToolChoice { kind, name, disable_parallel_tool_use });
    match &request.tool_choice {
        chat::ToolChoice::NotSaid if disable_parallel_tool_use.is_none() => None,
        chat::ToolChoice::NotSaid | chat::ToolChoice::Auto => choice("auto", None),
        // The tools stay declared: their removal would change the cached prompt.
        chat::ToolChoice::None => {
            Some(ToolChoice { kind: "none", name: None, disable_parallel_tool_use: None })
        }
        chat::ToolChoice::Required => choice("any", None),
        chat::ToolChoice::One(name) => choice("tool", Some(name)),
        chat::ToolChoice::Allowed { required: true, names } if names.len() == 1 => {
            choice("tool", Some(&names[0]))
        }
        chat::ToolChoice::Allowed { required, .. } => {
            writing.approximate(Field::TOOL_CHOICE, "the choice is among all tools");
            choice(if *required { "any" } else { "auto" }, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_of_an_object() {
        let check = |schema: &str, expected: &str| {
            let raw: &RawValue = serde_json::from_str(schema).unwrap();
            assert_eq!(input_schema(Some(raw)).get(), expected, "{schema}");
        };
        check("{ \"type\" : \"object\" }", "{ \"type\" : \"object\" }");
        check("{\"properties\":{\"a\":{}}}", "{\"type\":\"object\",\"properties\":{\"a\":{}}}");
        check("{ }", NO_ARGUMENTS);
        check("null", NO_ARGUMENTS);
        check("true", NO_ARGUMENTS);
        assert_eq!(input_schema(None).get(), NO_ARGUMENTS);
    }
}
