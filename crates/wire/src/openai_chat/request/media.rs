//! Writes text, pictures, sound and files as content parts of a user message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::write::Loss;
use crate::chat::{Media, MediaSource, Part, PartKind};

/// Returns the content part, or `None` with a note or a refusal in `loss`.
pub(super) fn part(part: &Part, loss: &mut Loss<'_>) -> Option<Value> {
    match &part.kind {
        PartKind::Text(text) if text.is_empty() => None,
        PartKind::Text(text) | PartKind::Refusal(text) => {
            Some(json!({"type": "text", "text": text}))
        }
        PartKind::Image(media) => image(media, loss),
        PartKind::Audio(media) => audio(media, loss),
        PartKind::Document(media) => document(media, loss),
        PartKind::Video(_) => {
            loss.refuse("video", "chat completions cannot carry moving pictures");
            None
        }
        PartKind::Server { .. } => {
            loss.notes.drop("server tools in the history", "belong to another provider");
            None
        }
        PartKind::ToolCall { .. } | PartKind::ToolResult { .. } | PartKind::Reasoning(_) => None,
    }
}

fn image(media: &Media, loss: &mut Loss<'_>) -> Option<Value> {
    let url = match &media.source {
        MediaSource::Base64(data) => {
            let mime = if media.mime.is_empty() { "image/png" } else { &media.mime };
            format!("data:{mime};base64,{data}")
        }
        MediaSource::Url(url) if is_web(url) => url.clone(),
        MediaSource::Url(_) | MediaSource::FileId(_) | MediaSource::Text(_) => {
            loss.refuse("image", "the file is stored at another vendor; send it as base64 or URL");
            return None;
        }
    };
    let mut image = json!({"url": url});
    if let Some(detail) = &media.detail {
        image["detail"] = detail.as_str().into();
    }
    Some(json!({"type": "image_url", "image_url": image}))
}

fn audio(media: &Media, loss: &mut Loss<'_>) -> Option<Value> {
    let MediaSource::Base64(data) = &media.source else {
        loss.refuse("audio", "chat completions takes sound as base64 only");
        return None;
    };
    let format = match media.mime.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        other => {
            let why = format!("chat completions takes wav and mp3, not `{other}`");
            loss.refuse("audio", why);
            return None;
        }
    };
    Some(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
}

fn document(media: &Media, loss: &mut Loss<'_>) -> Option<Value> {
    match &media.source {
        MediaSource::Text(text) => Some(titled(media, text, loss)),
        MediaSource::Base64(data) if media.mime.starts_with("text/") => {
            let decoded =
                STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            if decoded.is_none() {
                loss.refuse("document", "is not base64 of UTF-8 text");
            }
            decoded.map(|text| titled(media, &text, loss))
        }
        MediaSource::Base64(data) => {
            let mime = if media.mime.is_empty() { "application/pdf" } else { &media.mime };
            let name = file_name(media.name.as_deref(), mime);
            let url = format!("data:{mime};base64,{data}");
            Some(json!({"type": "file", "file": {"filename": name, "file_data": url}}))
        }
        MediaSource::Url(_) => {
            loss.refuse("document", "chat completions takes files as base64 only, not by URL");
            None
        }
        MediaSource::FileId(_) => {
            loss.refuse("document", "the file is stored at another vendor; send it as base64");
            None
        }
    }
}

/// Returns the file's name, which must be there and, for a PDF, should say so.
fn file_name(name: Option<&str>, mime: &str) -> String {
    match name {
        Some(name) if mime == "application/pdf" && !name.contains('.') => format!("{name}.pdf"),
        Some(name) => name.to_owned(),
        None => "document.pdf".to_owned(),
    }
}

/// A text document becomes text, headed by its title.
fn titled(media: &Media, text: &str, loss: &mut Loss<'_>) -> Value {
    loss.notes.approximate("document", "a text document is sent as text");
    let text = match &media.name {
        Some(name) => format!("{name}\n\n{text}"),
        None => text.to_owned(),
    };
    json!({"type": "text", "text": text})
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
