//! Reads an event stream of this format, and a whole body, into events.
//!
//! Bodies that are no event stream although one was asked for are found out here: an error or a whole
//! reply as bare JSON, a page of HTML. The client's own library would read those as an empty answer.

use serde_json::Value;

use super::assembly::{Assembly, Ending};
use super::chunk::Chunk;
use super::mend;
use crate::api_error::UpstreamError;
use crate::codec::EventReader;
use crate::event::Event;
use crate::openai_chat::error;
use crate::sse::{Frame, Splitter};

/// Most bytes of lines outside any event that are kept; a whole reply with pictures must fit.
const MAX_STRAY_BYTES: usize = 16 * 1024 * 1024;

/// Reader of one stream.
#[derive(Debug, Default)]
pub(crate) struct ChatReader {
    splitter: Splitter,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    assembly: Assembly,
    stray: Vec<u8>,
    at_end: bool,
}

impl EventReader for ChatReader {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let state = &mut self.state;
        if !state.assembly.is_closed() {
            self.splitter.push(bytes, |frame| state.take(&frame, out));
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let state = &mut self.state;
        state.at_end = true;
        self.splitter.finish(|frame| state.take(&frame, out));
        state.take_whole_stray(out);
        state.assembly.end(Ending::Body, out);
    }
}

impl State {
    fn take(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) {
        if self.assembly.is_closed() {
            return;
        }
        match frame {
            Frame::Event { name, data } => self.take_event(name, data, out),
            Frame::Comment => out.push(Event::Ping),
            Frame::Stray(line) => self.take_stray(line, out),
            Frame::TooLarge => {
                let message = "the upstream sent an event that is too large";
                self.assembly.fail(UpstreamError::server(502, message), out);
            }
        }
    }

    fn take_event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<Event>) {
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if data.starts_with(b"[DONE]") {
            self.assembly.end(Ending::Marked, out);
            return;
        }
        if let Err(fault) = take_object(&mut self.assembly, data, name == b"error", out) {
            let error = if self.at_end {
                UpstreamError::truncated("the upstream closed the stream inside an event")
            } else {
                UpstreamError::server(502, format!("the upstream sent an invalid event: {fault}"))
            };
            self.assembly.fail(error, out);
        }
    }

    fn take_stray(&mut self, line: &[u8], out: &mut Vec<Event>) {
        if self.stray.is_empty() && line.trim_ascii().is_empty() {
            return;
        }
        if self.stray.len() + line.len() > MAX_STRAY_BYTES {
            let message = "the upstream's reply is no event stream and too large";
            self.assembly.fail(UpstreamError::truncated(message), out);
            return;
        }
        self.stray.extend_from_slice(line);
        self.stray.push(b'\n');
        if !self.assembly.is_started() && self.stray.trim_ascii_start().starts_with(b"<") {
            let message = "the upstream sent a page instead of an event stream";
            self.assembly.fail(UpstreamError::truncated(message), out);
            return;
        }
        // Only a line that may close the outermost object is worth a try: nested ones are indented.
        if matches!(line.first(), Some(b'{' | b'[' | b'}' | b']')) {
            self.take_whole_stray(out);
        }
    }

    /// Takes the lines outside any event if together they are JSON.
    fn take_whole_stray(&mut self, out: &mut Vec<Event>) {
        let text = self.stray.trim_ascii();
        if text.is_empty() || self.assembly.is_closed() {
            return;
        }
        let whole = serde_json::from_slice::<&serde_json::value::RawValue>(text).is_ok();
        if whole && matches!(text.first(), Some(b'{' | b'[')) {
            let stray = std::mem::take(&mut self.stray);
            take_whole(&mut self.assembly, &stray, out);
        } else if self.at_end && !self.assembly.is_started() {
            let message = "the upstream's reply is neither an event stream nor JSON";
            self.assembly.fail(UpstreamError::truncated(message), out);
        }
    }
}

/// Reads a whole 2xx reply.
pub(crate) fn read_reply(body: &[u8]) -> Vec<Event> {
    let mut out = Vec::new();
    take_whole(&mut Assembly::default(), body, &mut out);
    out
}

/// Takes a whole body: a reply, an error, or something that is neither.
fn take_whole(assembly: &mut Assembly, body: &[u8], out: &mut Vec<Event>) {
    let body = body.trim_ascii();
    let message = if body.is_empty() {
        "the upstream sent an empty body"
    } else if body.starts_with(b"<") {
        "the upstream sent a page instead of a reply"
    } else if body.starts_with(b"[") {
        let message = "the upstream sent a list instead of a reply";
        let error = error::body(502, body);
        let known = error.message.contains(' ') || !error.native_code.is_empty();
        assembly.fail(if known { error } else { UpstreamError::truncated(message) }, out);
        return;
    } else if take_object(assembly, body, false, out).is_ok() {
        assembly.end(Ending::Marked, out);
        return;
    } else {
        "the upstream sent a body that is not JSON"
    };
    assembly.fail(UpstreamError::truncated(message), out);
}

/// Takes one JSON object, which may be an error of any shape.
fn take_object(
    assembly: &mut Assembly,
    data: &[u8],
    named_error: bool,
    out: &mut Vec<Event>,
) -> Result<(), serde_json::Error> {
    match serde_json::from_slice::<Chunk<'_>>(data) {
        Ok(chunk) => take_chunk(assembly, &chunk, data, named_error, out),
        Err(fault) => {
            let Some(again) = mended(data, &fault) else { return Err(fault) };
            let chunk: Chunk<'_> = serde_json::from_slice(&again)?;
            take_chunk(assembly, &chunk, &again, named_error, out);
        }
    }
    Ok(())
}

/// Returns the object in a form that may be read, if its fault is one we know.
fn mended(data: &[u8], fault: &serde_json::Error) -> Option<Vec<u8>> {
    if fault.is_data() {
        // A member that stands twice: once through `Value`, where the last one wins.
        let value: Value = serde_json::from_slice(data).ok()?;
        return Some(value.to_string().into_bytes());
    }
    mend::lone_surrogates(data)
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
        && (chunk.detail.is_some() || chunk.message.is_some());
    if chunk.error.is_some() || bare_error || named_error {
        let text = String::from_utf8_lossy(data);
        assembly.fail(error::in_band(&text), out);
        return;
    }
    assembly.take(chunk, out);
}
