//! The events of a stream as they stand on the wire.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::anthropic::reply::StopDetails;
use crate::{json, mend};

/// The members of all events; absent ones are `None`.
#[derive(Debug, Deserialize)]
pub(super) struct Frame<'a> {
    /// What event it is. The `event:` line may be missing, this member is not.
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    /// The block's number.
    pub(super) index: Option<u64>,
    /// More of a block, or of the message.
    #[serde(borrow)]
    pub(super) delta: Option<Delta<'a>>,
    /// A block that begins.
    #[serde(borrow)]
    pub(super) content_block: Option<&'a RawValue>,
    /// The message that begins.
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
    /// Token counts.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    /// What went wrong.
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// More of a block (with `type`) or of the message (without).
#[derive(Debug, Deserialize)]
pub(super) struct Delta<'a> {
    /// What of the block it is.
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    /// Visible text.
    pub(super) text: Option<String>,
    /// Reasoning text.
    pub(super) thinking: Option<String>,
    /// Characters of a call's input.
    pub(super) partial_json: Option<String>,
    /// The signature of a thinking block.
    pub(super) signature: Option<String>,
    /// A source of the text.
    pub(super) citation: Option<Value>,
    /// Why the message ended.
    pub(super) stop_reason: Option<String>,
    /// The stop sequence that matched.
    pub(super) stop_sequence: Option<String>,
    /// More about a refusal.
    pub(super) stop_details: Option<StopDetails>,
}

/// The head of the message.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    /// The reply's id.
    pub(super) id: Option<String>,
    /// The model that answers.
    pub(super) model: Option<String>,
    /// Token counts of the input; those of the output are placeholders.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

/// Parses one event's data, which must be an object, and hands it on.
///
/// # Errors
///
/// The parser's error if the data is no such object, even with lone surrogates replaced.
pub(super) fn parse<T>(data: &[u8], take: impl FnOnce(Frame<'_>) -> T) -> serde_json::Result<T> {
    match json::read::<Frame<'_>>(data) {
        Ok(frame) => Ok(take(frame)),
        Err(fault) => match mend::lone_surrogates(data) {
            Some(repaired) => serde_json::from_slice::<Frame<'_>>(&repaired).map(take),
            None => Err(fault),
        },
    }
}
