//! One request on its way, as filters and routing see it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method};
pub use omniroute_wire::amend::{Cap, Position};
use omniroute_wire::amend::{Edits, Instructions};
use omniroute_wire::chat::ChatRequest;
use omniroute_wire::skim::Outline;
use omniroute_wire::{Codec, PathModel, Peek, Usage, WireError, WireFormat, splice};

use crate::attached::Attached;
use crate::budget::Hold;
use crate::error::ErrorCode;
use crate::ids::{AccountId, ProviderId};
use crate::money::Charge;
use crate::snapshot::{ClientKey, Snapshot};
use crate::state::ClientPass;
use crate::trace::{AttemptSpan, Trace};
use crate::verdict::Reason;

/// One request, from its head to its end.
#[derive(Debug)]
pub struct RequestContext {
    /// The id in `x-request-id` and the log.
    pub request_id: Arc<str>,
    /// The world as it was when the request came.
    pub snapshot: Arc<Snapshot>,
    /// Method, path, headers and address.
    pub head: RequestHead,
    /// The format of the endpoint that was asked, for errors too.
    pub format: WireFormat,
    /// Who calls, once known.
    pub caller: Option<Arc<ClientKey>>,
    /// The call, once its body is read.
    pub call: Option<Call>,
    /// The one provider that may serve, if the path names one.
    pub provider: Option<ProviderId>,
    /// What it uses of its client key's limits.
    pub pass: Option<ClientPass>,
    /// What is reserved for it of its client key's budgets.
    pub hold: Option<Hold>,
    /// Its part of a trace, while traces are told.
    pub trace: Option<Box<Trace>>,
    /// When the request came in.
    pub started: Instant,
    /// How long its body took to come; the client's time, not the gateway's.
    pub body_took: Duration,
    /// What filters want done with the answer.
    pub attached: Attached,
}

/// Method, path, query, headers and address of a request.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: Box<str>,
    /// The query, without `?`; empty if none. May hold a key: never logged.
    pub query: Box<str>,
    /// The headers. Hold the client's key: never logged.
    pub headers: HeaderMap,
    /// The address of the client's end of the connection.
    pub peer: Option<IpAddr>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A chat reply.
    Chat,
    /// The number of input tokens a chat request has.
    CountTokens,
    /// The list of models, or one of them.
    Models,
}

/// A model call whose body has been read.
pub struct Call {
    /// What is asked for.
    pub operation: Operation,
    /// The client's format.
    pub codec: &'static dyn Codec,
    /// Model name and delivery.
    pub peek: Peek,
    /// The body as it came.
    pub body: Bytes,
    /// What it says, if somebody has read it; boxed, since contexts are moved about.
    read: Option<Box<ChatRequest>>,
    /// Whether the body is another than the one that was peeked at.
    is_edited: bool,
}

/// Bytes of a prompt that make a token, roughly: limits of tokens are corrected when a call has ended.
const BYTES_PER_TOKEN: u64 = 4;

impl Call {
    /// Makes a call of what came.
    pub const fn new(
        operation: Operation,
        codec: &'static dyn Codec,
        peek: Peek,
        body: Bytes,
    ) -> Self {
        Self { operation, codec, peek, body, read: None, is_edited: false }
    }

    /// Returns what a budget must know of the body, if it is plain: without reading it.
    pub fn outline(&mut self) -> Option<Outline> {
        if std::mem::take(&mut self.is_edited) {
            let Peek { model, stream, json_array, .. } = &self.peek;
            let path = PathModel { model: model.clone(), stream: *stream, json_array: *json_array };
            let anew = self.codec.peek(&self.body, Some(&path));
            self.peek.outline = anew.ok().and_then(|peek| peek.outline);
        }
        self.peek.outline
    }

    /// Reads the body: once, unless it is edited meanwhile.
    ///
    /// # Errors
    ///
    /// What the format does not have, or what no other format can say.
    pub fn read(&mut self) -> Result<&ChatRequest, WireError> {
        let read = match self.read.take() {
            Some(read) => read,
            None => Box::new(self.codec.read_request(&self.body, &self.peek)?),
        };
        Ok(self.read.insert(read))
    }

    /// Gives away what [`read`](Self::read) has read, if it has.
    pub const fn take_read(&mut self) -> Option<Box<ChatRequest>> {
        self.read.take()
    }

    /// Returns the tokens that its body has, roughly.
    pub const fn rough_tokens(&self) -> u64 {
        self.body.len() as u64 / BYTES_PER_TOKEN
    }

