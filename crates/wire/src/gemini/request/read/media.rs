//! Reads `inlineData` and `fileData`.

use serde_json::value::RawValue;

use crate::chat::{Media, MediaSource, PartKind};
use crate::codec::WireError;
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
    let data = standard_base64(members::text(data, path)?)
        .ok_or_else(|| WireError::malformed(path, "`data` is not base64"))?;
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

/// Turns URL-safe, unpadded or broken-up base64 into the standard form; `None` if it is no base64.
fn standard_base64(mut data: String) -> Option<String> {
    if data.contains(['-', '_', '\n', '\r', ' ']) {
        data.retain(|letter| !letter.is_ascii_whitespace());
        data = data.replace('-', "+").replace('_', "/");
    }
    let digits = data.trim_end_matches('=').len();
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    if digits % 4 == 1 || !data.as_bytes()[..digits].iter().copied().all(is_legal) {
        return None;
    }
    data.truncate(digits);
    while !data.len().is_multiple_of(4) {
        data.push('=');
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_any_kind_becomes_standard() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(standard_base64(text.to_owned()).as_deref(), expected, "{text}");
        };
        check("aGk=", Some("aGk="));
        check("aGk", Some("aGk="));
        check("-_-_", Some("+/+/"));
        check("aG\nk=", Some("aGk="));
        check("", Some(""));
        check("aGk=x", None);
        check("a", None);
        check("a*==", None);
    }

    #[test]
    fn endings_tell_the_media_type() {
        assert_eq!(mime_of("https://x.example/a.PNG?size=1"), "image/png");
        assert_eq!(mime_of("gs://bucket/a"), "");
    }
}
