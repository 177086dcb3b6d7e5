//! Writes text, pictures, sound and files as content parts of a user message.

use serde_json::{Value, json};

use super::Writing;
use crate::chat::{Media, MediaSource, PartKind};
use crate::data_url;
use crate::field_names::Field;
use crate::openai_media;
use crate::server_text::server_text;

/// Why a file that only has an id or a vendor's address cannot be sent.
const STORED_ELSEWHERE: &str = "the file is stored at another vendor; send it as base64";

/// Returns the content part, or `None` with a note or a refusal.
pub(super) fn part(kind: &PartKind, writing: &mut Writing<'_, '_>) -> Option<Value> {
    match kind {
        PartKind::Text(text) if text.is_empty() => None,
        PartKind::Text(text) | PartKind::Refusal(text) => {
            Some(json!({"type": "text", "text": text}))
        }
        PartKind::Image(media) => image(media, writing),
        PartKind::Audio(media) => audio(media, writing),
        PartKind::Document(media) => document(media, writing),
        PartKind::Video(_) => {
            writing.refuse(Field::VIDEO, "chat completions cannot carry moving pictures");
            None
        }
        PartKind::Server { raw, .. } => {
            let text = server_text(raw.get(), writing)?;
            Some(json!({"type": "text", "text": text}))
        }
        PartKind::ToolCall { .. } | PartKind::ToolResult { .. } | PartKind::Reasoning(_) => None,
    }
}

fn image(media: &Media, writing: &mut Writing<'_, '_>) -> Option<Value> {
    let url = match &media.source {
        MediaSource::Base64(data) => openai_media::data_url(media, data, "image/png"),
        MediaSource::Url(url) if data_url::is_web(url) => url.clone(),
        MediaSource::Url(_) | MediaSource::FileId(_) | MediaSource::Text(_) => {
            writing.refuse(Field::IMAGE, STORED_ELSEWHERE);
            return None;
        }
    };
    let mut image = json!({"url": url});
    if let Some(detail) = &media.detail {
        image["detail"] = detail.as_str().into();
    }
    Some(json!({"type": "image_url", "image_url": image}))
}

fn audio(media: &Media, writing: &mut Writing<'_, '_>) -> Option<Value> {
    let MediaSource::Base64(data) = &media.source else {
        writing.refuse(Field::SOUND, "chat completions takes sound as base64 only");
        return None;
    };
    let format = match media.mime.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        other => {
            let why = format!("chat completions takes wav and mp3, not `{other}`");
            writing.refuse(Field::SOUND, why);
            return None;
        }
    };
    Some(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
}

fn document(media: &Media, writing: &mut Writing<'_, '_>) -> Option<Value> {
    match openai_media::text_file(media) {
        Some(Ok(text)) => {
            writing.approximate(Field::DOCUMENT, "a text document is sent as text");
            return Some(json!({"type": "text", "text": text}));
        }
        Some(Err(why)) => {
            writing.refuse(Field::DOCUMENT, why);
            return None;
        }
        None => {}
    }
    match &media.source {
        MediaSource::Base64(data) => {
            let url = openai_media::data_url(media, data, openai_media::PDF);
            let name = openai_media::file_name(media);
            Some(json!({"type": "file", "file": {"filename": name, "file_data": url}}))
        }
        MediaSource::Url(_) => {
            let why = "chat completions takes files as base64 only, not by URL";
            writing.refuse(Field::DOCUMENT, why);
            None
        }
        MediaSource::FileId(_) | MediaSource::Text(_) => {
            writing.refuse(Field::DOCUMENT, STORED_ELSEWHERE);
            None
        }
    }
}
