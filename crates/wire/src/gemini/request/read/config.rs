//! Reads `generationConfig`.

use serde_json::value::RawValue;

use super::contents::RESOLUTIONS;
use super::{keep, tools};
use crate::chat::{AudioOutput, ChatRequest, Effort, OutputFormat, PartKind, ReasoningAmount};
use crate::codec::WireError;
use crate::gemini::request::members::{self, Members};

const PATH: &str = "generationConfig";

/// Values of `thinkingLevel`, by number (proto `ThinkingConfig.ThinkingLevel`).
const LEVELS: [&str; 5] = ["THINKING_LEVEL_UNSPECIFIED", "LOW", "MEDIUM", "HIGH", "MINIMAL"];

/// Values of `responseModalities`, by number.
const MODALITIES: [&str; 4] = ["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"];

/// Reads `generationConfig`; members without a field are kept under a dotted name.
pub(super) fn read(raw: &RawValue, request: &mut ChatRequest) -> Result<(), WireError> {
    let mut members = Members::of(raw, PATH)?;
    sampling(&mut members, request)?;
    // Given twice, as `max_output_tokens` too: the larger counts, whichever a provider heeds.
    for raw in members.take_each("maxOutputTokens") {
        let limit = members::count(raw, &path("maxOutputTokens"))?;
        request.max_output_tokens = request.max_output_tokens.max(Some(limit));
    }
    if let Some(raw) = members.take("thinkingConfig") {
        thinking(raw, request)?;
    }
    output(&mut members, request)?;
    modalities(&mut members, request)?;
    resolution(&mut members, request)?;
    for (name, raw) in members.rest() {
        keep(&mut request.extra, path(&name), raw)?;
    }
    Ok(())
}

fn sampling(members: &mut Members<'_>, request: &mut ChatRequest) -> Result<(), WireError> {
    let sampling = &mut request.sampling;
    let numbers = [
        ("temperature", &mut sampling.temperature),
        ("topP", &mut sampling.top_p),
        ("presencePenalty", &mut sampling.presence_penalty),
        ("frequencyPenalty", &mut sampling.frequency_penalty),
    ];
    for (name, field) in numbers {
        if let Some(raw) = members.take(name) {
            *field = Some(members::number(raw, &path(name))?);
        }
    }
    if let Some(raw) = members.take("topK") {
        sampling.top_k = Some(members::count(raw, &path("topK"))?);
    }
    if let Some(raw) = members.take("seed") {
        sampling.seed = Some(members::integer(raw, &path("seed"))?);
    }
    for (name, field) in
        [("candidateCount", &mut sampling.n), ("logprobs", &mut sampling.top_logprobs)]
    {
        if let Some(raw) = members.take(name) {
            let number = members::count(raw, &path(name))?;
            let fits = u32::try_from(number);
            *field = Some(fits.map_err(|_| WireError::malformed(path(name), "is too large"))?);
        }
    }
    if let Some(raw) = members.take("responseLogprobs") {
        sampling.logprobs = Some(members::flag(raw, &path("responseLogprobs"))?);
    }
    if let Some(raw) = members.take("stopSequences") {
        let path = path("stopSequences");
        for raw in members::list(raw, &path)? {
            sampling.stop.push(members::text(raw, &path)?);
        }
    }
    Ok(())
}

fn thinking(raw: &RawValue, request: &mut ChatRequest) -> Result<(), WireError> {
    let here = path("thinkingConfig");
    let mut members = Members::of(raw, &here)?;
    if let Some(raw) = members.take("includeThoughts") {
        request.reasoning.show = Some(members::flag(raw, &format!("{here}.includeThoughts"))?);
    }
    let budget = members.take("thinkingBudget");
    let level = members.take("thinkingLevel");
    if let Some(raw) = budget {
        let path = format!("{here}.thinkingBudget");
        if level.is_some() {
            return Err(WireError::malformed(path, "excludes `thinkingLevel`; send one of them"));
        }
        request.reasoning.amount = match members::integer(raw, &path)? {
            ..0 => ReasoningAmount::Adaptive,
            tokens => ReasoningAmount::of_budget(tokens.unsigned_abs()),
        };
    } else if let Some(raw) = level {
        request.reasoning.amount = amount_of(raw, &format!("{here}.thinkingLevel"))?;
    }
    Ok(())
}

