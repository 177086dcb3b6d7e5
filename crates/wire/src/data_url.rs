//! Data URLs and base64 as clients write them, made the one form that every provider takes.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::chat::MediaSource;
use crate::codec::WireError;

/// How a data URL begins, in any case.
const SCHEME: &str = "data:";

/// Characters of base64 that decode to the longest mark of a file's kind.
const MARK_CHARACTERS: usize = 16;

/// What the first bytes of a file say it is. `RIFF` files say it after their length.
const MARKS: &[(&[u8], &str)] = &[
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
];

/// Reads a data URL or an address; returns the media type, empty if unknown, and where the bytes are.
///
/// The scheme may be in any case and the type may have parameters or be missing. A type that
/// contradicts the bytes of a picture or a PDF is not believed: providers refuse such files.
///
/// # Errors
///
/// [`WireError::Malformed`] at `at` for a data URL that is not base64.
pub(crate) fn located(
    url: String,
    at: &dyn Fn() -> String,
) -> Result<(String, MediaSource), WireError> {
    if !is_data(&url) {
        return Ok((String::new(), MediaSource::Url(url)));
    }
    let not_base64 = || WireError::malformed(at(), "is a data URL that is not base64");
    let (declared, data) = split(&url).ok_or_else(not_base64)?;
    let declared = declared.to_ascii_lowercase();
    let data = base64(data, at)?;
    let mime = match sniffed(&data) {
        Some(seen) if declared.is_empty() || is_certain(seen) => seen.to_owned(),
        _ => declared,
    };
    Ok((mime, MediaSource::Base64(data)))
}

/// Splits a base64 data URL into media type and data; parameters are left out.
pub(crate) fn split(url: &str) -> Option<(&str, &str)> {
    if !is_data(url) {
        return None;
    }
    let (head, data) = url[SCHEME.len()..].split_once(',')?;
    let mut words = head.split(';').map(str::trim);
    let mime = words.next().unwrap_or_default();
    words.any(|word| word.eq_ignore_ascii_case("base64")).then_some((mime, data))
}

fn is_data(url: &str) -> bool {
    url.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

/// Returns standard base64 of its URL-safe form, of broken lines and of missing padding.
///
/// # Errors
///
/// [`WireError::Malformed`] at `at` if it does not decode.
pub(crate) fn base64<'d>(
    data: impl Into<Cow<'d, str>>,
    at: &dyn Fn() -> String,
) -> Result<String, WireError> {
    let data = data.into();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let unpadded = data.trim_ascii_end().trim_end_matches('=');
    let mut mended: String = if unpadded.bytes().all(is_plain) {
        let length = unpadded.len();
        let mut data = data.into_owned();
        data.truncate(length);
        data
    } else {
        let digit = |letter| match letter {
            '-' => '+',
            '_' => '/',
            letter => letter,
        };
        unpadded.chars().filter(|letter| !letter.is_ascii_whitespace()).map(digit).collect()
    };
    if mended.is_empty() || mended.len() % 4 == 1 || !mended.bytes().all(is_plain) {
        return Err(WireError::malformed(at(), "is not base64"));
    }
    while !mended.len().is_multiple_of(4) {
        mended.push('=');
    }
    Ok(mended)
}

/// Makes a data URL. A type that would break it, or none, gives way to what the bytes show, or to
/// `otherwise`.
pub(crate) fn made(mime: &str, data: &str, otherwise: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b',');
    let is_legal = mime.contains('/') && mime.bytes().all(is_plain);
    let mime = if is_legal { mime } else { sniffed(data).unwrap_or(otherwise) };
    format!("data:{mime};base64,{data}")
}

/// Returns the media type that the first bytes show.
pub(crate) fn sniffed(data: &str) -> Option<&'static str> {
    let start = data.get(..MARK_CHARACTERS).unwrap_or(data);
    let bytes = STANDARD.decode(start).ok()?;
    if bytes.starts_with(b"RIFF") {
        return match bytes.get(8..12)? {
            b"WEBP" => Some("image/webp"),
            b"WAVE" => Some("audio/wav"),
            _ => None,
        };
    }
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, mime)| *mime)
}

