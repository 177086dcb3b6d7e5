//! Finds the objects of a reply in the bytes of a body, whatever form it has.

use super::fold::Fold;
use super::objects::Objects;
use crate::api_error::UpstreamError;
use crate::codec::EventReader;
use crate::event::Event;
use crate::sse::{Frame, Splitter};

/// What the body is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gemini) enum Body {
    /// A reply stream.
    Stream,
    /// One whole reply.
    Whole,
}

/// Reader of one reply.
///
/// Takes server-sent events, one JSON array of replies, or a single JSON object: which of them it is
/// shows in the first character, and providers do not always send what was asked for.
pub(in crate::gemini) struct Reader {
    body: Body,
    form: Form,
    splitter: Splitter,
    sink: Sink,
}

#[derive(PartialEq)]
enum Form {
    Unknown,
    Events,
    Json,
}

/// Takes objects wherever they were found.
#[derive(Default)]
struct Sink {
    fold: Fold,
    strays: Objects,
    done: bool,
}

impl Reader {
    /// Makes a reader for one body.
    pub(in crate::gemini) fn new(body: Body) -> Self {
        Self { body, form: Form::Unknown, splitter: Splitter::default(), sink: Sink::default() }
    }

    /// Decides on the form by the first character, skipping blanks and a byte order mark.
    fn find_form<'b>(&mut self, bytes: &'b [u8], out: &mut Vec<Event>) -> &'b [u8] {
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
        let Some(first) = bytes.iter().position(|byte| !is_blank(byte)) else { return &[] };
        self.form = match bytes[first] {
            b'[' | b'{' => Form::Json,
            _ => Form::Events,
        };
        if bytes[first] == b'<' {
            self.sink.html(out);
        }
        &bytes[first..]
    }
}

impl EventReader for Reader {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        if self.sink.done {
            return;
        }
        let bytes = if self.form == Form::Unknown { self.find_form(bytes, out) } else { bytes };
        let sink = &mut self.sink;
        match self.form {
            Form::Unknown => {}
            Form::Json => sink.bare(bytes, out),
            Form::Events => self.splitter.push(bytes, |frame| sink.frame(&frame, out)),
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let sink = &mut self.sink;
        if sink.done {
            return;
        }
        if self.form == Form::Events {
            self.splitter.finish(|frame| sink.frame(&frame, out));
        }
        if sink.done {
            return;
        }
        if sink.strays.is_inside() {
            let message = "upstream closed the stream inside an event";
            sink.fail(UpstreamError::truncated(message), out);
            return;
        }
        sink.done = true;
        let whole = self.body == Body::Whole && self.form == Form::Json;
        sink.fold.end(whole, out);
    }
}

impl Sink {
    fn frame(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) {
        if self.done {
            return;
        }
        match frame {
            Frame::Event { data, .. } => self.data(data, out),
            Frame::Stray(line) => self.stray(line, out),
            // A sign of life before the reply has begun would commit to this provider.
            Frame::Comment if self.fold.has_started() => out.push(Event::Ping),
            Frame::Comment => {}
            Frame::TooLarge => self.too_large(out),
        }
    }

    fn data(&mut self, data: &[u8], out: &mut Vec<Event>) {
        let data = data.trim_ascii();
        // `[DONE]` belongs to another format; compatible servers send it all the same.
        if data.is_empty() || data == b"[DONE]" {
            return;
        }
        if data[0] != b'[' {
            self.object(data, out);
            return;
        }
        let mut list = Objects::default();
        list.push(data, |object| self.object(object, out));
        if list.is_inside() {
            self.fail(UpstreamError::truncated("the provider sent an unreadable event"), out);
        }
    }

    /// Takes a line that is no field: a piece of a bare JSON object, or of an HTML page.
    fn stray(&mut self, line: &[u8], out: &mut Vec<Event>) {
        let first = line.trim_ascii_start().first().copied();
        if first == Some(b'<') && !self.fold.has_started() && !self.strays.is_inside() {
            self.html(out);
        } else if self.strays.is_inside() || matches!(first, Some(b'{' | b'[')) {
            self.bare(line, out);
            self.bare(b"\n", out);
        }
    }

    fn bare(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let mut strays = std::mem::take(&mut self.strays);
        strays.push(bytes, |object| self.object(object, out));
        if strays.is_too_large() {
            self.too_large(out);
        }
        self.strays = strays;
    }

    fn object(&mut self, object: &[u8], out: &mut Vec<Event>) {
        if self.done {
            return;
        }
        if let Err(error) = self.fold.object(object, out) {
            self.fail(error, out);
        }
    }

    fn html(&mut self, out: &mut Vec<Event>) {
        self.fail(UpstreamError::truncated("upstream sent an HTML page instead of a reply"), out);
    }

    fn too_large(&mut self, out: &mut Vec<Event>) {
        self.fail(UpstreamError::truncated("upstream sent an event that is too large"), out);
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if !self.done {
            self.done = true;
            out.push(Event::Error(error));
        }
    }
}
