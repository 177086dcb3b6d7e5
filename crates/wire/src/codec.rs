//! The seam every format implements.

use bytes::Bytes;
use thiserror::Error;

use crate::WireFormat;
use crate::aftercare::Aftercare;
use crate::amend::{Amend, Edits};
use crate::api_error::{ApiError, UpstreamError};
use crate::chat::{ChatRequest, Opaque, Vendor};
use crate::collect::CollectedPart;
use crate::envelope::Seal;
use crate::event::Event;
use crate::ids;
use crate::model_facts::ModelFacts;
use crate::notes::Notes;
use crate::skim::Outline;
use crate::splice;
use crate::survey::Survey;

/// Reads and writes one wire format: requests, whole replies, streams and errors.
///
/// Codecs hold no state; what a stream needs lives in the reader or writer made for it.
pub trait Codec: Amend + Send + Sync + 'static {
    /// Returns the format this codec speaks.
    fn format(&self) -> WireFormat;

    /// Returns what stands at the end of a complete stream, empty if nothing does.
    fn end_marker(&self) -> &'static [u8] {
        b""
    }

    /// Returns the path of the chat endpoint at a provider, appended to its `base_url`.
    ///
    /// `{model}` and `{action}` are replaced by [`Codec::upstream_path`].
    fn path_template(&self) -> &'static str;

    /// Makes the path and query for one call from a template (the codec's own or the operator's).
    fn upstream_path(&self, template: &str, model: &str, stream: bool) -> String {
        let _ = stream;
        template.replace("{model}", model)
    }

    /// Reads what routing needs from a request without translating it, and what a budget does if it is plain.
    ///
    /// `path` holds what the URL said, for formats that put model and delivery there.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if the body is not JSON, not an object, or names no model.
    fn peek(&self, body: &[u8], path: Option<&PathModel>) -> Result<Peek, WireError> {
        let _ = path;
        splice::peek_body(body)
    }

    /// Returns the request for a provider of this same format: the same bytes but for `change`.
    ///
    /// Formats with model and delivery in the URL return the body as it is.
    fn splice(&self, body: &Bytes, peek: &Peek, change: &Change<'_>) -> Bytes {
        splice::splice(body, peek, change)
    }

    /// Tells whether a provider's bytes of the same format may go to this client as they are.
    fn passes_through(&self) -> bool {
        true
    }

    /// Reads a request into canonical form.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] with the JSON path of the first thing that cannot be understood.
    fn read_request(&self, body: &[u8], peek: &Peek) -> Result<ChatRequest, WireError>;

    /// Writes a canonical request for a model at a provider of this format.
    ///
    /// What cannot be carried is put into `notes`.
    ///
    /// # Errors
    ///
    /// [`WireError::Unsupported`] with every field whose loss would change what was asked for.
    fn write_request(
        &self,
        request: &ChatRequest,
        target: &Target<'_>,
        notes: &mut Notes,
    ) -> Result<Written, WireError>;

    /// Reads a whole 2xx reply as the events it would have been as a stream.
    ///
    /// The last event is `End`, or `Error` when the body is an error or no reply at all.
    fn read_reply(&self, body: &[u8]) -> Vec<Event>;

    /// Reads of a whole 2xx reply what is needed of one that is passed on: the same usage and finish of the
    /// first answer as [`Codec::read_reply`] has in its events. `None`: it has to be read in full, which is
    /// no fault of the reply.
    fn survey_reply(&self, body: &[u8]) -> Option<Survey> {
        let _ = body;
        None
    }

    /// Writes a whole reply from a complete list of events (ending in `End`).
    fn write_reply(&self, events: &[Event], context: &ReplyContext) -> Vec<u8>;

    /// Makes a reader for one reply stream of a provider.
    fn event_reader(&self) -> Box<dyn EventReader>;

    /// Makes a writer for one reply stream to a client.
    fn event_writer(&self, context: &ReplyContext) -> Box<dyn EventWriter>;

    /// Returns the id under which a client sees a call of a reply: the provider's, or where that is empty
    /// or not legal in this format one made of the reply's id and the call's place, from 0.
    fn call_id(&self, id: &str, reply: &str, place: usize) -> String {
        if id.is_empty() { ids::made("call_", reply, place) } else { id.to_owned() }
    }

    /// Tells whether a provider of this format may end a reply before its turn is over, to be asked to go
    /// on ([`Finish::Pause`](crate::Finish::Pause)), and whether a client of this format asks it to.
    fn may_pause(&self) -> bool {
        false
    }

    /// Returns the request that asks a provider to go on with a turn that it paused: `body`, which asked
    /// for the turn, with what it has `said` so far. `None` if it cannot be asked that.
    fn continued(&self, body: &[u8], said: &[CollectedPart]) -> Option<Vec<u8>> {
        let _ = (body, said);
        None
    }

    /// Returns the path of the endpoint that counts tokens, like [`Codec::path_template`]; `None` if
    /// the format has none.
    fn count_path(&self) -> Option<&'static str> {
        None
    }

    /// Makes the body of a request to [`Codec::count_path`] of the body of a chat request.
    fn count_body(&self, chat: Vec<u8>) -> Vec<u8> {
        chat
    }

    /// Reads the number of input tokens out of a 2xx answer of [`Codec::count_path`].
    fn read_count(&self, body: &[u8]) -> Option<u64> {
        let _ = body;
        None
    }

    /// Writes the answer to a client that asked for a count of tokens. Chat has none of its own: its
    /// clients get that of Responses.
    fn write_count(&self, tokens: u64) -> Vec<u8> {
        format!("{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}}}").into_bytes()
    }

    /// Reads an error body of any shape a provider of this format may send, also HTML or nothing.
    fn read_error(&self, status: u16, body: &[u8]) -> UpstreamError;

    /// Writes an error body for a client.
    fn write_error(&self, error: &ApiError) -> Vec<u8>;

    /// Returns the content type of a stream to a client; `json_array` is that of [`Peek`].
    fn stream_content_type(&self, json_array: bool) -> &'static str {
        let _ = json_array;
        "text/event-stream"
    }
}

