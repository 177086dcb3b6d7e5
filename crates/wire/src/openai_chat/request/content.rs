//! Reads the parts of one message's `content`.

use serde_json::json;
use serde_json::value::RawValue;

use super::members::parse;
use super::wire::{Breakpoint, Content, File, ImageUrl, InputAudio, Part as WirePart, Thought};
use crate::WireFormat;
use crate::chat::{Media, MediaSource, Part, PartKind};
use crate::codec::WireError;
use crate::openai_chat::stream::assembly::split_data_url;

/// Whose content it is: decides what an unknown part means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The model: an unknown part is something the provider made.
    Assistant,
    /// Anybody else: an unknown part is something we cannot carry.
    Other,
}

/// Reads `content` into parts. Empty texts are left out.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the part, which begins with `path`.
pub(super) fn read(
    content: Option<&Content<'_>>,
    speaker: Speaker,
    path: &str,
) -> Result<Vec<Part>, WireError> {
    let parts = match content {
        None => return Ok(Vec::new()),
        Some(Content::Text(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(Content::Text(text)) => return Ok(vec![Part::text(text.clone().into_owned())]),
        Some(Content::Parts(parts)) => parts,
    };
    let mut read = Vec::with_capacity(parts.len());
    for (position, raw) in parts.iter().enumerate() {
        let at = || format!("{path}.content[{position}]");
        read.extend(part(raw, speaker, &at)?);
    }
    Ok(read)
}

fn part(
    raw: &RawValue,
    speaker: Speaker,
    at: &dyn Fn() -> String,
) -> Result<Option<Part>, WireError> {
    if raw.get().starts_with('"') {
        let text: String = parse(raw, at)?;
        return Ok((!text.is_empty()).then(|| Part::text(text)));
    }
    let part: WirePart<'_> = parse(raw, at)?;
    let kind = match part.kind.as_deref().unwrap_or("text") {
        "text" | "input_text" | "output_text" => match part.text.filter(|text| !text.is_empty()) {
            Some(text) => PartKind::Text(text),
            None => return Ok(None),
        },
        "refusal" => PartKind::Refusal(part.refusal.or(part.text).unwrap_or_default()),
        "image_url" => PartKind::Image(image(part.image_url, at)?),
        "input_audio" => PartKind::Audio(audio(part.input_audio, at)?),
        "file" => PartKind::Document(file(part.file, at)?),
        "thinking" | "reasoning" => PartKind::Reasoning(thinking(part.thinking, part.text)),
        other if speaker == Speaker::Other => {
            let detail = format!("`{other}` is unknown; use text, image_url, input_audio or file");
            return Err(WireError::malformed(format!("{}.type", at()), detail));
        }
        _ => PartKind::Server { format: WireFormat::OpenAiChat, raw: raw.to_owned() },
    };
    let cache = part.cache_control.or_else(|| part.prompt_cache_breakpoint.as_ref().map(mark));
    Ok(Some(Part { kind, opaque: None, cache }))
}

/// Says OpenAI's breakpoint as Anthropic's mark: the canonical form keeps the latter.
fn mark(breakpoint: &Breakpoint) -> serde_json::Value {
    match breakpoint.ttl.as_deref() {
        Some("12h") => json!({"type": "ephemeral", "ttl": "1h"}),
        _ => json!({"type": "ephemeral"}),
    }
}

fn image(raw: Option<&RawValue>, at: &dyn Fn() -> String) -> Result<Media, WireError> {
    let at_url = || format!("{}.image_url", at());
    let Some(raw) = raw else { return Err(WireError::malformed(at_url(), "is missing")) };
    let image = if raw.get().starts_with('"') {
        ImageUrl { url: Some(parse(raw, at_url)?), detail: None }
    } else {
        parse(raw, at_url)?
    };
    let url = image.url.unwrap_or_default();
    if url.is_empty() {
        return Err(WireError::malformed(format!("{}.url", at_url()), "is missing"));
    }
    let (mime, source) = located(url, &|| format!("{}.url", at_url()))?;
    Ok(Media { mime, source, detail: image.detail, name: None })
}

/// Reads a data URL or an address.
fn located(url: String, at: &dyn Fn() -> String) -> Result<(String, MediaSource), WireError> {
    if let Some((mime, data)) = split_data_url(&url) {
        return Ok((mime.to_ascii_lowercase(), MediaSource::Base64(standard_base64(data))));
    }
    let is_data = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    if is_data {
        return Err(WireError::malformed(at(), "is a data URL that is not base64"));
    }
    Ok((String::new(), MediaSource::Url(url)))
}

/// Makes standard base64 of its URL-safe form and of broken lines.
fn standard_base64(data: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if data.bytes().all(plain) {
        return data.to_owned();
    }
    let mended = data.chars().filter(|letter| !letter.is_ascii_whitespace());
    mended
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            letter => letter,
        })
        .collect()
}

fn audio(audio: Option<InputAudio>, at: &dyn Fn() -> String) -> Result<Media, WireError> {
    let audio = audio.unwrap_or(InputAudio { data: None, format: None });
    let Some(data) = audio.data.filter(|data| !data.is_empty()) else {
        return Err(WireError::malformed(format!("{}.input_audio.data", at()), "is missing"));
    };
    let mime = match audio.format.as_deref() {
        Some("mp3") => "audio/mpeg".to_owned(),
        Some("wav") | None => "audio/wav".to_owned(),
        Some(other) => format!("audio/{other}"),
    };
    let source = MediaSource::Base64(standard_base64(&data));
    Ok(Media { mime, source, detail: None, name: None })
}

fn file(file: Option<File>, at: &dyn Fn() -> String) -> Result<Media, WireError> {
    let at_file = || format!("{}.file", at());
    let Some(file) = file else { return Err(WireError::malformed(at_file(), "is missing")) };
    let (mime, source) = match (file.file_data, file.file_id) {
        (Some(data), _) => match located(data, &|| format!("{}.file_data", at_file()))? {
            // Bare base64 is accepted by some; such files are PDFs.
            (_, MediaSource::Url(text)) if !text.contains("://") => {
                ("application/pdf".to_owned(), MediaSource::Base64(standard_base64(&text)))
            }
            located => located,
        },
        (None, Some(id)) => (String::new(), MediaSource::FileId(id)),
        (None, None) => {
            let detail = "needs `file_data` or `file_id`";
            return Err(WireError::malformed(at_file(), detail));
        }
    };
    Ok(Media { mime, source, detail: None, name: file.filename })
}

/// Mistral's thinking: a list of texts, or text.
fn thinking(raw: Option<&RawValue>, text: Option<String>) -> String {
    let Some(raw) = raw else { return text.unwrap_or_default() };
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return text;
    }
    let thoughts: Vec<Thought> = serde_json::from_str(raw.get()).unwrap_or_default();
    thoughts.into_iter().filter_map(|thought| thought.text).collect()
}
