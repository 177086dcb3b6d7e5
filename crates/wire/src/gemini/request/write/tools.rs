//! Writes `tools` and `toolConfig`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::Writing;
use super::body::{Declaration, Entry};
use super::names;
use super::part::TOOL_NAMES;
use crate::WireFormat;
use crate::chat::{Tool, ToolChoice};
use crate::field_names::Field;
use crate::gemini::schema;

/// Writes both members; empty if there are no tools.
pub(super) fn write<'a>(writing: &mut Writing<'a>) -> (Vec<Entry<'a>>, Map<String, Value>) {
    let request = writing.request;
    let mut declarations = Vec::new();
    let mut others = Vec::new();
    let mut seen = HashSet::new();
    for (index, tool) in request.tools.iter().enumerate() {
        if let Some((format, raw)) = tool.of_vendor() {
            others.extend(server(writing, tool, format, raw));
            continue;
        }
        if !seen.insert(tool.name.as_str()) {
            writing.refuse(format!("tools[{index}]"), "another tool has the same name");
        }
        declarations.push(declaration(writing, tool, index));
    }
    let functions = !declarations.is_empty();
    let mut entries = Vec::new();
    if functions {
        entries.push(Entry::Functions { declarations });
    }
    entries.append(&mut others);

    if request.parallel_calls == Some(false) {
        let field = names::PARALLEL.name(request);
        writing.notes.drop(field, "Gemini cannot be kept from calling several tools at once");
    }
    let calling = if functions { choice(writing) } else { Map::new() };
    let mut config = Map::new();
    if !calling.is_empty() {
        config.insert("functionCallingConfig".to_owned(), Value::Object(calling));
    }
    (entries, config)
}

fn server<'a>(
    writing: &mut Writing<'a>,
    tool: &'a Tool,
    format: WireFormat,
    raw: &'a serde_json::value::RawValue,
) -> Option<Entry<'a>> {
    if format == WireFormat::Gemini {
        return Some(Entry::Kept(raw));
    }
    let declared: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let kind = declared.get("type").and_then(Value::as_str).unwrap_or(&tool.name);
    if kind.starts_with("web_search") {
        writing.notes.approximate("tools[].web_search", "sent as googleSearch without its options");
        return Some(Entry::Search { search: Map::new() });
    }
    writing.refuse("tools", format!("the tool `{}` runs only at its own vendor", tool.name));
    None
}

fn declaration<'a>(writing: &mut Writing<'a>, tool: &'a Tool, index: usize) -> Declaration<'a> {
    if !TOOL_NAMES.is_legal(&tool.name) {
        let why = "Gemini takes names of up to 64 characters that begin with a letter or `_` and \
                   go on with letters, digits and `_.:-`";
        writing.refuse(format!("tools[{index}].name"), why);
    }
    if tool.cache.is_some() {
        writing.notes.drop("cache_control", "Gemini caches by itself");
    }
    let mut declaration = Declaration {
        name: &tool.name,
        description: tool.description.as_deref().filter(|text| !text.is_empty()),
        parameters_json_schema: None,
        parameters: None,
    };
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
        Err(why) => writing.refuse(format!("tools[{index}]"), why),
    }
    declaration
}

fn choice(writing: &mut Writing<'_>) -> Map<String, Value> {
    let request = writing.request;
    let strict = strict(writing);
    let config = match &request.tool_choice {
        ToolChoice::NotSaid | ToolChoice::Auto if strict => json!({"mode": "VALIDATED"}),
        ToolChoice::NotSaid => json!({}),
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::One(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
        ToolChoice::Allowed { required: true, names } => {
            json!({"mode": "ANY", "allowedFunctionNames": names})
        }
        ToolChoice::Allowed { required: false, .. } => {
            let field = Field::TOOL_CHOICE.name(request);
            writing.notes.approximate(field, "all tools may be called, not only those named");
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
fn strict(writing: &mut Writing<'_>) -> bool {
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
