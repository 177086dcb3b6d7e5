//! Anthropic Messages, as the format of clients and of providers.
//!
//! What sets it apart: one answer made of numbered blocks of which a stream has one open at a time,
//! results of tools stand in user turns, tool input is an object, reasoning is signed and must come
//! back unchanged, and a limit of the answer must be given.
//!
//! Map: [`request`] reads and writes requests, `reply` and [`stream`] do replies, `block` is one
//! content block of either, `error` does errors; the small files hold one table each.

mod amend;
mod block;
mod cite;
mod count;
mod error;
mod reply;
mod request;
mod sealed;
mod search;
mod stream;
mod survey;
#[cfg(test)]
mod tests;
mod usage;
mod words;

use crate::WireFormat;
use crate::api_error::{ApiError, UpstreamError};
use crate::chat::ChatRequest;
use crate::codec::{
    Codec, EventReader, EventWriter, PathModel, Peek, ReplyContext, Target, WireError, Written,
};
use crate::collect::CollectedPart;
use crate::event::Event;
use crate::ids;
use crate::mend;
use crate::notes::Notes;
use crate::skim;
use crate::splice;
use crate::survey::Survey;

/// The codec of Anthropic Messages.
#[derive(Clone, Copy, Debug)]
pub struct Anthropic;

impl Codec for Anthropic {
    fn format(&self) -> WireFormat {
        WireFormat::Anthropic
    }

    fn end_marker(&self) -> &'static [u8] {
        stream::END_MARKER
    }

    fn path_template(&self) -> &'static str {
        "/v1/messages"
    }

    fn peek(&self, body: &[u8], _: Option<&PathModel>) -> Result<Peek, WireError> {
        splice::outlined(body, &skim::MESSAGES)
    }

    fn read_request(&self, body: &[u8], peek: &Peek) -> Result<ChatRequest, WireError> {
        mend::reading(body, |body| request::read(body, peek))
    }

    fn write_request(
        &self,
        request: &ChatRequest,
        target: &Target<'_>,
        notes: &mut Notes,
    ) -> Result<Written, WireError> {
        request::write(request, target, notes)
    }

    fn read_reply(&self, body: &[u8]) -> Vec<Event> {
        reply::read(body)
    }

    fn survey_reply(&self, body: &[u8]) -> Option<Survey> {
        survey::reply(body)
    }

    fn write_reply(&self, events: &[Event], context: &ReplyContext) -> Vec<u8> {
        reply::write(events, context)
    }

    fn event_reader(&self) -> Box<dyn EventReader> {
        Box::new(stream::Reader::default())
    }

    fn event_writer(&self, context: &ReplyContext) -> Box<dyn EventWriter> {
        Box::new(stream::Writer::new(context))
    }

    fn call_id(&self, id: &str, reply: &str, place: usize) -> String {
        if id.is_empty() { ids::made("toolu_", reply, place) } else { ids::legal("toolu_", id) }
    }

    fn may_pause(&self) -> bool {
        true
    }

    fn continued(&self, body: &[u8], said: &[CollectedPart]) -> Option<Vec<u8>> {
        request::continued(body, said)
    }

    fn count_path(&self) -> Option<&'static str> {
        Some("/v1/messages/count_tokens")
    }

    fn count_body(&self, chat: Vec<u8>) -> Vec<u8> {
        count::body(chat)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count::read(body)
    }

    fn write_count(&self, tokens: u64) -> Vec<u8> {
        format!("{{\"input_tokens\":{tokens}}}").into_bytes()
    }

    fn read_error(&self, status: u16, body: &[u8]) -> UpstreamError {
        error::read(status, body)
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error::write(error)
    }
}
