//! Writes `tools` and `toolConfig`.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Writing;
use super::body::{Declaration, Entry};
use super::names;
use crate::WireFormat;
use crate::chat::{Tool, ToolChoice, ToolKind, WebSearch};
use crate::custom_tool;
use crate::field_names::Field;
use crate::gemini::schema;
use crate::model_facts::ThinkingControl;

/// Writes both members; empty if there are no tools.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>) -> (Vec<Entry<'a>>, Map<String, Value>) {
    let request = writing.request;
    let mut declarations = Vec::new();
    let mut others = Vec::new();
    let mut seen = HashSet::new();
    for (index, tool) in request.tools.iter().enumerate() {
        if let Some((format, raw)) = tool.of_vendor() {
            others.extend(server(writing, tool, format, raw));
            continue;
        }
        if !seen.insert(writing.tool_name(&tool.name)) {
            writing.refused.add(format!("tools[{index}]"), "another tool has the same name");
        }
        declarations.push(declaration(writing, tool, index));
    }
    let functions = !declarations.is_empty();
    let mut entries = Vec::new();
    if functions {
        entries.push(Entry::Functions { declarations });
    }
    let searches = others.iter().any(|other| matches!(other, Entry::Search { .. }));
    entries.append(&mut others);

    if request.parallel_calls == Some(false) {
        writing.drop(names::PARALLEL, "Gemini cannot be kept from calling several tools at once");
    }
    let calling = if functions { choice(writing) } else { Map::new() };
    let mut config = Map::new();
    if !calling.is_empty() {
        config.insert("functionCallingConfig".to_owned(), Value::Object(calling));
    }
    if functions && searches {
        together(writing, &mut config);
    }
    (entries, config)
}

/// Functions beside the web search: older models refuse that, newer ones want to be told.
fn together(writing: &mut Writing<'_, '_>, config: &mut Map<String, Value>) {
    match writing.facts.thinking {
        ThinkingControl::Budget | ThinkingControl::None => {
            let why = "the model cannot search the web and call functions in one request";
            writing.refused.add(Field::WEB_SEARCH.name(writing.request), why);
        }
        ThinkingControl::Unknown | ThinkingControl::Adaptive | ThinkingControl::Level => {
            config.insert("includeServerSideToolInvocations".to_owned(), Value::Bool(true));
        }
    }
}

fn server<'a>(
    writing: &mut Writing<'a, '_>,
    tool: &'a Tool,
    format: WireFormat,
    raw: &'a RawValue,
) -> Option<Entry<'a>> {
    if format == WireFormat::Gemini {
        return Some(Entry::Kept(raw));
    }
    let is_older =
        matches!(writing.facts.thinking, ThinkingControl::Budget | ThinkingControl::None);
    if let ToolKind::WebSearch { .. } = &tool.kind
        && is_older
        && writing.request.can_do_without_search()
    {
        let detail =
            "the model cannot search and call functions in one request; functions are sent";
        writing.drop(Field::WEB_SEARCH, detail);
        return None;
    }
    if let ToolKind::WebSearch { search, .. } = &tool.kind {
        let detail = if *search == WebSearch::default() {
            "sent as googleSearch"
        } else {
            "sent as googleSearch without its options"
        };
        writing.approximate(Field::WEB_SEARCH, detail);
        return Some(Entry::Search { search: Map::new() });
    }
    writing.refused.add("tools", format!("the tool `{}` runs only at its own vendor", tool.name));
    None
}

fn declaration<'a>(writing: &mut Writing<'a, '_>, tool: &'a Tool, index: usize) -> Declaration<'a> {
    if tool.cache.is_some() {
        writing.notes.drop("cache_control", "Gemini caches by itself");
    }
    let mut declaration = Declaration {
        name: writing.tool_name(&tool.name),
        description: tool.description.as_deref().filter(|text| !text.is_empty()).map(Cow::Borrowed),
        parameters_json_schema: None,
        parameters: None,
    };
    if let ToolKind::Custom { format } = &tool.kind {
        custom(writing, tool, format.as_deref(), &mut declaration);
        return declaration;
    }
    let Some(raw) = &tool.schema else { return declaration };
    if writing.facts.json_schema {
        declaration.parameters_json_schema = Some(raw);
        return declaration;
    }
    match schema::clean(raw) {
        Ok(cleaned) => {
            if cleaned.changed {
                let field = format!("tools[{index}]");
                writing.notes.approximate(field, "constraints the model refuses are left out");
            }
            declaration.parameters = cleaned.schema;
        }
        Err(why) => writing.refused.add(format!("tools[{index}]"), why),
    }
    declaration
}

/// Declares a tool of free text as a function of one text; its calls are turned back in the reply.
fn custom<'a>(
    writing: &mut Writing<'_, '_>,
    tool: &'a Tool,
    format: Option<&RawValue>,
    declaration: &mut Declaration<'a>,
) {
    writing.aftercare.custom.insert(tool.name.clone());
    writing.notes.approximate(
        Field::CUSTOM_TOOL.name(writing.request),
        "sent as a function with one text `input`",
    );
    declaration.description = custom_tool::description(tool.description.as_deref(), format);
    declaration.parameters = Some(json!({
        "type": "OBJECT",
        "properties": {"input": {"type": "STRING"}},
        "required": ["input"],
    }));
}

fn choice(writing: &mut Writing<'_, '_>) -> Map<String, Value> {
    let request = writing.request;
    let strict = strict(writing);
    let config = match &request.tool_choice {
        ToolChoice::NotSaid | ToolChoice::Auto if strict => json!({"mode": "VALIDATED"}),
        ToolChoice::NotSaid => json!({}),
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::One(name) => {
            json!({"mode": "ANY", "allowedFunctionNames": [writing.tool_name(name)]})
        }
        ToolChoice::Allowed { required: true, names } => {
            let names: Vec<_> = names.iter().map(|name| writing.tool_name(name)).collect();
            json!({"mode": "ANY", "allowedFunctionNames": names})
        }
        ToolChoice::Allowed { required: false, .. } => {
            writing
                .approximate(Field::TOOL_CHOICE, "all tools may be called, not only those named");
            json!({"mode": "AUTO"})
        }
    };
    match config {
        Value::Object(config) => config,
        _ => Map::new(),
    }
}

/// Tells whether all functions are to be called exactly by their schemas, which is one mode for all of
/// them here and is known to newer models only.
fn strict(writing: &mut Writing<'_, '_>) -> bool {
    let request = writing.request;
    let mut functions = request.tools.iter().filter(|tool| tool.is_clients());
    let any = functions.clone().any(|tool| tool.strict == Some(true));
    if !any {
        return false;
    }
    let all = functions.all(|tool| tool.strict == Some(true));
    let open = matches!(request.tool_choice, ToolChoice::NotSaid | ToolChoice::Auto);
    let field = Field::TOOL_STRICT.name(request);
    if all && open && writing.facts.json_schema {
        writing.notes.approximate(field, "sent as mode VALIDATED");
        return true;
    }
    writing.notes.drop(field, "Gemini cannot promise it here");
    false
}
