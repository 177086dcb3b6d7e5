//! Joins a reader of the provider's format and a writer of the client's into one reply stream.
//!
//! When both speak the same format, the client gets the provider's bytes untouched and the reader only
//! watches beside them: for usage, for the finish, for errors inside the stream, and for an end that
//! never came. Else the reader's events are written in the client's format.

use bytes::Bytes;

use crate::WireFormat;
use crate::api_error::{ApiError, ErrorKind, UpstreamError};
use crate::codec::{Codec, EventReader, EventWriter, ReplyContext};
use crate::event::{Event, Finish, Usage};

/// Whether bytes are passed on or written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The client gets the provider's bytes.
    Exact,
    /// The client gets bytes in its own format.
    Translated,
}

/// Where a reply stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    Open,
    /// The format's own end was seen.
    Complete,
    /// The reply failed; [`Translator::error`] says how.
    Failed,
}

/// One reply stream.
///
/// Until [`Translator::has_content`] a caller may hold the output back and give the request to another
/// account instead: nothing the client could show has been made. After it, output must go out as it
/// comes.
pub struct Translator {
    mode: Mode,
    client: WireFormat,
    reader: Box<dyn EventReader>,
    writer: Box<dyn EventWriter>,
    events: Vec<Event>,
    watch: Watch,
    tail: Tail,
    /// Whether an error of ours was written: nothing may follow it.
    interrupted: bool,
}

/// What the events said so far.
#[derive(Debug, Default)]
struct Watch {
    id: String,
    model: String,
    has_content: bool,
    usage: Usage,
    finish: Option<(u16, Finish)>,
    error: Option<UpstreamError>,
    complete: bool,
}

impl Translator {
    /// Makes the join for one reply.
    ///
    /// The mode is [`Mode::Exact`] if both formats are the same. A stream that is to be one JSON array
    /// is always translated, because providers are asked for event streams.
    pub fn new(upstream: &dyn Codec, client: &dyn Codec, context: ReplyContext) -> Self {
        let same = upstream.format() == client.format() && !context.json_array;
        Self {
            mode: if same { Mode::Exact } else { Mode::Translated },
            client: client.format(),
            reader: upstream.event_reader(),
            writer: client.event_writer(&context),
            events: Vec::new(),
            watch: Watch::default(),
            tail: Tail::default(),
            interrupted: false,
        }
    }

    /// Returns whether bytes are passed on or written anew.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Takes the next bytes of the provider's body and appends the client's bytes to `out`.
    ///
    /// In exact mode that is `chunk` itself, also after an error: the provider's own words for it go to
    /// the client untouched. In translated mode an error is written in the client's format with its
    /// terminator, and what comes later is ignored.
    pub fn push(&mut self, chunk: &Bytes, out: &mut Vec<Bytes>) -> Progress {
        if self.interrupted || chunk.is_empty() {
            return self.progress();
        }
        self.reader.push(chunk, &mut self.events);
        match self.mode {
            Mode::Exact => {
                self.watch_events();
                self.tail.note(chunk);
                out.push(chunk.clone());
            }
            Mode::Translated => self.write_events(out),
        }
        self.progress()
    }

    /// Says that the provider's body ended properly, and appends the client's last bytes to `out`.
    ///
    /// A body that ended before it was complete gets an error event and the terminator appended, also
    /// in exact mode, where it begins on a clean event boundary.
    pub fn finish(&mut self, out: &mut Vec<Bytes>) -> Progress {
        if self.interrupted {
            return self.progress();
        }
        let had_failed = self.watch.error.is_some();
        self.reader.finish(&mut self.events);
        match self.mode {
            Mode::Exact => {
                self.watch_events();
                let ours = self.watch.error.as_ref().filter(|error| error.truncated && !had_failed);
                if let Some(error) = ours.cloned() {
                    let mut bytes = self.tail.closing();
                    self.writer.write(&Event::Error(error), &mut bytes);
                    out.push(bytes.into());
                }
            }
            Mode::Translated => self.write_events(out),
        }
        self.interrupted = self.watch.error.is_some();
        self.progress()
    }

    /// Returns the client's error event and terminator for a stream that cannot go on.
    ///
    /// Empty if the reply is already complete or its error was already sent.
    pub fn interrupt(&mut self, error: &ApiError) -> Bytes {
        let sent = self.interrupted || self.watch.complete || self.watch.error.is_some();
        self.interrupted = true;
        if sent {
            return Bytes::new();
        }
        let mut bytes = match self.mode {
            Mode::Exact => self.tail.closing(),
            Mode::Translated => Vec::new(),
        };
        self.writer.error(error, &mut bytes);
        bytes.into()
    }

    /// Returns the client format's sign of life for a silent stream, empty if it has none or if the
    /// last event of an exact stream is not closed yet.
    pub fn ping(&mut self) -> Bytes {
        let mut bytes = Vec::new();
        let closed = self.mode == Mode::Translated || self.tail.is_closed();
        if closed && self.progress() == Progress::Open && !self.interrupted {
            self.writer.ping(&mut bytes);
        }
        bytes.into()
    }

    /// Returns where the stream stands.
    pub const fn progress(&self) -> Progress {
        if self.watch.error.is_some() {
            Progress::Failed
        } else if self.watch.complete {
            Progress::Complete
        } else {
            Progress::Open
        }
    }

    /// Tells whether anything came that a client has something to show for.
    pub const fn has_content(&self) -> bool {
        self.watch.has_content
    }

