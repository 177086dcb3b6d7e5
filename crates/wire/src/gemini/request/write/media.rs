//! Writes pictures, sound, films and files.

use std::borrow::Cow;

use serde_json::json;

use super::Writing;
use super::body::{FileData, InlineData, Made};
use super::names;
use crate::WireFormat;
use crate::chat::{Media, MediaSource, PartKind};
use crate::data_url;
use crate::field_names::Field;
use crate::gemini::request::read::mime_of;
use crate::model_facts::ThinkingControl;

/// Writes a media part; `None` if it had to be refused.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>, kind: &'a PartKind) -> Option<Made<'a>> {
    let media = media_of(kind)?;
    let mut made = match &media.source {
        MediaSource::Base64(data) => {
            let mime_type = if media.mime.is_empty() { sniff(data, kind) } else { &media.mime };
            let mime_type = Cow::Borrowed(mime_type);
            Made { inline_data: Some(InlineData { mime_type, data }), ..Made::default() }
        }
        MediaSource::Url(uri) => {
            let mime_type = if media.mime.is_empty() { mime_of(uri) } else { &media.mime };
            // `video/*` only says what kind of thing an address without a type is.
            let mime_type = if mime_type.ends_with("/*") { "" } else { mime_type };
            let own = writing.request.origin == Some(WireFormat::Gemini);
            if !own && !writing.facts.web_media {
                let why = "the provider does not fetch web addresses; send the bytes as base64";
                writing.refuse(field_of(kind), why);
                return None;
            }
            Made { file_data: Some(FileData { mime_type, file_uri: uri }), ..Made::default() }
        }
        MediaSource::FileId(id) => {
            writing.refuse(field_of(kind), format!("the file `{id}` is stored at another vendor"));
            return None;
        }
        MediaSource::Text(text) => return Some(text_document(writing, media, text)),
    };
    if let Some(detail) = &media.detail {
        made.media_resolution = resolution(writing, detail);
    }
    Some(made)
}

/// Returns the media of a part, if it has one.
pub(super) fn media_of(kind: &PartKind) -> Option<&Media> {
    match kind {
        PartKind::Image(media)
        | PartKind::Audio(media)
        | PartKind::Video(media)
        | PartKind::Document(media) => Some(media),
        _ => None,
    }
}

fn field_of(kind: &PartKind) -> Field {
    match kind {
        PartKind::Image(_) => Field::IMAGE,
        PartKind::Audio(_) => Field::SOUND,
        PartKind::Video(_) => Field::VIDEO,
        _ => Field::DOCUMENT,
    }
}

fn text_document<'a>(writing: &mut Writing<'a, '_>, media: &'a Media, text: &'a str) -> Made<'a> {
    writing.approximate(Field::DOCUMENT, "a text document is sent as text");
    let text = match &media.name {
        Some(title) if !title.is_empty() => Cow::Owned(format!("{title}\n\n{text}")),
        _ => Cow::Borrowed(text),
    };
    Made { text: Some(text), ..Made::default() }
}

/// Returns the resolution of one part, which only newer models take.
fn resolution(writing: &mut Writing<'_, '_>, detail: &str) -> Option<serde_json::Value> {
    let level = match detail {
        "low" => "MEDIA_RESOLUTION_LOW",
        "high" => "MEDIA_RESOLUTION_HIGH",
        _ => return None,
    };
    let field = names::IMAGE_DETAIL.name(writing.request);
    if writing.facts.thinking != ThinkingControl::Level {
        writing.notes.drop(field, "the model has no resolution for single pictures");
        return None;
    }
    if writing.request.origin != Some(WireFormat::Gemini) {
        writing.notes.approximate(field, "sent as mediaResolution");
    }
    Some(json!({"level": level}))
}

/// Tells what media without a type are.
fn sniff(data: &str, kind: &PartKind) -> &'static str {
    data_url::sniffed(data).unwrap_or(match kind {
        PartKind::Image(_) => "image/png",
        PartKind::Audio(_) => "audio/wav",
        PartKind::Video(_) => "video/mp4",
        _ => "application/octet-stream",
    })
}
