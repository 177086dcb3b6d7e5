//! The form that came before chat (`/v1/completions`), as a client's format: its requests become chat
//! requests, and chat replies go back as completions. No provider is asked in it.

use super::OpenAiChat;
use super::legacy::{self, LegacyStream};
use crate::WireFormat;
use crate::api_error::{ApiError, UpstreamError};
use crate::chat::ChatRequest;
use crate::codec::{
    Codec, EventReader, EventWriter, Peek, ReplyContext, Target, WireError, Written,
};
use crate::event::Event;
use crate::notes::Notes;

/// The codec of legacy completions. Errors, models and usage are those of Chat.
pub struct LegacyCompletions;

impl Codec for LegacyCompletions {
    fn format(&self) -> WireFormat {
        WireFormat::OpenAiChat
    }

    fn passes_through(&self) -> bool {
        false
    }

    fn path_template(&self) -> &'static str {
        OpenAiChat.path_template()
    }

    fn read_request(&self, body: &[u8], peek: &Peek) -> Result<ChatRequest, WireError> {
        OpenAiChat.read_request(&legacy::request(body)?, peek)
    }

    fn write_request(
        &self,
        request: &ChatRequest,
        target: &Target<'_>,
        notes: &mut Notes,
    ) -> Result<Written, WireError> {
        OpenAiChat.write_request(request, target, notes)
    }

    fn read_reply(&self, body: &[u8]) -> Vec<Event> {
        OpenAiChat.read_reply(body)
    }

    fn write_reply(&self, events: &[Event], context: &ReplyContext) -> Vec<u8> {
        legacy::reply(&OpenAiChat.write_reply(events, context))
    }

    fn event_reader(&self) -> Box<dyn EventReader> {
        OpenAiChat.event_reader()
    }

    fn event_writer(&self, context: &ReplyContext) -> Box<dyn EventWriter> {
        let chat = OpenAiChat.event_writer(context);
        Box::new(Writer { chat, legacy: LegacyStream::default(), written: Vec::new() })
    }

    fn read_error(&self, status: u16, body: &[u8]) -> UpstreamError {
        OpenAiChat.read_error(status, body)
    }

    fn write_error(&self, error: &ApiError) -> Vec<u8> {
        OpenAiChat.write_error(error)
    }
}

/// Writes chat chunks and turns them into completions.
struct Writer {
    chat: Box<dyn EventWriter>,
    legacy: LegacyStream,
    /// Chat bytes that were just written; empty between calls.
    written: Vec<u8>,
}

impl Writer {
    fn pass(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.legacy.push(&self.written));
        self.written.clear();
    }
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.chat.write(event, &mut self.written);
        self.pass(out);
    }

    fn ping(&mut self, out: &mut Vec<u8>) {
        self.chat.ping(out);
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        self.chat.error(error, &mut self.written);
        self.pass(out);
    }
}