/// Tells whether a mark leaves no doubt; containers of sound have several names.
fn is_certain(mime: &str) -> bool {
    mime.starts_with("image/") || mime == "application/pdf"
}

/// Tells whether an address is one that a provider can fetch.
pub(crate) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_would_break_the_url_is_not_sent() {
        let check = |mime: &str, data: &str, expected: &str| {
            assert_eq!(made(mime, data, "image/png"), expected, "{mime}");
        };
        check("image/webp", "UklG", "data:image/webp;base64,UklG");
        check("image/svg+xml", "PHN2", "data:image/svg+xml;base64,PHN2");
        check("", "UklG", "data:image/png;base64,UklG");
        check("a/b,c", "JVBERi0x", "data:application/pdf;base64,JVBERi0x");
        check("text/plain;charset=x", "aGk=", "data:image/png;base64,aGk=");
    }

    #[test]
    fn every_spelling_of_a_data_url_is_read() {
        let check = |url: &str, mime: &str, data: &str| {
            let read = located(url.to_owned(), &String::new).unwrap();
            assert_eq!(read, (mime.to_owned(), MediaSource::Base64(data.to_owned())), "{url}");
        };
        check("data:image/png;base64,AAAA", "image/png", "AAAA");
        check("DATA:Image/PNG;charset=utf-8;BASE64,AAAA", "image/png", "AAAA");
        check("data:text/plain;base64,_-8", "text/plain", "/+8=");
        check("data:image/png;base64,AA\nAA\r\n", "image/png", "AAAA");
        check("data:;base64,iVBORw0KGgo=", "image/png", "iVBORw0KGgo=");
        check("data:image/png;base64,/9j/4AAQ", "image/jpeg", "/9j/4AAQ");
        check("data:audio/opus;base64,T2dnUwAC", "audio/opus", "T2dnUwAC");
        check("data:;base64,UklGRgAAAABXRUJQVlA4", "image/webp", "UklGRgAAAABXRUJQVlA4");
    }

    #[test]
    fn base64_of_any_spelling_becomes_standard() {
        let check = |text: &str, expected: &str| {
            assert_eq!(base64(text, &String::new).unwrap(), expected, "{text}");
        };
        check("aGk=", "aGk=");
        check("aGk", "aGk=");
        check("-_-_", "+/+/");
        check("aG\nk=", "aGk=");
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let check = |bytes: &[u8], expected: Option<&str>| {
            assert_eq!(sniffed(&STANDARD.encode(bytes)), expected, "{bytes:?}");
        };
        check(b"\xff\xd8\xff\xe0 more bytes", Some("image/jpeg"));
        check(b"\x89PNG\r\n\x1a\n more", Some("image/png"));
        check(b"GIF89a more bytes", Some("image/gif"));
        check(b"RIFF\x01\x02\x03\x04WEBP more", Some("image/webp"));
        check(b"RIFF\x01\x02\x03\x04WAVE more", Some("audio/wav"));
        check(b"%PDF-1.7 more bytes", Some("application/pdf"));
        check(b"short", None);
        assert_eq!(sniffed("not base64 at all!!"), None);
    }

    #[test]
    fn what_is_no_base64_is_refused_with_its_path() {
        let check = |url: &str| {
            let fault = located(url.to_owned(), &|| "here".to_owned()).unwrap_err();
            assert!(fault.to_string().starts_with("here: "), "{url}: {fault}");
        };
        check("data:image/png,AAAA");
        check("data:image/png;base64");
        check("data:image/png;base64,");
        check("data:image/png;base64,A");
        check("data:image/png;base64,AA?A");
        check("data:image/png;base64,aGk=x");
    }
}
