//! Marks up to which the prompt is cached.

use serde_json::{Value, json};

use super::Writing;
use super::body::{Block, Tool};
use super::turns::Conversation;
use crate::WireFormat;
use crate::field_names::Field;

/// Most marks in one request; the API refuses more.
const MAX_MARKS: usize = 4;

/// Returns a mark the API takes. Marks of other formats say the same in other words.
pub(super) fn mark(said: &Value) -> Value {
    if said["type"] == "ephemeral" { said.clone() } else { json!({ "type": "ephemeral" }) }
}

/// Removes marks over the API's limit: of tools and system prompt the last stays, of the messages the
/// last ones, which are those that the next request finds again.
pub(super) fn limit_marks(
    writing: &mut Writing<'_, '_>,
    tools: &mut [Tool<'_>],
    conversation: &mut Conversation<'_>,
) {
    let request = writing.request;
    let is_automatic = request.origin == Some(WireFormat::Anthropic)
        && request.extra.contains_key("cache_control");
    let allowed = MAX_MARKS - usize::from(is_automatic);
    let head = tools.iter_mut().filter_map(|tool| match tool {
        Tool::Own(tool) => Some(&mut tool.cache_control),
        Tool::Raw(_) | Tool::Search(_) => None,
    });
    let head = head.chain(conversation.system.iter_mut().filter_map(Block::cache_mark));
    let mut head: Vec<&mut Option<Value>> = head.filter(|mark| mark.is_some()).collect();
    let blocks = conversation.messages.iter_mut().flat_map(|message| &mut message.content);
    let mut body: Vec<&mut Option<Value>> =
        blocks.filter_map(Block::cache_mark).filter(|mark| mark.is_some()).collect();
    if head.len() + body.len() <= allowed {
        return;
    }
    let kept_head = head.len().min(allowed.saturating_sub(body.len()).max(1));
    let kept_body = body.len().min(allowed - kept_head);
    for (marks, kept) in [(&mut head, kept_head), (&mut body, kept_body)] {
        let removed = marks.len() - kept;
        marks.iter_mut().take(removed).for_each(|mark| **mark = None);
    }
    writing.approximate(Field::CACHE_MARKS, "four marks can be sent; earlier ones were removed");
}
