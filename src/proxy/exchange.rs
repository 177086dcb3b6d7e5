//! A request that is being forwarded: its plan, its current attempt, and what the client has got.
//!
//! Pingora's phases and the session that stands between Pingora and the client both hold an exchange;
//! neither decides anything. Here an attempt's answer is held until it is known to be good, judged when
//! it is not, and replaced by the next attempt's as long as the client has seen nothing. After that the
//! answer is finished honestly, even if that means an error event.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use omniroute_core::context::{AttemptRecord, Operation, RequestContext};
use omniroute_core::error::{Error, ErrorCode};
use omniroute_core::money::Charge;
use omniroute_core::routing::TunnelLevel;
use omniroute_core::snapshot::Tunnel;
use omniroute_core::state::Failure;
use omniroute_core::verdict::{self, Reason, Scope, Signal, Verdict};
use omniroute_wire::{ChatRequest, Codec, Finish, Peek, ReplyContext, Usage};
use pingora::http::ResponseHeader;
use pingora_core::protocols::http::ServerSession;

use super::Shared;
use super::attempt::Attempt;
use super::count::lacks_endpoint;
use super::head::Head;
use super::incoming::Incoming;
use super::outbound::Passage;
use super::patience;
use super::planning::Planned;
use super::prepare::Care;
use super::renewal::Renewal;
use crate::upstream::{Destination, Unreachable};

/// Most times one attempt is sent again because a kept-alive connection turned out to be dead. The
/// provider may have begun, so more would multiply what it bills.
const MAX_STALE_CONNECTIONS: u8 = 1;

/// An exchange as the phases and the session share it. Never locked across an `.await`.
#[derive(Clone)]
pub struct SharedExchange(Arc<Mutex<Exchange>>);

impl SharedExchange {
    /// Shares an exchange.
    pub fn new(exchange: Exchange) -> Self {
        Self(Arc::new(Mutex::new(exchange)))
    }

    /// Locks it for a moment.
    pub fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being forwarded.
pub struct Exchange {
    /// The request.
    pub cx: RequestContext,
    /// The attempts that ended.
    pub records: Vec<AttemptRecord>,
    /// What the client has got.
    pub delivered: Delivered,
    /// Pingora's own session, while it waits to be given back ([`step_aside`](super::session::step_aside)).
    pub(super) aside: Option<Box<ServerSession>>,
    pub(super) shared: Arc<Shared>,
    pub(super) client: &'static dyn Codec,
    pub(super) peek: Peek,
    pub(super) planned: Planned,
    pub(super) attempt: Option<Attempt>,
    pub(super) body: Bytes,
    pub(super) canonical: Option<Arc<ChatRequest>>,
    /// Why the latest attempt failed; boxed, since hardly any does (`footprint.rs`).
    pub(super) last_error: Option<Box<Error>>,
    /// The body of the last refusal, if provider and client speak the same format.
    pub(super) own_words: Option<Bytes>,
    /// Whether a refused credential was looked for again.
    pub(super) renewal: Renewal,
    /// Whether the current attempt is made once more.
    pub(super) again: bool,
    /// Whether what was written last ends an event; known only while a companion speaks.
    pub(super) is_between_events: bool,
    /// Whether the client left while others followed the answer, which is finished for them.
    pub(super) client_left: bool,
    /// How long the gateway itself has worked for it, the client's body and waits for room apart.
    pub(super) own_work: Duration,
    /// Since when it works and no provider is waited for.
    pub(super) working_since: Option<Instant>,
}

/// What the client has got of an answer.
#[derive(Default)]
pub struct Delivered {
    /// The status, once a head was released.
    pub status: Option<u16>,
    /// When the head was released.
    pub first_byte: Option<Instant>,
    /// Our error, if that was the answer.
    pub error: Option<ErrorCode>,
    /// Whether the answer was cut after it had begun.
    pub interrupted: bool,
    /// Tokens as the provider counted them.
    pub usage: Usage,
    /// Why the provider ended the answer, once it has.
    pub finish: Option<Finish>,
    /// What that cost; `None` where nothing was billed or nobody knows the price.
    pub charge: Option<Charge>,
    /// What the translation of the request dropped, by the client's names.
    pub dropped: Box<str>,
}

/// What is to be written to the client next.
#[derive(Default)]
pub struct Parcel {
    /// The head, if it is released now.
    pub head: Option<Box<ResponseHeader>>,
    /// Pieces of the body.
    pub pieces: Vec<Bytes>,
    /// Whether the answer ends here.
    pub end: bool,
}

/// What follows from something that came from a provider.
pub enum Step {
    /// This is to be written, possibly nothing.
    Write(Parcel),
    /// This is to be written, and the same provider is then asked to go on with what it paused.
    GoOn(Parcel),
    /// Nothing was written yet, and another attempt is to be made.
    TryNext,
}

impl Step {
    /// Tells whether nothing more of this attempt's answer is of interest.
    pub const fn is_last(&self) -> bool {
        match self {
            Self::TryNext | Self::GoOn(_) => true,
            Self::Write(parcel) => parcel.end,
        }
    }
}

impl Exchange {
    /// Begins an exchange for a call with a plan.
    pub fn new(
        cx: RequestContext,
        shared: Arc<Shared>,
        client: &'static dyn Codec,
        planned: Planned,
    ) -> Self {
        let working_since = Some(cx.started + cx.body_took);
        let (peek, body) = match &cx.call {
            Some(call) => (call.peek.clone(), call.body.clone()),
            None => Default::default(),
        };
        Self {
            cx,
            // One attempt is the rule.
            records: Vec::with_capacity(1),
            delivered: Delivered::default(),
            aside: None,
            shared,
            client,
            peek,
            planned,
            attempt: None,
            body,
            canonical: None,
            last_error: None,
            own_words: None,
            renewal: Renewal::default(),
            again: false,
            is_between_events: false,
            client_left: false,
            own_work: Duration::ZERO,
            working_since,
        }
    }

