//! Reads error bodies of every shape that providers and the proxies before them send.

use std::time::Duration;

use serde_json::Value;

use crate::api_error::{ErrorKind, UpstreamError};

/// Longest message kept, in bytes: a proxy's error page is no message.
const MAX_MESSAGE_BYTES: usize = 1000;

/// What a body says, wherever it says it.
#[derive(Default)]
struct Said {
    kind: String,
    code: String,
    message: String,
    param: Option<String>,
}

/// Reads an error body that came with an HTTP status.
pub(in crate::anthropic) fn read(status: u16, body: &[u8]) -> UpstreamError {
    let said = match serde_json::from_slice::<Value>(body) {
        Ok(value) => Said::of(&value),
        Err(_) => Said { message: plain_text(body), ..Said::default() },
    };
    judge(said, status)
}

/// Reads an error that came inside a reply with status 200; its words say the status.
pub(in crate::anthropic) fn in_band(body: &Value) -> UpstreamError {
    judge(Said::of(body), 200)
}

fn judge(said: Said, status: u16) -> UpstreamError {
    let text = said.message.to_ascii_lowercase();
    let kind = kind_of_words(&said, &text)
        .or_else(|| kind_of_clear_status(status))
        .or_else(|| kind_of_type(&said.kind))
        .unwrap_or(match status {
            400..=499 => ErrorKind::InvalidRequest,
            _ => ErrorKind::Server,
        });
    let status = if status >= 400 { status } else { status_of(&said.kind, kind) };
    let message = if said.message.is_empty() {
        format!("the upstream answered {status} and said nothing more")
    } else {
        said.message
    };
    UpstreamError {
        kind,
        native_type: said.kind,
        native_code: said.code,
        param: said.param,
        retry_after: wait_in_text(&text),
        ..UpstreamError::server(status, message)
    }
}

/// What type and status cannot tell apart, the message does.
fn kind_of_words(said: &Said, text: &str) -> Option<ErrorKind> {
    const TOO_LONG: [&str; 5] = [
        "prompt is too long",
        "exceed context limit",
        "maximum context length",
        "exceeds the context window",
        "context_length_exceeded",
    ];
    const NO_QUOTA: [&str; 3] =
        ["credit balance is too low", "spend limit", "exceeded your current quota"];
    const QUOTA_CODES: [&str; 2] = ["insufficient_quota", "enforced_spend_limit_reached"];
    if said.code == "context_length_exceeded" || TOO_LONG.iter().any(|words| text.contains(words)) {
        return Some(ErrorKind::ContextTooLong);
    }
    let is_quota = said.kind == "billing_error"
        || QUOTA_CODES.contains(&&*said.code)
        || QUOTA_CODES.contains(&&*said.kind)
        || NO_QUOTA.iter().any(|words| text.contains(words));
    is_quota.then_some(ErrorKind::Quota)
}

/// Statuses that say more than the `type` beside them.
const fn kind_of_clear_status(status: u16) -> Option<ErrorKind> {
    Some(match status {
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Quota,
        403 => ErrorKind::Permission,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimit,
        503 | 529 => ErrorKind::Overloaded,
        _ => return None,
    })
}

fn kind_of_type(kind: &str) -> Option<ErrorKind> {
    Some(match kind {
        "invalid_request_error" | "conflict_error" => ErrorKind::InvalidRequest,
        "authentication_error" => ErrorKind::Authentication,
        "permission_error" => ErrorKind::Permission,
        "not_found_error" => ErrorKind::NotFound,
        "request_too_large" => ErrorKind::TooLarge,
        "rate_limit_error" => ErrorKind::RateLimit,
        "overloaded_error" => ErrorKind::Overloaded,
        "timeout_error" => ErrorKind::Timeout,
        "api_error" => ErrorKind::Server,
        _ => return None,
    })
}

/// Returns the status that belongs to an error inside a reply, as the vendor documents it.
fn status_of(native: &str, kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::InvalidRequest if native == "conflict_error" => 409,
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong => 400,
        ErrorKind::Authentication => 401,
        ErrorKind::Quota => 402,
        ErrorKind::Permission => 403,
        ErrorKind::NotFound => 404,
        ErrorKind::TooLarge => 413,
        ErrorKind::RateLimit => 429,
        ErrorKind::Timeout => 504,
        ErrorKind::Overloaded => 529,
        ErrorKind::Server => 500,
    }
}

impl Said {
    fn of(value: &Value) -> Self {
        let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        match &value["error"] {
            Value::Null => {}
            Value::String(message) => {
                return Self {
                    message: cut(message),
                    code: word(&value["code"]),
                    ..Self::default()
                };
            }
            inner => return Self::of_object(inner),
        }
        for list in [&value["errors"], &value["detail"]] {
            if let Some(first) = list.as_array().and_then(|list| list.first()) {
                return Self::of_entry(first);
            }
        }
        Self::of_object(value)
    }

    /// Reads an object with `message`, `type`, `code` and the like.
    fn of_object(object: &Value) -> Self {
        if let Some(nested) = object["metadata"]["raw"].as_str()
            && let Ok(inner) = serde_json::from_str::<Value>(nested)
        {
            return Self::of(&inner);
        }
        let message = [&object["message"], &object["detail"], &object["msg"]]
            .into_iter()
            .find_map(Value::as_str)
            .map_or_else(String::new, cut);
        let code = [&object["code"], &object["details"]["error_code"]]
            .into_iter()
            .map(word)
            .find(|code| !code.is_empty())
            .unwrap_or_default();
        let kind = [&object["type"], &object["status"]]
            .into_iter()
            .map(word)
            .find(|kind| !kind.is_empty())
            .unwrap_or_default();
        Self { kind, code, message, param: object["param"].as_str().map(str::to_owned) }
    }

    /// Reads one of a list of faults: text, or an object with the place of the fault.
    fn of_entry(entry: &Value) -> Self {
        if let Some(message) = entry.as_str() {
            return Self { message: cut(message), ..Self::default() };
        }
        let mut said = Self::of_object(entry);
        let place: Vec<String> = entry["loc"].as_array().into_iter().flatten().map(word).collect();
        if !place.is_empty() {
            said.param = Some(place.join("."));
        }
        said
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') {
        "the upstream answered with an HTML page".to_owned()
    } else {
        cut(text)
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_MESSAGE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Reads a wait out of words such as `try again in 20s` or `Please retry in 48.9 seconds`.
fn wait_in_text(text: &str) -> Option<Duration> {
    let rest = ["again in ", "retry in ", "retry after "]
        .into_iter()
        .find_map(|words| text.split_once(words).map(|(_, rest)| rest))?;
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let amount: f64 = rest[..digits].trim_end_matches('.').parse().ok()?;
    let unit = rest[digits..].trim_start();
    let seconds = match unit {
        _ if unit.starts_with("ms") || unit.starts_with("milli") => amount / 1000.0,
        _ if unit.starts_with('m') => amount * 60.0,
        _ if unit.starts_with('h') => amount * 3600.0,
        _ => amount,
    };
    Duration::try_from_secs_f64(seconds).ok()
}
