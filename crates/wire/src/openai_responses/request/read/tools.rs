//! Reads tools and the choice among them.

use serde_json::value::RawValue;

use super::wire::{Choice, Tool as WireTool};
use crate::WireFormat;
use crate::chat::{ChatRequest, Tool, ToolChoice, ToolKind, WebSearch};
use crate::codec::WireError;
use crate::members::{Members, parse};
use crate::openai_responses::namespace;

/// Reads declarations and adds them behind those that are there.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of a tool without a name, which begins with `path`.
pub(super) fn read(
    declared: &[&RawValue],
    path: &str,
    request: &mut ChatRequest,
) -> Result<(), WireError> {
    for (position, raw) in declared.iter().enumerate() {
        tool(raw, None, &format!("{path}[{position}]"), request)?;
    }
    Ok(())
}

fn tool(
    raw: &RawValue,
    namespace: Option<&str>,
    at: &str,
    request: &mut ChatRequest,
) -> Result<(), WireError> {
    let wire: WireTool<'_> = parse(raw, || at.to_owned())?;
    let kind = wire.kind.as_deref().unwrap_or("function");
    match kind {
        "function" | "custom" => {
            note_left_out(&wire, request);
            request.tools.push(clients(wire, namespace, at)?);
        }
        "namespace" if namespace.is_some() => {
            let detail = "is `namespace`, which cannot stand inside another";
            return Err(WireError::malformed(format!("{at}.type"), detail));
        }
        "namespace" => {
            let detail = "is joined to the names of its tools";
            request.notes.approximate("tools[].namespace", detail);
            for (position, inner) in wire.tools.iter().flatten().enumerate() {
                tool(inner, wire.name.as_deref(), &format!("{at}.tools[{position}]"), request)?;
            }
        }
        kind => {
            let name = kind.to_owned();
            let (format, raw) = (WireFormat::OpenAiResponses, raw.to_owned());
            let kind = if kind.starts_with("web_search") {
                ToolKind::WebSearch { format, raw, search: search(wire) }
            } else {
                ToolKind::Server { format, raw }
            };
            request.tools.push(Tool {
                name,
                description: None,
                schema: None,
                strict: None,
                cache: None,
                kind,
            });
        }
    }
    Ok(())
}

fn note_left_out(wire: &WireTool<'_>, request: &mut ChatRequest) {
    if wire.defer_loading == Some(true) {
        request.notes.drop("tools[].defer_loading", "the tool is declared at once");
    }
    if wire.output_schema.is_some() {
        request.notes.drop("tools[].output_schema", "only OpenAI takes one");
    }
}

fn clients(wire: WireTool<'_>, namespace: Option<&str>, at: &str) -> Result<Tool, WireError> {
    let Some(name) = wire.name.filter(|name| !name.is_empty()) else {
        return Err(WireError::malformed(format!("{at}.name"), "is missing"));
    };
    let kind = match wire.kind.as_deref() {
        Some("custom") => ToolKind::Custom { format: wire.format },
        _ => ToolKind::Function,
    };
    Ok(Tool {
        name: namespace::joined(namespace, &name),
        description: wire.description,
        schema: wire.parameters,
        strict: wire.strict,
        cache: wire.cache_control,
        kind,
    })
}

fn search(wire: WireTool<'_>) -> WebSearch {
    let filters = wire.filters.unwrap_or_default();
    let mut location = wire.user_location;
    if let Some(members) = location.as_mut().and_then(|location| location.as_object_mut()) {
        members.retain(|name, value| name != "type" && !value.is_null());
    }
    WebSearch {
        allowed_domains: filters.allowed_domains.unwrap_or_default(),
        blocked_domains: filters.blocked_domains.unwrap_or_default(),
        location: location.filter(|value| value.as_object().is_some_and(|map| !map.is_empty())),
        max_uses: None,
        context_size: wire.search_context_size,
    }
}

/// Reads `tool_choice`.
///
/// # Errors
///
/// [`WireError::Malformed`] for a word or shape that is unknown; [`WireError::Unsupported`] for a tool
/// that OpenAI runs.
pub(super) fn read_choice(members: &mut Members<'_>) -> Result<ToolChoice, WireError> {
    const NAME: &str = "tool_choice";
    let Some(raw) = members.take::<&RawValue>(NAME)? else { return Ok(ToolChoice::NotSaid) };
    if raw.get().starts_with('"') {
        let word: String = parse(raw, || NAME.to_owned())?;
        return match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" | "any" => Ok(ToolChoice::Required),
            other => {
                let detail = format!("`{other}` is unknown; use none, auto or required");
                Err(WireError::malformed(NAME, detail))
            }
        };
    }
    let choice: Choice = parse(raw, || NAME.to_owned())?;
    if choice.kind.as_deref() != Some("allowed_tools") {
        return named(choice, NAME).map(ToolChoice::One);
    }
    let required = choice.mode.as_deref() == Some("required");
    let tools = choice.tools.into_iter().flatten().enumerate();
    let names = tools.map(|(position, tool)| named(tool, &format!("{NAME}.tools[{position}]")));
    Ok(ToolChoice::Allowed { required, names: names.collect::<Result<_, _>>()? })
}

fn named(choice: Choice, path: &str) -> Result<String, WireError> {
    let kind = choice.kind.as_deref().unwrap_or("function");
    if !matches!(kind, "function" | "custom") {
        let why = format!("a choice of type `{kind}` has no form at another provider");
        return Err(WireError::unsupported(path, why));
    }
    match choice.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Ok(namespace::joined(choice.namespace.as_deref(), name)),
        None => Err(WireError::malformed(format!("{path}.name"), "is missing")),
    }
}