/// Returns the level that a value of `thinkingLevel` is; `None` if it is none.
pub(in crate::gemini) fn level_of(raw: &RawValue) -> Option<Effort> {
    match amount_of(raw, "") {
        Ok(ReasoningAmount::Effort(effort)) => Some(effort),
        _ => None,
    }
}

fn amount_of(raw: &RawValue, path: &str) -> Result<ReasoningAmount, WireError> {
    Ok(match members::word(raw, path, &LEVELS)?.as_str() {
        "THINKING_LEVEL_UNSPECIFIED" => ReasoningAmount::NotSaid,
        "MINIMAL" => ReasoningAmount::Effort(Effort::Minimal),
        "LOW" => ReasoningAmount::Effort(Effort::Low),
        "MEDIUM" => ReasoningAmount::Effort(Effort::Medium),
        "HIGH" => ReasoningAmount::Effort(Effort::High),
        "XHIGH" => ReasoningAmount::Effort(Effort::XHigh),
        _ => {
            let detail = "must be `MINIMAL`, `LOW`, `MEDIUM` or `HIGH`";
            return Err(WireError::malformed(path, detail));
        }
    })
}

/// Reads which kinds of answer are wanted. Kinds that nothing else has stay as they are.
fn modalities(members: &mut Members<'_>, request: &mut ChatRequest) -> Result<(), WireError> {
    let Some(raw) = members.take("responseModalities") else { return Ok(()) };
    let here = path("responseModalities");
    for raw_word in members::list(raw, &here)? {
        match members::word(raw_word, &here, &MODALITIES)?.as_str() {
            "AUDIO" => request.audio = Some(AudioOutput::default()),
            "IMAGE" => request.wants_images = true,
            "TEXT" | "MODALITY_UNSPECIFIED" => {}
            _ => keep(&mut request.extra, here.clone(), raw)?,
        }
    }
    let Some(audio) = &mut request.audio else { return Ok(()) };
    let Some(raw) = members.take("speechConfig") else { return Ok(()) };
    let speech = path("speechConfig");
    let mut outer = Members::of(raw, &speech)?;
    if let Some(voice) = outer.take("voiceConfig")
        && let Some(prebuilt) = Members::of(voice, &speech)?.take("prebuiltVoiceConfig")
        && let Some(name) = Members::of(prebuilt, &speech)?.take("voiceName")
    {
        audio.voice = Some(members::text(name, &speech)?);
    }
    if audio.voice.is_none() || outer.names().next().is_some() {
        keep(&mut request.extra, speech, raw)?;
    }
    Ok(())
}

/// Reads the resolution of all pictures, which holds for those that say none of their own.
fn resolution(members: &mut Members<'_>, request: &mut ChatRequest) -> Result<(), WireError> {
    let Some(raw) = members.take("mediaResolution") else { return Ok(()) };
    let here = path("mediaResolution");
    let detail = match members::word(raw, &here, &RESOLUTIONS)?.as_str() {
        "MEDIA_RESOLUTION_LOW" => "low",
        "MEDIA_RESOLUTION_HIGH" => "high",
        "MEDIA_RESOLUTION_UNSPECIFIED" => return Ok(()),
        _ => return keep(&mut request.extra, here, raw),
    };
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let PartKind::Image(media) = &mut part.kind {
            media.detail.get_or_insert_with(|| detail.to_owned());
        }
    }
    Ok(())
}

fn output(members: &mut Members<'_>, request: &mut ChatRequest) -> Result<(), WireError> {
    let mime = match members.take("responseMimeType") {
        Some(raw) => members::text(raw, &path("responseMimeType"))?,
        None => String::new(),
    };
    let is_json = mime.is_empty() || mime.eq_ignore_ascii_case("application/json");
    if !is_json {
        // `text/x.enum` and the like: no other format has them, so all of it stays as it is.
        if !mime.eq_ignore_ascii_case("text/plain") {
            request.extra.insert(path("responseMimeType"), mime.into());
        }
        return Ok(());
    }
    let schema = tools::schema_of(members, PATH, ["responseJsonSchema", "responseSchema"])?;
    request.output = match schema {
        Some(schema) => {
            OutputFormat::JsonSchema { name: None, description: None, schema, strict: None }
        }
        None if mime.is_empty() => OutputFormat::Text,
        None => OutputFormat::JsonObject,
    };
    Ok(())
}

fn path(name: &str) -> String {
    format!("{PATH}.{name}")
}
