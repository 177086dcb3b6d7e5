//! Reads tools and the choice among them.

use serde_json::value::RawValue;

use super::members::{Members, parse};
use super::wire::{Choice, Declaration, SearchOptions, Tool as WireTool};
use crate::WireFormat;
use crate::chat::{Tool, ToolChoice, ToolKind, WebSearch};
use crate::codec::WireError;

/// Reads `tools` and the legacy `functions`.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of a tool without a name.
pub(super) fn read(members: &mut Members<'_>) -> Result<Vec<Tool>, WireError> {
    let mut tools = Vec::new();
    for (position, raw) in members.take::<Vec<&RawValue>>("tools")?.iter().flatten().enumerate() {
        let at = format!("tools[{position}]");
        tools.push(tool(raw, &at)?);
    }
    let functions = members.take::<Vec<Declaration>>("functions")?;
    for (position, function) in functions.into_iter().flatten().enumerate() {
        tools.push(declared(function, &format!("functions[{position}]"))?);
    }
    tools.extend(web_search(members)?);
    Ok(tools)
}

/// Reads `web_search_options`, which asks for a search by being there.
fn web_search(members: &mut Members<'_>) -> Result<Option<Tool>, WireError> {
    const NAME: &str = "web_search_options";
    let Some(raw) = members.take::<&RawValue>(NAME)? else { return Ok(None) };
    let options: SearchOptions = parse(raw, || NAME.to_owned())?;
    let location = options.user_location.and_then(|location| location.approximate);
    let context_size = options.search_context_size;
    let search = WebSearch { location, context_size, ..WebSearch::default() };
    let kind = ToolKind::WebSearch { format: WireFormat::OpenAiChat, raw: raw.to_owned(), search };
    Ok(Some(named(NAME.to_owned(), kind)))
}

fn tool(raw: &RawValue, at: &str) -> Result<Tool, WireError> {
    let wire: WireTool = parse(raw, || at.to_owned())?;
    if let Some(function) = wire.function {
        let mut tool = declared(function, &format!("{at}.function"))?;
        tool.cache = wire.cache_control;
        return Ok(tool);
    }
    if let Some(custom) = wire.custom {
        let Some(name) = custom.name.filter(|name| !name.is_empty()) else {
            return Err(WireError::malformed(format!("{at}.custom.name"), "is missing"));
        };
        let tool = named(name, ToolKind::Custom { format: custom.format });
        return Ok(Tool { description: custom.description, cache: wire.cache_control, ..tool });
    }
    let kind = wire.kind.unwrap_or_else(|| "function".to_owned());
    if kind == "function" || kind == "custom" {
        return Err(WireError::malformed(format!("{at}.{kind}"), "is missing"));
    }
    Ok(named(kind, ToolKind::Server { format: WireFormat::OpenAiChat, raw: raw.to_owned() }))
}

/// Makes a tool of which only name and kind are known.
const fn named(name: String, kind: ToolKind) -> Tool {
    Tool { name, description: None, schema: None, strict: None, cache: None, kind }
}

fn declared(function: Declaration, at: &str) -> Result<Tool, WireError> {
    let Some(name) = function.name.filter(|name| !name.is_empty()) else {
        return Err(WireError::malformed(format!("{at}.name"), "is missing"));
    };
    Ok(Tool {
        name,
        description: function.description,
        schema: function.parameters.filter(|schema| schema.get() != "null"),
        strict: function.strict,
        cache: None,
        kind: ToolKind::Function,
    })
}

/// Reads `tool_choice` and the legacy `function_call`.
///
/// # Errors
///
/// [`WireError::Malformed`] for a word or shape that is unknown.
pub(super) fn read_choice(members: &mut Members<'_>) -> Result<ToolChoice, WireError> {
    let new = members.take::<&RawValue>("tool_choice")?;
    let old = members.take::<&RawValue>("function_call")?;
    let (name, raw) = match (new, old) {
        (Some(raw), _) => ("tool_choice", raw),
        (None, Some(raw)) => ("function_call", raw),
        (None, None) => return Ok(ToolChoice::NotSaid),
    };
    if raw.get().starts_with('"') {
        let word: String = parse(raw, || name.to_owned())?;
        return match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" | "any" => Ok(ToolChoice::Required),
            other => Err(WireError::malformed(name, format!("`{other}` is unknown"))),
        };
    }
    let choice: Choice = parse(raw, || name.to_owned())?;
    if let Some(allowed) = choice.allowed_tools {
        let required = allowed.mode.as_deref() == Some("required");
        let names = allowed.tools.into_iter().flatten().filter_map(name_of).collect();
        return Ok(ToolChoice::Allowed { required, names });
    }
    let kind = choice.kind.clone().unwrap_or_else(|| "function".to_owned());
    match name_of(choice) {
        Some(function) => Ok(ToolChoice::One(function)),
        None if kind == "function" || kind == "custom" => {
            Err(WireError::malformed(format!("{name}.{kind}.name"), "is missing"))
        }
        None => {
            let why = format!("a choice of type `{kind}` has no form at another provider");
            Err(WireError::unsupported(name, why))
        }
    }
}

fn name_of(choice: Choice) -> Option<String> {
    choice.function.or(choice.custom).and_then(|tool| tool.name).or(choice.name)
}
