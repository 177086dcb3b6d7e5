//! One line per request: who asked for what, who served, what happened on the way, how long it took.
//! Never a prompt, never a key.

use omniroute_core::context::{AttemptRecord, Outcome, RequestContext};

/// Longest model name that is logged, in characters: it is whatever the client wrote.
const MAX_MODEL_CHARS: usize = 120;

/// Writes a request's line.
pub fn write(cx: &RequestContext, outcome: &Outcome, records: &[AttemptRecord]) {
    if !tracing::enabled!(target: "access", tracing::Level::INFO) {
        return;
    }
    let model: String = cx
        .call
        .iter()
        .flat_map(|call| call.peek.model.chars())
        .take(MAX_MODEL_CHARS)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    let served = records.last();
    let usage = &outcome.usage;
    tracing::info!(
        target: "access",
        request_id = %cx.request_id,
        method = %cx.head.method,
        path = %&*cx.head.path,
        format = cx.format.name(),
        client_key = cx.caller.as_ref().map(|key| key.name.as_str()),
        model,
        provider = served.map(|record| record.provider.as_str()),
        account = served.map(|record| record.account.as_str()),
        upstream_model = served.map(|record| &*record.model),
        attempts = records.len(),
        tried = tried(records),
        status = outcome.status,
        error = outcome.error.map(|code| code.name),
        interrupted = outcome.interrupted,
        first_byte_ms = outcome.first_byte.map(millis),
        duration_ms = millis(outcome.duration),
        input_tokens = usage.input_total(),
        cached_tokens = usage.cache_read,
        output_tokens = usage.output,
        reasoning_tokens = usage.reasoning,
        "request"
    );
}

/// Lists the attempts that failed: `account:reason(status)`.
fn tried(records: &[AttemptRecord]) -> Option<String> {
    let mut list = String::new();
    for record in records {
        let Some(reason) = record.failure else { continue };
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(record.account.as_str());
        list.push(':');
        list.push_str(reason.name());
        if let Some(status) = record.status {
            list.push_str(&format!("({status})"));
        }
    }
    (!list.is_empty()).then_some(list)
}

/// Returns milliseconds with three decimals.
fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
