//! A request that has ended, as spans: one of the server, and below it one per attempt, so that failover is
//! seen.
//!
//! Names are those of OpenTelemetry's conventions for HTTP (stable) and generative AI (in development);
//! what they have no name for begins with `omniroute.`. Tokens and cost stand at the attempt that took them,
//! once.

use std::time::{Duration, UNIX_EPOCH};

use omniroute_core::context::{AttemptRecord, Operation, Outcome, RequestContext};
use omniroute_core::trace::{AttemptSpan, TRACESTATE, Trace};
use omniroute_core::verdict::Reason;
use omniroute_wire::Finish;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::attributes::{Attributes, cut};

/// Flags of a span: sampled, and that it is known whether its parent is remote.
const FLAGS: u32 = 0x101;
/// That the parent is in another process.
const REMOTE_PARENT: u32 = 0x200;
/// Longest `tracestate` that is kept.
const MAX_STATE_BYTES: usize = 512;
/// Status of a request whose client left.
const CLIENT_GONE: u16 = 499;

/// A request that has ended.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    /// The request.
    pub cx: &'a RequestContext,
    /// How it ended.
    pub outcome: &'a Outcome,
    /// Its attempts.
    pub attempts: &'a [AttemptRecord],
    /// Why the answer ended, as far as it was seen.
    pub finish: Option<Finish>,
    /// The combo or chain that was asked for.
    pub combo: Option<&'a str>,
}

