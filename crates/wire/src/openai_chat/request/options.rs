//! Reads everything of a request that is neither a message nor a tool.

use super::members::Members;
use super::wire::{ReasoningOptions, ResponseFormat, Stop};
use crate::chat::{Effort, Extra, OutputFormat, Reasoning, ReasoningAmount, Sampling};
use crate::codec::WireError;

/// Reads the sampling members.
///
/// # Errors
///
/// [`WireError::Malformed`] with the name of a member of another type.
pub(super) fn sampling(members: &mut Members<'_>) -> Result<Sampling, WireError> {
    let stop = match members.take::<Stop>("stop")? {
        None => Vec::new(),
        Some(Stop::One(text)) => vec![text],
        Some(Stop::Several(texts)) => texts,
    };
    Ok(Sampling {
        temperature: members.take("temperature")?,
        top_p: members.take("top_p")?,
        top_k: members.take("top_k")?,
        seed: members.take("seed")?,
        presence_penalty: members.take("presence_penalty")?,
        frequency_penalty: members.take("frequency_penalty")?,
        stop: stop.into_iter().filter(|text| !text.is_empty()).collect(),
        n: members.take("n")?,
        logprobs: members.take("logprobs")?,
        top_logprobs: members.take("top_logprobs")?,
        logit_bias: None,
    })
}

/// Reads the limit; the newer name wins.
///
/// # Errors
///
/// [`WireError::Malformed`] if it is no whole number.
pub(super) fn limit(members: &mut Members<'_>) -> Result<Option<u64>, WireError> {
    let old = members.take("max_tokens")?;
    Ok(members.take("max_completion_tokens")?.or(old))
}

/// Reads `reasoning_effort` and OpenRouter's `reasoning`.
///
/// # Errors
///
/// [`WireError::Malformed`] for an unknown word.
pub(super) fn reasoning(members: &mut Members<'_>) -> Result<Reasoning, WireError> {
    let word = members.take::<String>("reasoning_effort")?;
    let options = members.take::<ReasoningOptions>("reasoning")?;
    if let Some(word) = word {
        let amount = effort(&word, "reasoning_effort")?;
        return Ok(Reasoning { amount, show: None });
    }
    let Some(options) = options else { return Ok(Reasoning::default()) };
    let amount = match (options.enabled, options.effort, options.max_tokens) {
        (Some(false), _, _) => ReasoningAmount::Off,
        (_, Some(word), _) => effort(&word, "reasoning.effort")?,
        (_, None, Some(tokens)) => ReasoningAmount::Budget(tokens),
        (Some(true), None, None) => ReasoningAmount::Adaptive,
        (None, None, None) => ReasoningAmount::NotSaid,
    };
    Ok(Reasoning { amount, show: options.exclude.map(|exclude| !exclude) })
}

fn effort(word: &str, name: &str) -> Result<ReasoningAmount, WireError> {
    if word == "none" {
        return Ok(ReasoningAmount::Off);
    }
    let known = Effort::of_word(word).map(ReasoningAmount::Effort);
    known.ok_or_else(|| {
        let detail =
            format!("`{word}` is unknown; use none, minimal, low, medium, high, xhigh or max");
        WireError::malformed(name, detail)
    })
}

/// Reads `response_format`.
///
/// # Errors
///
/// [`WireError::Malformed`] for an unknown type or a missing schema.
pub(super) fn output(members: &mut Members<'_>) -> Result<OutputFormat, WireError> {
    let Some(format) = members.take::<ResponseFormat>("response_format")? else {
        return Ok(OutputFormat::Text);
    };
    match format.kind.as_deref() {
        Some("text") | None => Ok(OutputFormat::Text),
        Some("json_object") => Ok(OutputFormat::JsonObject),
        Some("json_schema") => {
            let missing =
                || WireError::malformed("response_format.json_schema.schema", "is missing");
            let wire = format.json_schema.ok_or_else(missing)?;
            let schema = wire.schema.ok_or_else(missing)?;
            let (name, description, strict) = (wire.name, wire.description, wire.strict);
            Ok(OutputFormat::JsonSchema { name, description, schema, strict })
        }
        Some(other) => {
            let detail = format!("`{other}` is unknown; use text, json_object or json_schema");
            Err(WireError::malformed("response_format.type", detail))
        }
    }
}

/// Returns the members that no field holds, without those that only state a default.
///
/// # Errors
///
/// [`WireError::Unsupported`] for members whose loss would change what was asked for.
pub(super) fn extra(members: Members<'_>) -> Result<Extra, WireError> {
    let mut extra = members.rest();
    extra.retain(|name, value| match name.as_str() {
        "store" => value != false,
        "service_tier" => value != "auto",
        "modalities" => *value != serde_json::json!(["text"]),
        "logit_bias" | "metadata" => value.as_object().is_none_or(|map| !map.is_empty()),
        _ => true,
    });
    let refused = [
        ("modalities", "only text can be asked for"),
        ("audio", "only text can be asked for"),
        ("web_search_options", "the provider's own web search cannot be asked for"),
        ("moderation", "the provider's own moderation cannot be asked for"),
    ];
    let fields: Vec<(String, String)> = refused
        .into_iter()
        .filter(|(name, _)| extra.contains_key(*name))
        .map(|(name, why)| (name.to_owned(), why.to_owned()))
        .collect();
    if fields.is_empty() { Ok(extra) } else { Err(WireError::Unsupported { fields }) }
}
