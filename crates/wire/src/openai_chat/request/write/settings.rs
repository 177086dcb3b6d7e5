//! Writes everything that is neither a turn, a tool nor sampling.

use serde_json::json;

use super::Writing;
use super::body::{Body, JsonSchema, ResponseFormat, StreamOptions};
use super::names;
use crate::WireFormat;
use crate::chat::OutputFormat;
use crate::end_user;
use crate::field_names::Field;
use crate::strict_schema;

/// Members of other formats without which the answer would be another one.
const DECISIVE_EXTRA: &[&str] = &["cachedContent", "mcp_servers"];

/// Members of Responses that OpenAI's chat has by the same name.
const SHARED_EXTRA: &[&str] = &["moderation", "prompt_cache_options"];

/// Members of other formats that ask for nothing that is missed here.
const SILENT_EXTRA: &[&str] =
    &["store", "toolConfig.functionCallingConfig.streamFunctionCallArguments"];

/// Writes the settings.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>, body: &mut Body<'a>) {
    add_output(body, writing);
    add_limit(body, writing);
    add_media(body, writing);
    add_identity(body, writing);
    add_extra(body, writing);
    if writing.request.delivery.stream {
        body.stream = Some(true);
        let is_asked = !writing.facts.no_stream_usage;
        body.stream_options = is_asked.then_some(StreamOptions { include_usage: true });
    }
}

fn add_output<'a>(body: &mut Body<'a>, writing: &mut Writing<'a, '_>) {
    body.response_format = match &writing.request.output {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => Some(ResponseFormat::JsonObject),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let (schema, strict) = strict_schema::answer(writing, schema, *strict);
            let json_schema = JsonSchema {
                name: names::tool(name.as_deref().unwrap_or("response")),
                description: description.as_deref(),
                strict,
                schema,
            };
            Some(ResponseFormat::JsonSchema { json_schema })
        }
    };
    let Some(verbosity) = &writing.request.verbosity else { return };
    if writing.is_own() || writing.is_openai() {
        body.verbosity = Some(verbosity);
    } else {
        writing.drop(Field::VERBOSITY, "the provider knows no such setting");
    }
}

fn add_limit(body: &mut Body<'_>, writing: &mut Writing<'_, '_>) {
    let Some(said) = writing.request.max_output_tokens else { return };
    if said == 0 {
        let why = "chat completions cannot be asked for an answer of 0 tokens";
        writing.refuse(Field::MAX_TOKENS, why);
        return;
    }
    let limit = writing.facts.max_output_tokens.map_or(said, |most| most.min(said));
    if limit < said {
        let detail = format!("lowered to the model's limit of {limit}");
        writing.notes.approximate(Field::MAX_TOKENS.name(writing.request), detail);
    }
    let place = if writing.facts.max_completion_tokens {
        &mut body.max_completion_tokens
    } else {
        &mut body.max_tokens
    };
    *place = Some(limit);
}

/// Asks for sound or pictures.
fn add_media(body: &mut Body<'_>, writing: &mut Writing<'_, '_>) {
    let request = writing.request;
    let mut modalities = vec!["text"];
    if let Some(audio) = &request.audio {
        modalities.push("audio");
        let (voice, format) = if writing.is_own() {
            (audio.voice.as_deref().unwrap_or("alloy"), audio.format.as_deref())
        } else {
            if audio.voice.is_some() {
                writing.drop(names::VOICE, "voices are another vendor's");
            }
            writing.approximate(Field::AUDIO, "another vendor's voice and format of sound");
            ("alloy", None)
        };
        // The only format that comes in a stream, and the one that every client plays.
        let format = format.unwrap_or(if request.delivery.stream { "pcm16" } else { "wav" });
        body.audio = Some(json!({"voice": voice, "format": format}));
    }
    if request.wants_images {
        if !writing.facts.image_output && !writing.is_own() {
            writing.refuse(Field::IMAGES, "the model cannot be asked for pictures");
            return;
        }
        modalities.push("image");
    }
    body.modalities = (modalities.len() > 1).then_some(modalities);
}

/// Writes who asks, under which labels, from which cache and how urgently.
///
/// Only OpenAI itself knows these members; strict imitators refuse a request that has one.
fn add_identity<'a>(body: &mut Body<'a>, writing: &mut Writing<'a, '_>) {
    const UNKNOWN: &str = "the provider may refuse a request that has it";
    let request = writing.request;
    if writing.is_openai() {
        body.safety_identifier = end_user::for_openai(request);
    } else if request.end_user.is_some() {
        writing.drop(Field::END_USER, UNKNOWN);
    }
    let is_known = writing.is_openai() || writing.is_own();
    if is_known {
        body.metadata = Some(&request.metadata).filter(|labels| !labels.is_empty());
        body.prompt_cache_key = request.cache_key.as_deref();
        body.prompt_cache_retention = request.cache_retention.as_deref();
        body.service_tier = request.service_tier.as_deref();
        return;
    }
    if !request.metadata.is_empty() {
        writing.drop(Field::METADATA, UNKNOWN);
    }
    if request.service_tier.as_deref().is_some_and(|tier| !matches!(tier, "auto" | "default")) {
        writing.drop(Field::SERVICE_TIER, UNKNOWN);
    }
}

fn add_extra<'a>(body: &mut Body<'a>, writing: &mut Writing<'a, '_>) {
    let request = writing.request;
    let from_responses = request.origin == Some(WireFormat::OpenAiResponses);
    for (name, value) in &request.extra {
        let is_shared = from_responses && writing.is_openai() && is_among(SHARED_EXTRA, name);
        if writing.is_own() || is_shared {
            body.extra.insert(name, value);
        } else if is_among(DECISIVE_EXTRA, name) {
            let why = "the answer depends on it and only its own vendor has it";
            writing.refused.add(name.clone(), why);
        } else if !is_among(SILENT_EXTRA, name) {
            writing.notes.drop(name.clone(), "chat completions has no such field");
        }
    }
}

fn is_among(names: &[&str], name: &str) -> bool {
    names.contains(&name)
}
