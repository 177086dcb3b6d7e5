//! Reads `inlineData` and `fileData`.

use serde_json::value::RawValue;

use crate::chat::{Media, MediaSource, PartKind};
use crate::codec::WireError;
use crate::data_url;
use crate::gemini::request::members::{self, Members};

/// Media types by file ending, for files that come without one.
const BY_ENDING: [(&str, &str); 12] = [
    (".png", "image/png"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".webp", "image/webp"),
    (".gif", "image/gif"),
    (".heic", "image/heic"),
    (".pdf", "application/pdf"),
    (".txt", "text/plain"),
    (".mp3", "audio/mpeg"),
    (".wav", "audio/wav"),
    (".mp4", "video/mp4"),
    (".mov", "video/quicktime"),
];

/// Reads `inlineData`.
pub(super) fn inline(raw: &RawValue, path: &str) -> Result<PartKind, WireError> {
    let mut members = Members::of(raw, path)?;
    let Some(data) = members.take("data") else {
        return Err(WireError::malformed(path, "lacks `data`"));
    };
    let mime = match members.take("mimeType") {
        Some(mime) => members::text(mime, path)?,
        None => String::new(),
    };
    let fault = || WireError::malformed(path, "`data` is not base64");
    let data = members::text(data, path)?;
    if data.is_empty() {
        return Err(fault());
    }
    let data = data_url::base64(data, &String::new).map_err(|_| fault())?;
    Ok(kind(mime, MediaSource::Base64(data)))
}

/// Reads `fileData`.
pub(super) fn file(raw: &RawValue, path: &str) -> Result<PartKind, WireError> {
    let mut members = Members::of(raw, path)?;
    let Some(uri) = members.take("fileUri") else {
        return Err(WireError::malformed(path, "lacks `fileUri`"));
    };
    let uri = members::text(uri, path)?;
    let mime = match members.take("mimeType") {
        Some(mime) => members::text(mime, path)?,
        None => mime_of(&uri).to_owned(),
    };
    let is_youtube = uri.contains("://www.youtube.com/") || uri.contains("://youtu.be/");
    let mime = if mime.is_empty() && is_youtube { "video/*".to_owned() } else { mime };
    Ok(kind(mime, MediaSource::Url(uri)))
}

/// Returns the media type that the ending of an address stands for, or nothing.
pub(in crate::gemini::request) fn mime_of(uri: &str) -> &'static str {
    let path = uri.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    BY_ENDING.iter().find(|(ending, _)| path.ends_with(ending)).map_or("", |(_, mime)| mime)
}

fn kind(mime: String, source: MediaSource) -> PartKind {
    let family = mime.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let media = Media { mime, source, detail: None, name: None };
    match family.as_str() {
        "image" => PartKind::Image(media),
        "audio" => PartKind::Audio(media),
        "video" => PartKind::Video(media),
        _ => PartKind::Document(media),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_tell_the_media_type() {
        assert_eq!(mime_of("https://x.example/a.PNG?size=1"), "image/png");
        assert_eq!(mime_of("gs://bucket/a"), "");
    }
}
