//! What stands in a line.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use omniroute_core::context::{AttemptRecord, Outcome, RequestContext};
use serde::Serialize;

/// Longest text of a client that is logged, in characters.
const MAX_CLIENT_CHARS: usize = 120;

/// One request, as it is logged. The order of the fields is that of the line.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    timestamp: String,
    level: &'static str,
    message: &'static str,
    target: &'static str,
    request_id: &'a str,
    method: &'a str,
    path: Cow<'a, str>,
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_model: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    dropped: &'a str,
    attempts: usize,
    /// The filter that answered in the place of a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tried: Option<String>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    interrupted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte_ms: Option<f64>,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
    /// In dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    /// Whether a number is our own count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(
        now: SystemTime,
        cx: &'a RequestContext,
        outcome: &'a Outcome,
        records: &'a [AttemptRecord],
    ) -> Self {
        let served = records.last();
        let usage = &outcome.usage;
        Self {
            timestamp: timestamp(now),
            level: "INFO",
            message: "request",
            target: "access",
            request_id: &cx.request_id,
            method: cx.head.method.as_str(),
            path: visible(&cx.head.path),
            format: cx.format.name(),
            client_key: cx.caller.as_ref().map(|key| key.name.as_str()),
            model: cx.call.as_ref().map(|call| visible(&call.peek.model)),
            provider: served.map(|record| record.provider.as_str()),
            account: served.map(|record| record.account.as_str()),
            upstream_model: served.map(|record| visible(&record.model)),
            dropped: &outcome.dropped,
            attempts: records.len(),
            answered_by: cx.attached.answered_by,
            tried: tried(records),
            status: outcome.status,
            error: outcome.error.map(|code| code.name),
            interrupted: outcome.interrupted,
            first_byte_ms: outcome.first_byte.map(millis),
            duration_ms: millis(outcome.duration),
            input_tokens: usage.input_total(),
            cached_tokens: usage.cache_read,
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            cost: outcome.charge.map(|charge| charge.amount.to_string()),
            estimated: usage.estimated,
        }
    }

    pub(super) fn write_json(&self, buffer: &mut Vec<u8>) {
        if serde_json::to_writer(&mut *buffer, self).is_ok() {
            buffer.push(b'\n');
        }
    }

    /// Writes `timestamp INFO access: request name=value …`.
    pub(super) fn write_text(&self, buffer: &mut Vec<u8>) {
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self) else { return };
        // Writing into memory cannot fail.
        let _infallible = write!(buffer, "{} INFO access: request", self.timestamp);
        for (name, value) in fields.iter().skip(4) {
            let _infallible = write!(buffer, " {name}={value}");
        }
        buffer.push(b'\n');
    }
}

/// Cuts a client's text, so that one request cannot fill the log.
fn visible(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_CLIENT_CHARS) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

fn timestamp(now: SystemTime) -> String {
    jiff::Timestamp::try_from(now).map_or_else(|_| String::new(), |at| format!("{at:.6}"))
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
            let _infallible = write!(list, "({status})");
        }
    }
    (!list.is_empty()).then_some(list)
}

/// Returns milliseconds with three decimals.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use omniroute_core::ids::{AccountId, ProviderId};
    use omniroute_core::verdict::Reason;

    use super::*;

    fn record(account: &str, failure: Option<Reason>, status: Option<u16>) -> AttemptRecord {
        AttemptRecord {
            provider: ProviderId::new("p"),
            account: AccountId::new(account),
            model: "m".into(),
            failure,
            status,
            waited: Duration::ZERO,
            took: Duration::ZERO,
            rest: None,
            span: None,
        }
    }

    #[test]
    fn failed_attempts_are_listed_with_reason_and_status() {
        let records = [
            record("one", Some(Reason::RateLimit), Some(429)),
            record("two", Some(Reason::Connect), None),
            record("three", None, Some(200)),
        ];
        assert_eq!(tried(&records).as_deref(), Some("one:rate_limit(429), two:connect"));
        assert_eq!(tried(&records[2..]), None);
    }

    #[test]
    fn long_texts_are_cut_and_times_have_fixed_digits() {
        assert_eq!(visible("short"), "short");
        assert_eq!(visible(&"é".repeat(500)).chars().count(), MAX_CLIENT_CHARS + 1);
        assert_eq!(timestamp(UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
        assert_eq!(millis(Duration::from_nanos(1_234_567)), 1.235);
    }
}