    /// Returns the error that ended the reply.
    pub const fn error(&self) -> Option<&UpstreamError> {
        self.watch.error.as_ref()
    }

    /// Returns the token counts known so far.
    pub const fn usage(&self) -> Usage {
        self.watch.usage
    }

    /// Returns why the first answer ended, once it has.
    pub fn end_reason(&self) -> Option<Finish> {
        self.watch.finish.map(|(_, reason)| reason)
    }

    /// Tells whether the format's own end was seen.
    pub const fn is_complete(&self) -> bool {
        self.watch.complete
    }

    /// Returns the provider's id of the reply, empty if it gave none.
    pub fn id(&self) -> &str {
        &self.watch.id
    }

    /// Returns the model as the provider names it, empty if it did not.
    pub fn model(&self) -> &str {
        &self.watch.model
    }

    fn watch_events(&mut self) {
        for event in self.events.drain(..) {
            self.watch.see(&event);
        }
    }

    fn write_events(&mut self, out: &mut Vec<Bytes>) {
        let mut bytes = Vec::new();
        for event in self.events.drain(..) {
            if self.watch.error.is_some() {
                break;
            }
            let event = usable(event, self.client);
            self.watch.see(&event);
            self.writer.write(&event, &mut bytes);
        }
        if !bytes.is_empty() {
            out.push(bytes.into());
        }
    }
}

impl Watch {
    fn see(&mut self, event: &Event) {
        self.has_content |= event.is_content();
        match event {
            Event::Start { id, model, .. } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Event::Usage(usage) => self.usage.merge(usage),
            Event::Finish { choice, reason, .. }
                if self.finish.is_none_or(|(first, _)| *choice < first) =>
            {
                self.finish = Some((*choice, *reason));
            }
            Event::Error(error) => self.error = Some(error.clone()),
            Event::End => self.complete = true,
            _ => {}
        }
    }
}

/// The end of what was passed on, as much as tells whether an event is still open.
#[derive(Debug, Default)]
struct Tail {
    last: [u8; 3],
    passed: bool,
}

impl Tail {
    fn note(&mut self, chunk: &[u8]) {
        self.passed = true;
        for &byte in &chunk[chunk.len().saturating_sub(3)..] {
            self.last = [self.last[1], self.last[2], byte];
        }
    }

    /// Tells whether nothing was passed or the last line was blank.
    fn is_closed(&self) -> bool {
        !self.passed
            || matches!(self.last, [_, b'\n', b'\n'] | [_, b'\r', b'\r'] | [b'\n', b'\r', b'\n'])
    }

    /// Returns the line ends that close an open event.
    fn closing(&self) -> Vec<u8> {
        if self.is_closed() {
            return Vec::new();
        }
        match self.last[2] {
            b'\n' => b"\n".to_vec(),
            // A lone CR may be half of a CRLF; the first LF then completes it.
            _ => b"\n\n".to_vec(),
        }
    }
}

/// A whole reply as the client gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeReply {
    /// The body; an error body of the client's format if `error` is set and the formats differ.
    pub body: Bytes,
    /// Token counts.
    pub usage: Usage,
    /// Why the first answer ended.
    pub finish: Option<Finish>,
    /// Set if the body was an error or no reply at all. The caller chooses the status.
    pub error: Option<UpstreamError>,
}

/// Translates a whole 2xx reply. Between equal formats the body stays the same bytes.
pub fn translate_reply(
    upstream: &dyn Codec,
    client: &dyn Codec,
    body: &Bytes,
    context: &ReplyContext,
) -> WholeReply {
    let exact = upstream.format() == client.format();
    let mut watch = Watch::default();
    let mut events = upstream.read_reply(body);
    if !exact {
        events = events.into_iter().map(|event| usable(event, client.format())).collect();
    }
    for event in &events {
        watch.see(event);
    }
    let written = match &watch.error {
        _ if exact => body.clone(),
        Some(error) => client.write_error(&as_api_error(error)).into(),
        None => client.write_reply(&events, context).into(),
    };
    WholeReply {
        body: written,
        usage: watch.usage,
        finish: watch.finish.map(|(_, reason)| reason),
        error: watch.error,
    }
}

/// Makes an error of a call that nobody but a Gemini client has a word for.
fn usable(event: Event, client: WireFormat) -> Event {
    match event {
        Event::Finish { reason: Finish::InvalidCall, native, detail, .. }
            if client != WireFormat::Gemini =>
        {
            let message = detail.unwrap_or_else(|| {
                format!("the model made a tool call that cannot be used ({native})")
            });
            let mut error = UpstreamError::server(502, message);
            error.native_type = native;
            Event::Error(error)
        }
        event => event,
    }
}

/// Says a provider's error as one of ours, with the same message and class.
pub fn as_api_error(error: &UpstreamError) -> ApiError {
    ApiError {
        status: error.status,
        kind: error.kind,
        code: code(error.kind),
        message: error.message.clone(),
        param: error.param.clone(),
        retry_after: error.retry_after,
        request_id: None,
    }
}

const fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::ContextTooLong => "context_length_exceeded",
        ErrorKind::Authentication => "upstream_authentication",
        ErrorKind::Permission => "upstream_permission",
        ErrorKind::NotFound => "model_not_found",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimit => "rate_limit_exceeded",
        ErrorKind::Quota => "insufficient_quota",
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Server => "upstream_error",
    }
}

#[cfg(test)]
mod tests;
