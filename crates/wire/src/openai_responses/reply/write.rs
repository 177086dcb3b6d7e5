//! Writes a whole reply: the response object with which its stream would end.

use crate::codec::ReplyContext;
use crate::collect::collect;
use crate::event::{Event, Finish};
use crate::openai_chat;
use crate::openai_responses::stream;

/// Writes the reply that these events make; an error body if they end in an error.
pub(in crate::openai_responses) fn write(events: &[Event], context: &ReplyContext) -> Vec<u8> {
    let whole = collect(events);
    if let Some(error) = &whole.error {
        return openai_chat::error::write_upstream(error);
    }
    let finish = whole.first().and_then(|answer| answer.finish.as_ref());
    if let Some(finish) = finish.filter(|finish| finish.reason == Finish::InvalidCall) {
        let unusable = openai_chat::invalid_call(&finish.native);
        return openai_chat::error::write_upstream(&unusable);
    }
    stream::last_response(events, context)
}
