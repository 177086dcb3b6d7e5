//! Reads everything of a request that is neither an item nor a tool.

use serde_json::Value;
use serde_json::value::RawValue;

use super::reasoning;
use super::wire::{Format, TextOptions};
use crate::chat::{ChatRequest, Extra, OutputFormat};
use crate::codec::WireError;
use crate::members::{Members, parse};

/// What `include` says to ask for log probabilities.
const LOGPROBS: &str = "message.output_text.logprobs";

/// Members of `include` that need nothing of another provider.
const OWN_AFFAIR: [&str; 1] = ["reasoning.encrypted_content"];

/// Reads all settings.
///
/// # Errors
///
/// [`WireError::Malformed`] with the name of the first member that is not as expected.
pub(super) fn read(members: &mut Members<'_>, request: &mut ChatRequest) -> Result<(), WireError> {
    request.sampling.temperature = members.take("temperature")?;
    request.sampling.top_p = members.take("top_p")?;
    include(members, request)?;
    request.max_output_tokens = members.take_largest("max_output_tokens")?;
    if let Some(raw) = members.take::<&RawValue>("reasoning")? {
        reasoning::options(raw, "reasoning", request)?;
    }
    if let Some(raw) = members.take::<&RawValue>("text")? {
        text(raw, "text", request)?;
    }
    let user = members.take::<String>("user")?;
    request.end_user = members.take::<String>("safety_identifier")?.or(user);
    request.metadata = members.take::<Extra>("metadata")?.unwrap_or_default();
    request.cache_key = members.take("prompt_cache_key")?;
    request.cache_retention = members.take("prompt_cache_retention")?;
    request.service_tier = members.take("service_tier")?;
    Ok(())
}

/// Reads `include` and `top_logprobs`, which says nothing unless log probabilities are included.
fn include(members: &mut Members<'_>, request: &mut ChatRequest) -> Result<(), WireError> {
    let mut include = members.take::<Vec<String>>("include")?.unwrap_or_default();
    let top = members.take::<u32>("top_logprobs")?;
    if include.iter().any(|name| name == LOGPROBS) {
        request.sampling.logprobs = Some(true);
        request.sampling.top_logprobs = top;
    }
    include.retain(|name| name != LOGPROBS && !OWN_AFFAIR.contains(&name.as_str()));
    if !include.is_empty() {
        request.extra.insert("include".to_owned(), include.into());
    }
    Ok(())
}

/// Reads `text`: the form of the answer, and how wordy it is to be.
///
/// # Errors
///
/// [`WireError::Malformed`] for an unknown type or a missing schema.
pub(super) fn text(raw: &RawValue, path: &str, request: &mut ChatRequest) -> Result<(), WireError> {
    let options: TextOptions<'_> = parse(raw, || path.to_owned())?;
    if let Some(verbosity) = options.verbosity {
        request.verbosity = Some(verbosity);
    }
    if let Some(raw) = options.format {
        request.output = format(raw, &format!("{path}.format"))?;
    }
    Ok(())
}

fn format(raw: &RawValue, path: &str) -> Result<OutputFormat, WireError> {
    let format: Format = parse(raw, || path.to_owned())?;
    match format.kind.as_deref() {
        Some("text") | None => Ok(OutputFormat::Text),
        Some("json_object") => Ok(OutputFormat::JsonObject),
        Some("json_schema") => {
            let Some(schema) = format.schema else {
                return Err(WireError::malformed(format!("{path}.schema"), "is missing"));
            };
            let (name, description, strict) = (format.name, format.description, format.strict);
            Ok(OutputFormat::JsonSchema { name, description, schema, strict })
        }
        Some(other) => {
            let detail = format!("`{other}` is unknown; use text, json_object or json_schema");
            Err(WireError::malformed(format!("{path}.type"), detail))
        }
    }
}

/// Keeps the members that no field holds, without those that only state a default or concern only what
/// OpenAI stores.
pub(super) fn extra(members: Members<'_>, request: &mut ChatRequest) {
    let says_something = |name: &str, value: &Value| match name {
        // Nothing is stored, which the reply says.
        "store" => false,
        "truncation" => value != "disabled",
        "context_management" => value.as_array().is_none_or(|edits| !edits.is_empty()),
        _ => true,
    };
    let rest = members.rest().into_iter();
    request.extra.extend(rest.filter(|(name, value)| says_something(name, value)));
}