    /// Returns until when the provider must show the next sign of life.
    pub fn limit(&self) -> Instant {
        let timeouts = &self.cx.snapshot.server.timeouts;
        let total = self.cx.started + timeouts.total;
        let Some(attempt) = &self.attempt else { return total };
        let patience = match attempt.incoming {
            Incoming::Awaited => timeouts.first_byte,
            _ => timeouts.idle,
        };
        total.min(attempt.last_sign + patience)
    }

    /// Tells whether the client has part of an answer.
    pub const fn has_begun(&self) -> bool {
        self.delivered.status.is_some()
    }

    /// Takes note that the current attempt goes over a connection that served before, or over a new one.
    pub const fn connected(&mut self, kept_alive: bool) {
        if let Some(attempt) = &mut self.attempt {
            attempt.kept_alive = kept_alive;
            attempt.is_sent = true;
        }
    }

    /// Tells whether the connection to the provider was of no use, and has the same attempt made again.
    ///
    /// A kept-alive connection that the provider had closed already says nothing about the account.
    fn is_stale_connection(&mut self) -> bool {
        let (may, has_begun) = (self.cx.snapshot.routing.retry_on_reset, self.has_begun());
        let Some(attempt) = self.attempt.as_mut().filter(|_| may) else { return false };
        if has_begun && attempt.paused.is_none() {
            return false;
        }
        if !attempt.kept_alive
            || !matches!(attempt.incoming, Incoming::Awaited)
            || attempt.stale_connections >= MAX_STALE_CONNECTIONS
        {
            return false;
        }
        attempt.stale_connections += 1;
        self.again = true;
        true
    }

    /// Takes note that no connection could be made.
    pub fn unreachable(&mut self, why: Unreachable) -> Step {
        let Some(attempt) = &self.attempt else { return self.give_up(Error::Internal) };
        let provider = attempt.choice.target.provider.id.to_string();
        let error = Error::UpstreamUnreachable { provider, what: why.what() };
        let signal = match why {
            Unreachable::Provider(_) => Signal::ConnectFailed,
            Unreachable::Tunnel(_) => {
                let level = self.tunnel_of(attempt).map(|(_, level)| level);
                let is_requests_own = level.is_some_and(TunnelLevel::is_requests_own);
                Signal::TunnelFailed { is_requests_own }
            }
        };
        self.settle_failure(verdict::judge(signal, None), error, true)
    }

    /// Returns where the current attempt goes, and through what.
    pub fn destination(&self, attempt: &Attempt) -> Destination {
        Destination {
            endpoint: attempt.choice.account.endpoint().clone(),
            tunnel: self.tunnel_of(attempt).map(|(tunnel, _)| Arc::clone(tunnel)),
            is_fresh: attempt.stale_connections > 0,
            connect: self.cx.snapshot.server.timeouts.connect,
        }
    }

    fn tunnel_of<'a>(&'a self, attempt: &'a Attempt) -> Option<(&'a Arc<Tunnel>, TunnelLevel)> {
        attempt.choice.tunnel(self.cx.caller.as_deref(), &self.cx.snapshot)
    }

