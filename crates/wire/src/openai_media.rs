//! Files, pictures and sound as OpenAI's formats say them, both ways.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::chat::{Media, MediaSource};
use crate::codec::WireError;
use crate::data_url::{self, base64, located, sniffed};

/// The type of files that come without one.
pub(crate) const PDF: &str = "application/pdf";

/// Whose content it is: decides what an unknown part means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The model: an unknown part is something the provider made.
    Assistant,
    /// Anybody else: an unknown part is something we cannot carry.
    Other,
}

/// `input_audio`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct InputAudio {
    data: Option<String>,
    format: Option<String>,
}

/// Reads `file_data`, which some write as bare base64; such files are PDFs unless they say otherwise.
///
/// # Errors
///
/// [`WireError::Malformed`] at `at` for what is neither base64 nor an address.
pub(crate) fn file(
    data: String,
    at: &dyn Fn() -> String,
) -> Result<(String, MediaSource), WireError> {
    match located(data, at)? {
        (_, MediaSource::Url(text)) if !text.contains("://") => {
            let data = base64(text, at)?;
            let mime = sniffed(&data).unwrap_or(PDF);
            Ok((mime.to_owned(), MediaSource::Base64(data)))
        }
        located => Ok(located),
    }
}

/// Reads `input_audio`.
///
/// # Errors
///
/// [`WireError::Malformed`] at `at` if the data is missing or is not base64.
pub(crate) fn sound(
    audio: Option<InputAudio>,
    at: &dyn Fn() -> String,
) -> Result<Media, WireError> {
    let at_data = || format!("{}.input_audio.data", at());
    let InputAudio { data, format } = audio.unwrap_or_default();
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        return Err(WireError::malformed(at_data(), "is missing"));
    };
    let mime = match format.as_deref() {
        Some("mp3") => "audio/mpeg".to_owned(),
        Some("wav") | None => "audio/wav".to_owned(),
        Some(other) => format!("audio/{other}"),
    };
    let source = MediaSource::Base64(base64(data, &at_data)?);
    Ok(Media { mime, source, detail: None, name: None })
}

/// Returns a data URL of bytes; `usual` is their type if none is known.
pub(crate) fn data_url(media: &Media, data: &str, usual: &str) -> String {
    data_url::made(&media.mime, data, usual)
}

/// Returns the words of a file that is a text, under its title; `None` for another file.
///
/// # Errors
///
/// Why a file that should be a text is none.
pub(crate) fn text_file(media: &Media) -> Option<Result<String, &'static str>> {
    match &media.source {
        MediaSource::Text(text) => Some(Ok(titled(media, text))),
        MediaSource::Base64(data) if media.mime.starts_with("text/") => {
            let bytes = STANDARD.decode(data).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.map(|text| titled(media, &text));
            Some(text.ok_or("is not base64 of UTF-8 text"))
        }
        MediaSource::Base64(_) | MediaSource::Url(_) | MediaSource::FileId(_) => None,
    }
}

/// Returns the words of a text document under its title.
pub(crate) fn titled(media: &Media, text: &str) -> String {
    match &media.name {
        Some(name) => format!("{name}\n\n{text}"),
        None => text.to_owned(),
    }
}

/// Returns the name of a file of bytes, which must be there and, for a PDF, should say so.
pub(crate) fn file_name(media: &Media) -> Cow<'_, str> {
    match media.name.as_deref() {
        Some(name) if mime(media, PDF) == PDF && !name.contains('.') => {
            Cow::Owned(format!("{name}.pdf"))
        }
        Some(name) => Cow::Borrowed(name),
        None => Cow::Borrowed("document.pdf"),
    }
}

fn mime<'m>(media: &'m Media, usual: &'m str) -> &'m str {
    if media.mime.is_empty() { usual } else { &media.mime }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_bare_base64_and_addresses_are_told_apart() {
        let check = |data: &str, mime: &str, source: MediaSource| {
            let found = file(data.to_owned(), &|| "here".to_owned()).unwrap();
            assert_eq!(found, (mime.to_owned(), source), "{data}");
        };
        let base64 = |data: &str| MediaSource::Base64(data.to_owned());
        check("DATA:Image/PNG;charset=x;base64,a-_b", "image/png", base64("a+/b"));
        check("JVBE\nRi0=", "application/pdf", base64("JVBERi0="));
        check("iVBORw0KGgo", "image/png", base64("iVBORw0KGgo="));
        check("https://x/y.pdf", "", MediaSource::Url("https://x/y.pdf".to_owned()));

        for no_base64 in ["data:text/plain,hello", "hello?"] {
            let fault = file(no_base64.to_owned(), &|| "here".to_owned());
            assert!(fault.unwrap_err().to_string().starts_with("here: "));
        }
    }

    #[test]
    fn files_get_names_and_texts_get_titles() {
        let media = |mime: &str, name: Option<&str>, data: &str| Media {
            mime: mime.to_owned(),
            source: MediaSource::Base64(data.to_owned()),
            detail: None,
            name: name.map(str::to_owned),
        };
        assert_eq!(file_name(&media("", Some("bill"), "")), "bill.pdf");
        assert_eq!(file_name(&media("", Some("bill.PDF"), "")), "bill.PDF");
        assert_eq!(file_name(&media("text/csv", Some("bill"), "")), "bill");
        assert_eq!(file_name(&media("", None, "")), "document.pdf");
        assert_eq!(
            text_file(&media("text/csv", Some("a.csv"), "aGk=")),
            Some(Ok("a.csv\n\nhi".to_owned()))
        );
        assert!(text_file(&media("text/csv", None, "gIA=")).unwrap().is_err());
        assert_eq!(text_file(&media("", None, "aGk=")), None);
        assert_eq!(data_url(&media("", None, ""), "aGk=", PDF), "data:application/pdf;base64,aGk=");
    }
}
