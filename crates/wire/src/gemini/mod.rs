//! Google Gemini `generateContent`, as the format of clients and of providers.
//!
//! What sets it apart: model and delivery stand in the URL, calls may have no ids and are then paired
//! by order and name, arguments are objects instead of text, any part may carry a signature, and a
//! stream has no end marker. Names are read in camelCase and snake_case and written in camelCase.
//!
//! Map: `request` reads and writes requests, `schema` translates tool and answer schemas, `reply`
//! and `stream` do replies, `error` does errors; the small files hold one table each.

mod amend;
mod carry;
mod count;
mod emit;
mod error;
mod finish;
mod letters;
mod logprobs;
mod path;
mod reply;
mod request;
mod schema;
mod sources;
mod stream;
mod survey;
#[cfg(test)]
mod tests;
mod usage;

use bytes::Bytes;

use crate::WireFormat;
use crate::api_error::{ApiError, UpstreamError};
use crate::chat::ChatRequest;
use crate::codec::{
    Change, Codec, EventReader, EventWriter, PathModel, Peek, ReplyContext, Target, WireError,
    Written,
};
use crate::event::Event;
use crate::mend;
use crate::notes::Notes;
use crate::survey::Survey;

/// The codec of Google Gemini `generateContent`.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

impl Codec for Gemini {
    fn format(&self) -> WireFormat {
        WireFormat::Gemini
    }

    fn path_template(&self) -> &'static str {
        "/v1beta/models/{model}:{action}"
    }

    fn upstream_path(&self, template: &str, model: &str, stream: bool) -> String {
        path::upstream(template, model, stream)
    }

    fn peek(&self, body: &[u8], path: Option<&PathModel>) -> Result<Peek, WireError> {
        request::peek(body, path)
    }

    fn splice(&self, body: &Bytes, _: &Peek, _: &Change<'_>) -> Bytes {
        body.clone()
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
        Box::new(stream::Reader::new(stream::Body::Stream))
    }

    fn event_writer(&self, context: &ReplyContext) -> Box<dyn EventWriter> {
        Box::new(stream::Writer::new(context))
    }

    fn count_path(&self) -> Option<&'static str> {
        Some("/v1beta/models/{model}:countTokens")
    }

    fn count_body(&self, chat: Vec<u8>) -> Vec<u8> {
        count::body(chat)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count::read(body)
    }

    fn write_count(&self, tokens: u64) -> Vec<u8> {
        count::write(tokens)
    }

    fn read_error(&self, status: u16, body: &[u8]) -> UpstreamError {
        error::read(status, body)
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error::write(error)
    }

    fn stream_content_type(&self, json_array: bool) -> &'static str {
        if json_array { "application/json" } else { "text/event-stream" }
    }
}
