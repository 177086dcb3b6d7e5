//! Reads content blocks into parts.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::shape::{Block, Content, Source, Written};
use super::{short, text_parts};
use crate::WireFormat;
use crate::anthropic::words::is_server_block;
use crate::chat::{CallKind, Media, MediaSource, Opaque, OpaqueKind, Part, PartKind, Vendor};
use crate::codec::WireError;
use crate::data_url::base64;
use crate::locate;
use crate::notes::Notes;
use crate::refusals::Refusals;

/// What reading finds beside the parts themselves.
#[derive(Default)]
pub(super) struct Findings {
    /// What other formats cannot say as it was.
    pub(super) notes: Notes,
    /// What no other format can go without.
    pub(super) refused: Refusals,
    /// Whether the parts read last stand for the whole conversation before them.
    pub(super) is_compacted: bool,
}

/// Whose content it is; decides which blocks may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    /// Inside a tool's result.
    Tool,
    /// Inside a document or a search result.
    Source,
}

/// Reads plain content that stands at `path`.
pub(super) fn read(
    content: Content<'_>,
    speaker: Speaker,
    path: &str,
    findings: &mut Findings,
) -> Result<Vec<Part>, WireError> {
    let blocks = match content {
        Content::Text(text) => return Ok(text_parts(text.into_owned())),
        Content::Parts(blocks) => blocks,
        Content::Other => return Err(WireError::malformed(path, "must be a list of blocks")),
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (index, wire) in blocks.into_iter().enumerate() {
        block((wire, None), speaker, &format!("{path}[{index}]"), &mut parts, findings)?;
    }
    Ok(parts)
}

/// Reads content that stands at `path` and is still as it was written.
pub(super) fn read_raw(
    content: Written<'_>,
    speaker: Speaker,
    path: &str,
    findings: &mut Findings,
) -> Result<Vec<Part>, WireError> {
    let blocks = match content {
        Written::Text(text) => return Ok(text_parts(text)),
        Written::Blocks(blocks) => blocks,
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (index, raw) in blocks.into_iter().enumerate() {
        raw_block(raw, speaker, &format!("{path}[{index}]"), &mut parts, findings)?;
    }
    Ok(parts)
}

/// Reads the `type` of an object, whatever else is in it.
pub(super) fn kind_of(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    serde_json::from_str::<Kind>(raw.get()).ok()?.kind
}

/// Tells whether blocks of a kind may stand in messages of a role; the API refuses them too.
fn may_say(speaker: Speaker, kind: &str, path: &str) -> Result<(), WireError> {
    let detail = match (speaker, kind) {
        (Speaker::System, "text") => return Ok(()),
        (Speaker::System, _) => {
            format!("is `{}`; system prompts take `text` blocks only", short(kind))
        }
        (Speaker::User, "tool_use") => misplaced(kind, "assistant"),
        (Speaker::Assistant, "tool_result") => misplaced(kind, "user"),
        // Blocks inside blocks end somewhere.
        (Speaker::Tool, "tool_use" | "tool_result")
        | (Speaker::Source, "tool_use" | "tool_result" | "document" | "search_result") => {
            format!("is `{}`, which cannot stand inside another block", short(kind))
        }
        _ => return Ok(()),
    };
    Err(WireError::malformed(format!("{path}.type"), detail))
}

fn misplaced(kind: &str, role: &str) -> String {
    format!("is `{kind}`; such blocks stand in messages of role `{role}`")
}

fn raw_block(
    raw: &RawValue,
    speaker: Speaker,
    path: &str,
    parts: &mut Vec<Part>,
    findings: &mut Findings,
) -> Result<(), WireError> {
    match locate::part::<Block<'_>>(raw, path) {
        Ok(wire) => block((wire, Some(raw)), speaker, path, parts, findings),
        Err(fault) => match kind_of(raw) {
            // Members of such blocks mean other things than those of ours.
            Some(kind) if stays_raw(&kind, speaker) => {
                vendor_block(raw, &kind, path, parts, findings);
                Ok(())
            }
            _ => Err(fault),
        },
    }
}

/// Reads a block; `raw` is how it was written, unless it is plain.
fn block(
    (wire, raw): (Block<'_>, Option<&RawValue>),
    speaker: Speaker,
    path: &str,
    parts: &mut Vec<Part>,
    findings: &mut Findings,
) -> Result<(), WireError> {
    let Some(kind) = wire.kind.as_deref() else {
        return Err(missing(path, "type"));
    };
    may_say(speaker, kind, path)?;
    let cache = wire.cache_control.clone();
    let first = parts.len();
    match kind {
        "text" => {
            if wire.citations.as_ref().and_then(Value::as_array).is_some_and(|all| !all.is_empty())
            {
                findings.notes.approximate("citations", "texts are sent without their sources");
            }
            parts.push(Part::text(wire.text.ok_or_else(|| missing(path, "text"))?));
        }
        "image" => parts.push(Part::new(PartKind::Image(image(&wire, path)?))),
        "document" => document(wire, path, parts, findings)?,
        "search_result" => parts.push(Part::text(search_result((wire, raw), path, findings)?)),
        "tool_use" => parts.push(tool_use(wire, path)?),
        "tool_result" => parts.push(tool_result((wire, raw), path, findings)?),
        "thinking" => {
            let opaque = opaque(OpaqueKind::Signature, wire.signature);
            let kind = PartKind::Reasoning(wire.thinking.unwrap_or_default());
            parts.push(Part { kind, opaque, cache: None });
        }
        "redacted_thinking" => {
            let opaque = opaque(OpaqueKind::Redacted, wire.data);
            parts.push(Part { kind: PartKind::Reasoning(String::new()), opaque, cache: None });
        }
        other => {
            if let Some(raw) = raw.filter(|_| stays_raw(other, speaker)) {
                vendor_block(raw, other, path, parts, findings);
                return Ok(());
            }
            let detail = format!("is `{}`, which cannot stand here", short(other));
            return Err(WireError::malformed(format!("{path}.type"), detail));
        }
    }
    // A block that became several parts ends with the last of them.
    if parts.len() > first
        && let Some(last) = parts.last_mut()
    {
        last.cache = cache;
    }
    Ok(())
}

/// Tells whether a block is carried as it is. What an assistant said must be something its provider
/// knows; what a user says must be something we know.
fn stays_raw(kind: &str, speaker: Speaker) -> bool {
    match speaker {
        Speaker::System | Speaker::Source => false,
        Speaker::Tool => kind == "tool_reference",
        Speaker::User => is_server_block(kind),
        Speaker::Assistant => ![
            "text",
            "thinking",
            "redacted_thinking",
            "tool_use",
            "tool_result",
            "image",
            "document",
        ]
        .contains(&kind),
    }
}

/// Reads a block of the vendor's own tools or bookkeeping.
fn vendor_block(
    raw: &RawValue,
    kind: &str,
    path: &str,
    parts: &mut Vec<Part>,
    findings: &mut Findings,
) {
    match kind {
        "mcp_tool_use" | "mcp_tool_result" | "container_upload" => {
            let why = "only Anthropic can go on with it; take it out of the history";
            findings.refused.add(format!("{path}.type"), format!("`{kind}`: {why}"));
        }
        "compaction" => match compacted(raw) {
            Some(text) => {
                findings.notes.approximate("compaction", "sent as text, without all before it");
                findings.is_compacted = true;
                parts.clear();
                parts.push(Part::text(text));
            }
            None => findings.refused.add(path, "the compacted conversation cannot be read"),
        },
        _ => {
            let format = WireFormat::Anthropic;
            parts.push(Part::new(PartKind::Server { format, raw: raw.to_owned() }));
        }
    }
}

/// Returns the summary in a compaction block; one that is only encrypted has none.
fn compacted(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Compaction {
        content: Option<String>,
    }
    serde_json::from_str::<Compaction>(raw.get()).ok()?.content.filter(|text| !text.is_empty())
}

fn missing(path: &str, member: &str) -> WireError {
    WireError::malformed(format!("{path}.{member}"), "is missing")
}

fn opaque(kind: OpaqueKind, data: Option<String>) -> Option<Opaque> {
    let data = data.filter(|data| !data.is_empty())?;
    Some(Opaque::new(Vendor::Anthropic, kind, data))
}

fn tool_use(wire: Block<'_>, path: &str) -> Result<Part, WireError> {
    let id = wire.id.ok_or_else(|| missing(path, "id"))?;
    let name = wire.name.ok_or_else(|| missing(path, "name"))?;
    let arguments = wire.input.map_or("{}", RawValue::get).to_owned();
    Ok(Part::new(PartKind::ToolCall { id, name, kind: CallKind::Function, arguments }))
}

/// Reads the content of a block.
fn inner(
    content: Option<Content<'_>>,
    raw: Option<&RawValue>,
    (speaker, path): (Speaker, &str),
    findings: &mut Findings,
) -> Result<Vec<Part>, WireError> {
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        content: &'a RawValue,
    }
    let path = format!("{path}.content");
    match (content, raw) {
        (None, _) => Ok(Vec::new()),
        (Some(content), Some(raw)) if !content.is_plain() => {
            let inner: Inner<'_> = locate::part(raw, &path)?;
            let content = locate::part(inner.content, &path)?;
            read_raw(content, speaker, &path, findings)
        }
        (Some(content), _) => read(content, speaker, &path, findings),
    }
}

fn tool_result(
    (wire, raw): (Block<'_>, Option<&RawValue>),
    path: &str,
    findings: &mut Findings,
) -> Result<Part, WireError> {
    let call = wire.tool_use_id.ok_or_else(|| missing(path, "tool_use_id"))?;
    let parts = inner(wire.content, raw, (Speaker::Tool, path), findings)?;
    let is_error = Some(wire.is_error.unwrap_or(false));
    Ok(Part::new(PartKind::ToolResult { call, name: None, parts, is_error }))
}

fn source<'a>(raw: Option<&'a RawValue>, path: &str) -> Result<Source<'a>, WireError> {
    let Some(raw) = raw else { return Err(missing(path, "source")) };
    locate::part(raw, &format!("{path}.source"))
}

