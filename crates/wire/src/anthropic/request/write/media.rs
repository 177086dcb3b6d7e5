//! Images and documents as blocks.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Writing;
use super::body::{Block, OwnBlock, Source};
use crate::WireFormat;
use crate::chat::{Media, MediaSource};
use crate::data_url;

/// Writes a picture, or refuses the field at `path`.
pub(super) fn image<'a>(
    writing: &mut Writing<'a, '_>,
    media: &'a Media,
    path: &str,
) -> Option<Block<'a>> {
    let source = match &media.source {
        MediaSource::Base64(data) => {
            let kind = kind_of(media, data);
            if !kind.is_some_and(|kind| kind.starts_with("image/")) {
                let said = if media.mime.is_empty() { "of unknown type" } else { &media.mime };
                let why = format!("the image is {said}; jpeg, png, gif and webp can be sent");
                writing.refused.add(path, why);
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
            writing.refused.add(path, "an image cannot be text");
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
            let kind = kind_of(media, data);
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
                writing
                    .refused
                    .add(path, format!("the file is {said}; PDF and UTF-8 text can be sent"));
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
        MediaSource::Url(url) if data_url::is_web(url) => {
            Some(Source { kind: "url", url: Some(url), ..Source::default() })
        }
        MediaSource::FileId(id) if writing.request.origin == Some(WireFormat::Anthropic) => {
            Some(Source { kind: "file", file_id: Some(id), ..Source::default() })
        }
        _ => {
            writing.refused.add(path, "the file is stored at another vendor; send its bytes");
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

/// Tells what a file is: by its first bytes, which the API checks and clients guess, else by its name.
fn kind_of(media: &Media, data: &str) -> Option<&'static str> {
    data_url::sniffed(data).and_then(named).or_else(|| named(&media.mime))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_take_the_vendors_spelling() {
        assert_eq!(named("IMAGE/JPG; charset=x"), Some("image/jpeg"));
        assert_eq!(named("image/tiff"), None);
    }
}
