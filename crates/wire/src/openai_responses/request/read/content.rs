//! Reads the parts of a message's `content` and of a call's `output`.

use serde_json::value::RawValue;

use super::wire::{ImageUrl, Part as WirePart};
use crate::breakpoint::Breakpoint;
use crate::chat::{Media, MediaSource, Part, PartKind, RawJson};
use crate::codec::WireError;
use crate::data_url;
use crate::members::{AsWritten, Place, parse};
use crate::openai_media::{self, Speaker};
use crate::plain::Content;
use crate::{WireFormat, openai_content};

/// Reads a member of an item of `body`, which is a text or a list of parts. Empty texts are left
/// out.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the part.
pub(super) fn read<'a>(
    content: Option<Content<'a, WirePart<'a>>>,
    speaker: Speaker,
    member: (Place, &str),
    body: &mut AsWritten<'a>,
) -> Result<Vec<Part>, WireError> {
    openai_content::read(content, speaker, member, body, of_wire)
}

/// Reads a part; one of an unknown kind stays as it was written, if that is given.
fn of_wire(
    mut part: WirePart<'_>,
    raw: Option<&RawValue>,
    at: &dyn Fn() -> String,
) -> Result<Option<Part>, WireError> {
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
        other => {
            let Some(raw) = raw else {
                let detail =
                    format!("`{other}` is unknown; use input_text, input_image or input_file");
                return Err(WireError::malformed(format!("{}.type", at()), detail));
            };
            PartKind::Server { format: WireFormat::OpenAiResponses, raw: item(raw) }
        }
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