/// What is changed in a request that goes to a provider of its own format.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The model to ask for.
    pub model: &'a str,
    /// Another delivery than the client asked for.
    pub stream: Option<bool>,
    /// Whether usage is asked for inside the stream (Chat's `stream_options.include_usage`).
    pub ask_for_usage: bool,
}

impl<'a> Change<'a> {
    /// Changes the model and nothing else.
    pub const fn model(model: &'a str) -> Self {
        Self { model, stream: None, ask_for_usage: false }
    }
}

/// What the URL of a request said, for formats that put it there (Gemini).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathModel {
    /// The model, percent-decoded.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether that stream is one JSON array instead of events (no `alt=sse`).
    pub json_array: bool,
}

/// What routing must know of a request before it is translated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// The model's name as the client wrote it (JSON escapes resolved).
    pub model: String,
    /// Where the model's JSON string stands in the body, quotes included; `None` if in the URL.
    pub model_span: Option<std::ops::Range<usize>>,
    /// Whether the client wants a stream.
    pub stream: bool,
    /// Where the value of `stream` stands in the body, if it is there.
    pub stream_span: Option<std::ops::Range<usize>>,
    /// Where the value of `stream_options` stands in the body, if it is there.
    pub options_span: Option<std::ops::Range<usize>>,
    /// Whether the client asked for usage inside the stream.
    pub include_usage: bool,
    /// Whether a stream is to be one JSON array (Gemini without `alt=sse`).
    pub json_array: bool,
    /// What a budget must know of the request, if it is plain; `None` also if nobody has looked.
    pub outline: Option<Outline>,
}

impl Peek {
    /// Takes note that the body it was read from is changed; no edit touches what it knows the place of.
    /// What the changed body says is not known: it has no outline.
    pub fn follow(&mut self, edits: &Edits) {
        if !edits.is_empty() {
            self.outline = None;
        }
        let spans = [&mut self.model_span, &mut self.stream_span, &mut self.options_span];
        for span in spans.into_iter().flatten() {
            *span = edits.moved(span);
        }
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The model, by the provider's own name.
    pub model: &'a str,
    /// What is known of the model.
    pub facts: &'a ModelFacts,
    /// A keyed hash of the account, as envelopes carry it; 0 where there are no accounts.
    pub account: u64,
}

impl<'a> Target<'a> {
    /// Makes a target without an account.
    pub const fn new(model: &'a str, facts: &'a ModelFacts) -> Self {
        Self { model, facts, account: 0 }
    }

