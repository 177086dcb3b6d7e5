//! Reads a whole reply. It is what a stream's last event carries, so the stream's reader does it.

use crate::event::Event;
use crate::feed::read_whole;
use crate::openai_responses::stream::Assembly;

/// Reads a whole 2xx reply.
pub(in crate::openai_responses) fn read(body: &[u8]) -> Vec<Event> {
    read_whole::<Assembly>(body)
}
