//! The vendors' errors: statuses, bodies and headers as each of them words them.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

use crate::ask::Refusal;
use crate::reply::{Content, Reply};
use crate::route::{Delivery, Format};

/// What went wrong, before it takes a vendor's words.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A status asked for by name.
    Status(u16),
    /// Too many requests, with the wait in seconds.
    RateLimit(Retry),
    /// The quota or the money is gone.
    Quota,
    /// The prompt is longer than the model's context.
    Context,
    /// The credential is not the required one.
    BadKey,
    /// The request is malformed.
    Refused(Refusal),
    /// The path is unknown.
    NoSuchPath(String),
    /// The body is longer than the simulator reads.
    TooLarge,
}

/// How the wait after a rate limit is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Retry {
    Unsaid,
    /// In `retry-after`.
    Header(u64),
    /// In the words or details of the body. Anthropic has no such words, so there it is the header.
    Body(u64),
}

/// One error in the words of all vendors.
struct Wording {
    status: u16,
    message: String,
    openai_type: &'static str,
    openai_code: Option<&'static str>,
    anthropic_type: &'static str,
    google_status: &'static str,
    google_details: Vec<Value>,
    param: Option<String>,
}

/// Makes the reply for an error.
pub(crate) fn reply(format: Format, trouble: &Trouble, request: u64) -> Reply {
    let wording = wording(format, trouble);
    let status = StatusCode::from_u16(wording.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Bytes::from(written(format, wording, request).to_string());
    let mut reply = Reply::new(status, Content::Whole(body));
    reply.headers = headers(format, Delivery::Whole, request);
    let wait = match trouble {
        Trouble::RateLimit(Retry::Header(wait)) => Some(wait),
        Trouble::RateLimit(Retry::Body(wait)) if format == Format::Messages => Some(wait),
        _ => None,
    };
    if let Some(wait) = wait {
        reply.headers.insert(RETRY_AFTER, HeaderValue::from(*wait));
    }
    reply
}

/// Makes the body of an error, for use inside a stream.
pub(crate) fn body(format: Format, trouble: &Trouble, request: u64) -> Value {
    written(format, wording(format, trouble), request)
}

/// Makes the headers every reply of a vendor has.
pub(crate) fn headers(format: Format, delivery: Delivery, request: u64) -> HeaderMap {
    let media_type = match (format, delivery) {
        (Format::Generate, Delivery::Events) => "text/event-stream",
        (_, Delivery::Events) => "text/event-stream; charset=utf-8",
        (Format::Generate, _) => "application/json; charset=UTF-8",
        (_, _) => "application/json",
    };
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    let request_id = match format {
        Format::Messages => "request-id",
        Format::Chat | Format::Responses => {
            headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
            "x-request-id"
        }
        Format::Generate => "x-request-id",
    };
    if let Ok(value) = HeaderValue::try_from(request_name(request)) {
        headers.insert(HeaderName::from_static(request_id), value);
    }
    headers
}

fn request_name(request: u64) -> String {
    format!("req_sim{request:013}")
}

fn written(format: Format, wording: Wording, request: u64) -> Value {
    match format {
        Format::Chat | Format::Responses => json!({"error": {
            "message": wording.message,
            "type": wording.openai_type,
            "param": wording.param,
            "code": wording.openai_code,
        }}),
        Format::Messages => json!({
            "type": "error",
            "error": {"type": wording.anthropic_type, "message": wording.message},
            "request_id": request_name(request),
        }),
        Format::Generate => {
            let mut error = json!({"code": wording.status, "message": wording.message,
                "status": wording.google_status});
            if !wording.google_details.is_empty() {
                error["details"] = json!(wording.google_details);
            }
            json!({"error": error})
        }
    }
}

fn wording(format: Format, trouble: &Trouble) -> Wording {
    match trouble {
        Trouble::Status(status) => of_status(*status),
        Trouble::RateLimit(retry) => rate_limit(format, *retry),
        Trouble::Quota => quota(format),
        Trouble::Context => context(format),
        Trouble::BadKey => bad_key(format),
        Trouble::Refused(refusal) => Wording {
            message: refusal.message.clone(),
            param: refusal.param.clone(),
            ..of_status(400)
        },
        Trouble::NoSuchPath(path) => Wording {
            message: format!("Invalid URL ({path})"),
            openai_code: Some("unknown_url"),
            ..of_status(404)
        },
        Trouble::TooLarge => of_status(413),
    }
}

/// Words a status as the vendors do; the message says that it was asked for.
fn of_status(status: u16) -> Wording {
    let (openai_type, openai_code, anthropic_type, google_status) = match status {
        401 => (
            "invalid_request_error",
            Some("invalid_api_key"),
            "authentication_error",
            "UNAUTHENTICATED",
        ),
        402 => (
            "insufficient_quota",
            Some("insufficient_quota"),
            "billing_error",
            "FAILED_PRECONDITION",
        ),
        403 => ("permission_error", None, "permission_error", "PERMISSION_DENIED"),
        404 => ("invalid_request_error", Some("model_not_found"), "not_found_error", "NOT_FOUND"),
        408 => ("server_error", Some("timeout"), "timeout_error", "DEADLINE_EXCEEDED"),
        409 => ("conflict_error", None, "conflict_error", "ABORTED"),
        413 => ("invalid_request_error", None, "request_too_large", "INVALID_ARGUMENT"),
        429 => ("requests", Some("rate_limit_exceeded"), "rate_limit_error", "RESOURCE_EXHAUSTED"),
        500 => ("server_error", None, "api_error", "INTERNAL"),
        502 => ("server_error", None, "api_error", "UNAVAILABLE"),
        503 | 529 => ("server_error", None, "overloaded_error", "UNAVAILABLE"),
        _ => ("invalid_request_error", None, "invalid_request_error", "INVALID_ARGUMENT"),
    };
    let message = match status {
        503 | 529 => "Overloaded".to_owned(),
        _ => format!("the simulator was asked for a {status}"),
    };
    Wording {
        status,
        message,
        openai_type,
        openai_code,
        anthropic_type,
        google_status,
        google_details: Vec::new(),
        param: None,
    }
}

fn rate_limit(format: Format, retry: Retry) -> Wording {
    let mut wording = of_status(429);
    wording.message = "Rate limit reached for requests per minute (RPM).".to_owned();
    match (format, retry) {
        (Format::Chat | Format::Responses, Retry::Body(wait)) => {
            wording.message.push_str(&format!(" Please try again in {wait}s."));
        }
        (Format::Generate, Retry::Body(wait)) => {
            wording.message.push_str(&format!("\nPlease retry in {wait}s."));
            wording.google_details = vec![json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{wait}s"),
            })];
        }
        _ => {}
    }
    wording
}

