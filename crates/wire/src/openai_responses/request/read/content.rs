//! Reads the parts of a message's `content` and of a call's `output`.

use std::fmt::Display;

use serde_json::value::RawValue;

use super::wire::{ImageUrl, Part as WirePart};
use crate::WireFormat;
use crate::breakpoint::Breakpoint;
use crate::chat::{Media, MediaSource, Part, PartKind, RawJson};
use crate::codec::WireError;
use crate::data_url;
use crate::members::parse;
use crate::openai_media::{self, Speaker};
use crate::string_or_list::Content;

/// Reads content, which is a text or a list of parts. Empty texts are left out.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the part, which begins with `path`.
pub(super) fn read(
    content: Option<Content<'_>>,
    speaker: Speaker,
    path: &dyn Display,
) -> Result<Vec<Part>, WireError> {
    let parts = match content {
        None => return Ok(Vec::new()),
        Some(Content::Text(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(Content::Text(text)) => return Ok(vec![Part::text(text)]),
        Some(Content::Parts(parts)) => parts,
    };
    let mut read = Vec::with_capacity(parts.len());
    for (position, raw) in parts.into_iter().enumerate() {
        read.extend(part(raw, speaker, &|| format!("{path}[{position}]"))?);
    }
    Ok(read)
}

/// Reads content that stands in another place than a message.
///
/// # Errors
///
/// As [`read`], and if it is neither a text nor a list.
pub(super) fn read_raw(raw: Option<&RawValue>, path: &dyn Display) -> Result<Vec<Part>, WireError> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    if !raw.get().starts_with(['"', '[']) {
        return Err(WireError::malformed(path.to_string(), "must be a text or a list of parts"));
    }
    read(Some(parse(raw, || path.to_string())?), Speaker::Other, path)
}

fn part(
    raw: &RawValue,
    speaker: Speaker,
    at: &dyn Fn() -> String,
) -> Result<Option<Part>, WireError> {
    if raw.get().starts_with('"') {
        let text: String = parse(raw, at)?;
        return Ok((!text.is_empty()).then(|| Part::text(text)));
    }
    let mut part: WirePart<'_> = parse(raw, at)?;
    let cache =
        part.cache_control.take().or(part.prompt_cache_breakpoint.as_ref().map(Breakpoint::mark));
    let kind = match part.kind.as_deref().unwrap_or("input_text") {
        "input_text" | "output_text" | "text" => match part.text.filter(|text| !text.is_empty()) {
            Some(text) => PartKind::Text(text),
            None => return Ok(None),
        },
        "refusal" => PartKind::Refusal(part.refusal.or(part.text).unwrap_or_default()),
        "input_image" => PartKind::Image(image(part, at)?),
        "input_file" => PartKind::Document(file(part, at)?),
        "input_audio" => PartKind::Audio(openai_media::sound(part.input_audio, at)?),
        "reasoning_text" | "summary_text" => PartKind::Reasoning(part.text.unwrap_or_default()),
        other if speaker == Speaker::Other => {
            let detail = format!("`{other}` is unknown; use input_text, input_image or input_file");
            return Err(WireError::malformed(format!("{}.type", at()), detail));
        }
        _ => PartKind::Server { format: WireFormat::OpenAiResponses, raw: item(raw) },
    };
    Ok(Some(Part { kind, opaque: None, cache }))
}

/// Makes an item of a part of the model's message, since what is kept as it was is written as one.
fn item(part: &RawValue) -> RawJson {
    let message = format!("{{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{part}]}}");
    RawValue::from_string(message).unwrap_or_else(|_| part.to_owned())
}

fn image(part: WirePart<'_>, at: &dyn Fn() -> String) -> Result<Media, WireError> {
    let at_url = || format!("{}.image_url", at());
    let url = match part.image_url {
        None => None,
        Some(raw) if raw.get().starts_with('{') => parse::<ImageUrl>(raw, at_url)?.url,
        Some(raw) => Some(parse::<String>(raw, at_url)?),
    };
    let (mime, source) = match (url.filter(|url| !url.is_empty()), part.file_id) {
        (Some(url), _) => data_url::located(url, &at_url)?,
        (None, Some(id)) => (String::new(), MediaSource::FileId(id)),
        (None, None) => {
            return Err(WireError::malformed(at(), "needs `image_url` or `file_id`"));
        }
    };
    Ok(Media { mime, source, detail: part.detail, name: None })
}

fn file(part: WirePart<'_>, at: &dyn Fn() -> String) -> Result<Media, WireError> {
    let (mime, source) = match (part.file_data, part.file_url, part.file_id) {
        (Some(data), _, _) => openai_media::file(data, &|| format!("{}.file_data", at()))?,
        (None, Some(url), _) => data_url::located(url, &|| format!("{}.file_url", at()))?,
        (None, None, Some(id)) => (String::new(), MediaSource::FileId(id)),
        (None, None, None) => {
            let detail = "needs `file_data`, `file_url` or `file_id`";
            return Err(WireError::malformed(at(), detail));
        }
    };
    Ok(Media { mime, source, detail: None, name: part.filename })
}
