//! Feeds the body of a reply of OpenAI's formats to what assembles its events.
//!
//! Bodies that are no event stream although one was asked for are found out here: an error or a whole
//! reply as bare JSON, a page of HTML. The client's own library would read those as an empty answer.

use serde_json::value::RawValue;

use crate::api_error::UpstreamError;
use crate::codec::EventReader;
use crate::event::Event;
use crate::like_last::LikeLast;
use crate::mend;
use crate::openai_chat::error;
use crate::sse::{Frame, Splitter};

/// Most bytes of lines outside any event that are kept; a whole reply with pictures must fit.
const MAX_STRAY_BYTES: usize = 16 * 1024 * 1024;

/// Makes the events of one reply out of its JSON objects.
pub(crate) trait Reply: Default + Send + Sync {
    /// What stands before the text in an event that is more text and nothing else, if events of this
    /// format are alike but for that.
    const TEXT_MARK: Option<&'static [u8]>;

    /// Tells whether `End` or `Error` was given.
    fn is_closed(&self) -> bool;

    /// Tells whether anything of an answer came.
    fn is_started(&self) -> bool;

    /// Takes the data of one event, or a whole body; either may be an error of any shape.
    ///
    /// # Errors
    ///
    /// The fault of what is no JSON object of this format; nothing is taken then.
    fn object(
        &mut self,
        name: &[u8],
        json: &[u8],
        out: &mut Vec<Event>,
    ) -> Result<(), serde_json::Error>;

    /// Ends the reply with an error, unless it has ended.
    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>);

    /// Takes the mark `[DONE]`.
    fn end_marked(&mut self, out: &mut Vec<Event>);

    /// Ends a reply that was one object.
    fn end_whole(&mut self, out: &mut Vec<Event>);

    /// Ends a stream whose body has ended.
    fn end_body(&mut self, out: &mut Vec<Event>);
}

/// Reader of one stream.
#[derive(Debug, Default)]
pub(crate) struct Feed<R> {
    splitter: Splitter,
    state: State<R>,
}

#[derive(Debug, Default)]
struct State<R> {
    reply: R,
    like_last: LikeLast,
    stray: Vec<u8>,
    at_end: bool,
}

impl<R: Reply> EventReader for Feed<R> {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let state = &mut self.state;
        if !state.reply.is_closed() {
            self.splitter.push(bytes, |frame| state.take(&frame, out));
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let state = &mut self.state;
        state.at_end = true;
        self.splitter.finish(|frame| state.take(&frame, out));
        state.take_whole_stray(out);
        if !state.reply.is_closed() {
            state.reply.end_body(out);
        }
    }
}

impl<R: Reply> State<R> {
    fn take(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) {
        if self.reply.is_closed() {
            return;
        }
        match frame {
            Frame::Event { name, data } => self.take_event(name, data, out),
            Frame::Comment => out.push(Event::Ping),
            Frame::Stray(line) => self.take_stray(line, out),
            Frame::TooLarge => {
                let message = "the upstream sent an event that is too large";
                self.reply.fail(UpstreamError::truncated(message), out);
            }
        }
    }

    fn take_event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<Event>) {
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if data.starts_with(b"[DONE]") {
            self.reply.end_marked(out);
            return;
        }
        if self.like_last.take(name, data, out) {
            return;
        }
        let before = out.len();
        let taken = take_object(&mut self.reply, name, data, out);
        if let Some(mark) = R::TEXT_MARK {
            self.like_last.note(mark, name, data, &out[before..]);
        }
        if let Err(fault) = taken {
            let message = if self.at_end {
                "the upstream closed the stream inside an event".to_owned()
            } else {
                format!("the upstream sent an invalid event: {fault}")
            };
            self.reply.fail(UpstreamError::truncated(message), out);
        }
    }

    fn take_stray(&mut self, line: &[u8], out: &mut Vec<Event>) {
        if self.stray.is_empty() && line.trim_ascii().is_empty() {
            return;
        }
        if self.stray.len() + line.len() > MAX_STRAY_BYTES {
            let message = "the upstream's reply is no event stream and too large";
            self.reply.fail(UpstreamError::truncated(message), out);
            return;
        }
        self.stray.extend_from_slice(line);
        self.stray.push(b'\n');
        if !self.reply.is_started() && self.stray.trim_ascii_start().starts_with(b"<") {
            let message = "the upstream sent a page instead of an event stream";
            self.reply.fail(UpstreamError::truncated(message), out);
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
        if text.is_empty() || self.reply.is_closed() {
            return;
        }
        let whole = serde_json::from_slice::<&RawValue>(text).is_ok();
        if whole && matches!(text.first(), Some(b'{' | b'[')) {
            let stray = std::mem::take(&mut self.stray);
            take_whole(&mut self.reply, &stray, out);
        } else if self.at_end && !self.reply.is_started() {
            let message = "the upstream's reply is neither an event stream nor JSON";
            self.reply.fail(UpstreamError::truncated(message), out);
        }
    }
}

/// Takes one object, mended if it can be read only so.
fn take_object(
    reply: &mut impl Reply,
    name: &[u8],
    json: &[u8],
    out: &mut Vec<Event>,
) -> Result<(), serde_json::Error> {
    reply.object(name, json, out).or_else(|fault| match mend::json(json, &fault) {
        Some(mended) => reply.object(name, &mended, out),
        None => Err(fault),
    })
}

/// Reads a whole 2xx reply.
pub(crate) fn read_whole<R: Reply>(body: &[u8]) -> Vec<Event> {
    let mut out = Vec::new();
    take_whole(&mut R::default(), body, &mut out);
    out
}

/// Takes a whole body: a reply, an error, or something that is neither.
fn take_whole(reply: &mut impl Reply, body: &[u8], out: &mut Vec<Event>) {
    let body = body.trim_ascii();
    let message = if body.is_empty() {
        "the upstream sent an empty body"
    } else if body.starts_with(b"<") {
        "the upstream sent a page instead of a reply"
    } else if body.starts_with(b"[") {
        let message = "the upstream sent a list instead of a reply";
        let error = error::body(502, body);
        let known = error.message.contains(' ') || !error.native_code.is_empty();
        reply.fail(if known { error } else { UpstreamError::truncated(message) }, out);
        return;
    } else if take_object(reply, b"", body, out).is_ok() {
        if !reply.is_closed() {
            reply.end_whole(out);
        }
        return;
    } else {
        "the upstream sent a body that is not JSON"
    };
    reply.fail(UpstreamError::truncated(message), out);
}