fn quota(format: Format) -> Wording {
    let status = if format == Format::Messages { 402 } else { 429 };
    let mut wording = of_status(status);
    (wording.openai_type, wording.openai_code) = ("insufficient_quota", Some("insufficient_quota"));
    wording.message = match format {
        Format::Messages => "Your credit balance is too low to access the API.".to_owned(),
        _ => "You exceeded your current quota, please check your plan and billing details."
            .to_owned(),
    };
    wording.google_details = vec![json!({
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
            "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            "quotaValue": "50",
        }],
    })];
    wording
}

fn context(format: Format) -> Wording {
    let message = match format {
        Format::Messages => "prompt is too long: 200001 tokens > 200000 maximum",
        Format::Generate => {
            "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
        }
        Format::Chat | Format::Responses => {
            "Your input exceeds the context window of this model. Please adjust your input and try again."
        }
    };
    let field = if format == Format::Chat { "messages" } else { "input" };
    Wording {
        message: message.to_owned(),
        openai_code: Some("context_length_exceeded"),
        param: Some(field.to_owned()),
        ..of_status(400)
    }
}

/// Google answers a wrong key with 400, the others with 401.
fn bad_key(format: Format) -> Wording {
    let message = match format {
        Format::Messages => "invalid x-api-key",
        Format::Generate => "API key not valid. Please pass a valid API key.",
        Format::Chat | Format::Responses => "Incorrect API key provided.",
    };
    let details = vec![json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    })];
    let status = if format == Format::Generate { 400 } else { 401 };
    Wording { message: message.to_owned(), google_details: details, ..of_status(status) }
}
