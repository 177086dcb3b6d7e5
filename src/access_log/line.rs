//! What stands in a line.
//!
//! Written field by field into the buffer of all lines: it is done for every request, and through a derived form and
//! formatters it costs three times as much.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use jiff::fmt::temporal::DateTimePrinter;
use omniroute_core::context::{AttemptRecord, Outcome, RequestContext};
use omniroute_core::digits;
use omniroute_wire::json;

use crate::telemetry::LogFormat;

/// Longest text of a client that is logged, in characters.
const MAX_CLIENT_CHARS: usize = 120;

/// Digits are asked for in billionths.
const BILLIONTHS_OF_A_THOUSANDTH: u64 = 1_000_000;

/// How the time is written: to the microsecond.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// One request, as it is logged.
pub(super) struct Line<'a> {
    now: SystemTime,
    request_id: &'a str,
    method: &'a str,
    path: &'a str,
    format: &'static str,
    client_key: Option<&'a str>,
    model: Option<&'a str>,
    /// The filter that answered in the place of a provider.
    answered_by: Option<&'static str>,
    outcome: &'a Outcome,
    attempts: &'a [AttemptRecord],
}

impl<'a> Line<'a> {
    pub(super) fn new(
        now: SystemTime,
        cx: &'a RequestContext,
        outcome: &'a Outcome,
        attempts: &'a [AttemptRecord],
    ) -> Self {
        Self {
            now,
            request_id: &cx.request_id,
            method: cx.head.method.as_str(),
            path: &cx.head.path,
            format: cx.format.name(),
            client_key: cx.caller.as_ref().map(|key| key.name.as_str()),
            model: cx.call.as_ref().map(|call| &*call.peek.model),
            answered_by: cx.attached.answered_by,
            outcome,
            attempts,
        }
    }

    pub(super) fn write_json(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(b"{\"timestamp\":\"");
        write_time(self.now, buffer);
        buffer.extend_from_slice(
            b"\",\"level\":\"INFO\",\"message\":\"request\",\"target\":\"access\"",
        );
        self.write_fields(&mut Fields { buffer, form: LogFormat::Json });
        buffer.extend_from_slice(b"}\n");
    }

    /// Writes `timestamp INFO access: request name=value …`.
    pub(super) fn write_text(&self, buffer: &mut Vec<u8>) {
        write_time(self.now, buffer);
        buffer.extend_from_slice(b" INFO access: request");
        self.write_fields(&mut Fields { buffer, form: LogFormat::Text });
        buffer.push(b'\n');
    }

    fn write_fields(&self, fields: &mut Fields<'_>) {
        let Outcome { status, error, interrupted, first_byte, duration, usage, charge, dropped } =
            self.outcome;
        fields.text(r#","request_id":"#, self.request_id);
        fields.text(r#","method":"#, self.method);
        fields.text(r#","path":"#, &visible(self.path));
        fields.text(r#","format":"#, self.format);
        fields.some_text(r#","client_key":"#, self.client_key);
        fields.some_text(r#","model":"#, self.model.map(visible).as_deref());
        if let Some(served) = self.attempts.last() {
            fields.text(r#","provider":"#, served.provider.as_str());
            fields.text(r#","account":"#, served.account.as_str());
            fields.text(r#","upstream_model":"#, &visible(&served.model));
        }
        fields.some_text(r#","dropped":"#, Some(&**dropped).filter(|dropped| !dropped.is_empty()));
        fields.some_number(r#","attempts":"#, Some(self.attempts.len() as u64));
        fields.some_text(r#","answered_by":"#, self.answered_by);
        fields.some_text(r#","tried":"#, tried(self.attempts).as_deref());
        fields.some_number(r#","status":"#, Some((*status).into()));
        fields.some_text(r#","error":"#, error.map(|code| code.name));
        fields.flag(r#","interrupted":"#, *interrupted);
        if let Some(first_byte) = first_byte {
            write_millis(*first_byte, fields.name(r#","first_byte_ms":"#));
        }
        write_millis(*duration, fields.name(r#","duration_ms":"#));
        fields.some_number(r#","input_tokens":"#, usage.input_total());
        fields.some_number(r#","cached_tokens":"#, usage.cache_read);
        fields.some_number(r#","output_tokens":"#, usage.output);
        fields.some_number(r#","reasoning_tokens":"#, usage.reasoning);
        if let Some(charge) = charge {
            // As it is displayed.
            let cost = fields.name(r#","cost":"#);
            cost.extend_from_slice(b"\"$");
            cost.extend_from_slice(charge.amount.in_digits().as_bytes());
            cost.push(b'"');
        }
        // Whether a number is our own count.
        if usage.estimated {
            fields.flag(r#","estimated":"#, true);
        }
    }
}

/// Names and values at the end of a buffer; values are JSON in both forms of a line. Names are given as they stand in
/// JSON, so that this one is written in one piece.
struct Fields<'b> {
    buffer: &'b mut Vec<u8>,
    form: LogFormat,
}

impl Fields<'_> {
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        match self.form {
            LogFormat::Json => self.buffer.extend_from_slice(name.as_bytes()),
            LogFormat::Text => {
                self.buffer.push(b' ');
                self.buffer.extend_from_slice(name.trim_matches([',', '"', ':']).as_bytes());
                self.buffer.push(b'=');
            }
        }
        self.buffer
    }

    fn text(&mut self, name: &'static str, text: &str) {
        json::string(text, self.name(name));
    }

    fn some_text(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn some_number(&mut self, name: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            json::number(number, self.name(name));
        }
    }

    fn flag(&mut self, name: &'static str, flag: bool) {
        self.name(name).extend_from_slice(if flag { b"true" } else { b"false" });
    }
}

/// Cuts a client's text, so that one request cannot fill the log.
fn visible(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_CLIENT_CHARS {
        return Cow::Borrowed(text);
    }
    match text.char_indices().nth(MAX_CLIENT_CHARS) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

fn write_time(now: SystemTime, buffer: &mut Vec<u8>) {
    if let Ok(now) = jiff::Timestamp::try_from(now) {
        // Writing into memory cannot fail.
        let _infallible = TIME.print_timestamp(&now, buffer);
    }
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

/// Appends milliseconds with at most three decimals, and one at least, as JSON has numbers that are not whole.
fn write_millis(duration: Duration, buffer: &mut Vec<u8>) {
    let rounded = duration.saturating_add(Duration::from_nanos(500));
    let micros = u64::try_from(rounded.as_micros()).unwrap_or(u64::MAX);
    let put = |piece: &str| buffer.extend_from_slice(piece.as_bytes());
    digits::fraction(micros / 1000, micros % 1000 * BILLIONTHS_OF_A_THOUSANDTH, 1, put);
}

#[cfg(test)]
mod tests;
