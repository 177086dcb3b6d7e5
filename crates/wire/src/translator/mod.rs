//! Joins a reader of the provider's format and a writer of the client's into one reply stream.
//!
//! When both speak the same format, the client gets the provider's bytes untouched and the reader only
//! watches beside them: for usage, for the finish, for errors inside the stream, and for an end that
//! never came. Else the reader's events are written in the client's format, after what the request put
//! off was done to them.

mod call_ids;
mod collector;
mod free_text;
mod refine;
mod sequence;
#[cfg(test)]
pub(crate) mod surveys;
mod tail;
mod turn;
mod usable;
mod watch;
mod whole;
mod writer;

use bytes::Bytes;

pub use self::collector::Collector;
use self::refine::Refine;
use self::sequence::Sequence;
use self::tail::Tail;
pub use self::usable::as_api_error;
use self::watch::Watch;
pub use self::whole::{WholeReply, WholeTurn, pass_reply, translate_reply};
use self::writer::LateWriter;
use crate::WireFormat;
use crate::api_error::{ApiError, UpstreamError};
use crate::codec::{Codec, EventReader, Passed, ReplyContext};
use crate::event::{Event, Finish, Usage};
use crate::openai_chat::quiet_usage::QuietUsage;
use crate::recall::Learned;

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
    reader: Box<dyn EventReader>,
    writer: LateWriter,
    /// What is done to the events; only of translated streams.
    refine: Option<Box<Refine>>,
    /// Takes out usage that the client did not ask for; only of exact streams.
    quiet: Option<QuietUsage>,
    events: Vec<Event>,
    watch: Watch,
    tail: Tail,
    /// Numbers of what was passed on; only of exact Responses streams.
    sequence: Option<Sequence>,
    /// Whether an error of ours was written: nothing may follow it.
    interrupted: bool,
}

impl Translator {
    /// Makes the join for one reply.
    ///
    /// The mode is [`Mode::Exact`] if both formats are the same. A stream that is to be one JSON array
    /// is always translated, because providers are asked for event streams.
    pub fn new(upstream: &dyn Codec, client: &'static dyn Codec, context: ReplyContext) -> Self {
        let same = is_exact(upstream, client) && !context.json_array;
        Self {
            mode: if same { Mode::Exact } else { Mode::Translated },
            reader: upstream.event_reader(),
            refine: (!same).then(|| Box::new(Refine::new(upstream, client, &context))),
            quiet: (same && context.hide_usage).then(QuietUsage::default),
            events: Vec::new(),
            watch: Watch::default(),
            tail: Tail::default(),
            sequence: (same && client.format() == WireFormat::OpenAiResponses)
                .then(Sequence::default),
            writer: LateWriter::new(client, context),
            interrupted: false,
        }
    }

    /// Returns whether bytes are passed on or written anew.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Takes the next bytes of the provider's body and appends the client's bytes to `out`.
    ///
    /// In exact mode that is `chunk` itself, also after an error of the provider's: its own words for it go to
    /// the client untouched. An event that cannot be read, and in translated mode any error, ends the reply: it
    /// is written in the client's format with its terminator, and what comes later is ignored, because nobody
    /// could tell any more whether the answer is whole and what it costs.
    pub fn push(&mut self, chunk: &Bytes, out: &mut Vec<Bytes>) -> Progress {
        if self.interrupted || chunk.is_empty() {
            return self.progress();
        }
        self.reader.push(chunk, &mut self.events);
        match self.mode {
            Mode::Exact => {
                let had_failed = self.watch.error.is_some();
                self.watch_events();
                let before = out.len();
                match &mut self.quiet {
                    Some(quiet) => quiet.push(chunk, out),
                    None => out.push(chunk.clone()),
                }
                self.note_passed(&out[before..]);
                self.tell_own_finding(had_failed, out);
            }
            Mode::Translated => self.write_events(out),
        }
        self.progress()
    }

    /// Says that the provider's body ended properly, and appends the client's last bytes to `out`.
    ///
    /// A body that ended before it was complete gets an error event and the terminator appended, also
    /// in exact mode, where it begins on a clean event boundary; one that was complete but for its end marker gets that.
    pub fn finish(&mut self, out: &mut Vec<Bytes>) -> Progress {
        if self.interrupted {
            return self.progress();
        }
        let (had_failed, was_complete) = (self.watch.error.is_some(), self.watch.complete);
        self.reader.finish(&mut self.events);
        match self.mode {
            Mode::Exact => {
                self.watch_events();
                self.tell_own_finding(had_failed, out);
                self.let_go(out);
                if self.watch.complete && !was_complete {
                    self.mark_end(out);
                }
            }
            Mode::Translated => {
                self.write_events(out);
                if let Some(refine) = self.refine.as_mut().filter(|refine| refine.is_paused()) {
                    let mut last = refine.end();
                    self.write(&mut last, out);
                }
            }
        }
        self.interrupted = self.watch.error.is_some();
        self.progress()
    }

    /// Ends an exact reply that has just turned out to be no reply, or not a whole one: the provider has not told
    /// the client. `had_failed`: there was an error before.
    fn tell_own_finding(&mut self, had_failed: bool, out: &mut Vec<Bytes>) {
        let ours = self.watch.error.as_ref().filter(|error| error.truncated && !had_failed);
        let Some(error) = ours.cloned() else { return };
        self.let_go(out);
        let mut bytes = self.tail.closing();
        self.resume();
        self.writer.get().write(&Event::Error(error), &mut bytes);
        out.push(bytes.into());
        self.interrupted = true;
    }

