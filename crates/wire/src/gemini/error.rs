//! Errors: bodies of providers in every shape they have, and bodies for clients.
//!
//! Google's own shape is `{"error": {code, message, status, details}}`, sometimes as a list of one.
//! Proxies and compatible servers send others, so everything is read from wherever it stands and the
//! HTTP status is the fallback.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api_error::{ApiError, ErrorKind, UpstreamError};

/// Longest piece of an unreadable body that is repeated in a message, in characters.
const EXCERPT_CHARS: usize = 200;

/// Statuses that belong to Google's words (`google.rpc.Code`).
const STATUS_OF_WORD: [(&str, u16); 15] = [
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("ALREADY_EXISTS", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("INTERNAL", 500),
    ("UNKNOWN", 500),
    ("DATA_LOSS", 500),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

/// Reads an error body. `status` is the HTTP status it came with.
pub(super) fn read(status: u16, body: &[u8]) -> UpstreamError {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return from_value(Some(status), &value);
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let message = if text.is_empty() {
        format!("upstream answered with status {status} and an empty body")
    } else if text.starts_with('<') {
        format!("upstream answered with status {status} and an HTML page")
    } else {
        text.chars().take(EXCERPT_CHARS).collect()
    };
    let facts = Facts { status, message, ..Facts::default() };
    facts.judge()
}

/// Reads an error from JSON. Without an HTTP status the body's own code or word decides.
pub(super) fn from_value(status: Option<u16>, body: &Value) -> UpstreamError {
    let body = body.as_array().and_then(|list| list.first()).unwrap_or(body);
    let error = match body.get("error") {
        Some(error) if !error.is_null() => error,
        _ => body.get("errors").and_then(|list| list.get(0)).unwrap_or(body),
    };
    let details = error.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let word = first_text(&[error.get("status"), error.get("type"), body.get("type")]);
    let code = error.get("code").or_else(|| body.get("code")).map(plain).unwrap_or_default();
    let own_status = code.parse().ok().filter(|code| (400..600).contains(code));
    let status = status.filter(|status| *status >= 400).or(own_status).or_else(|| status_of(&word));

    let facts = Facts {
        status: status.unwrap_or(500),
        message: message(error, body),
        reason: details
            .iter()
            .find_map(|detail| detail.get("reason")?.as_str())
            .unwrap_or_default()
            .to_owned(),
        per_day: details.iter().any(is_per_day),
        delay: details.iter().find_map(|detail| duration(detail.get("retryDelay")?.as_str()?)),
        param: param(error, details),
        word,
        code,
    };
    facts.judge()
}

/// Writes an error body for a client.
pub(super) fn write(error: &ApiError) -> Vec<u8> {
    let word = word_for(error.kind, error.status);
    body(error.status, &error.message, word, error.retry_after).to_string().into_bytes()
}

/// Makes the object of an error; a wait is said as `google.rpc.RetryInfo`.
pub(super) fn body(status: u16, message: &str, word: &str, wait: Option<Duration>) -> Value {
    let mut error = json!({"code": status, "message": message, "status": word});
    if let Some(wait) = wait {
        error["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}s", wait.as_secs_f64()),
        }]);
    }
    json!({"error": error})
}

/// Returns Google's word for a class of errors.
pub(super) fn word_for(kind: ErrorKind, status: u16) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong | ErrorKind::TooLarge => {
            "INVALID_ARGUMENT"
        }
        ErrorKind::Authentication => "UNAUTHENTICATED",
        ErrorKind::Permission => "PERMISSION_DENIED",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::RateLimit | ErrorKind::Quota => "RESOURCE_EXHAUSTED",
        ErrorKind::Overloaded => "UNAVAILABLE",
        ErrorKind::Timeout => "DEADLINE_EXCEEDED",
        // A provider that cannot be reached or understood is unavailable; the gateway is not broken.
        ErrorKind::Server if status == 502 || status == 503 => "UNAVAILABLE",
        ErrorKind::Server => "INTERNAL",
    }
}