    /// Tells whether this target can read vendor data: it is of this vendor and, if it came back in an
    /// envelope, of this model's family and this account.
    pub fn reads(&self, data: &Opaque, vendor: Vendor) -> bool {
        data.vendor == vendor
            && data.origin.as_ref().is_none_or(|origin| {
                origin.account == self.account
                    && origin.family == crate::envelope::family(self.model)
            })
    }
}

/// A request as it goes to a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The body.
    pub body: Vec<u8>,
    /// Whether the provider is asked for a stream. A writer may ask for one although the client wants a
    /// whole answer, which is collected then.
    pub stream: bool,
    /// Headers that the body depends on, such as a beta.
    pub headers: Vec<(&'static str, &'static str)>,
    /// What the reply needs before the client may see it.
    pub aftercare: Aftercare,
}

/// What a writer must know about the reply it writes.
#[derive(Clone, Debug, Default)]
pub struct ReplyContext {
    /// The model to report when the provider names none.
    pub model: String,
    /// The id to report when the provider gives none; also the seed of ids made for calls.
    pub id: String,
    /// Unix seconds to report when the provider gives none.
    pub created: u64,
    /// Whether a chat stream ends in a usage chunk.
    pub include_usage: bool,
    /// Whether usage was asked for that the client did not ask for: it is taken out of a stream that
    /// is passed on.
    pub hide_usage: bool,
    /// Whether a stream is one JSON array (Gemini).
    pub json_array: bool,
    /// Makes the envelopes round other vendors' opaque data.
    pub seal: Seal,
    /// What the written request asks of the reply.
    pub aftercare: Aftercare,
    /// The client's own request, for formats whose reply repeats its settings (Responses). Empty if
    /// unknown.
    pub asked: Bytes,
}

/// Turns the bytes of one reply stream into events. Any cut of the bytes gives the same events.
pub trait EventReader: Send + Sync {
    /// Takes the next bytes and appends what they complete to `out`.
    ///
    /// After an `End` or `Error` further bytes are ignored.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>);

    /// Says that the body ended properly, and appends the last events: exactly one `End` or `Error`
    /// unless one was already given.
    fn finish(&mut self, out: &mut Vec<Event>);
}

/// Turns events into the bytes of one reply stream.
pub trait EventWriter: Send + Sync {
    /// Appends the bytes for one event. `End` and `Error` write the format's terminator.
    fn write(&mut self, event: &Event, out: &mut Vec<u8>);

    /// Says what the client has got already of a stream that was passed on, before an error is written
    /// behind it. For formats whose events say where they stand.
    fn resume(&mut self, passed: &Passed<'_>) {
        let _ = passed;
    }

    /// Appends the format's own sign of life, if it has one.
    fn ping(&mut self, out: &mut Vec<u8>);

    /// Appends an error of the gateway's own and the terminator, for a stream that cannot go on.
    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>);
}

/// What a client has got of a stream that was passed on as it came.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// The provider's id of the reply; empty if none came.
    pub id: &'a str,
    /// The model as the provider names it; empty if it did not.
    pub model: &'a str,
    /// The number of the next event, where events are numbered.
    pub next: u64,
}

/// A request that a codec cannot read or write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The body cannot be understood.
    #[error("{}{detail}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
    Malformed {
        /// JSON path of the fault such as `messages[2].content[0].type`; empty for the whole body.
        path: String,
        /// What is wrong and what was expected.
        detail: String,
    },
    /// The target format cannot carry what was asked for.
    #[error("{}", list_refusals(fields))]
    Unsupported {
        /// The client's fields and, for each, why it cannot be carried.
        fields: Vec<(String, String)>,
    },
}

impl WireError {
    /// Makes a [`WireError::Malformed`].
    pub fn malformed(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Malformed { path: path.into(), detail: detail.into() }
    }

    /// Makes a [`WireError::Unsupported`] of one field.
    pub fn unsupported(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unsupported { fields: vec![(field.into(), why.into())] }
    }
}

fn list_refusals(fields: &[(String, String)]) -> String {
    let texts: Vec<String> =
        fields.iter().map(|(field, why)| format!("`{field}` cannot be sent: {why}")).collect();
    texts.join("; ")
}
