//! Carries other vendors' reasoning to a client: in an envelope, as the signature of the next part.
//!
//! Clients drop thoughts, so the text of the reasoning goes into the envelope with its data.

use super::emit;
use crate::chat::Opaque;
use crate::envelope::{Block, Seal};
use crate::event::ReasoningKind;

/// Reasoning since the last part that a client keeps.
#[derive(Default)]
pub(super) struct Carry(Vec<Block>);

impl Carry {
    /// Takes a finished piece of reasoning. Of a piece without data only what the model really thought
    /// is of use to its vendor; a summary is not.
    pub(super) fn thought(&mut self, text: &str, kind: ReasoningKind, data: Vec<Opaque>) {
        if data.is_empty() && kind == ReasoningKind::Raw && !text.is_empty() {
            self.0.push(Block { text: text.to_owned(), opaque: None });
        }
        for (place, opaque) in data.into_iter().enumerate() {
            let text = if place == 0 { text.to_owned() } else { String::new() };
            self.0.push(Block { text, opaque: Some(opaque) });
        }
    }

    /// Returns the signature of the next part: its own if Google made it and nothing else must be kept,
    /// else an envelope round all there is.
    pub(super) fn signature(&mut self, own: &[Opaque], seal: &Seal) -> Option<String> {
        let mut blocks = std::mem::take(&mut self.0);
        if let Some(native) = own.iter().find_map(emit::signature)
            && blocks.iter().all(|block| block.opaque.is_none())
        {
            return Some(native.to_owned());
        }
        let own = own.iter().filter(|opaque| !opaque.data.is_empty());
        blocks
            .extend(own.map(|opaque| Block { text: String::new(), opaque: Some(opaque.clone()) }));
        (!blocks.is_empty()).then(|| seal.seal(&blocks))
    }
}