    /// Appends the end marker to a whole answer whose provider left it out: clients wait for it.
    fn mark_end(&mut self, out: &mut Vec<Bytes>) {
        let marker = self.writer.client().end_marker();
        if !marker.is_empty() {
            out.push([&self.tail.closing(), marker].concat().into());
        }
    }

    /// Passes on what was held back for its usage.
    fn let_go(&mut self, out: &mut Vec<Bytes>) {
        let before = out.len();
        if let Some(quiet) = &mut self.quiet {
            quiet.finish(out);
        }
        self.note_passed(&out[before..]);
    }

    fn note_passed(&mut self, pieces: &[Bytes]) {
        for piece in pieces {
            self.tail.note(piece);
            if let Some(sequence) = &mut self.sequence {
                sequence.note(piece);
            }
        }
    }

    /// Tells the writer what the client has got, before it writes an error behind it.
    fn resume(&mut self) {
        if let Some(sequence) = self.sequence.as_ref().filter(|_| !self.watch.id.is_empty()) {
            let (id, model) = (&*self.watch.id, &*self.watch.model);
            self.writer.get().resume(&Passed { id, model, next: sequence.next() });
        }
    }

    /// Returns the reasoning behind calls that was heard since this was last asked. Nothing of an exact
    /// stream.
    pub fn learned(&mut self) -> Vec<Learned> {
        self.refine.as_mut().map(|refine| refine.learned()).unwrap_or_default()
    }

    /// Tells whether the answer was cut at a stop sequence, so that the provider need not go on.
    pub fn is_cut(&self) -> bool {
        self.refine.as_ref().is_some_and(|refine| refine.is_cut())
    }

    /// Says that the provider's body ended properly and appends what that completes. Returns the request
    /// that has the provider go on, if it paused in the middle of its turn and the client does not know
    /// that; `body` is the one that asked for the answer.
    ///
    /// Unless the provider is asked, the stream is to be finished: it then ends where it stands.
    pub fn end_body(
        &mut self,
        upstream: &dyn Codec,
        body: &[u8],
        out: &mut Vec<Bytes>,
    ) -> Option<Vec<u8>> {
        let bridges = self.refine.as_ref().is_some_and(|refine| refine.bridges_pauses());
        if self.interrupted || !bridges {
            return None;
        }
        self.reader.finish(&mut self.events);
        self.write_events(out);
        self.refine.as_ref().and_then(|refine| refine.continued(upstream, body))
    }

    /// Expects the reply that goes on where the provider paused.
    pub fn go_on(&mut self, upstream: &dyn Codec) {
        self.reader = upstream.event_reader();
        if let Some(refine) = &mut self.refine {
            refine.go_on();
        }
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
        let mut held = Vec::new();
        self.let_go(&mut held);
        let mut bytes = held.concat();
        if self.mode == Mode::Exact {
            bytes.extend_from_slice(&self.tail.closing());
            self.resume();
        }
        self.writer.get().error(error, &mut bytes);
        bytes.into()
    }

    /// Returns the client format's sign of life for a silent stream, empty if it has none or if the
    /// last event of an exact stream is not closed yet.
    pub fn ping(&mut self) -> Bytes {
        let mut bytes = Vec::new();
        let closed = self.mode == Mode::Translated || self.tail.is_closed();
        if closed && self.progress() == Progress::Open && !self.interrupted {
            self.writer.get().ping(&mut bytes);
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

    /// Tells whether the client has been told of an error in words of the gateway's: nothing may follow.
    pub fn has_told(&self) -> bool {
        self.interrupted || (self.mode == Mode::Translated && self.watch.error.is_some())
    }

    /// Returns the error that ended the reply.
    pub const fn error(&self) -> Option<&UpstreamError> {
        self.watch.error.as_ref()
    }

    /// Returns the token counts known so far.
    pub const fn usage(&self) -> Usage {
        self.watch.usage
    }

    /// Returns the token counts known so far; output that the provider has not counted, because it never
    /// says or because the reply ended early, is estimated and marked so.
    pub fn usage_or_estimate(&self) -> Usage {
        self.watch.usage_or_estimate(self.is_cut())
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
        let mut events = std::mem::take(&mut self.events);
        if let Some(refine) = &mut self.refine {
            refine.take(&mut events);
        }
        self.write(&mut events, out);
        self.events = events;
    }

    fn write_one(&mut self, event: &Event, bytes: &mut Vec<u8>) {
        self.watch.see(event);
        self.writer.get().write(event, bytes);
    }

    /// Writes events that are refined, leaving the list empty.
    fn write(&mut self, events: &mut Vec<Event>, out: &mut Vec<Bytes>) {
        let mut bytes = Vec::new();
        for event in events.drain(..) {
            if self.watch.error.is_some() {
                break;
            }
            if event == Event::End
                && let Some(usage) = self.watch.uncounted(self.writer.client().format())
            {
                self.write_one(&Event::Usage(usage), &mut bytes);
            }
            self.write_one(&event, &mut bytes);
        }
        if !bytes.is_empty() {
            out.push(bytes.into());
        }
    }
}

/// Tells whether a provider's bytes may go to this client as they are.
pub fn is_exact(upstream: &dyn Codec, client: &dyn Codec) -> bool {
    upstream.format() == client.format() && client.passes_through()
}

#[cfg(test)]
mod tests;
