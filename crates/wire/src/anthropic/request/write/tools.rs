//! Tool declarations and the choice among them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::body::{OwnTool, Tool, ToolChoice, WebSearch};
use super::{Writing, cache, schema};
use crate::WireFormat;
use crate::aftercare::Aftercare;
use crate::chat::{self, ChatRequest, ToolKind};
use crate::custom_tool;
use crate::field_names::Field;
use crate::tool_names::{First, ToolNames};

/// The names of tools that the API takes.
pub(super) const TOOL_NAMES: ToolNames =
    ToolNames { max_bytes: 128, marks: b"_-", first: First::Any };
/// The schema of a tool without arguments.
const NO_ARGUMENTS: &str = "{\"type\":\"object\",\"properties\":{}}";
/// The name of the vendor's web search.
const WEB_SEARCH: &str = "web_search";
/// The name of the tool whose arguments are the answer.
pub(super) const ANSWER: &str = "json_output";

/// Writes the declarations in the client's order.
pub(super) fn declarations<'a>(writing: &mut Writing<'a, '_>) -> Vec<Tool<'a>> {
    let mut seen = HashSet::new();
    let mut tools = Vec::with_capacity(writing.request.tools.len());
    for (index, tool) in writing.request.tools.iter().enumerate() {
        if let ToolKind::Server { format, raw } = &tool.kind {
            // Several of these may share a name: tools of several servers, for one.
            if *format == WireFormat::Anthropic {
                tools.push(Tool::Raw(raw));
            } else {
                let why = format!("`{}` runs at another vendor only", tool.name);
                writing.refused.add(format!("tools[{index}]"), why);
            }
            continue;
        }
        let name = sent_name(tool, &mut writing.aftercare);
        if !seen.insert(name.clone()) {
            let why = format!("two tools are called `{name}`");
            writing.refused.add(format!("tools[{index}].name"), why);
            continue;
        }
        match &tool.kind {
            ToolKind::Function => tools.push(Tool::Own(function(writing, tool, name))),
            ToolKind::Custom { format } => {
                tools.push(Tool::Own(custom(writing, tool, name, format.as_deref())));
            }
            ToolKind::WebSearch { format: WireFormat::Anthropic, raw, .. } => {
                tools.push(Tool::Raw(raw));
            }
            ToolKind::WebSearch { search, .. } => {
                tools.push(Tool::Search(web_search(writing, search)));
            }
            ToolKind::Server { .. } => {}
        }
    }
    tools
}

/// Returns the name a tool has in the request, and remembers the client's own for the reply.
fn sent_name<'a>(tool: &'a chat::Tool, aftercare: &mut Aftercare) -> Cow<'a, str> {
    match &tool.kind {
        ToolKind::Function | ToolKind::Custom { .. } => TOOL_NAMES.sent(&tool.name, aftercare),
        ToolKind::WebSearch { format: WireFormat::Anthropic, .. } | ToolKind::Server { .. } => {
            Cow::Borrowed(&tool.name)
        }
        ToolKind::WebSearch { .. } => Cow::Borrowed(WEB_SEARCH),
    }
}

fn description(tool: &chat::Tool) -> Option<&str> {
    tool.description.as_deref().filter(|text| !text.is_empty())
}

/// Writes a tool of free text as a function of one text; the reply is unpacked again.
fn custom<'a>(
    writing: &mut Writing<'a, '_>,
    tool: &'a chat::Tool,
    name: Cow<'a, str>,
    format: Option<&RawValue>,
) -> OwnTool<'a> {
    writing.approximate(Field::CUSTOM_TOOL, "sent as a function of one text");
    writing.aftercare.custom.insert(tool.name.clone());
    OwnTool {
        name,
        description: custom_tool::description(tool.description.as_deref(), format),
        input_schema: Cow::Borrowed(custom_tool::schema()),
        strict: None,
        cache_control: tool.cache.as_ref().map(cache::mark),
    }
}

fn web_search<'a>(writing: &mut Writing<'a, '_>, search: &'a chat::WebSearch) -> WebSearch<'a> {
    writing.approximate(Field::WEB_SEARCH, "the provider's own search is used");
    let mut blocked_domains = search.blocked_domains.as_slice();
    if !search.allowed_domains.is_empty() && !blocked_domains.is_empty() {
        writing.drop(Field::BLOCKED_DOMAINS, "not taken together with allowed domains");
        blocked_domains = &[];
    }
    let mut user_location = search.location.clone();
    if let Some(members) = user_location.as_mut().and_then(Value::as_object_mut) {
        members.insert("type".to_owned(), "approximate".into());
    }
    WebSearch {
        kind: "web_search_20250305",
        name: WEB_SEARCH,
        max_uses: search.max_uses,
        allowed_domains: &search.allowed_domains,
        blocked_domains,
        user_location,
    }
}

/// Makes the tool whose arguments are an answer of this schema.
pub(super) fn answer(schema: &RawValue) -> OwnTool<'_> {
    OwnTool {
        name: Cow::Borrowed(ANSWER),
        description: Some(Cow::Borrowed("Gives the answer. Call it once.")),
        input_schema: input_schema(Some(schema)),
        strict: None,
        cache_control: None,
    }
}

fn function<'a>(
    writing: &mut Writing<'a, '_>,
    tool: &'a chat::Tool,
    name: Cow<'a, str>,
) -> OwnTool<'a> {
    let strict = tool.strict == Some(true) && writing.facts.structured_output;
    if tool.strict == Some(true) && !strict {
        writing.drop(Field::TOOL_STRICT, "the model cannot be held to a schema");
    }
    let mut input_schema = input_schema(tool.schema.as_deref());
    if strict && let Some(fitted) = schema::fitted(&input_schema) {
        writing.approximate(Field::TOOL_STRICT, "the schema was fitted to what can be enforced");
        input_schema = Cow::Owned(fitted.schema);
    }
    OwnTool {
        name,
        description: description(tool).map(Cow::Borrowed),
        input_schema,
        strict: strict.then_some(true),
        cache_control: tool.cache.as_ref().map(cache::mark),
    }
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
    if writing.facts.no_forced_calls && is_forced(request) {
        let why = "the model cannot be made to call a tool; let it choose, or take another model";
        writing.refuse(Field::TOOL_CHOICE, why);
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
        chat::ToolChoice::One(name) => choice("tool", Some(TOOL_NAMES.legal(name))),
        chat::ToolChoice::Allowed { required: true, names } if names.len() == 1 => {
            choice("tool", Some(TOOL_NAMES.legal(&names[0])))
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
