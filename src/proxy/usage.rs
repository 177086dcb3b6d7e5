//! The record of a call that has ended.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use omniroute_core::clock::millis;
use omniroute_core::context::{AttemptRecord, Operation, Outcome, RequestContext};
use omniroute_core::usage::{MAX_NAME_CHARS, RecordId, Tokens, UsageRecord};
use rand::RngExt;

use super::Shared;

/// Hands over the record of a call. Requests that are no calls, and those that no key let through, have none.
pub(super) fn record(
    cx: &RequestContext,
    outcome: &Outcome,
    attempts: &[AttemptRecord],
    (combo, shared): (Option<&str>, &Shared),
) {
    let Some(call) = &cx.call else { return };
    let ended = shared.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    let last = attempts.last();
    let (cost_nanodollars, price_version) = cost(cx, outcome);
    shared.recorder.record(UsageRecord {
        id: RecordId::new(millis(ended), rand::rng().random()),
        request_id: cut(&cx.request_id),
        client_key: cx.caller.as_ref().map(|key| key.name.as_str().into()),
        format: Cow::Borrowed(cx.format.name()),
        operation: Cow::Borrowed(name(call.operation)),
        asked: cut(&call.peek.model),
        combo: combo.map(Into::into),
        provider: last.map(|attempt| attempt.provider.as_str().into()),
        account: last.map(|attempt| attempt.account.as_str().into()),
        model: last.map(|attempt| cut(&attempt.model)),
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
    });
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

fn cut(name: &str) -> Box<str> {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        None => name.into(),
        Some((end, _)) => name[..end].into(),
    }
}
