//! Writes text, pictures and files as parts of a message or of a tool's result.

use std::borrow::Cow;

use super::Writing;
use super::body::{File, Part};
use crate::WireFormat;
use crate::breakpoint::Breakpoint;
use crate::chat::{self, Media, MediaSource, PartKind};
use crate::data_url;
use crate::field_names::Field;
use crate::openai_media;
use crate::server_text::server_text;

/// Why a stored file cannot be sent.
const STORED: &str = "the file is stored at another vendor; send it as base64 or URL";

/// Returns the part, or `None` if it says nothing here; losses are noted or refused.
pub(super) fn part<'a>(part: &'a chat::Part, writing: &mut Writing<'a, '_>) -> Option<Part<'a>> {
    let mut sent = match &part.kind {
        PartKind::Text(text) if text.is_empty() => None,
        PartKind::Text(text) | PartKind::Refusal(text) => Some(Part::text(text)),
        PartKind::Image(media) => image(media, writing),
        PartKind::Document(media) => document(media, writing),
        PartKind::Audio(_) => {
            writing.refuse(Field::SOUND, "Responses takes no sound");
            None
        }
        PartKind::Video(_) => {
            writing.refuse(Field::VIDEO, "Responses takes no moving pictures");
            None
        }
        PartKind::Server { raw, .. } => server_text(raw.get(), writing).map(Part::text),
        PartKind::ToolCall { .. } | PartKind::ToolResult { .. } | PartKind::Reasoning(_) => None,
    };
    if let Some(mark) = part.cache.as_ref().filter(|_| writing.facts.cache_breakpoints) {
        match &mut sent {
            Some(
                Part::InputText { prompt_cache_breakpoint, .. }
                | Part::InputFile(File { prompt_cache_breakpoint, .. }),
            ) => *prompt_cache_breakpoint = Some(Breakpoint::of_mark(mark)),
            _ => writing.drop(Field::CACHE_MARKS, "only texts and files take a mark"),
        }
    }
    sent
}

fn image<'a>(media: &'a Media, writing: &mut Writing<'a, '_>) -> Option<Part<'a>> {
    let detail = media.detail.as_deref();
    let at = |url| Part::InputImage { image_url: Some(url), file_id: None, detail };
    match &media.source {
        MediaSource::Base64(data) => {
            Some(at(Cow::Owned(openai_media::data_url(media, data, "image/png"))))
        }
        MediaSource::Url(url) if data_url::is_web(url) => Some(at(Cow::Borrowed(url))),
        MediaSource::FileId(id) if is_own(writing) => {
            Some(Part::InputImage { image_url: None, file_id: Some(id), detail })
        }
        MediaSource::Url(_) | MediaSource::FileId(_) | MediaSource::Text(_) => {
            writing.refuse(Field::IMAGE, STORED);
            None
        }
    }
}

fn document<'a>(media: &'a Media, writing: &mut Writing<'a, '_>) -> Option<Part<'a>> {
    match openai_media::text_file(media) {
        Some(Ok(text)) => {
            writing.approximate(Field::DOCUMENT, "a text document is sent as text");
            return Some(Part::text(text));
        }
        Some(Err(why)) => {
            writing.refuse(Field::DOCUMENT, why);
            return None;
        }
        None => {}
    }
    match &media.source {
        MediaSource::Base64(data) => Some(Part::InputFile(File {
            filename: Some(openai_media::file_name(media)),
            file_data: Some(openai_media::data_url(media, data, openai_media::PDF)),
            ..File::default()
        })),
        MediaSource::Url(url) if data_url::is_web(url) => {
            Some(Part::InputFile(File { file_url: Some(url), ..File::default() }))
        }
        MediaSource::FileId(id) if is_own(writing) => {
            Some(Part::InputFile(File { file_id: Some(id), ..File::default() }))
        }
        MediaSource::Url(_) | MediaSource::FileId(_) | MediaSource::Text(_) => {
            writing.refuse(Field::DOCUMENT, STORED);
            None
        }
    }
}

/// Tells whether the client's files are stored where this format is at home.
const fn is_own(writing: &Writing<'_, '_>) -> bool {
    matches!(
        writing.request.origin,
        Some(WireFormat::OpenAiChat | WireFormat::OpenAiResponses) | None
    )
}
