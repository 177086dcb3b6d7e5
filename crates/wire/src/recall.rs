//! Reasoning that led to a call of a tool, for clients that send back the call and nothing else.
//!
//! Vendors sign or encrypt reasoning and want it back with the call it led to. Where a client drops what
//! it does not know, the gateway can keep it by the call's id: a [`Listener`] hears it out of a reply,
//! and [`put_back`] puts it into a later request that has the call without it.

mod listener;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chat::{ChatRequest, Opaque, Origin, Part, PartKind, Role, Turn};
use crate::envelope::Block;

pub(crate) use self::listener::Listener;

/// Reasoning that led to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallReasoning {
    /// What came before the text that the call stands behind.
    pub ahead: Vec<Block>,
    /// What came right before the call.
    pub before: Vec<Block>,
    /// The vendor's data on the call itself.
    pub own: Option<Opaque>,
}

/// Reasoning that was heard, with the id under which the client sees its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The call.
    pub call: String,
    /// What led to it.
    pub reasoning: CallReasoning,
}

impl CallReasoning {
    /// Returns the bytes of its texts and data, which is nearly all it takes in memory.
    pub fn bytes(&self) -> usize {
        let blocks = self.ahead.iter().chain(&self.before);
        let of_blocks = blocks.map(|block| block.text.len() + bytes(block.opaque.as_ref()));
        of_blocks.sum::<usize>() + bytes(self.own.as_ref())
    }

    /// Tells whether there is nothing that only its vendor can read.
    fn is_empty(&self) -> bool {
        self.own.is_none() && self.ahead.is_empty() && self.before.is_empty()
    }

    fn has_blocks(&self) -> bool {
        !self.ahead.is_empty() || !self.before.is_empty()
    }
}

fn bytes(opaque: Option<&Opaque>) -> usize {
    opaque.map_or(0, |data| data.data.len() + data.item.as_ref().map_or(0, String::len))
}

/// Returns the request with the reasoning of its calls, or `None` if nothing is to be put back.
///
/// `find` gives what is known of a call that `origin` made. Turns of the assistant that brought back
/// opaque data themselves are left alone.
pub fn put_back(
    request: &ChatRequest,
    origin: &Origin,
    find: impl Fn(&str) -> Option<Arc<CallReasoning>>,
) -> Option<ChatRequest> {
    let known: BTreeMap<usize, Known> = (0..)
        .zip(&request.turns)
        .filter(|(_, turn)| lacks_reasoning(turn))
        .map(|(place, turn)| (place, known_of(turn, &find)))
        .filter(|(_, known)| !known.is_empty())
        .collect();
    if known.is_empty() {
        return None;
    }
    let mut request = request.clone();
    for (turn, known) in known {
        let parts = std::mem::take(&mut request.turns[turn].parts);
        request.turns[turn].parts = completed(parts, &known, origin);
    }
    Some(request)
}

/// What is known of the calls of a turn, by the place of their parts.
type Known = BTreeMap<usize, Arc<CallReasoning>>;

fn lacks_reasoning(turn: &Turn) -> bool {
    turn.role == Role::Assistant && turn.parts.iter().all(|part| part.opaque.is_none())
}

fn known_of(turn: &Turn, find: &impl Fn(&str) -> Option<Arc<CallReasoning>>) -> Known {
    let calls = turn.parts.iter().enumerate().filter_map(|(place, part)| match &part.kind {
        PartKind::ToolCall { id, .. } if !id.is_empty() => Some((place, find(id)?)),
        _ => None,
    });
    calls.collect()
}

fn completed(parts: Vec<Part>, known: &Known, origin: &Origin) -> Vec<Part> {
    let mut whole: Vec<Part> = Vec::with_capacity(parts.len() + known.len());
    // Where that begins which led to the next call.
    let mut begin = 0;
    for (place, mut part) in parts.into_iter().enumerate() {
        if let Some(reasoning) = known.get(&place) {
            if reasoning.has_blocks() {
                // What the client kept of it is only the text.
                let led = whole.split_off(begin);
                let is_shown = |part: &Part| matches!(part.kind, PartKind::Reasoning(_));
                whole.extend(reasoning.ahead.iter().map(|block| restored(block, origin)));
                whole.extend(led.into_iter().filter(|part| !is_shown(part)));
                whole.extend(reasoning.before.iter().map(|block| restored(block, origin)));
            }
            part.opaque = reasoning.own.as_ref().map(|data| of(data, origin));
        }
        let is_call = matches!(part.kind, PartKind::ToolCall { .. });
        whole.push(part);
        if is_call {
            begin = whole.len();
        }
    }
    whole
}

fn restored(block: &Block, origin: &Origin) -> Part {
    let opaque = block.opaque.as_ref().map(|data| of(data, origin));
    Part { opaque, ..Part::new(PartKind::Reasoning(block.text.clone())) }
}

fn of(data: &Opaque, origin: &Origin) -> Opaque {
    Opaque { origin: Some(origin.clone()), ..data.clone() }
}

#[cfg(test)]
mod tests;