fn image(wire: &Block<'_>, path: &str) -> Result<Media, WireError> {
    media(source(wire.source, path)?, None, path)
}

/// Reads a source of bytes, an address or a file.
fn media(source: Source<'_>, name: Option<String>, path: &str) -> Result<Media, WireError> {
    let path = format!("{path}.source");
    let bytes = match source.kind.as_deref() {
        Some("base64") => {
            let data = source.data.ok_or_else(|| missing(&path, "data"))?;
            MediaSource::Base64(base64(&data, &|| format!("{path}.data"))?)
        }
        Some("url") => MediaSource::Url(source.url.ok_or_else(|| missing(&path, "url"))?),
        Some("file") => {
            MediaSource::FileId(source.file_id.ok_or_else(|| missing(&path, "file_id"))?)
        }
        Some("text") => MediaSource::Text(source.data.ok_or_else(|| missing(&path, "data"))?),
        Some(other) => {
            let detail = format!("is `{}`; use `base64`, `url` or `file`", short(other));
            return Err(WireError::malformed(format!("{path}.type"), detail));
        }
        None => return Err(missing(&path, "type")),
    };
    let mime = source.media_type.unwrap_or_default();
    Ok(Media { mime, source: bytes, detail: None, name })
}

/// Reads a document. Its context stands before it as text, and pictures inside it stand behind it.
fn document(
    wire: Block<'_>,
    path: &str,
    parts: &mut Vec<Part>,
    findings: &mut Findings,
) -> Result<(), WireError> {
    if wire.citations.as_ref().is_some_and(|citations| citations["enabled"] == true) {
        findings.notes.drop("citations", "only the Messages API cites documents");
    }
    let source = source(wire.source, path)?;
    if let Some(context) = wire.context {
        parts.extend(text_parts(context));
    }
    if source.kind.as_deref() != Some("content") {
        parts.push(Part::new(PartKind::Document(media(source, wire.title, path)?)));
        return Ok(());
    }
    let path = format!("{path}.source.content");
    let Some(raw) = source.content else {
        return Err(WireError::malformed(path, "is missing"));
    };
    let mut text = String::new();
    let mut others = Vec::new();
    for part in read_raw(locate::part(raw, &path)?, Speaker::Source, &path, findings)? {
        match part.kind {
            PartKind::Text(more) => {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&more);
            }
            _ => others.push(part),
        }
    }
    parts.push(Part::new(PartKind::Document(Media {
        mime: "text/plain".to_owned(),
        source: MediaSource::Text(text),
        detail: None,
        name: wire.title,
    })));
    parts.append(&mut others);
    Ok(())
}

/// Spells a search result as text: title, source, content.
fn search_result(
    (wire, written): (Block<'_>, Option<&RawValue>),
    path: &str,
    findings: &mut Findings,
) -> Result<String, WireError> {
    findings.notes.approximate("search_result", "sent as text");
    let mut lines: Vec<String> = wire.title.into_iter().collect();
    if let Some(raw) = wire.source {
        lines.push(locate::part(raw, &format!("{path}.source"))?);
    }
    for part in inner(wire.content, written, (Speaker::Source, path), findings)? {
        if let PartKind::Text(text) = part.kind {
            lines.push(text);
        }
    }
    Ok(lines.join("\n"))
}
