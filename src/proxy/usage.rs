//! The record of a call that has ended.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use omniroute_core::clock::millis;
use omniroute_core::context::{AttemptRecord, Operation, Outcome, RequestContext};
use omniroute_core::usage::{
    CallLog, FailedAttempt, MAX_NAME_CHARS, MAX_PATH_CHARS, RecordId, Tokens, UsageRecord,
};
use rand::RngExt;

use super::Shared;

/// Hands over the record of a call, with what the request log keeps of it; returns its id. Requests that are no
/// calls, and those that no key let through, have none.
pub(super) fn record(
    cx: &mut RequestContext,
    outcome: &Outcome,
    attempts: &[AttemptRecord],
    (combo, shared): (Option<&str>, &Shared),
) -> Option<RecordId> {
    let log = log(cx, outcome, attempts);
    let call = cx.call.as_ref()?;
    let ended = shared.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    let last = attempts.last();
    let (cost_nanodollars, price_version) = cost(cx, outcome);
    let id = RecordId::new(ended, rand::rng().random());
    shared.recorder.record(UsageRecord {
        id,
        request_id: cut_shared(&cx.request_id),
        client_key: cx.caller.as_ref().map(|key| key.name.shared()),
        format: Cow::Borrowed(cx.format.name()),
        operation: Cow::Borrowed(name(call.operation)),
        asked: beginning(&call.peek.model, MAX_NAME_CHARS).into(),
        combo: combo.map(Into::into),
        provider: last.map(|attempt| attempt.provider.shared()),
        account: last.map(|attempt| attempt.account.shared()),
        model: last.map(|attempt| cut_shared(&attempt.model)),
        answered_by: cx.attached.answered_by.map(Cow::Borrowed),
        status: outcome.status,
        error: outcome.error.map(|code| Cow::Borrowed(code.name)),
        attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
        stream: call.peek.stream,
        interrupted: outcome.interrupted,
        tokens: Tokens::from(&outcome.usage),
        estimated: outcome.usage.estimated,
        cost_nanodollars,
        price_version,
        first_byte_us: outcome.first_byte.map(micros),
        duration_us: micros(outcome.duration),
        log,
    });
    Some(id)
}

/// Returns what the request log keeps of a call, if it is logged.
fn log(
    cx: &mut RequestContext,
    outcome: &Outcome,
    attempts: &[AttemptRecord],
) -> Option<Box<CallLog>> {
    let (error_text, bodies) = cx.attached.logging.take()?.end();
    let failed = attempts.iter().filter_map(|attempt| {
        Some(FailedAttempt {
            provider: attempt.provider.as_str().into(),
            account: attempt.account.as_str().into(),
            model: cut(&attempt.model, MAX_NAME_CHARS),
            verdict: Cow::Borrowed(attempt.failure?.name()),
            status: attempt.status,
            took_ms: millis(attempt.took),
        })
    });
    Some(Box::new(CallLog {
        address: cx.head.peer,
        method: cx.head.method.as_str().into(),
        path: cut(&cx.head.path, MAX_PATH_CHARS),
        cache: Cow::Borrowed(cache(cx)),
        dropped: outcome.dropped.clone(),
        error_text,
        failed: failed.collect(),
        bodies_lost: false,
        bodies,
    }))
}

/// Says as `x-omniroute-cache` does whether the call was answered from what is kept.
fn cache(cx: &RequestContext) -> &'static str {
    match (cx.attached.answered_by, cx.attached.headers.get("x-omniroute-cache")) {
        (Some("response_cache"), _) => "hit",
        (_, Some(said)) if said == "miss" => "miss",
        _ => "bypass",
    }
}

/// Returns what a call cost in nanodollars and which prices say so; nothing where no price is known. What a
/// filter answered costs zero at any price.
fn cost(cx: &RequestContext, outcome: &Outcome) -> (Option<u64>, Option<u64>) {
    if cx.attached.answered_by.is_some() {
        return (Some(0), None);
    }
    let charge = outcome.charge.as_ref();
    (charge.map(|charge| charge.amount.get()), charge.map(|charge| charge.price.get()))
}

const fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat => "chat",
        Operation::CountTokens => "count_tokens",
        Operation::Models => "models",
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Cuts a name that is shared, and goes on sharing it if nothing has to be cut.
fn cut_shared(name: &Arc<str>) -> Arc<str> {
    let kept = beginning(name, MAX_NAME_CHARS);
    if kept.len() == name.len() { Arc::clone(name) } else { kept.into() }
}

fn cut(text: &str, most_chars: usize) -> Box<str> {
    beginning(text, most_chars).into()
}

fn beginning(text: &str, most_chars: usize) -> &str {
    // No character takes less than a byte.
    if text.len() <= most_chars {
        return text;
    }
    text.char_indices().nth(most_chars).map_or(text, |(end, _)| &text[..end])
}