    /// Takes note that the connection broke or a limit passed.
    pub fn broken(&mut self, signal: Signal<'_>) -> Step {
        if signal == Signal::Reset && self.is_stale_connection() {
            return Step::TryNext;
        }
        if self.has_begun() {
            return Step::Write(self.interrupt(&self.transport_error(signal)));
        }
        let error = self.transport_error(signal);
        let is_reset = matches!(signal, Signal::Reset | Signal::TimedOut);
        let may_repeat = !is_reset || self.cx.snapshot.routing.retry_on_reset;
        self.settle_failure(verdict::judge(signal, None), error, may_repeat)
    }

    /// Takes note that the provider refused, by status or inside a 2xx answer.
    pub(super) fn refused(
        &mut self,
        error: omniroute_wire::UpstreamError,
        header_wait: Option<Duration>,
    ) -> Step {
        if self.operation() == Operation::CountTokens && lacks_endpoint(error.status) {
            self.settle_served();
            let error = Box::new(error);
            return self.give_up(Error::Upstream { error, retry_after: None });
        }
        let Some(attempt) = &self.attempt else { return self.give_up(Error::Internal) };
        let provider = &attempt.choice.target.provider;
        let rule = attempt.status.and_then(|status| {
            // An error inside a 2xx answer has the status that its words stand for.
            let status = if status < 400 { error.status } else { status };
            provider.rule(status, &error)
        });
        let verdict = verdict::judge(Signal::Refused { error: &error, header_wait }, rule);
        let told = self.told(error, header_wait, &verdict);
        self.settle_failure(verdict, told, true)
    }

    /// Ends the current attempt as failed and says how to go on.
    fn settle_failure(&mut self, verdict: Verdict, error: Error, may_repeat: bool) -> Step {
        if self.is_going_on() {
            return self.break_off(&verdict, error);
        }
        let now = self.shared.clock.now();
        let Some(mut attempt) = self.attempt.take() else { return self.give_up(Error::Internal) };
        self.close_failed(&mut attempt, &verdict);
        self.planned.plan().narrow(&attempt.choice, verdict.next);
        let may_renew = self.may_renew(&attempt.choice, verdict.reason);
        // The call has ended, so that it takes no room from the next one.
        drop(attempt);
        let is_late = self.is_past_deadline(now);
        let next = may_repeat && !is_late && (may_renew || self.planned.has_next(now));
        if next {
            self.working_since = Some(now);
            self.last_error = Some(Box::new(error));
            return Step::TryNext;
        }
        self.give_up(error)
    }

    /// Ends a failed attempt: rests who is at fault and records it.
    pub(super) fn close_failed(&mut self, attempt: &mut Attempt, verdict: &Verdict) {
        let now = self.shared.clock.now();
        let (target, account) = (&attempt.choice.target, &attempt.choice.account);
        let failure = Failure {
            rest: verdict.rest,
            reason: verdict.reason,
            model: (verdict.scope == Scope::Model).then_some(&*target.model),
            chance: self.shared.seeds.chance(),
        };
        let rest = account.state.rest(failure, &target.provider.profile, now);
        let others = self.cx.snapshot.accounts_of(&target.provider.id);
        attempt.ticket.failed(verdict.reason, others, now);
        let record = AttemptRecord { rest, ..attempt.record(Some(verdict.reason), now) };
        if let Some(rest) = rest {
            self.shared.metrics.cool_down(&record, rest);
        }
        tracing::debug!(
            request_id = %self.cx.request_id,
            provider = %record.provider,
            account = %record.account,
            model = %record.model,
            status = record.status,
            reason = verdict.reason.name(),
            "attempt failed"
        );
        self.record(record);
    }

    fn record(&mut self, record: AttemptRecord) {
        self.shared.metrics.attempt(&record);
        self.records.push(record);
    }

    /// Takes note that the current attempt's answer is the client's, complete.
    pub(super) fn settle_served(&mut self) {
        let Some(mut attempt) = self.attempt.take() else { return };
        let now = self.shared.clock.now();
        self.note_usage(&mut attempt);
        attempt.ticket.answered(now);
        self.record(attempt.record(None, now));
    }

    /// Takes note that the client left.
    pub fn client_gone(&mut self) {
        self.delivered.interrupted = true;
        if let Some(mut attempt) = self.attempt.take() {
            self.note_unfinished(&mut attempt);
            self.record(attempt.record(Some(Reason::ClientGone), self.shared.clock.now()));
        }
    }

    /// Takes note of what was lost on the way.
    pub(super) fn note_dropped(&mut self, attempt: &Attempt) {
        self.delivered.dropped = attempt.notes.dropped().collect::<Vec<_>>().join(",").into();
    }

