//! Writes tools and the choice among them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::body::{Body, OwnTool, Tool};
use super::{Writing, names};
use crate::WireFormat;
use crate::chat::{self, ToolChoice, ToolKind, WebSearch};
use crate::field_names::Field;
use crate::strict_schema;
use crate::tool_names::{First, ToolNames};

/// The names of tools that this format takes.
pub(super) const TOOL_NAMES: ToolNames =
    ToolNames { max_bytes: 64, marks: b"_-", first: First::Any };

/// Returns the name under which a tool is sent, and remembers the client's own for the reply.
pub(super) fn sent_name<'a>(name: &'a str, writing: &mut Writing<'a, '_>) -> Cow<'a, str> {
    TOOL_NAMES.sent(name, &mut writing.aftercare)
}

/// Writes declarations, in the client's order, and what is said about calling them.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>, body: &mut Body<'a>) {
    let request = writing.request;
    let mut seen = HashSet::new();
    for (index, tool) in request.tools.iter().enumerate() {
        if let Some(sent) = declaration(tool, index, writing) {
            let is_new = seen.insert(TOOL_NAMES.legal(&tool.name));
            if tool.is_clients() && !is_new {
                let why = format!("two tools are called `{}`", tool.name);
                writing.refused.add(format!("tools[{index}].name"), why);
            }
            body.tools.push(sent);
        }
    }
    if request.wants_images {
        writing.approximate(names::MODALITIES, "sent as the tool `image_generation`");
        body.tools.push(Tool::Hosted(json!({"type": "image_generation"})));
    }
    if body.tools.is_empty() {
        return;
    }
    body.tool_choice = choice(writing);
    body.parallel_tool_calls = request.parallel_calls.filter(|&parallel| !parallel);
}

fn declaration<'a>(
    tool: &'a chat::Tool,
    index: usize,
    writing: &mut Writing<'a, '_>,
) -> Option<Tool<'a>> {
    if tool.cache.is_some() && writing.facts.cache_breakpoints {
        writing.drop(Field::CACHE_MARKS, "tools take no mark");
    }
    let description = tool.description.as_deref().filter(|text| !text.is_empty());
    match &tool.kind {
        ToolKind::Function => {
            let (parameters, strict) = strict_schema::parameters(writing, tool);
            let name = sent_name(&tool.name, writing);
            // Strict unless it is told otherwise, and without a schema it cannot be.
            let strict = strict == Some(true) && parameters.is_some();
            Some(Tool::Own(OwnTool::Function { name, description, parameters, strict }))
        }
        ToolKind::Custom { format } => {
            let name = sent_name(&tool.name, writing);
            Some(Tool::Own(OwnTool::Custom { name, description, format: format.as_ref() }))
        }
        ToolKind::WebSearch { format: WireFormat::OpenAiResponses, raw, .. }
        | ToolKind::Server { format: WireFormat::OpenAiResponses, raw } => Some(Tool::Raw(raw)),
        ToolKind::WebSearch { search, .. } => Some(Tool::Hosted(web_search(search, writing))),
        ToolKind::Server { .. } => {
            let why = format!("`{}` runs at another vendor only", tool.name);
            writing.refused.add(format!("tools[{index}]"), why);
            None
        }
    }
}

/// Writes another vendor's web search as this vendor's.
fn web_search(search: &WebSearch, writing: &mut Writing<'_, '_>) -> Value {
    writing.approximate(names::WEB_SEARCH, "sent as the web search of Responses");
    if !search.blocked_domains.is_empty() {
        writing.drop(Field::BLOCKED_DOMAINS, "Responses can only be told which domains to search");
    }
    if search.max_uses.is_some() {
        writing.drop(names::SEARCH_USES, "Responses counts no searches");
    }
    let mut tool = Map::new();
    tool.insert("type".to_owned(), "web_search".into());
    if !search.allowed_domains.is_empty() {
        let domains = json!({"allowed_domains": search.allowed_domains});
        tool.insert("filters".to_owned(), domains);
    }
    if let Some(size) = &search.context_size {
        tool.insert("search_context_size".to_owned(), size.as_str().into());
    }
    if let Some(Value::Object(place)) = &search.location {
        let mut location = Map::new();
        location.insert("type".to_owned(), "approximate".into());
        location.extend(
            place
                .iter()
                .filter(|(name, _)| *name != "type")
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        tool.insert("user_location".to_owned(), Value::Object(location));
    }
    Value::Object(tool)
}

fn choice(writing: &mut Writing<'_, '_>) -> Option<Value> {
    let request = writing.request;
    match &request.tool_choice {
        ToolChoice::NotSaid => None,
        ToolChoice::Auto => Some("auto".into()),
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::One(name) => Some(chosen(name, &request.tools)),
        ToolChoice::Allowed { required, names } => {
            let mode = if *required { "required" } else { "auto" };
            let tools: Vec<Value> = names.iter().map(|name| chosen(name, &request.tools)).collect();
            Some(json!({"type": "allowed_tools", "mode": mode, "tools": tools}))
        }
    }
}

fn chosen(name: &str, tools: &[chat::Tool]) -> Value {
    let kind = tools.iter().find(|tool| tool.name == name).map(|tool| &tool.kind);
    match kind {
        Some(ToolKind::WebSearch { .. }) => json!({"type": "web_search"}),
        Some(ToolKind::Custom { .. }) => {
            json!({"type": "custom", "name": TOOL_NAMES.legal(name)})
        }
        Some(ToolKind::Function | ToolKind::Server { .. }) | None => {
            json!({"type": "function", "name": TOOL_NAMES.legal(name)})
        }
    }
}
