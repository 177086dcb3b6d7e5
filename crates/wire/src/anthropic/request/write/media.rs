//! Images and documents as blocks.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Writing;
use super::body::{Block, OwnBlock, Source};
use crate::WireFormat;
use crate::chat::{Media, MediaSource};

/// How many characters of base64 hold the first bytes that tell what a file is.
const HEAD_CHARACTERS: usize = 16;

/// Writes a picture, or refuses the field at `path`.
pub(super) fn image<'a>(
    writing: &mut Writing<'a, '_>,
    media: &'a Media,
    path: &str,
) -> Option<Block<'a>> {
    let source = match &media.source {
        MediaSource::Base64(data) => {
            let kind = sniffed(data).or_else(|| named(&media.mime));
            if !kind.is_some_and(|kind| kind.starts_with("image/")) {
                let said = if media.mime.is_empty() { "of unknown type" } else { &media.mime };
                let why = format!("the image is {said}; jpeg, png, gif and webp can be sent");
                writing.refuse(path, why);
                return None;
            }
            Source {
                kind: "base64",
                media_type: kind,
                data: Some(Cow::Borrowed(data)),
                ..Source::default()
            }
        }
        MediaSource::Text(_) => {
            writing.refuse(path, "an image cannot be text");
            return None;
        }
        MediaSource::Url(_) | MediaSource::FileId(_) => remote(writing, media, path)?,
    };
    Some(OwnBlock { kind: "image", source: Some(source), ..OwnBlock::default() }.into())
}

/// Writes a document, or refuses the field at `path`.
pub(super) fn document<'a>(
    writing: &mut Writing<'a, '_>,
    media: &'a Media,
    path: &str,
) -> Option<Block<'a>> {
    let plain = |text| Source {
        kind: "text",
        media_type: Some("text/plain"),
        data: Some(text),
        ..Source::default()
    };
    let source = match &media.source {
        MediaSource::Text(text) => plain(Cow::Borrowed(&**text)),
        MediaSource::Base64(data) => {
            let kind = sniffed(data).or_else(|| named(&media.mime));
            if kind == Some("application/pdf") {
                Source {
                    kind: "base64",
                    media_type: kind,
                    data: Some(Cow::Borrowed(data)),
                    ..Source::default()
                }
            } else if let Some(text) = decoded_text(media, data) {
                plain(Cow::Owned(text))
            } else {
                let said = if media.mime.is_empty() { "of unknown type" } else { &media.mime };
                writing.refuse(path, format!("the file is {said}; PDF and UTF-8 text can be sent"));
                return None;
            }
        }
        MediaSource::Url(_) | MediaSource::FileId(_) => remote(writing, media, path)?,
    };
    let title = media.name.as_deref();
    Some(OwnBlock { kind: "document", source: Some(source), title, ..OwnBlock::default() }.into())
}

/// Writes an address or a stored file. Files and addresses of another vendor exist only there.
fn remote<'a>(writing: &mut Writing<'a, '_>, media: &'a Media, path: &str) -> Option<Source<'a>> {
    match &media.source {
        MediaSource::Url(url) if url.starts_with("https://") || url.starts_with("http://") => {
            Some(Source { kind: "url", url: Some(url), ..Source::default() })
        }
        MediaSource::FileId(id) if writing.request.origin == Some(WireFormat::Anthropic) => {
            Some(Source { kind: "file", file_id: Some(id), ..Source::default() })
        }
        _ => {
            writing.refuse(path, "the file is stored at another vendor; send its bytes");
            None
        }
    }
}

fn decoded_text(media: &Media, data: &str) -> Option<String> {
    let is_text = media.mime.starts_with("text/") || media.mime == "application/json";
    if !is_text {
        return None;
    }
    String::from_utf8(STANDARD.decode(data).ok()?).ok()
}

/// Returns the vendor's spelling of a media type it takes.
fn named(mime: &str) -> Option<&'static str> {
    let mime = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(match &*mime {
        "image/jpeg" | "image/jpg" => "image/jpeg",
        "image/png" => "image/png",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        "application/pdf" => "application/pdf",
        _ => return None,
    })
}

/// Tells what a file is by its first bytes: the API checks them, and clients guess.
fn sniffed(data: &str) -> Option<&'static str> {
    let head = STANDARD.decode(data.get(..HEAD_CHARACTERS)?).ok()?;
    Some(match &*head {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let check = |bytes: &[u8], expected: Option<&str>| {
            assert_eq!(sniffed(&STANDARD.encode(bytes)), expected, "{bytes:?}");
        };
        check(b"\xff\xd8\xff\xe0 more bytes", Some("image/jpeg"));
        check(b"\x89PNG\r\n\x1a\n more", Some("image/png"));
        check(b"GIF89a more bytes", Some("image/gif"));
        check(b"RIFF\x01\x02\x03\x04WEBP more", Some("image/webp"));
        check(b"RIFF\x01\x02\x03\x04WAVE more", None);
        check(b"%PDF-1.7 more bytes", Some("application/pdf"));
        check(b"short", None);
        assert_eq!(sniffed("not base64 at all!!"), None);
    }

    #[test]
    fn media_types_take_the_vendors_spelling() {
        assert_eq!(named("IMAGE/JPG; charset=x"), Some("image/jpeg"));
        assert_eq!(named("image/tiff"), None);
    }
}
