//! OpenAI Responses, as OpenAI speaks it and as the providers do that imitate it.
//!
//! The reader takes every dialect it is known to meet; the writer emits the complete grammar that
//! OpenAI's own client library and Codex accept. Requests are in [`request`], whole replies in
//! [`reply`], streams in [`stream`]. Errors have the shape of Chat Completions.

mod amend;
mod count;
mod encrypted;
mod finish;
mod namespace;
mod output;
mod reply;
mod request;
mod response;
mod settings;
mod stream;
mod survey;
mod usage;

use crate::WireFormat;
use crate::api_error::{ApiError, UpstreamError};
use crate::chat::ChatRequest;
use crate::codec::{
    Codec, EventReader, EventWriter, PathModel, Peek, ReplyContext, Target, WireError, Written,
};
use crate::event::Event;
use crate::mend;
use crate::notes::Notes;
use crate::openai_chat;
use crate::skim;
use crate::splice;
use crate::survey::Survey;

/// The codec of OpenAI Responses.
pub struct OpenAiResponses;

impl Codec for OpenAiResponses {
    fn format(&self) -> WireFormat {
        WireFormat::OpenAiResponses
    }

    fn path_template(&self) -> &'static str {
        "/v1/responses"
    }

    fn peek(&self, body: &[u8], _: Option<&PathModel>) -> Result<Peek, WireError> {
        splice::outlined(body, &skim::RESPONSES)
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

    fn count_path(&self) -> Option<&'static str> {
        Some(count::PATH)
    }

    fn count_body(&self, chat: Vec<u8>) -> Vec<u8> {
        count::body(chat)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        count::read(body)
    }

    fn read_error(&self, status: u16, body: &[u8]) -> UpstreamError {
        openai_chat::error::body(status, body)
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        openai_chat::error::write(error)
    }
}
