//! Errors as they cross the wire: ours to a client, a provider's to us.

use std::time::Duration;

/// An error of the gateway, ready to be written in a client's format.
///
/// The status is the same in all formats; the body's `type`, `code` and `status` words follow from
/// [`ApiError::kind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// What class of error it is.
    pub kind: ErrorKind,
    /// Stable code of low cardinality, e.g. `model_not_found`.
    pub code: &'static str,
    /// What was wrong, which value, how to fix it. In English; never a secret or a prompt.
    pub message: String,
    /// The offending field by the client's name for it.
    pub param: Option<String>,
    /// When a retry makes sense.
    pub retry_after: Option<Duration>,
    /// Our request id, for formats whose error body has a place for it.
    pub request_id: Option<String>,
}

/// The class of an error; decides the vendor's words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request cannot be served as it is.
    InvalidRequest,
    /// The prompt does not fit the model's context.
    ContextTooLong,
    /// No or a wrong credential.
    Authentication,
    /// A good credential that may not do this.
    Permission,
    /// No such route or model.
    NotFound,
    /// The body is larger than allowed.
    TooLarge,
    /// Too many requests; waiting helps.
    RateLimit,
    /// The quota or budget is used up; waiting a moment does not help.
    Quota,
    /// Overloaded; waiting a moment helps.
    Overloaded,
    /// It took too long.
    Timeout,
    /// Anything else on the server's side.
    Server,
}

/// An error a provider sent, read from a body or from inside a stream; whatever its shape was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamError {
    /// What class of error it is, from status, words and text together.
    pub kind: ErrorKind,
    /// HTTP status, or the status that belongs to an in-band error's words (500 if unknown).
    pub status: u16,
    /// The provider's `type` or `status` word, empty if none.
    pub native_type: String,
    /// The provider's `code`, empty if none.
    pub native_code: String,
    /// The provider's message, or a description of ours.
    pub message: String,
    /// The field the provider names.
    pub param: Option<String>,
    /// A wait the body asks for (`RetryInfo.retryDelay`, "try again in 20s"). Headers are not read here.
    pub retry_after: Option<Duration>,
    /// Whether this is our own finding that the reply ended before it was complete, or cannot be read.
    pub truncated: bool,
}

impl UpstreamError {
    /// Makes the error for a reply that stopped before its end marker.
    pub fn truncated(message: impl Into<String>) -> Self {
        Self { truncated: true, ..Self::server(502, message) }
    }

    /// Makes a server error with this status and message and nothing else.
    pub fn server(status: u16, message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Server,
            status,
            native_type: String::new(),
            native_code: String::new(),
            message: message.into(),
            param: None,
            retry_after: None,
            truncated: false,
        }
    }
}
