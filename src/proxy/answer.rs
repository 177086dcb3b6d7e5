//! A provider's answer on its way to the client: held, judged, translated.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use omniroute_core::context::Operation;
use omniroute_core::error::Error;
use omniroute_core::verdict::{Reason, Signal, header_wait, told};
use omniroute_wire::translator::{Collector, Mode, WholeReply, WholeTurn, is_exact, pass_reply};
use omniroute_wire::{Translator, UpstreamError};
use pingora::http::ResponseHeader;

use super::blame::redacted_bytes;
use super::exchange::{Exchange, Parcel, Step};
use super::head::Head as ClientHead;
use super::incoming::{Head, Held, Incoming, MAX_WHOLE_BYTES, Pieces, Stream, extend_refusal};
use super::outbound::Passage;
use super::pause::JSON;

/// Longest refusal of a provider that is passed on in its own words; a longer one may have been cut.
const MAX_OWN_WORDS_BYTES: usize = 4096;

impl Exchange {
    /// Takes the head of a provider's answer.
    pub fn head_came(&mut self, head: &ResponseHeader) {
        if head.status.is_informational() {
            return;
        }
        let now = self.shared.clock.now();
        let client = self.client;
        let Some(attempt) = &self.attempt else { return };
        let status = head.status;
        attempt.choice.account.state.told(told(&head.headers, self.shared.clock.wall()), now);
        let head = Head::of(head);
        let incoming = if !status.is_success() {
            Incoming::Refusal { head, body: BytesMut::new() }
        } else if attempt.paused.is_some() {
            return self.goes_on(status.as_u16());
        } else if self.peek.stream && !head.is_json() {
            let context = self.reply_context(&attempt.care);
            let translator = Translator::new(attempt.codec, client, context);
            Incoming::Stream(Box::new(Stream { head, translator, held: Some(Held::new(now)) }))
        } else if attempt.care.stream && !head.is_json() {
            let context = self.reply_context(&attempt.care);
            let collector = Collector::new(attempt.codec, client, context, MAX_WHOLE_BYTES);
            Incoming::Collected { head, collector: Box::new(collector) }
        } else {
            Incoming::Whole { head, body: Pieces::default(), turn: None }
        };
        let Some(attempt) = &mut self.attempt else { return };
        attempt.status = Some(status.as_u16());
        attempt.last_sign = now;
        attempt.incoming = incoming;
    }

    /// Takes a piece of the body.
    pub fn body_came(&mut self, piece: Bytes) -> Step {
        let now = self.shared.clock.now();
        let Some(attempt) = &mut self.attempt else { return Step::Write(Parcel::default()) };
        attempt.last_sign = now;
        attempt.incoming.settle_kind(&piece);
        match &mut attempt.incoming {
            Incoming::Awaited => Step::Write(Parcel::default()),
            Incoming::Refusal { body, .. } => {
                extend_refusal(body, &piece);
                Step::Write(Parcel::default())
            }
            Incoming::Whole { body, .. } => match body.push(piece) {
                Ok(()) => Step::Write(Parcel::default()),
                Err(_) => self.broken(Signal::Unusable),
            },
            Incoming::Collected { collector, .. } => {
                collector.push(&piece);
                Step::Write(Parcel::default())
            }
            Incoming::Stream(stream) => {
                let mut pieces = Vec::with_capacity(1);
                stream.translator.push(&piece, &mut pieces);
                let learned = stream.translator.learned();
                self.remember(learned);
                let step = self.stream_came(pieces, now);
                self.end_if_cut(step)
            }
        }
    }

    /// Takes note that the body ended properly.
    pub fn body_ended(&mut self) -> Step {
        let now = self.shared.clock.now();
        let counts = self.operation() == Operation::CountTokens;
        let Some(attempt) = &mut self.attempt else {
            return Step::Write(Parcel { end: true, ..Parcel::default() });
        };
        attempt.last_sign = now;
        match std::mem::replace(&mut attempt.incoming, Incoming::Awaited) {
            Incoming::Awaited => self.broken(Signal::Unusable),
            Incoming::Refusal { head, body } => self.refusal_ended(head, body.freeze()),
            Incoming::Whole { head, body, .. } if counts => self.count_ended(&head, body.join()),
            Incoming::Whole { head, body, turn } => self.whole_ended(head, &body.join(), turn),
            Incoming::Collected { head, mut collector } => {
                if let Some(asking) = collector.end_body(attempt.codec, &attempt.asked) {
                    let said = Incoming::Collected { head, collector };
                    return self.ask_to_go_on(asking, said, Parcel::default());
                }
                self.whole_came(&head, collector.finish(), JSON)
            }
            Incoming::Stream(mut stream) => {
                let mut pieces = Vec::with_capacity(1);
                let translator = &mut stream.translator;
                let asking = translator.end_body(attempt.codec, &attempt.asked, &mut pieces);
                if asking.is_none() {
                    translator.finish(&mut pieces);
                }
                let learned = translator.learned();
                attempt.incoming = Incoming::Stream(stream);
                self.remember(learned);
                match asking {
                    Some(asking) => self.stream_paused(asking, pieces, now),
                    None => self.stream_ended(pieces, now),
                }
            }
        }
    }

