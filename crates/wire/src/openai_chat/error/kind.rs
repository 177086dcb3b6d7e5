//! Which class an error is of, from its status and words, and the words of this format for a class.

use crate::api_error::ErrorKind;

/// What an error says about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) kind: &'a str,
    pub(super) code: &'a str,
    pub(super) message: &'a str,
}

/// Finds the class. Words win over the status where they are known to be more exact: a full context
/// and a bad key come as 400, a used-up quota as 429.
pub(super) fn classify(status: Option<u16>, words: Words<'_>) -> ErrorKind {
    let code = words.code.to_ascii_lowercase();
    let kind = words.kind.to_ascii_lowercase();
    let message = words.message.to_ascii_lowercase();
    let says = |word: &str| code.contains(word) || kind.contains(word);
    let tells = |texts: &[&str]| texts.iter().any(|text| message.contains(text));

    let is_limit = status == Some(429) || says("rate_limit");
    if !is_limit && (says("context_length") || tells(CONTEXT_TEXTS)) {
        return ErrorKind::ContextTooLong;
    }
    if status == Some(402) || says("insufficient_quota") || says("billing") || tells(QUOTA_TEXTS) {
        return ErrorKind::Quota;
    }
    if says("invalid_api_key") || says("authentication") || tells(KEY_TEXTS) {
        return ErrorKind::Authentication;
    }
    if says("model_not_found") || says("not_found_error") {
        return ErrorKind::NotFound;
    }
    if says("overloaded") || says("service_unavailable") {
        return ErrorKind::Overloaded;
    }
    if says("request_too_large") {
        return ErrorKind::TooLarge;
    }
    match status {
        Some(status) => by_status(status),
        None => by_type(&kind, &code),
    }
}

const CONTEXT_TEXTS: &[&str] = &[
    "maximum context length",
    "context length exceeded",
    "exceeds the context",
    "context window",
    "prompt is too long",
    "reduce the length of the messages",
    "exceeds the maximum number of tokens",
];

const QUOTA_TEXTS: &[&str] =
    &["insufficient balance", "credit balance is too low", "insufficient credits", "spend limit"];

const KEY_TEXTS: &[&str] =
    &["incorrect api key", "invalid api key", "api key not valid", "invalid authentication"];

const fn by_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 410 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimit,
        498 | 503 | 529 => ErrorKind::Overloaded,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    }
}

/// The class of an error inside a stream, which has no status of its own.
fn by_type(kind: &str, code: &str) -> ErrorKind {
    let says = |word: &str| code.contains(word) || kind.contains(word);
    if says("rate_limit") || kind == "requests" || kind == "tokens" {
        ErrorKind::RateLimit
    } else if says("permission") {
        ErrorKind::Permission
    } else if says("timeout") {
        ErrorKind::Timeout
    } else if says("invalid_request") || says("content_filter") {
        ErrorKind::InvalidRequest
    } else {
        ErrorKind::Server
    }
}

/// Returns the status that belongs to a class.
pub(super) const fn status_of(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong => 400,
        ErrorKind::Authentication => 401,
        ErrorKind::Permission => 403,
        ErrorKind::NotFound => 404,
        ErrorKind::TooLarge => 413,
        ErrorKind::RateLimit | ErrorKind::Quota => 429,
        ErrorKind::Overloaded => 503,
        ErrorKind::Timeout => 504,
        ErrorKind::Server => 500,
    }
}

/// Returns OpenAI's `type` for a class.
pub(crate) const fn type_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::ContextTooLong
        | ErrorKind::Authentication
        | ErrorKind::NotFound
        | ErrorKind::TooLarge => "invalid_request_error",
        ErrorKind::Permission => "permission_error",
        ErrorKind::RateLimit => "requests",
        ErrorKind::Quota => "insufficient_quota",
        ErrorKind::Overloaded | ErrorKind::Timeout | ErrorKind::Server => "server_error",
    }
}

/// Returns OpenAI's `code` for a class, where it has one.
pub(crate) const fn code_of(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::ContextTooLong => Some("context_length_exceeded"),
        ErrorKind::Authentication => Some("invalid_api_key"),
        ErrorKind::NotFound => Some("model_not_found"),
        ErrorKind::TooLarge => Some("request_too_large"),
        ErrorKind::RateLimit => Some("rate_limit_exceeded"),
        ErrorKind::Quota => Some("insufficient_quota"),
        ErrorKind::Overloaded => Some("overloaded"),
        ErrorKind::Timeout => Some("timeout"),
        ErrorKind::InvalidRequest | ErrorKind::Permission | ErrorKind::Server => None,
    }
}
