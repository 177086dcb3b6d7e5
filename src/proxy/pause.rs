//! Turns that a provider pauses: its own tools have run for long enough, and it wants to be asked to go on.
//!
//! Clients that know no pause get one answer. What was said is kept while the same account is asked again,
//! with that as the last message; Pingora makes the request as it makes another attempt, but it is none:
//! the plan is not asked, and nothing counts as failed. A provider that does not go on leaves the client
//! with an error event, or, while nothing was written yet, with what was said so far.

use bytes::Bytes;
use omniroute_core::error::Error;
use omniroute_core::verdict::{self, Signal, Verdict};
use omniroute_wire::translator::{WholeReply, WholeTurn};
use omniroute_wire::{Codec, ReplyContext, UpstreamError};

use super::exchange::{Exchange, Parcel, Step};
use super::incoming::{Head, Incoming};

/// The content type of whole answers, in every format.
pub const JSON: &str = "application/json";

/// The name of what is lost when a provider does not go on, in `x-omniroute-translation`.
const REST: &str = "rest_of_answer";

impl Exchange {
    /// Has the provider asked to go on with what it `said`, by a request of this body, once the parcel is
    /// written.
    pub(super) fn ask_to_go_on(&mut self, body: Vec<u8>, said: Incoming, parcel: Parcel) -> Step {
        let now = self.shared.clock.now();
        self.cover_going_on(body.len());
        let Some(attempt) = &mut self.attempt else { return self.give_up(Error::Internal) };
        let outbound = attempt.outbound.as_mut().ok_or(Error::Internal);
        if let Err(error) = outbound.and_then(|outbound| outbound.replace_body(Bytes::from(body))) {
            return self.give_up(error);
        }
        attempt.paused = Some(Box::new(said));
        attempt.incoming = Incoming::Awaited;
        attempt.last_sign = now;
        attempt.stale_connections = 0;
        self.again = true;
        Step::GoOn(parcel)
    }

    /// Tells whether what is awaited or under way goes on with what was paused.
    pub(super) fn is_going_on(&self) -> bool {
        self.attempt
            .as_ref()
            .is_some_and(|attempt| attempt.paused.is_some() || attempt.incoming.is_continued())
    }

    /// Ends an answer whose provider failed to go on.
    pub(super) fn break_off(&mut self, verdict: &Verdict, error: Error) -> Step {
        let context = self.attempt.as_ref().map(|attempt| self.reply_context(&attempt.care));
        let (Some(attempt), Some(context)) = (&mut self.attempt, context) else {
            return self.give_up(error);
        };
        attempt.reclaim();
        match std::mem::replace(&mut attempt.incoming, Incoming::Awaited) {
            Incoming::Collected { head, collector } => {
                self.deliver_so_far(&head, collector.so_far(), JSON, verdict)
            }
            Incoming::Whole { head, turn: Some(turn), .. } => {
                let (reply, content_type) = self.composed(*turn, &context);
                self.deliver_so_far(&head, reply, content_type, verdict)
            }
            begun => {
                attempt.incoming = begun;
                Step::Write(self.cut_off(&error, verdict))
            }
        }
    }

    /// Delivers what was said before the provider answered that it does not go on.
    pub(super) fn broken_off(
        &mut self,
        head: &Head,
        reply: WholeReply,
        content_type: &str,
        error: &UpstreamError,
    ) -> Step {
        let refused = Signal::Refused { error, header_wait: None };
        self.deliver_so_far(head, reply, content_type, &verdict::judge(refused, None))
    }

    /// Delivers an answer that its provider did not complete, and notes the loss.
    fn deliver_so_far(
        &mut self,
        head: &Head,
        reply: WholeReply,
        content_type: &str,
        verdict: &Verdict,
    ) -> Step {
        if let Some(attempt) = &mut self.attempt {
            attempt.notes.drop(REST, "the provider paused and did not go on");
        }
        let parcel = self.deliver(head, reply, content_type);
        if let Some(mut attempt) = self.attempt.take() {
            self.note_dropped(&attempt);
            self.close_failed(&mut attempt, verdict);
        }
        Step::Write(parcel)
    }

    /// Writes an answer in the delivery that the client asked for, and says its content type.
    pub(super) fn composed(
        &self,
        turn: WholeTurn,
        context: &ReplyContext,
    ) -> (WholeReply, &'static str) {
        if self.peek.stream {
            let content_type = self.client.stream_content_type(self.peek.json_array);
            (turn.played(self.client, context), content_type)
        } else {
            (turn.written(self.client, context), JSON)
        }
    }
}

impl Incoming {
    /// Expects the reply that goes on with what was paused.
    pub(super) fn go_on(&mut self, upstream: &dyn Codec) {
        match self {
            Self::Stream(stream) => stream.translator.go_on(upstream),
            Self::Collected { collector, .. } => collector.go_on(upstream),
            Self::Whole { turn: Some(turn), .. } => turn.go_on(),
            Self::Whole { turn: None, .. } | Self::Refusal { .. } | Self::Awaited => {}
        }
    }

    /// Tells whether a whole answer goes on with what was paused. One that is streamed has begun, and is
    /// ended as any other then.
    fn is_continued(&self) -> bool {
        match self {
            Self::Collected { collector, .. } => collector.is_continued(),
            Self::Whole { turn, .. } => turn.is_some(),
            Self::Stream(_) | Self::Refusal { .. } | Self::Awaited => false,
        }
    }
}
