//! Reads an event stream of this format, and a whole body, into events.

use super::assembly::{Assembly, Ending};
use super::chunk::Chunk;
use crate::api_error::UpstreamError;
use crate::event::Event;
use crate::feed::{Feed, Reply, read_whole};
use crate::json;
use crate::openai_chat::error;

/// Reader of one stream.
pub(crate) type ChatReader = Feed<Assembly>;

/// Reads a whole 2xx reply.
pub(crate) fn read_reply(body: &[u8]) -> Vec<Event> {
    read_whole::<Assembly>(body)
}

impl Reply for Assembly {
    const TEXT_MARK: Option<&'static [u8]> = Some(b"\"content\":\"");

    fn is_closed(&self) -> bool {
        Self::is_closed(self)
    }

    fn is_started(&self) -> bool {
        Self::is_started(self)
    }

    fn object(
        &mut self,
        name: &[u8],
        json: &[u8],
        out: &mut Vec<Event>,
    ) -> Result<(), serde_json::Error> {
        let chunk: Chunk<'_> = json::read(json)?;
        take_chunk(self, &chunk, json, name == b"error", out);
        Ok(())
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        Self::fail(self, error, out);
    }

    fn end_marked(&mut self, out: &mut Vec<Event>) {
        self.end(Ending::Marked, out);
    }

    fn end_whole(&mut self, out: &mut Vec<Event>) {
        self.end(Ending::Marked, out);
    }

    fn end_body(&mut self, out: &mut Vec<Event>) {
        self.end(Ending::Body, out);
    }
}

fn take_chunk(
    assembly: &mut Assembly,
    chunk: &Chunk<'_>,
    data: &[u8],
    named_error: bool,
    out: &mut Vec<Event>,
) {
    let bare_error = chunk.choices.is_none()
        && chunk.usage.is_none()
        && (chunk.errors.is_some() || chunk.detail.is_some() || chunk.message.is_some());
    if chunk.error.is_some() || bare_error || named_error {
        let text = String::from_utf8_lossy(data);
        assembly.fail(error::in_band(&text), out);
        return;
    }
    assembly.take(chunk, out);
}
