//! Reads reasoning: what is asked for, and what earlier answers left in the history.

use serde_json::value::RawValue;

use super::wire::{Item, Part as WirePart, Thought};
use crate::chat::{ChatRequest, Opaque, OpaqueKind, Part, PartKind, ReasoningAmount, Vendor};
use crate::codec::WireError;
use crate::members::{AsWritten, Members, Place, parse};
use crate::plain::Content;

/// Reads a reasoning item; `None` if all it has is an id.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of a text that is none.
pub(super) fn item(
    item: Item<'_>,
    path: Place,
    body: &mut AsWritten<'_>,
) -> Result<Option<Part>, WireError> {
    let summary = item.summary.map(|raw| parse(raw, || format!("{path}.summary"))).transpose()?;
    let mut text = joined(summary.unwrap_or_default());
    if text.is_empty() && item.content.is_some() {
        text = joined(thoughts(item.content, path, body)?);
    }
    let data = item.encrypted_content.as_deref().filter(|data| !data.is_empty());
    let opaque = data.map(|data| Opaque {
        item: item.id.clone().filter(|id| !id.is_empty()),
        ..Opaque::new(Vendor::OpenAi, OpaqueKind::Redacted, data)
    });
    let is_empty = text.is_empty() && opaque.is_none();
    Ok((!is_empty).then(|| Part { kind: PartKind::Reasoning(text), opaque, cache: None }))
}

/// Reads the `content` of a reasoning item; kinds of its parts matter not.
fn thoughts(
    content: Option<Content<'_, WirePart<'_>>>,
    path: Place,
    body: &mut AsWritten<'_>,
) -> Result<Vec<Thought>, WireError> {
    match content {
        None => Ok(Vec::new()),
        Some(Content::Text(_)) => {
            Err(WireError::malformed(format!("{path}.content"), "must be a list"))
        }
        Some(Content::Parts(parts)) => {
            Ok(parts.into_iter().map(|part| Thought { text: part.text }).collect())
        }
        Some(Content::Other) => {
            let parts = body.parts(path, "content")?.into_iter().enumerate();
            let thought = |(place, raw)| parse(raw, || format!("{path}.content[{place}]"));
            parts.map(thought).collect()
        }
    }
}

fn joined(thoughts: Vec<Thought>) -> String {
    let texts = thoughts.into_iter().filter_map(|thought| thought.text);
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// Reads `reasoning`: effort and summary; the rest is extra.
///
/// # Errors
///
/// [`WireError::Malformed`] for an unknown word.
pub(super) fn options(
    raw: &RawValue,
    path: &str,
    request: &mut ChatRequest,
) -> Result<(), WireError> {
    let mut members: Members<'_> = parse(raw, || path.to_owned())?;
    if let Some(word) = members.take::<String>("effort")? {
        request.reasoning.amount = ReasoningAmount::of_effort(&word).ok_or_else(|| {
            let detail =
                format!("`{word}` is unknown; use none, minimal, low, medium, high, xhigh or max");
            WireError::malformed(format!("{path}.effort"), detail)
        })?;
    }
    let old = members.take::<String>("generate_summary")?;
    if let Some(word) = members.take::<String>("summary")?.or(old) {
        request.reasoning.show = Some(word != "none");
    }
    for (name, value) in members.rest() {
        request.extra.insert(format!("reasoning.{name}"), value);
    }
    Ok(())
}
