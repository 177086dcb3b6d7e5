//! Errors: bodies of any shape read, our own written in the format's words.

mod read;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::api_error::{ApiError, ErrorKind, UpstreamError};
use crate::json;

pub(super) use self::read::{in_band, read};

/// Writes an error body for a client.
pub(super) fn write(error: &ApiError) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + error.message.len());
    body(client_type(error), &error.message, error.request_id.as_deref(), &mut out);
    out
}

/// Appends the error event that ends a stream, for an error of the gateway's own.
pub(super) fn write_event(error: &ApiError, out: &mut Vec<u8>) {
    // A stream that has begun may say that it took too long; a status of its own it has no more.
    let kind = if error.kind == ErrorKind::Timeout { "timeout_error" } else { client_type(error) };
    event(kind, &error.message, error.request_id.as_deref(), out);
}

/// Appends the error event that ends a stream, for an error the provider sent.
pub(super) fn write_upstream_event(error: &UpstreamError, out: &mut Vec<u8>) {
    event(upstream_type(error.kind), &error.message, None, out);
}

/// Writes an error body for an error the provider sent.
pub(super) fn write_upstream(error: &UpstreamError) -> Vec<u8> {
    let mut out = Vec::new();
    body(upstream_type(error.kind), &error.message, None, &mut out);
    out
}

fn event(kind: &str, message: &str, request_id: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: error\ndata: ");
    body(kind, message, request_id, out);
    out.extend_from_slice(b"\n\n");
}

fn body(kind: &str, message: &str, request_id: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"error\",\"error\":{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"message\":");
    json::string(message, out);
    out.push(b'}');
    if let Some(id) = request_id {
        out.extend_from_slice(b",\"request_id\":");
        json::string(id, out);
    }
    out.push(b'}');
}

/// Returns the `type` of an error of ours.
fn client_type(error: &ApiError) -> &'static str {
    match error.kind {
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Permission => "permission_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimit | ErrorKind::Quota => "rate_limit_error",
        ErrorKind::Overloaded => "overloaded_error",
        // 408 is the client's own slowness, 504 the provider's.
        ErrorKind::Timeout if error.status == 408 => "invalid_request_error",
        ErrorKind::Timeout | ErrorKind::Server => "api_error",
    }
}

/// Returns the `type` under which a client sees a provider's error. Our credential at the provider is
/// nothing the client could mend, so its faults are plain server errors.
const fn upstream_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::ContextTooLong => "invalid_request_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimit => "rate_limit_error",
        ErrorKind::Overloaded => "overloaded_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::Quota
        | ErrorKind::Server => "api_error",
    }
}

/// Tells whether a JSON value is an error body rather than a reply.
pub(super) fn is_error_body(body: &Value) -> bool {
    let body = body.as_array().and_then(|list| list.first()).unwrap_or(body);
    // Routers and clouds in between say no more than a message.
    let is_bare = body["message"].is_string() && body["content"].is_null();
    body["type"] == "error" || !body["error"].is_null() || is_bare
}
