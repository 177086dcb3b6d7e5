//! Reasoning data of other vendors, in the places where clients of this format keep such strings.

use crate::chat::{Opaque, OpaqueKind, Vendor};
use crate::envelope::{Block, Seal};

/// Returns the envelope of these data, or of nothing at all: a client's `signature` must not be empty,
/// and by the envelope we know the block again.
///
/// The text is not sealed: the client sends it back beside the envelope.
pub(super) fn envelope(seal: &Seal, data: &[Opaque], follows: bool) -> String {
    let block = |opaque| Block { text: String::new(), opaque };
    let mut blocks: Vec<Block> = data
        .iter()
        .map(|opaque| block(Some(Opaque { follows: follows || opaque.follows, ..opaque.clone() })))
        .collect();
    if blocks.is_empty() {
        blocks.push(block(None));
    }
    seal.seal(&blocks)
}

/// Tells whether these data go out in an envelope instead of their vendor's own place.
pub(super) fn is_foreign(opaque: &Opaque) -> bool {
    opaque.vendor != Vendor::Anthropic
}

/// Tells whether reasoning without text is shown as redacted.
pub(super) fn is_redacted(data: &[Opaque]) -> bool {
    data.iter().any(|opaque| opaque.kind == OpaqueKind::Redacted)
}