/// What a body says, before it is judged.
#[derive(Default)]
struct Facts {
    status: u16,
    message: String,
    word: String,
    code: String,
    reason: String,
    per_day: bool,
    delay: Option<Duration>,
    param: Option<String>,
}

impl Facts {
    fn judge(self) -> UpstreamError {
        UpstreamError {
            kind: self.kind(),
            status: self.status,
            retry_after: self.delay.or_else(|| wait_in_text(&self.message)),
            native_type: self.word,
            native_code: self.code,
            message: self.message,
            param: self.param,
            truncated: false,
        }
    }

    fn kind(&self) -> ErrorKind {
        let text = self.message.to_ascii_lowercase();
        let says = |needle: &str| text.contains(needle);
        if self.reason.starts_with("API_KEY_")
            || says("api key not valid")
            || says("api key expired")
        {
            return ErrorKind::Authentication;
        }
        let counts_tokens = says("token count") || says("number of tokens") || says("context");
        if counts_tokens && says("exceed") && self.status != 429 {
            return ErrorKind::ContextTooLong;
        }
        if self.status == 413 {
            return ErrorKind::TooLarge;
        }
        match status_of(&self.word).unwrap_or(self.status) {
            401 => ErrorKind::Authentication,
            402 => ErrorKind::Quota,
            403 => ErrorKind::Permission,
            404 => ErrorKind::NotFound,
            429 if self.per_day => ErrorKind::Quota,
            429 => ErrorKind::RateLimit,
            503 | 529 => ErrorKind::Overloaded,
            408 | 504 => ErrorKind::Timeout,
            400..=499 => ErrorKind::InvalidRequest,
            _ => ErrorKind::Server,
        }
    }
}

fn message(error: &Value, body: &Value) -> String {
    // A router wraps the provider's own error as JSON text.
    let nested = error.pointer("/metadata/raw").and_then(Value::as_str);
    if let Some(inner) = nested.and_then(|raw| serde_json::from_str::<Value>(raw).ok()) {
        let text = from_value(None, &inner).message;
        if !text.is_empty() {
            return text;
        }
    }
    let detail = body.get("detail");
    let listed = detail.and_then(|list| list.get(0)?.get("msg"));
    let places = [error.get("message"), Some(error), body.get("message"), detail, listed];
    let text = first_text(&places);
    if text.is_empty() { "upstream gave no reason".to_owned() } else { text }
}

fn param(error: &Value, details: &[Value]) -> Option<String> {
    let named = error.get("param").and_then(Value::as_str);
    let violated =
        || details.iter().find_map(|detail| detail.pointer("/fieldViolations/0/field")?.as_str());
    named.or_else(violated).map(str::to_owned)
}

fn is_per_day(detail: &Value) -> bool {
    let violations = detail.get("violations").and_then(Value::as_array);
    let names = ["quotaId", "quotaMetric", "subject"];
    violations.into_iter().flatten().any(|violation| {
        names.iter().filter_map(|name| violation.get(name)?.as_str()).any(|text| {
            let text = text.to_ascii_lowercase();
            text.contains("perday") || text.contains("per_day")
        })
    })
}

fn status_of(word: &str) -> Option<u16> {
    STATUS_OF_WORD.iter().find(|(known, _)| *known == word).map(|(_, status)| *status)
}

fn first_text(places: &[Option<&Value>]) -> String {
    let texts = places.iter().filter_map(|place| place.and_then(Value::as_str));
    texts.filter(|text| !text.is_empty()).map(str::to_owned).next().unwrap_or_default()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Finds "Please retry in 48.9s." in a message.
fn wait_in_text(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    let (_, after) = lower.split_once("retry in ").or_else(|| lower.split_once("try again in "))?;
    let word = after.split_whitespace().next()?;
    duration(word.trim_end_matches(['.', ',', ';', ')']))
}

/// Reads a duration such as `48s`, `1.5s`, `6m0s` or `250ms`.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        seconds += match &rest[..letters] {
            "h" => number * 3600.0,
            "m" => number * 60.0,
            "s" => number,
            "ms" => number / 1000.0,
            _ => return None,
        };
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests;
