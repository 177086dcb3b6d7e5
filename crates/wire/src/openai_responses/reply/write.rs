//! Writes a whole reply: the response object with which its stream would end.

use crate::codec::ReplyContext;
use crate::event::Event;
use crate::openai_chat;
use crate::openai_responses::stream;

/// Writes the reply that these events make; an error body if they end in an error.
pub(in crate::openai_responses) fn write(events: &[Event], context: &ReplyContext) -> Vec<u8> {
    let error = events.iter().rev().find_map(|event| match event {
        Event::Error(error) => Some(error),
        _ => None,
    });
    if let Some(error) = error {
        return openai_chat::error::write_upstream(error);
    }
    stream::last_response(events, context)
}
