//! Reads the reasoning that an assistant message of the history carries.
//!
//! This format has no member for it, so there are several conventions. A client that keeps what we sent
//! has the text in `reasoning_content` and what belongs to a vendor in `reasoning_details`.

use super::wire::{Detail, Message, ThinkingBlock};
use crate::chat::{Opaque, OpaqueKind, Part, PartKind, Vendor};
use crate::openai_chat::stream::assembly::vendor;

/// Reads the reasoning members of a message; the first convention that has any counts.
pub(super) fn read(message: &Message<'_>) -> Vec<Part> {
    let blocks: Vec<Part> = message.thinking_blocks.iter().flatten().flat_map(of_block).collect();
    if !blocks.is_empty() {
        return blocks;
    }
    let details = of_details(message.reasoning_details.as_deref().unwrap_or_default());
    let plain = [&message.reasoning_content, &message.reasoning]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty());
    let Some(plain) = plain else { return details };
    if !details.iter().any(|part| part.opaque.is_some()) {
        return vec![Part::new(PartKind::Reasoning(plain.clone()))];
    }
    if details.iter().any(has_text) {
        return details;
    }
    // The text came in one member and the vendor's data in the other: put them together again.
    let mut parts = details;
    let takes_text = |part: &&mut Part| {
        part.opaque.as_ref().is_some_and(|opaque| {
            opaque.kind == OpaqueKind::Signature || opaque.vendor == Vendor::OpenAi
        })
    };
    match parts.iter_mut().find(takes_text) {
        Some(part) => part.kind = PartKind::Reasoning(plain.clone()),
        None => parts.insert(0, Part::new(PartKind::Reasoning(plain.clone()))),
    }
    parts
}

fn has_text(part: &Part) -> bool {
    matches!(&part.kind, PartKind::Reasoning(text) if !text.is_empty())
}

/// Reads `reasoning_details`. The summary and the encrypted form of one item, which are two entries of
/// one id, are one part.
fn of_details(details: &[Detail]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(details.len());
    let mut last_id: Option<&str> = None;
    for detail in details {
        let Some(part) = of_detail(detail) else { continue };
        let id = detail.id.as_deref().filter(|id| !id.is_empty());
        let same = id.is_some() && id == last_id;
        last_id = id;
        match parts.last_mut() {
            Some(last) if same && last.opaque.is_none() && !has_text(&part) => {
                last.opaque = part.opaque;
            }
            _ => parts.push(part),
        }
    }
    parts
}

fn of_detail(detail: &Detail) -> Option<Part> {
    let text = detail.text.clone().or_else(|| detail.summary.clone()).unwrap_or_default();
    let vendor = detail.format.as_deref().and_then(vendor);
    let opaque = vendor.and_then(|vendor| {
        let (kind, data) = match (&detail.signature, &detail.data) {
            (Some(signature), _) if !signature.is_empty() => (OpaqueKind::Signature, signature),
            (_, Some(data)) if vendor == Vendor::Google => (OpaqueKind::Signature, data),
            (_, Some(data)) => (OpaqueKind::Redacted, data),
            _ => return None,
        };
        let item = detail.id.clone().filter(|id| vendor == Vendor::OpenAi && !id.is_empty());
        Some(Opaque { item, ..Opaque::new(vendor, kind, data.clone()) })
    });
    part(text, opaque)
}

fn of_block(block: &ThinkingBlock) -> Option<Part> {
    let text = block.thinking.clone().unwrap_or_default();
    let of = |kind, data: &String| Opaque::new(Vendor::Anthropic, kind, data.clone());
    let opaque = match (&block.signature, &block.data) {
        (Some(signature), _) if !signature.is_empty() => Some(of(OpaqueKind::Signature, signature)),
        (_, Some(data)) => Some(of(OpaqueKind::Redacted, data)),
        _ => None,
    };
    part(text, opaque)
}

fn part(text: String, opaque: Option<Opaque>) -> Option<Part> {
    let empty = text.is_empty() && opaque.is_none();
    (!empty).then(|| Part { kind: PartKind::Reasoning(text), opaque, cache: None })
}
