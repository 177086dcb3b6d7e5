//! One try of one account: from the choice to its verdict.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use omniroute_core::context::AttemptRecord;
use omniroute_core::routing::{Choice, Ticket};
use omniroute_core::trace::AttemptSpan;
use omniroute_core::verdict::Reason;
use omniroute_wire::{Codec, Notes};

use super::incoming::Incoming;
use super::outbound::{Outbound, Passage};
use super::prepare::Care;

/// One try of one account.
pub struct Attempt {
    /// Whom, for what, with which identity.
    pub choice: Choice,
    /// The provider's format.
    pub codec: &'static dyn Codec,
    /// What is sent; `None` once it is not needed any more ([`Attempt::let_go`]). Boxed, since attempts are moved
    /// about.
    pub outbound: Option<Box<Outbound>>,
    /// Whether its body was handed on.
    pub is_handed_on: bool,
    /// The body that asked for the answer; what is sent differs while the provider goes on.
    pub asked: Bytes,
    /// Whether the client's own bytes are sent.
    pub passage: Passage,
    /// What a translation could not carry.
    pub notes: Notes,
    /// What is done to the reply because of how the request was written.
    pub care: Care,
    /// What has come back so far.
    pub incoming: Incoming,
    /// What came before the provider paused, while it is asked to go on.
    pub paused: Option<Box<Incoming>>,
    /// When the provider last showed life; the attempt's start before that.
    pub last_sign: Instant,
    /// Whether the connection had served before.
    pub kept_alive: bool,
    /// Whether there was a connection to send it on.
    pub is_sent: bool,
    /// How often the same attempt was sent again because a kept-alive connection turned out dead.
    pub stale_connections: u8,
    /// The provider's status, once known.
    pub status: Option<u16>,
    /// The call as it counts at account and provider.
    pub ticket: Ticket,
    /// When it began.
    pub begun: Instant,
    /// How long the request waited for it.
    pub waited: Duration,
    /// Its span, if the request is recorded.
    pub span: Option<Box<AttemptSpan>>,
}

impl Attempt {
    /// Returns the value of `x-omniroute-translation`.
    pub fn translation(&self) -> Cow<'static, str> {
        if self.passage == Passage::Exact {
            return Cow::Borrowed("exact");
        }
        Cow::Owned(self.notes.header_value())
    }

    /// Takes back what came before the provider paused, because it does not go on.
    pub fn reclaim(&mut self) {
        if let Some(said) = self.paused.take() {
            self.incoming = *said;
        }
    }

    /// Lets go of what only the beginning of an answer needs, once it goes out: nobody else is asked then, and answers
    /// take long. A provider with tools of its own may pause and need the request again.
    pub fn let_go(&mut self) {
        let may_pause = self.passage == Passage::Translated && self.care.aftercare.server_tools;
        if self.is_handed_on && !may_pause {
            self.asked = Bytes::new();
            self.outbound = None;
        }
        if let Incoming::Stream(stream) = &mut self.incoming {
            stream.head.headers = HeaderMap::new();
        }
    }

    /// Makes the record of how it ended.
    pub fn record(&self, failure: Option<Reason>, now: Instant) -> AttemptRecord {
        AttemptRecord {
            provider: self.choice.target.provider.id.clone(),
            account: self.choice.account.id.clone(),
            model: self.choice.target.model.clone(),
            failure,
            status: self.status,
            waited: self.waited,
            took: now.saturating_duration_since(self.begun),
            rest: None,
            span: self.span.as_deref().cloned(),
        }
    }
}
