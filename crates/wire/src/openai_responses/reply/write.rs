//! Writes a whole reply: the response object with which its stream would end.

use crate::codec::ReplyContext;
use crate::event::{Event, Finish};
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
    let finish = events.iter().rev().find_map(|event| match event {
        Event::Finish { choice: 0, reason, native, .. } => Some((*reason, native)),
        _ => None,
    });
    if let Some((Finish::InvalidCall, native)) = finish {
        return openai_chat::error::write_upstream(&openai_chat::invalid_call(native));
    }
    stream::last_response(events, context)
}
