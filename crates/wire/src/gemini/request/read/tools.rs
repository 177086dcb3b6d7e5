//! Reads `tools` and `toolConfig`.

use serde_json::value::{RawValue, to_raw_value};

use super::keep;
use crate::WireFormat;
use crate::chat::{ChatRequest, RawJson, Tool, ToolChoice, ToolKind, WebSearch};
use crate::codec::WireError;
use crate::gemini::request::members::{self, Members};
use crate::gemini::schema;

/// Values of `functionCallingConfig.mode`, by number.
const MODES: [&str; 5] = ["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"];

/// Reads `tools`: functions, and the provider's own tools kept as they are.
pub(super) fn declarations(raw: &RawValue) -> Result<Vec<Tool>, WireError> {
    let mut tools = Vec::new();
    for (index, entry) in members::list(raw, "tools")?.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        let mut members = Members::of(entry, &path)?;
        if let Some(list) = members.take("functionDeclarations") {
            let path = format!("{path}.functionDeclarations");
            for (index, raw) in members::list(list, &path)?.into_iter().enumerate() {
                tools.push(function(raw, &format!("{path}[{index}]"))?);
            }
        }
        for (name, value) in members.rest() {
            tools.push(server(&name, value, &path)?);
        }
    }
    Ok(tools)
}

/// Reads `toolConfig`.
pub(super) fn config(raw: &RawValue, request: &mut ChatRequest) -> Result<(), WireError> {
    let mut members = Members::of(raw, "toolConfig")?;
    if let Some(raw) = members.take("functionCallingConfig") {
        let path = "toolConfig.functionCallingConfig";
        let mut calling = Members::of(raw, path)?;
        let mode = match calling.take("mode") {
            Some(mode) => members::word(mode, &format!("{path}.mode"), &MODES)?,
            None => String::new(),
        };
        let mut names = Vec::new();
        if let Some(list) = calling.take("allowedFunctionNames") {
            let path = format!("{path}.allowedFunctionNames");
            for name in members::list(list, &path)? {
                names.push(members::text(name, &path)?);
            }
        }
        choose(&mode, names, request, path)?;
    }
    for (name, raw) in members.rest() {
        keep(&mut request.extra, format!("toolConfig.{name}"), raw)?;
    }
    Ok(())
}

fn choose(
    mode: &str,
    mut names: Vec<String>,
    request: &mut ChatRequest,
    path: &str,
) -> Result<(), WireError> {
    let allowed = |required, names: Vec<String>| ToolChoice::Allowed { required, names };
    request.tool_choice = match mode {
        "" | "MODE_UNSPECIFIED" if names.is_empty() => ToolChoice::NotSaid,
        "NONE" => ToolChoice::None,
        "ANY" if names.is_empty() => ToolChoice::Required,
        "ANY" if names.len() == 1 => ToolChoice::One(names.remove(0)),
        "ANY" => allowed(true, names),
        "" | "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED" if names.is_empty() => ToolChoice::Auto,
        "" | "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED" => allowed(false, names),
        _ => {
            let detail = "must be `AUTO`, `ANY`, `NONE` or `VALIDATED`";
            return Err(WireError::malformed(format!("{path}.mode"), detail));
        }
    };
    if mode == "VALIDATED" {
        // This mode promises what other formats call strict tools.
        for tool in request.tools.iter_mut().filter(|tool| tool.is_clients()) {
            tool.strict = Some(true);
        }
        let how = "sent as tools that are strict, which binds the arguments alone";
        request.notes.approximate("toolConfig.functionCallingConfig.mode", how);
    }
    Ok(())
}

fn function(raw: &RawValue, path: &str) -> Result<Tool, WireError> {
    let mut members = Members::of(raw, path)?;
    let Some(name) = members.take("name") else {
        return Err(WireError::malformed(path, "lacks `name`"));
    };
    let description = match members.take("description") {
        Some(text) => Some(members::text(text, &format!("{path}.description"))?),
        None => None,
    };
    Ok(Tool {
        name: members::text(name, &format!("{path}.name"))?,
        description: description.filter(|text| !text.is_empty()),
        schema: schema_of(&mut members, path, ["parametersJsonSchema", "parameters"])?,
        strict: None,
        cache: None,
        kind: ToolKind::Function,
    })
}

/// Reads a schema that is JSON Schema under the first name and Google's own dialect under the second.
pub(super) fn schema_of(
    members: &mut Members<'_>,
    path: &str,
    names: [&str; 2],
) -> Result<Option<RawJson>, WireError> {
    let [json_schema, dialect] = names;
    let own = members.take(dialect);
    if let Some(raw) = members.take(json_schema) {
        return Ok(Some(raw.to_owned()));
    }
    let Some(raw) = own else { return Ok(None) };
    let path = format!("{path}.{dialect}");
    if !raw.get().starts_with('{') {
        return Err(WireError::malformed(path, "must be an object"));
    }
    Ok(Some(schema::to_json_schema(raw)))
}

fn server(name: &str, value: &RawValue, path: &str) -> Result<Tool, WireError> {
    let entry = std::collections::BTreeMap::from([(name, value)]);
    let raw = to_raw_value(&entry)
        .map_err(|fault| WireError::malformed(path, format!("cannot be kept: {fault}")))?;
    let format = WireFormat::Gemini;
    let kind = if matches!(name, "googleSearch" | "googleSearchRetrieval") {
        let mut search = WebSearch::default();
        if let Ok(mut members) = Members::of(value, path)
            && let Some(domains) = members.take("excludeDomains")
        {
            let path = format!("{path}.{name}.excludeDomains");
            for domain in members::list(domains, &path)? {
                search.blocked_domains.push(members::text(domain, &path)?);
            }
        }
        ToolKind::WebSearch { format, raw, search }
    } else {
        ToolKind::Server { format, raw }
    };
    Ok(Tool {
        name: name.to_owned(),
        description: None,
        schema: None,
        strict: None,
        cache: None,
        kind,
    })
}