    /// Adds instructions to the client's own, and changes nothing else of the body.
    ///
    /// # Errors
    ///
    /// [`Error::Wire`](crate::error::Error::Wire) if the client's are not what the format has.
    pub fn add_instructions(&mut self, text: &str, position: Position) -> Result<(), WireError> {
        let mut edits = Edits::default();
        let added = Instructions { text, position };
        self.codec.add_instructions(&self.body, &added, &mut edits)?;
        self.edit(edits);
        Ok(())
    }

    /// Lowers what the body says of the amount of reasoning to a cap, and changes nothing else of it.
    ///
    /// # Errors
    ///
    /// [`Error::Wire`](crate::error::Error::Wire) if the body is no JSON object.
    pub fn cap_reasoning(&mut self, cap: Cap) -> Result<(), WireError> {
        let mut edits = Edits::default();
        self.codec.cap_reasoning(&self.body, cap, &mut edits)?;
        self.edit(edits);
        Ok(())
    }

    /// Tells whether a member of this name may be said somewhere in the body, without reading it.
    pub fn mentions(&self, name: &str) -> bool {
        splice::mentions(&self.body, name)
    }

    fn edit(&mut self, edits: Edits) {
        self.peek.follow(&edits);
        if edits.is_empty() {
            return;
        }
        self.body = edits.apply(&self.body);
        self.read = None;
        self.is_edited = true;
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("format", &self.codec.format())
            .field("model", &self.peek.model)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// One try of one account, as it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Whom was asked.
    pub provider: ProviderId,
    /// With which identity.
    pub account: AccountId,
    /// For which model, by the provider's name for it.
    pub model: Arc<str>,
    /// Why it did not serve; `None` if it did.
    pub failure: Option<Reason>,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// How long the request waited for the account to have room.
    pub waited: Duration,
    /// From the attempt's beginning to its end.
    pub took: Duration,
    /// For how long the account, or the model at it, rests because of it.
    pub rest: Option<Duration>,
    /// Its span, if the request is recorded.
    pub span: Option<AttemptSpan>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The status the client got; 499 if it left before one was sent.
    pub status: u16,
    /// Our error, if the client got one.
    pub error: Option<ErrorCode>,
    /// Whether the reply was cut: by the provider after content was sent, or by the client.
    pub interrupted: bool,
    /// From the request's arrival to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// From the request's arrival to the end.
    pub duration: Duration,
    /// Tokens as the provider counted them.
    pub usage: Usage,
    /// What they cost; `None` where nothing was billed or nobody knows the price.
    pub charge: Option<Charge>,
    /// What the translation of the request dropped, by the client's names; empty if nothing.
    pub dropped: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_once_and_anew_after_an_edit() {
        let body =
            Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#);
        let codec = WireFormat::OpenAiChat.codec();
        let peek = codec.peek(&body, None).unwrap();
        let mut call = Call::new(Operation::Chat, codec, peek, body);
        assert!(call.take_read().is_none(), "nobody has read it");

        assert_eq!(call.read().unwrap().turns.len(), 1);
        call.add_instructions("be short", Position::Prepend).unwrap();

        assert!(call.take_read().is_none(), "it says something else now");
        assert_eq!(call.read().unwrap().turns.len(), 2);
        assert_eq!(call.take_read().unwrap().turns.len(), 2);
    }

    #[test]
    fn an_outline_is_that_of_the_body_as_it_is_now() {
        let body = Bytes::from_static(
            br#"{"contents":[],"generationConfig":{"thinkingConfig":{"thinkingBudget":9000}}}"#,
        );
        let codec = WireFormat::Gemini.codec();
        let path = PathModel { model: "m".to_owned(), stream: true, json_array: true };
        let peek = codec.peek(&body, Some(&path)).unwrap();
        let mut call = Call::new(Operation::Chat, codec, peek.clone(), body);
        assert_eq!(call.outline().unwrap().thinking_tokens, 9000);

        call.cap_reasoning(Cap::of_tokens(2000)).unwrap();
        assert_eq!(call.peek.outline, None, "nobody has looked at it yet");
        assert_eq!(call.outline().unwrap().thinking_tokens, 2000);

        call.add_instructions("be short", Position::Prepend).unwrap();
        assert_eq!(call.outline().unwrap().thinking_tokens, 2000);
        let outline = call.outline();
        assert_eq!(call.peek, Peek { outline, ..peek }, "nothing else changes");
    }
}