    /// Decides about the next piece of a stream: hold it, release it, or give the attempt up.
    fn stream_came(&mut self, mut pieces: Vec<Bytes>, now: Instant) -> Step {
        let Some(stream) = self.stream() else { return Step::Write(Parcel::default()) };
        let error = stream.translator.error().cloned();
        let told = error.clone().filter(|_| stream.translator.has_told());
        let Some(held) = &mut stream.held else {
            if let Some(error) = told {
                let parcel = Parcel { pieces, ..Parcel::default() };
                return Step::Write(self.stream_failed(error, parcel));
            }
            if error.is_some() {
                // The provider's own error event on its way to a client of the same format.
                pieces = self.blotted(pieces);
            }
            return Step::Write(Parcel { pieces, ..Parcel::default() });
        };
        held.pieces.append(&mut pieces);
        let is_long = held.is_long(now);
        if stream.translator.has_content() || (is_long && error.is_none()) {
            let parcel = self.release_stream();
            return Step::Write(match told {
                Some(error) => self.stream_failed(error, parcel),
                None => parcel,
            });
        }
        match error {
            Some(error) => self.refused_in_band(error),
            None => Step::Write(Parcel::default()),
        }
    }

    /// Ends an answer that was cut at a stop sequence: the provider need not go on.
    fn end_if_cut(&mut self, step: Step) -> Step {
        let is_cut = self.stream().is_some_and(|stream| stream.translator.is_cut());
        match step {
            Step::Write(parcel) if is_cut && !parcel.end => {
                self.settle_served();
                Step::Write(Parcel { end: true, ..parcel })
            }
            step => step,
        }
    }

    fn stream_ended(&mut self, pieces: Vec<Bytes>, now: Instant) -> Step {
        let step = self.stream_came(pieces, now);
        let Step::Write(mut parcel) = step else { return step };
        if parcel.end {
            return Step::Write(parcel);
        }
        let Some(stream) = self.stream() else {
            return Step::Write(Parcel { end: true, ..parcel });
        };
        let error = stream.translator.error().cloned();
        if let Some(error) = error {
            return Step::Write(self.stream_failed(error, parcel));
        }
        if !self.has_begun() {
            // The end of a stream without content: an empty answer is an answer.
            parcel = self.release_stream();
        }
        self.settle_served();
        Step::Write(Parcel { end: true, ..parcel })
    }

    /// Releases a stream's head and what was held.
    fn release_stream(&mut self) -> Parcel {
        let attempts = self.records.len() + 1;
        let own_type = self.client.stream_content_type(self.peek.json_array);
        let Some(attempt) = &mut self.attempt else { return Parcel::default() };
        let Incoming::Stream(stream) = &mut attempt.incoming else { return Parcel::default() };
        let pieces = stream.held.take().map(|held| held.pieces).unwrap_or_default();
        let (Some(attempt), head) = (&self.attempt, ClientHead::new(200, &self.cx)) else {
            return Parcel::default();
        };
        let head = head.served_by(attempt, attempts);
        let head = match (attempt.passage, &attempt.incoming) {
            (_, Incoming::Stream(stream)) if stream.translator.mode() == Mode::Exact => head
                .stream(stream.head.content_type().unwrap_or(own_type))
                .pass_back(&stream.head.headers, attempt.choice.account.key.as_ref()),
            _ => head.stream(own_type),
        };
        self.release(head, pieces, false)
    }

    /// Ends a stream that failed after it had begun. The translator has written the error event, or
    /// the provider's own passed through.
    fn stream_failed(&mut self, error: UpstreamError, last: Parcel) -> Parcel {
        self.delivered.interrupted = true;
        self.delivered.error =
            Some(Error::Upstream { error: Box::new(error), retry_after: None }.code());
        let pieces = self.blotted(last.pieces);
        if let Some(mut attempt) = self.attempt.take() {
            self.cut_short(&mut attempt, Reason::ServerError);
        }
        Parcel { head: last.head, pieces, end: true }
    }

