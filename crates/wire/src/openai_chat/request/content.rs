//! Reads the parts of one message's `content`.

use serde_json::value::RawValue;

use super::members::{AsWritten, Place, parse};
use super::wire::{File, ImageUrl, Part as WirePart, Thought};
use crate::breakpoint::Breakpoint;
use crate::chat::{Media, MediaSource, Part, PartKind};
use crate::codec::WireError;
use crate::data_url;
use crate::openai_media::{self, Speaker};
use crate::plain::Content;
use crate::text::characters;
use crate::{WireFormat, openai_content};

/// The member that is read here.
const CONTENT: &str = "content";

/// Reads the `content` of a message, which stands in `body`, into parts. Empty texts are left out.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the part, which begins with `path`.
pub(super) fn read<'a>(
    content: Option<Content<'a, WirePart<'a>>>,
    speaker: Speaker,
    path: Place,
    body: &mut AsWritten<'a>,
) -> Result<Vec<Part>, WireError> {
    openai_content::read(content, speaker, (path, CONTENT), body, of_wire)
}

/// Reads a part; one of an unknown kind stays as it was written, if that is given.
fn of_wire(
    part: WirePart<'_>,
    raw: Option<&RawValue>,
    at: &dyn Fn() -> String,
) -> Result<Option<Part>, WireError> {
    let kind = match part.kind.as_deref().unwrap_or("text") {
        "text" | "input_text" | "output_text" => match part.text.filter(|text| !text.is_empty()) {
            Some(text) => PartKind::Text(text),
            None => return Ok(None),
        },
        "refusal" => PartKind::Refusal(part.refusal.or(part.text).unwrap_or_default()),
        "image_url" => PartKind::Image(image(part.image_url, at)?),
        "input_audio" => PartKind::Audio(openai_media::sound(part.input_audio, at)?),
        "file" => PartKind::Document(file(part.file, at)?),
        "thinking" | "reasoning" => PartKind::Reasoning(thinking(part.thinking, part.text)),
        other => {
            let Some(raw) = raw else {
                let detail =
                    format!("`{other}` is unknown; use text, image_url, input_audio or file");
                return Err(WireError::malformed(format!("{}.type", at()), detail));
            };
            PartKind::Server { format: WireFormat::OpenAiChat, raw: raw.to_owned() }
        }
    };
    let cache =
        part.cache_control.or_else(|| part.prompt_cache_breakpoint.as_ref().map(Breakpoint::mark));
    Ok(Some(Part { kind, opaque: None, cache }))
}

fn image(raw: Option<&RawValue>, at: &dyn Fn() -> String) -> Result<Media, WireError> {
    let at_url = || format!("{}.image_url", at());
    let Some(raw) = raw else { return Err(WireError::malformed(at_url(), "is missing")) };
    let image = if raw.get().starts_with('"') {
        ImageUrl { url: Some(parse(raw, at_url)?), detail: None }
    } else {
        parse(raw, at_url)?
    };
    let url = image.url.unwrap_or_default();
    if url.is_empty() {
        return Err(WireError::malformed(format!("{}.url", at_url()), "is missing"));
    }
    let (mime, source) = data_url::located(url, &|| format!("{}.url", at_url()))?;
    Ok(Media { mime, source, detail: image.detail, name: None })
}

fn file(file: Option<File>, at: &dyn Fn() -> String) -> Result<Media, WireError> {
    let at_file = || format!("{}.file", at());
    let Some(file) = file else { return Err(WireError::malformed(at_file(), "is missing")) };
    let (mime, source) = match (file.file_data, file.file_id) {
        (Some(data), _) => openai_media::file(data, &|| format!("{}.file_data", at_file()))?,
        (None, Some(id)) => (String::new(), MediaSource::FileId(id)),
        (None, None) => {
            let detail = "needs `file_data` or `file_id`";
            return Err(WireError::malformed(at_file(), detail));
        }
    };
    Ok(Media { mime, source, detail: None, name: file.filename })
}

/// Mistral's thinking: a list of texts, or text.
fn thinking(raw: Option<&RawValue>, text: Option<String>) -> String {
    let Some(raw) = raw else { return text.unwrap_or_default() };
    if raw.get().starts_with('"') {
        return characters(Some(raw)).into_owned();
    }
    let thoughts: Vec<Thought> = serde_json::from_str(raw.get()).unwrap_or_default();
    thoughts.into_iter().filter_map(|thought| thought.text).collect()
}
