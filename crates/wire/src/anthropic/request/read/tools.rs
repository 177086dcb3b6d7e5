//! Reads tool declarations and the choice among them.

use serde_json::Value;
use serde_json::value::RawValue;

use super::shape::{Tool as WireTool, WebSearchTool};
use super::{hosted, parts, short};
use crate::WireFormat;
use crate::chat::{Tool, ToolChoice, ToolKind, WebSearch};
use crate::codec::WireError;
use crate::locate;
use crate::notes::Notes;

/// Reads a declaration that stands at `path`.
pub(super) fn read(raw: &RawValue, path: &str, notes: &mut Notes) -> Result<Tool, WireError> {
    let wire = locate::part::<WireTool<'_>>(raw, path);
    let kind = match &wire {
        Ok(wire) => wire.kind.clone(),
        // Members of a vendor's own tools may mean other things than those of a client's.
        Err(_) => parts::kind_of(raw),
    };
    if let Some(kind) = kind.filter(|kind| kind != "custom") {
        return Ok(typed(raw, kind, wire.ok(), notes));
    }
    let wire = wire?;
    let Some(name) = wire.name.filter(|name| !name.is_empty()) else {
        return Err(WireError::malformed(format!("{path}.name"), "is missing; name the tool"));
    };
    let only_here = [
        ("tools[].input_examples", wire.input_examples.is_some()),
        ("tools[].allowed_callers", wire.allowed_callers.is_some()),
        ("tools[].defer_loading", wire.defer_loading == Some(true)),
    ];
    for (field, _) in only_here.into_iter().filter(|(_, is_said)| *is_said) {
        notes.drop(field, "the tool is sent plainly");
    }
    Ok(Tool {
        name,
        description: wire.description,
        schema: wire.input_schema.map(RawValue::to_owned),
        strict: wire.strict,
        cache: wire.cache_control,
        kind: ToolKind::Function,
    })
}

/// Reads a tool that the vendor has declared: one the client runs becomes a function, the rest stay the
/// vendor's.
fn typed(raw: &RawValue, kind: String, wire: Option<WireTool<'_>>, notes: &mut Notes) -> Tool {
    let (name, cache) = wire.map_or((None, None), |wire| (wire.name, wire.cache_control));
    let name = name.unwrap_or_else(|| kind.clone());
    if let Some(known) = hosted::run_by_client(&kind) {
        notes.approximate(
            "tools[].type",
            "tools of the vendor's that you run are sent as functions",
        );
        return Tool {
            name,
            description: Some(known.description.to_owned()),
            schema: RawValue::from_string(known.schema.to_owned()).ok(),
            strict: None,
            cache,
            kind: ToolKind::Function,
        };
    }
    let (format, raw) = (WireFormat::Anthropic, raw.to_owned());
    let kind = if kind.starts_with("web_search_") {
        let search = web_search(&raw);
        ToolKind::WebSearch { format, raw, search }
    } else {
        ToolKind::Server { format, raw }
    };
    Tool { name, description: None, schema: None, strict: None, cache: None, kind }
}

fn web_search(raw: &RawValue) -> WebSearch {
    let wire: WebSearchTool = serde_json::from_str(raw.get()).unwrap_or_default();
    let mut location = wire.user_location;
    if let Some(members) = location.as_mut().and_then(Value::as_object_mut) {
        members.retain(|name, value| name != "type" && !value.is_null());
    }
    WebSearch {
        allowed_domains: wire.allowed_domains.unwrap_or_default(),
        blocked_domains: wire.blocked_domains.unwrap_or_default(),
        location: location.filter(|place| place.as_object().is_some_and(|place| !place.is_empty())),
        max_uses: wire.max_uses,
        context_size: None,
    }
}

/// Reads which tool may or must be called.
pub(super) fn choice(kind: Option<&str>, name: Option<String>) -> Result<ToolChoice, WireError> {
    match kind {
        Some("auto") => Ok(ToolChoice::Auto),
        Some("any") => Ok(ToolChoice::Required),
        Some("none") => Ok(ToolChoice::None),
        Some("tool") => name.map(ToolChoice::One).ok_or_else(|| {
            WireError::malformed("tool_choice.name", "is missing; name the tool to call")
        }),
        Some(other) => {
            let detail = format!("is `{}`; use `auto`, `any`, `tool` or `none`", short(other));
            Err(WireError::malformed("tool_choice.type", detail))
        }
        None => {
            let detail = "is missing; use `auto`, `any`, `tool` or `none`";
            Err(WireError::malformed("tool_choice.type", detail))
        }
    }
}
