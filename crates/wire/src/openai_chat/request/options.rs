//! Reads everything of a request that is neither a message nor a tool.

use serde_json::Value;

use super::members::Members;
use super::wire::{AudioOptions, ReasoningOptions, ResponseFormat, Stop};
use crate::chat::{AudioOutput, Extra, OutputFormat, Reasoning, ReasoningAmount, Sampling};
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
        logit_bias: members.take::<Value>("logit_bias")?.filter(says_something),
    })
}

fn says_something(bias: &Value) -> bool {
    bias.as_object().is_none_or(|map| !map.is_empty())
}

/// Reads the limit, which has two names. Of both the larger counts: providers differ in which they heed, and a budget
/// has to cover what may come.
///
/// # Errors
///
/// [`WireError::Malformed`] if it is no whole number.
pub(super) fn limit(members: &mut Members<'_>) -> Result<Option<u64>, WireError> {
    let old: Option<u64> = members.take_largest("max_tokens")?;
    Ok(members.take_largest("max_completion_tokens")?.max(old))
}

/// Reads `reasoning_effort` and OpenRouter's `reasoning`.
///
/// # Errors
///
/// [`WireError::Malformed`] for an unknown word.
pub(super) fn reasoning(members: &mut Members<'_>) -> Result<Reasoning, WireError> {
    let word = members.take::<String>("reasoning_effort")?;
    let options = members.take::<ReasoningOptions>("reasoning")?;
    let show = options.as_ref().and_then(|options| options.exclude).map(|exclude| !exclude);
    if let Some(word) = word {
        let amount = effort(&word, "reasoning_effort")?;
        return Ok(Reasoning { amount, show });
    }
    let Some(options) = options else { return Ok(Reasoning::default()) };
    let amount = match (options.enabled, options.effort, options.max_tokens) {
        (Some(false), _, _) => ReasoningAmount::Off,
        (_, Some(word), _) => effort(&word, "reasoning.effort")?,
        (_, None, Some(tokens)) => ReasoningAmount::of_budget(tokens),
        (Some(true), None, None) => ReasoningAmount::Adaptive,
        (None, None, None) => ReasoningAmount::NotSaid,
    };
    Ok(Reasoning { amount, show })
}

fn effort(word: &str, name: &str) -> Result<ReasoningAmount, WireError> {
    ReasoningAmount::of_effort(word).ok_or_else(|| {
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

/// Reads `modalities` and `audio`: the sound that is wanted besides text, and whether pictures are.
///
/// # Errors
///
/// [`WireError::Malformed`] for an unknown modality.
pub(super) fn modalities(
    members: &mut Members<'_>,
) -> Result<(Option<AudioOutput>, bool), WireError> {
    let words = members.take::<Vec<String>>("modalities")?.unwrap_or_default();
    let options = members.take::<AudioOptions>("audio")?;
    let known = |word: &&String| !matches!(word.as_str(), "text" | "audio" | "image");
    if let Some(other) = words.iter().find(known) {
        let detail = format!("`{other}` is unknown; use text, audio or image");
        return Err(WireError::malformed("modalities", detail));
    }
    let wants = |modality: &str| words.iter().any(|word| word == modality);
    let audio = wants("audio").then(|| AudioOutput {
        voice: options.as_ref().and_then(|options| voice(options.voice.as_ref()?)),
        format: options.as_ref().and_then(|options| options.format.clone()),
    });
    Ok((audio, wants("image")))
}

fn voice(said: &Value) -> Option<String> {
    said.as_str().or_else(|| said.get("id")?.as_str()).map(str::to_owned)
}

/// Returns the members that no field holds, without those that only state a default.
pub(super) fn extra(members: Members<'_>) -> Extra {
    let mut extra = members.rest();
    extra.retain(|name, value| name != "store" || value != false);
    extra
}