    /// Answers with an error: whole, in the client's format; in the provider's own words if it spoke
    /// that format and it was the request's refusal.
    ///
    /// A count of tokens is estimated here instead, unless the request itself is at fault.
    pub fn give_up(&mut self, error: Error) -> Step {
        if let Some(counted) = self.estimated_count(&error) {
            return counted;
        }
        let api = error.to_api(self.client.format(), &self.cx.request_id);
        let own_words = self.own_words.take().filter(|_| matches!(error, Error::Upstream { .. }));
        let body = own_words.unwrap_or_else(|| Bytes::from(self.client.write_error(&api)));
        let head = Head::new(api.status, &self.cx)
            .attempts(self.records.len())
            .error(&error)
            .final_word(self.planned.is_spent())
            .whole("application/json", body.len());
        self.delivered.error = Some(error.code());
        self.cx.attached.log_error(&error);
        tracing::debug!(request_id = %self.cx.request_id, %error, "request failed");
        Step::Write(self.release(head, vec![body], true))
    }

    /// Releases the head of the answer, with what is there of the body.
    pub(super) fn release(&mut self, head: Head, pieces: Vec<Bytes>, end: bool) -> Parcel {
        let head = match head.build() {
            Ok(head) => head,
            Err(error) => {
                tracing::error!(%error, "an answer's head could not be built");
                return Parcel { end: true, ..Parcel::default() };
            }
        };
        let now = self.shared.clock.now();
        self.delivered.status = Some(head.status.as_u16());
        self.delivered.first_byte = Some(now);
        if let Some(attempt) = &mut self.attempt {
            attempt.ticket.answered(now);
            let work = self.own_work + now.saturating_duration_since(attempt.last_sign);
            self.shared.metrics.overhead(attempt.passage == Passage::Exact, work);
            self.planned.served(&self.shared, &attempt.choice);
        }
        self.let_go();
        Parcel { head: Some(head), pieces, end }
    }

    /// Lets go of what only the beginning of an answer needs; answers take long.
    fn let_go(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.let_go();
        }
        self.canonical = None;
        // Spans repeat one of the caller's headers.
        if self.cx.trace.is_none() {
            self.cx.head.headers = HeaderMap::new();
        }
    }

    /// Ends an answer that had begun with the client format's error event.
    fn interrupt(&mut self, error: &Error) -> Parcel {
        let reason = if error.code().status == 504 { Reason::Timeout } else { Reason::Reset };
        self.cut_off(error, &Verdict::on_broken_answer(reason))
    }

    /// Ends an answer that had begun with the client format's error event, and its attempt as failed.
    pub(super) fn cut_off(&mut self, error: &Error, verdict: &Verdict) -> Parcel {
        self.delivered.interrupted = true;
        self.delivered.error = Some(error.code());
        self.cx.attached.log_error(error);
        let api = error.to_api(self.client.format(), &self.cx.request_id);
        let Some(mut attempt) = self.attempt.take() else {
            return Parcel { end: true, ..Parcel::default() };
        };
        attempt.reclaim();
        let mut pieces = Vec::new();
        if let Incoming::Stream(stream) = &mut attempt.incoming {
            pieces.push(stream.translator.interrupt(&api));
        }
        self.note_usage(&mut attempt);
        self.close_failed(&mut attempt, verdict);
        Parcel { head: None, pieces, end: true }
    }

    /// Ends an attempt whose answer broke after the client had part of it: others go first for a while.
    pub(super) fn cut_short(&mut self, attempt: &mut Attempt, reason: Reason) {
        self.note_usage(attempt);
        self.close_failed(attempt, &Verdict::on_broken_answer(reason));
    }

    /// Takes note that the client took what was written: the provider was not silent meanwhile.
    pub fn written(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.last_sign = self.shared.clock.now();
        }
    }

    /// Returns what a writer must know about the reply.
    pub(super) fn reply_context(&self, care: &Care) -> ReplyContext {
        ReplyContext {
            model: self.peek.model.clone(),
            id: self.cx.request_id.to_string(),
            created: self.shared.clock.unix_seconds(),
            include_usage: self.peek.include_usage,
            hide_usage: care.hide_usage,
            json_array: self.peek.json_array,
            seal: care.seal.clone(),
            aftercare: care.aftercare.clone(),
            asked: self.body.clone(),
        }
    }

    pub(super) fn is_past_deadline(&self, now: Instant) -> bool {
        let ours = self.cx.snapshot.routing.deadline;
        let deadline =
            patience::of_client(&self.cx.head.headers).map_or(ours, |patience| patience.min(ours));
        now.saturating_duration_since(self.cx.started) > deadline
    }
}