impl Ended<'_> {
    /// Makes the spans; `None` if the request is not recorded.
    pub(super) fn spans(&self) -> Option<Vec<Span>> {
        let trace = self.cx.trace.as_deref().filter(|trace| trace.is_sampled)?;
        let mut spans = Vec::with_capacity(1 + self.attempts.len());
        spans.push(self.server(trace));
        for (at, record) in self.attempts.iter().enumerate() {
            if let Some(span) = &record.span {
                spans.push(self.attempt(trace, (at, record, span)));
            }
        }
        Some(spans)
    }

    fn server(&self, trace: &Trace) -> Span {
        let outcome = self.outcome;
        let mut told = Attributes::with_capacity(20);
        let name = self.asked(&mut told);
        self.answered(&mut told);
        let failed =
            outcome.status >= 500 || (outcome.interrupted && outcome.status != CLIENT_GONE);
        let remote = if trace.parent_id.is_some() { REMOTE_PARENT } else { 0 };
        Span {
            trace_id: trace.id.to_be_bytes().to_vec(),
            span_id: trace.span_id.to_be_bytes().to_vec(),
            parent_span_id: trace.parent_id.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default(),
            trace_state: self.state(trace),
            flags: FLAGS | remote,
            name,
            kind: SpanKind::Server.into(),
            start_time_unix_nano: nanos(trace, Duration::ZERO),
            end_time_unix_nano: nanos(trace, outcome.duration),
            attributes: told.0,
            status: failed.then(error),
            ..Span::default()
        }
    }

    /// Tells what was asked for; returns the span's name, which holds nothing that a client chose.
    fn asked(&self, told: &mut Attributes) -> String {
        let cx = self.cx;
        told.text("http.request.method", cx.head.method.as_str());
        told.text("url.path", &*cx.head.path);
        if let Some(peer) = cx.head.peer {
            told.text("client.address", peer.to_string());
        }
        told.text("omniroute.request_id", &*cx.request_id);
        told.text("omniroute.format", cx.format.name());
        if let Some(key) = &cx.caller {
            told.text("omniroute.client_key", key.name.as_str());
        }
        if let Some(combo) = self.combo {
            told.text("omniroute.combo", combo);
        }
        let method = cx.head.method.as_str();
        let Some(call) = &cx.call else { return method.to_owned() };
        let operation = operation(call.operation);
        told.text("gen_ai.operation.name", operation);
        told.text("gen_ai.request.model", call.peek.model.as_str());
        told.flag("gen_ai.request.stream", call.peek.stream);
        told.whole("omniroute.attempts", self.attempts.len());
        format!("{method} {operation} {}", cx.format.name())
    }

    /// Tells what came of it.
    fn answered(&self, told: &mut Attributes) {
        let outcome = self.outcome;
        told.whole("http.response.status_code", outcome.status);
        if let Some(filter) = self.cx.attached.answered_by {
            told.text("omniroute.answered_by", filter);
        }
        if let Some(first_byte) = outcome.first_byte {
            told.number("omniroute.time_to_first_byte", first_byte.as_secs_f64());
        }
        if outcome.interrupted {
            told.flag("omniroute.interrupted", true);
        }
        if !outcome.dropped.is_empty() {
            told.text("omniroute.translation.dropped", &*outcome.dropped);
        }
        match (outcome.error, outcome.status) {
            (_, CLIENT_GONE) => told.text("error.type", Reason::ClientGone.name()),
            (Some(code), _) => told.text("error.type", code.name),
            (None, status) if status >= 500 => told.text("error.type", status.to_string()),
            _ => {}
        }
    }

    fn attempt(
        &self,
        trace: &Trace,
        (at, record, span): (usize, &AttemptRecord, &AttemptSpan),
    ) -> Span {
        let asked = self.cx.call.as_ref().map_or(Operation::Chat, |call| call.operation);
        let operation = operation(asked);
        let mut told = Attributes::with_capacity(16);
        told.text("gen_ai.operation.name", operation);
        told.text("gen_ai.provider.name", provider_name(record.provider.as_str()));
        told.text("gen_ai.request.model", &*record.model);
        told.text("server.address", &*span.host);
        told.whole("server.port", span.port);
        told.text("omniroute.provider", record.provider.as_str());
        told.text("omniroute.account", record.account.as_str());
        if at > 0 {
            told.whole("http.request.resend_count", at);
        }
        if let Some(status) = record.status {
            told.whole("http.response.status_code", status);
        }
        if !record.waited.is_zero() {
            told.number("omniroute.waited", record.waited.as_secs_f64());
        }
        if let Some(rest) = record.rest {
            told.number("omniroute.rest", rest.as_secs_f64());
        }
        if let Some(reason) = record.failure {
            told.text("error.type", reason.name());
        }
        if at + 1 == self.attempts.len() {
            self.taken(&mut told);
        }
        let failed = record.failure.is_some_and(|reason| reason != Reason::ClientGone);
        let began = span.began.saturating_duration_since(self.cx.started);
        Span {
            trace_id: trace.id.to_be_bytes().to_vec(),
            span_id: span.id.to_be_bytes().to_vec(),
            parent_span_id: trace.span_id.to_be_bytes().to_vec(),
            trace_state: self.state(trace),
            flags: FLAGS,
            name: format!("{operation} {}", cut(&record.model)),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: nanos(trace, began),
            end_time_unix_nano: nanos(trace, began + record.took),
            attributes: told.0,
            status: failed.then(error),
            ..Span::default()
        }
    }

    /// What the answer took. Only the last attempt can have given one.
    fn taken(&self, told: &mut Attributes) {
        let usage = &self.outcome.usage;
        for (key, tokens) in [
            // The conventions count what came from a cache as input, too.
            ("gen_ai.usage.input_tokens", usage.input_total()),
            ("gen_ai.usage.output_tokens", usage.output),
            ("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
            ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write),
            ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
        ] {
            if let Some(tokens) = tokens {
                told.whole(key, tokens);
            }
        }
        if usage.estimated {
            told.flag("omniroute.usage.estimated", true);
        }
        if let Some(charge) = &self.outcome.charge {
            told.number("omniroute.cost_usd", charge.amount.as_dollars());
        }
        if let Some(finish) = self.finish {
            told.list("gen_ai.response.finish_reasons", finish.name());
        }
    }

    /// The caller's vendors' own additions; they belong to its trace only.
    fn state(&self, trace: &Trace) -> String {
        if trace.parent_id.is_none() {
            return String::new();
        }
        let values = self.cx.head.headers.get_all(TRACESTATE).iter();
        let state = values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
        // The standard has nobody keep more than 512, and no part of an entry.
        if state.len() > MAX_STATE_BYTES { String::new() } else { state }
    }
}

/// Nanoseconds since 1970 of a moment after the request's arrival. Durations are measured by the monotonic
/// clock, so that a corrected wall clock bends no span.
fn nanos(trace: &Trace, after: Duration) -> u64 {
    let since = trace.began.duration_since(UNIX_EPOCH).unwrap_or_default() + after;
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn error() -> Status {
    Status { code: StatusCode::Error.into(), ..Status::default() }
}

/// The conventions' word for an operation; counting tokens has none of theirs.
pub(super) const fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat => "chat",
        Operation::CountTokens => "count_tokens",
        Operation::Models => "models",
    }
}

/// The conventions' name for a provider of the catalogue; its id where they have none, or the same.
pub(super) fn provider_name(id: &str) -> &str {
    match id {
        "claude" => "anthropic",
        "codex" | "openai-responses" => "openai",
        "gemini" | "gemini-cli" => "gcp.gemini",
        "codestral" | "mistral" => "mistral_ai",
        "xai" => "x_ai",
        other => other,
    }
}