    /// Blots the account's credential out of what goes to the client.
    fn blotted(&self, pieces: Vec<Bytes>) -> Vec<Bytes> {
        let key = self.attempt.as_ref().and_then(|attempt| attempt.choice.account.key.as_ref());
        pieces.into_iter().map(|piece| redacted_bytes(piece, key)).collect()
    }

    fn refused_in_band(&mut self, error: UpstreamError) -> Step {
        let wall = self.shared.clock.wall();
        let wait = self.stream().and_then(|stream| header_wait(&stream.head.headers, wall));
        self.refused(error, wait)
    }

    fn refusal_ended(&mut self, head: Head, body: Bytes) -> Step {
        let wall = self.shared.clock.wall();
        let Some(attempt) = &self.attempt else { return self.give_up(Error::Internal) };
        let error = attempt.codec.read_error(head.status, &body);
        let speaks_alike = attempt.passage == Passage::Exact && head.is_json();
        let is_whole = body.len() <= MAX_OWN_WORDS_BYTES;
        self.own_words = (speaks_alike && is_whole)
            .then(|| redacted_bytes(body, attempt.choice.account.key.as_ref()));
        self.refused(error, header_wait(&head.headers, wall))
    }

    fn whole_ended(&mut self, head: Head, body: &Bytes, turn: Option<Box<WholeTurn>>) -> Step {
        let Some(attempt) = &self.attempt else { return self.give_up(Error::Internal) };
        let (upstream, client) = (attempt.codec, self.client);
        if is_exact(upstream, client) && !self.peek.stream {
            return self.whole_came(&head, pass_reply(upstream, body), JSON);
        }
        let context = self.reply_context(&attempt.care);
        let mut turn = turn.unwrap_or_else(|| Box::new(WholeTurn::new(upstream, client, &context)));
        turn.add(upstream.read_reply(body));
        if let Some(asking) = turn.continued(upstream, &attempt.asked) {
            let said = Incoming::Whole { head, body: Pieces::default(), turn: Some(turn) };
            return self.ask_to_go_on(asking, said, Parcel::default());
        }
        let (reply, content_type) = self.composed(*turn, &context);
        self.whole_came(&head, reply, content_type)
    }

    /// Takes a whole answer as the client is to have it.
    fn whole_came(&mut self, head: &Head, mut reply: WholeReply, content_type: &str) -> Step {
        if let Some(error) = reply.error {
            let wait = header_wait(&head.headers, self.shared.clock.wall());
            return self.refused(error, wait);
        }
        if let Some(error) = reply.broken_off.take() {
            return self.broken_off(head, reply, content_type, &error);
        }
        let parcel = self.deliver(head, reply, content_type);
        self.settle_served();
        Step::Write(parcel)
    }

    /// Releases a whole answer.
    pub(super) fn deliver(&mut self, head: &Head, reply: WholeReply, content_type: &str) -> Parcel {
        if let Some(target) = self.attempt.as_ref().map(|attempt| attempt.choice.target.clone()) {
            self.bill(reply.usage, &target);
            self.delivered.finish = reply.finish;
        }
        self.remember(reply.learned);
        let mut client_head = ClientHead::new(200, &self.cx);
        if let Some(attempt) = &self.attempt {
            client_head = client_head
                .served_by(attempt, self.records.len() + 1)
                .cost(self.delivered.charge)
                .whole(content_type, reply.body.len());
            if attempt.passage == Passage::Exact {
                let key = attempt.choice.account.key.as_ref();
                client_head = client_head.pass_back(&head.headers, key);
            }
        }
        self.release(client_head, vec![reply.body], true)
    }

    /// Takes note that the provider goes on with what it paused.
    fn goes_on(&mut self, status: u16) {
        let now = self.shared.clock.now();
        let Some(attempt) = &mut self.attempt else { return };
        attempt.status = Some(status);
        attempt.last_sign = now;
        attempt.reclaim();
        attempt.incoming.go_on(attempt.codec);
    }

    /// Ends a stream's body at a pause.
    fn stream_paused(&mut self, asking: Vec<u8>, pieces: Vec<Bytes>, now: Instant) -> Step {
        match self.stream_came(pieces, now) {
            Step::Write(parcel) if !parcel.end => match &mut self.attempt {
                Some(attempt) => {
                    let said = std::mem::replace(&mut attempt.incoming, Incoming::Awaited);
                    self.ask_to_go_on(asking, said, parcel)
                }
                None => Step::Write(parcel),
            },
            step => step,
        }
    }

    fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.attempt.as_mut()?.incoming {
            Incoming::Stream(stream) => Some(stream),
            _ => None,
        }
    }
}
