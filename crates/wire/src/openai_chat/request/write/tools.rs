//! Writes tools and the choice among them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Writing;
use super::body::{Body, CustomDeclaration, Declaration, Tool as WireTool};
use super::names;
use crate::WireFormat;
use crate::chat::{Tool, ToolChoice, ToolKind, WebSearch};
use crate::custom_tool;
use crate::field_names::Field;
use crate::strict_schema;

/// Writes tools, the choice among them and whether calls may be parallel.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>, body: &mut Body<'a>) {
    let request = writing.request;
    let mut seen = BTreeSet::new();
    for tool in &request.tools {
        if tool.is_clients() {
            note_name(writing, tool, &mut seen);
        }
        let wire = match &tool.kind {
            ToolKind::Function => function(writing, tool),
            ToolKind::Custom { format } => custom(writing, tool, format.as_deref()),
            ToolKind::WebSearch { format, raw, search } => {
                body.web_search_options = web_search(writing, *format, raw, search);
                continue;
            }
            ToolKind::Server { format: WireFormat::OpenAiChat, raw } => WireTool::Own(raw),
            ToolKind::Server { .. } => {
                let why = format!("`{}` is run by another provider", tool.name);
                writing.refused.add("tools", why);
                continue;
            }
        };
        body.tools.push(wire);
    }
    if body.tools.is_empty() {
        return;
    }
    body.tool_choice = choice(writing, &request.tool_choice);
    body.parallel_tool_calls = request.parallel_calls.filter(|&parallel| !parallel);
}

/// Remembers a name that had to change, and refuses two tools of one name.
fn note_name(writing: &mut Writing<'_, '_>, tool: &Tool, seen: &mut BTreeSet<String>) {
    let name = names::TOOL_NAMES.sent(&tool.name, &mut writing.aftercare);
    if !seen.insert(name.into_owned()) {
        let why = format!("there are two tools of the name `{}`", tool.name);
        writing.refused.add("tools", why);
    }
    if tool.cache.is_some() && writing.facts.cache_breakpoints {
        writing.drop(Field::CACHE_MARKS, "a tool cannot end a cached prefix");
    }
}

fn function<'a>(writing: &mut Writing<'a, '_>, tool: &'a Tool) -> WireTool<'a> {
    let (parameters, strict) = strict_schema::parameters(writing, tool);
    WireTool::Function {
        function: Declaration {
            name: names::tool(&tool.name),
            description: description(tool).map(Cow::Borrowed),
            parameters,
            strict,
        },
    }
}

fn description(tool: &Tool) -> Option<&str> {
    tool.description.as_deref().filter(|text| !text.is_empty())
}

/// Writes a tool that takes free text, as a function of one text where the model knows no other.
fn custom<'a>(
    writing: &mut Writing<'a, '_>,
    tool: &'a Tool,
    format: Option<&RawValue>,
) -> WireTool<'a> {
    let name = names::tool(&tool.name);
    if writing.facts.custom_tools || writing.is_own() {
        let format = format.and_then(|raw| serde_json::from_str(raw.get()).ok()).map(nested);
        let custom = CustomDeclaration { name, description: description(tool), format };
        return WireTool::Custom { custom };
    }
    writing.approximate(Field::CUSTOM_TOOL, "sent as a function of one text");
    writing.aftercare.custom.insert(tool.name.clone());
    WireTool::Function {
        function: Declaration {
            name,
            description: custom_tool::description(tool.description.as_deref(), format),
            parameters: Some(Cow::Borrowed(custom_tool::schema())),
            strict: None,
        },
    }
}

/// Returns the `format` of a custom tool as this format writes it: the members of a grammar stand in an
/// object of their own here, and beside `type` in Responses.
fn nested(format: Value) -> Value {
    match format {
        Value::Object(mut members)
            if members.contains_key("definition") && !members.contains_key("grammar") =>
        {
            members.remove("type");
            json!({"type": "grammar", "grammar": members})
        }
        format => format,
    }
}

fn web_search(
    writing: &mut Writing<'_, '_>,
    format: WireFormat,
    raw: &RawValue,
    search: &WebSearch,
) -> Option<Value> {
    if format == WireFormat::OpenAiChat {
        return serde_json::from_str(raw.get()).ok();
    }
    if !writing.facts.web_search_options && writing.request.can_do_without_search() {
        writing.drop(Field::WEB_SEARCH, "the model has no web search; its other tools are sent");
        return None;
    }
    if !writing.facts.web_search_options {
        let why = "the model has no web search; choose one that has";
        writing.refuse(Field::WEB_SEARCH, why);
        return None;
    }
    let is_limited = !search.allowed_domains.is_empty()
        || !search.blocked_domains.is_empty()
        || search.max_uses.is_some();
    if is_limited {
        writing.drop(Field::WEB_SEARCH, "the search cannot be kept to domains or a number");
    } else {
        writing.approximate(Field::WEB_SEARCH, "the provider's own search is used");
    }
    let mut options = json!({});
    if let Some(size) = &search.context_size {
        options["search_context_size"] = size.as_str().into();
    }
    if let Some(Value::Object(mut place)) = search.location.clone() {
        place.remove("type");
        options["user_location"] = json!({"type": "approximate", "approximate": place});
    }
    Some(options)
}

fn choice(writing: &mut Writing<'_, '_>, choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::NotSaid => None,
        ToolChoice::Auto => Some("auto".into()),
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::One(name) => Some(named(writing, name)),
        ToolChoice::Allowed { required, names } => {
            let mode = if *required { "required" } else { "auto" };
            if !writing.is_own() && !writing.is_openai() {
                return Some(without_list(writing, names, mode));
            }
            let tools: Vec<Value> = names.iter().map(|name| named(writing, name)).collect();
            Some(json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}))
        }
    }
}

/// Says the choice among some tools to a provider that has no list of them: all tools stay, because
/// leaving some out would change the prefix that is cached.
fn without_list(writing: &mut Writing<'_, '_>, names: &[String], mode: &str) -> Value {
    match names {
        [only] if mode == "required" => named(writing, only),
        _ => {
            writing.approximate(Field::TOOL_CHOICE, "the model may choose among all tools");
            mode.into()
        }
    }
}

fn named(writing: &Writing<'_, '_>, name: &str) -> Value {
    let is_it = |tool: &&Tool| tool.name == name;
    let kind = writing.request.tools.iter().find(is_it).map(|tool| &tool.kind);
    let sent = names::tool(name);
    let is_native = writing.facts.custom_tools || writing.is_own();
    if is_native && matches!(kind, Some(ToolKind::Custom { .. })) {
        return json!({"type": "custom", "custom": {"name": sent}});
    }
    json!({"type": "function", "function": {"name": sent}})
}
