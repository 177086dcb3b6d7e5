//! OpenAI Chat Completions, as OpenAI speaks it and as the many providers do that imitate it.
//!
//! The reader takes every dialect it is known to meet; the writer emits only what OpenAI's own client
//! library accepts. Requests are in [`request`], whole replies in [`reply`], streams in [`stream`],
//! errors in [`error`].

mod amend;
mod completions;
pub(crate) mod error;
pub mod legacy;
pub(crate) mod quiet_usage;
mod reply;
mod request;
mod stream;
mod survey;

pub use self::completions::LegacyCompletions;
use self::stream::reader::{ChatReader, read_reply};
use self::stream::writer::ChatWriter;
use crate::WireFormat;
use crate::api_error::{ApiError, UpstreamError};
use crate::chat::ChatRequest;
use crate::codec::{
    Codec, EventReader, EventWriter, PathModel, Peek, ReplyContext, Target, WireError, Written,
};
use crate::event::Event;
use crate::mend;
use crate::notes::Notes;
use crate::skim;
use crate::splice;
use crate::survey::Survey;

/// The codec of OpenAI Chat Completions.
pub struct OpenAiChat;

impl Codec for OpenAiChat {
    fn format(&self) -> WireFormat {
        WireFormat::OpenAiChat
    }

    fn end_marker(&self) -> &'static [u8] {
        stream::END_MARKER
    }

    fn path_template(&self) -> &'static str {
        "/v1/chat/completions"
    }

    fn peek(&self, body: &[u8], _: Option<&PathModel>) -> Result<Peek, WireError> {
        splice::outlined(body, &skim::CHAT)
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
        read_reply(body)
    }

    fn survey_reply(&self, body: &[u8]) -> Option<Survey> {
        survey::reply(body)
    }

    fn write_reply(&self, events: &[Event], context: &ReplyContext) -> Vec<u8> {
        reply::write(events, context)
    }

    fn event_reader(&self) -> Box<dyn EventReader> {
        Box::new(ChatReader::default())
    }

    fn event_writer(&self, context: &ReplyContext) -> Box<dyn EventWriter> {
        Box::new(ChatWriter::new(context))
    }

    fn read_error(&self, status: u16, body: &[u8]) -> UpstreamError {
        error::body(status, body)
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        error::write(error)
    }
}
