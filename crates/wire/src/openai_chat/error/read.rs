//! Reads error bodies: OpenAI's own shape and those of the providers that imitate it.

use std::time::Duration;

use serde_json::Value;

use super::kind::{Words, classify, status_of};
use super::retry;
use crate::api_error::UpstreamError;

/// Longest piece of a body that is no JSON which is kept as the message, in characters.
const MAX_TEXT_CHARS: usize = 500;

/// What an error object says, whatever its shape.
#[derive(Debug, Default)]
struct Said {
    message: String,
    kind: String,
    code: String,
    param: Option<String>,
    status: Option<u16>,
    retry_after: Option<Duration>,
}

/// Reads the body of a reply with an error status, also HTML or nothing.
pub(crate) fn body(status: u16, body: &[u8]) -> UpstreamError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => judge(Some(status), said(&value)),
        Err(_) => judge(Some(status), Said { message: plain(status, body), ..Said::default() }),
    }
}

/// Reads the `error` member of a stream event, or a whole event that is an error.
pub(crate) fn in_band(raw: &str) -> UpstreamError {
    let value: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
    let said = said(&value);
    judge(said.status, said)
}

fn judge(status: Option<u16>, said: Said) -> UpstreamError {
    let words = Words { kind: &said.kind, code: &said.code, message: &said.message };
    let kind = classify(status, words);
    let retry_after = said.retry_after.or_else(|| retry::in_text(&said.message));
    let message = if said.message.is_empty() {
        "the upstream sent an error without a message".to_owned()
    } else {
        said.message
    };
    UpstreamError {
        kind,
        status: status.unwrap_or_else(|| status_of(kind)),
        native_type: said.kind,
        native_code: said.code,
        message,
        param: said.param,
        retry_after,
        truncated: false,
    }
}

fn said(value: &Value) -> Said {
    match value {
        Value::Array(list) => list.first().map(said).unwrap_or_default(),
        Value::String(message) => Said { message: message.clone(), ..Said::default() },
        Value::Object(_) => {
            let outer = of_object(value);
            match value.get("error").or_else(|| value.get("errors")) {
                Some(inner @ (Value::Object(_) | Value::Array(_) | Value::String(_))) => {
                    fill(said(inner), outer)
                }
                _ => outer,
            }
        }
        _ => Said::default(),
    }
}

/// Keeps what the inner object says and fills its gaps from the outer one (xAI has `code` outside).
fn fill(inner: Said, outer: Said) -> Said {
    let or = |inner: String, outer: String| if inner.is_empty() { outer } else { inner };
    Said {
        message: or(inner.message, outer.message),
        kind: or(inner.kind, outer.kind),
        code: or(inner.code, outer.code),
        param: inner.param.or(outer.param),
        status: inner.status.or(outer.status),
        retry_after: inner.retry_after.or(outer.retry_after),
    }
}

fn of_object(value: &Value) -> Said {
    let text = |name: &str| match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let number = |name: &str| {
        let number = value.get(name)?.as_u64()?;
        u16::try_from(number).ok().filter(|status| (400..600).contains(status))
    };
    let mut message = text("message");
    if message.is_empty() {
        message = text("msg");
    }
    if message.is_empty() {
        message = value.get("detail").map(detail).unwrap_or_default();
    }
    if let Some(raw) = value.pointer("/metadata/raw") {
        let cause = nested(raw);
        if !cause.is_empty() && !message.contains(&cause) {
            message = if message.is_empty() { cause } else { format!("{message}: {cause}") };
        }
    }
    let mut kind = text("type");
    if kind.is_empty() || kind == "error" {
        kind =
            if value.get("status").is_some_and(Value::is_string) { text("status") } else { kind };
    }
    Said {
        message,
        kind,
        code: text("code"),
        param: Some(text("param")).filter(|param| !param.is_empty()),
        status: number("status_code").or_else(|| number("code")).or_else(|| number("status")),
        retry_after: wait(value),
    }
}

/// Mistral's and FastAPI's `detail`: text, or a list of faults with their place.
fn detail(detail: &Value) -> String {
    let Some(list) = detail.as_array() else {
        return detail.as_str().map_or_else(|| said(detail).message, str::to_owned);
    };
    let faults: Vec<String> = list.iter().map(fault).filter(|fault| !fault.is_empty()).collect();
    faults.join("; ")
}

fn fault(fault: &Value) -> String {
    let message = fault.get("msg").or_else(|| fault.get("message")).and_then(Value::as_str);
    let place: Vec<String> = fault
        .get("loc")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
        .collect();
    match (message, place.is_empty()) {
        (Some(message), true) => message.to_owned(),
        (Some(message), false) => format!("{}: {message}", place.join(".")),
        (None, _) => String::new(),
    }
}

/// What the provider behind a router said: JSON text, plain text or an object (OpenRouter).
fn nested(raw: &Value) -> String {
    let Some(text) = raw.as_str() else { return said(raw).message };
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => said(&value).message,
        _ => text.chars().take(MAX_TEXT_CHARS).collect(),
    }
}

/// A wait in the members of the object: Google's `RetryInfo`, or `retry_after` in seconds.
fn wait(value: &Value) -> Option<Duration> {
    let listed = value.get("details").and_then(Value::as_array).into_iter().flatten();
    let google = listed.filter_map(|detail| detail.get("retryDelay")?.as_str()).next();
    if let Some(delay) = google {
        return retry::duration(delay);
    }
    let seconds = value.get("retry_after")?.as_f64()?;
    retry::duration(&format!("{seconds}s"))
}

/// Describes a body that is not JSON.
fn plain(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        return format!("the upstream answered with status {status} and no body");
    }
    if text.starts_with('<') {
        return format!(
            "the upstream answered with status {status} and a page instead of an error"
        );
    }
    text.chars().take(MAX_TEXT_CHARS).collect()
}
