//! Everything that can go wrong with a model call.
//!
//! [`Error`] says what happened, [`ErrorCode`] gives it status and stable code, and
//! [`Error::to_api`] makes what a codec writes for the client. Messages name the value and the way
//! out; they never hold a secret or a prompt.

use std::time::Duration;

use omniroute_wire::api_error::ErrorKind;
use omniroute_wire::{ApiError, UpstreamError, WireError, WireFormat};
use thiserror::Error as ThisError;

use crate::budget::NoRoom;
use crate::clock::seconds_to_wait;
use crate::snapshot::ClientKey;

/// Longest piece of a client's own input that a message repeats, in characters.
const MAX_QUOTED_CHARS: usize = 200;

/// What went wrong with a model call.
#[derive(Clone, Debug, ThisError)]
pub enum Error {
    /// The body cannot be understood, or cannot be carried to the chosen provider.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// The request's head is not acceptable.
    #[error("{what}")]
    BadRequest {
        /// What is wrong and how to fix it.
        what: String,
    },
    /// Several providers offer the bare model.
    #[error("model `{model}` is offered by several providers; write one of: {choices}", model = quoted(model))]
    AmbiguousModel {
        /// The name the client wrote.
        model: String,
        /// Full names to choose from.
        choices: String,
    },
    /// No key, a wrong one, or an expired one.
    #[error("{what}")]
    Unauthenticated {
        /// What is wrong and how to send a key.
        what: &'static str,
    },
    /// Too many wrong keys came from the client's address.
    #[error("too many wrong API keys came from this address; try again in {} s", seconds_to_wait(*retry_after))]
    Locked {
        /// Until the address is answered again.
        retry_after: Duration,
    },
    /// A good key that may not do this, or an address that is not allowed.
    #[error("{what}")]
    Forbidden {
        /// What is not allowed.
        what: String,
    },
    /// No such model.
    #[error("no model named `{model}`{hint}", model = quoted(model))]
    UnknownModel {
        /// The name the client wrote.
        model: String,
        /// The nearest known names, as the end of the sentence; may be empty.
        hint: String,
    },
    /// No such path.
    #[error("no such path: {method} {path}; see GET /v1/models and the paths of the manual", path = quoted(path))]
    UnknownPath {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// The path exists, but not for this method.
    #[error("method {method} is not allowed here; use {allowed}")]
    MethodNotAllowed {
        /// The method.
        method: String,
        /// The methods that are.
        allowed: &'static str,
    },
    /// The body is larger than allowed.
    #[error("request body is {size}; the limit is {limit} bytes ({set_by})")]
    BodyTooLarge {
        /// How large it is, in words.
        size: String,
        /// The limit in bytes.
        limit: usize,
        /// What sets the limit: a setting, or words that say that none does.
        set_by: &'static str,
    },
    /// Too large a head.
    #[error("request head is too large: {what}")]
    HeadTooLarge {
        /// Which limit was passed.
        what: String,
        /// 431 or 414.
        status: u16,
    },
    /// The body is compressed.
    #[error(
        "request bodies with content-encoding `{encoding}` are not accepted; send the body uncompressed"
    )]
    UnsupportedEncoding {
        /// The encoding.
        encoding: String,
    },
    /// The client's body came too slowly.
    #[error("the request body did not arrive within {} seconds ({which})", .limit.as_secs_f64())]
    RequestTimeout {
        /// The limit.
        limit: Duration,
        /// The limit's name in the configuration.
        which: &'static str,
    },
    /// The client key has reached a limit of its own.
    #[error("the API key `{key}` has reached its limit ({limit}: {most}); try again in {} s", seconds_to_wait(wait(*left)))]
    RateLimited {
        /// The key's name.
        key: String,
        /// The limit, by the YAML's name for it.
        limit: &'static str,
        /// How much it allows.
        most: u64,
        /// Until there is room; `None` if that depends on running calls.
        left: Option<Duration>,
    },
    /// A budget of the client key has no room for the call.
    #[error(
        "the {} budget of the API key `{key}` has no room for this call: limit {}, spent {}, reserved for running calls {}, needed for this call at most {}; it resets at {}{hint}",
        no_room.period.name(), no_room.limit, no_room.spent, no_room.reserved, no_room.wanted, no_room.resets_at
    )]
    BudgetSpent {
        /// The key's name.
        key: String,
        /// The budget.
        no_room: Box<NoRoom>,
        /// What makes a call need less, as the end of the sentence; may be empty.
        hint: &'static str,
    },
    /// The client key has a budget, and nobody knows what the call would cost.
    #[error(
        "the API key `{key}` has a budget, and the price of `{model}` at provider `{provider}` is not known; the operator can add it to `pricing`, or set `budget: {{ unpriced: allow }}`"
    )]
    Unpriced {
        /// The key's name.
        key: String,
        /// The provider.
        provider: String,
        /// The model by the provider's name.
        model: String,
    },
    /// Everyone who could serve is resting.
    #[error("every account that could serve `{model}` is resting after failures; the first is back in {} s", seconds_to_wait(*retry_after), model = quoted(model))]
    NoneAvailable {
        /// The name the client wrote.
        model: String,
        /// Until the first is back.
        retry_after: Duration,
    },
    /// Every provider that could serve has failed so often that it is spared for a while.
    #[error("every provider that could serve `{model}` is failing and spared for a while (circuit breaker open); the first is tried again in {} s", seconds_to_wait(*retry_after), model = quoted(model))]
    ProvidersDown {
        /// The name the client wrote.
        model: String,
        /// Until the first is tried again.
        retry_after: Duration,
    },
    /// Everyone who could serve is at a limit, and nobody got free in time.
    #[error("every account that could serve `{model}` is busy ({limit}), and none got free within {} s (resilience.account_limits.max_wait)", waited.as_secs_f64(), model = quoted(model))]
    Busy {
        /// The name the client wrote.
        model: String,
        /// The limit that is reached.
        limit: &'static str,
        /// How long the request waited.
        waited: Duration,
        /// Until somebody is free; `None` if that depends on running calls.
        left: Option<Duration>,
    },
    /// The model is known, but nobody has an account for it.
    #[error("model `{model}` needs an account at {providers}; none is configured or enabled", model = quoted(model))]
    NoAccount {
        /// The name the client wrote.
        model: String,
        /// The providers that offer it.
        providers: String,
    },
    /// The provider refused, on the last attempt.
    #[error("{}", .error.message)]
    Upstream {
        /// The provider's answer.
        error: Box<UpstreamError>,
        /// A wait from headers or body.
        retry_after: Option<Duration>,
    },
    /// The provider refused our own credential, on the last attempt.
    #[error(
        "provider `{provider}` refused the gateway's own credential (status {status}); the operator has to check account `{account}`"
    )]
    UpstreamCredential {
        /// The provider.
        provider: String,
        /// The account.
        account: String,
        /// The provider's status.
        status: u16,
    },
    /// The provider could not be reached, or the connection broke.
    #[error("provider `{provider}` could not be reached: {what}")]
    UpstreamUnreachable {
        /// The provider.
        provider: String,
        /// What happened, without addresses.
        what: &'static str,
    },
    /// The provider took too long.
    #[error("provider `{provider}` took too long: {what}")]
    UpstreamTimeout {
        /// The provider.
        provider: String,
        /// Which limit passed.
        what: &'static str,
    },
    /// The provider's answer was no reply.
    #[error("provider `{provider}` sent an unusable answer: {what}")]
    UpstreamUnusable {
        /// The provider.
        provider: String,
        /// What was wrong with it.
        what: String,
    },
    /// An `Idempotency-Key` came with another request before.
    #[error(
        "this idempotency key came with another request before; make a new one for each request, and send it again only with the same body and headers"
    )]
    IdempotencyMismatch,
    /// Something exists only in a later version.
    #[error("{what} is not available yet")]
    NotAvailable {
        /// What.
        what: String,
    },
    /// Too much is going on at once.
    #[error("the gateway is at its limit (limits.{limit}); try again")]
    Overloaded {
        /// The limit, by its name in `limits`.
        limit: &'static str,
    },
    /// The gateway is stopping.
    #[error("the gateway is stopping; try again")]
    Draining,
    /// An invariant of ours broke.
    #[error("internal error; the request id is in the log")]
    Internal,
}

/// Stable name, status and class of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The name in bodies, logs and metrics.
    pub name: &'static str,
    /// HTTP status to the client.
    pub status: u16,
    /// The class, which decides each vendor's words.
    pub kind: ErrorKind,
}

impl Error {
    /// Returns the error's stable name, status and class.
    pub fn code(&self) -> ErrorCode {
        let code = |name, status, kind| ErrorCode { name, status, kind };
        match self {
            Self::Wire(WireError::Unsupported { .. }) => {
                code("unsupported_by_target", 400, ErrorKind::InvalidRequest)
            }
            Self::Wire(_) | Self::BadRequest { .. } | Self::AmbiguousModel { .. } => {
                code("invalid_request", 400, ErrorKind::InvalidRequest)
            }
            Self::Unauthenticated { .. } => code("invalid_api_key", 401, ErrorKind::Authentication),
            Self::Locked { .. } => code("locked", 429, ErrorKind::RateLimit),
            Self::RateLimited { .. } => code("rate_limited", 429, ErrorKind::RateLimit),
            Self::BudgetSpent { .. } => code("budget_spent", 429, ErrorKind::Quota),
            Self::Unpriced { .. } => code("unpriced_model", 403, ErrorKind::Permission),
            Self::Forbidden { .. } => code("forbidden", 403, ErrorKind::Permission),
            Self::UnknownModel { .. } => code("model_not_found", 404, ErrorKind::NotFound),
            Self::UnknownPath { .. } => code("not_found", 404, ErrorKind::NotFound),
            Self::MethodNotAllowed { .. } => {
                code("method_not_allowed", 405, ErrorKind::InvalidRequest)
            }
            Self::BodyTooLarge { .. } => code("request_too_large", 413, ErrorKind::TooLarge),
            Self::HeadTooLarge { status, .. } => {
                code("header_too_large", *status, ErrorKind::InvalidRequest)
            }
            Self::UnsupportedEncoding { .. } => {
                code("unsupported_encoding", 415, ErrorKind::InvalidRequest)
            }
            Self::RequestTimeout { .. } => code("request_timeout", 408, ErrorKind::InvalidRequest),
            Self::NoneAvailable { .. } | Self::Busy { .. } => {
                code("none_available", 429, ErrorKind::RateLimit)
            }
            Self::ProvidersDown { .. } => code("none_available", 503, ErrorKind::Overloaded),
            Self::NoAccount { .. } => code("model_not_found", 404, ErrorKind::NotFound),
            Self::Upstream { error, .. } => {
                code(upstream_code(error.kind), client_status(error.status), error.kind)
            }
            Self::UpstreamCredential { .. } | Self::UpstreamUnusable { .. } => {
                code("upstream_error", 502, ErrorKind::Server)
            }
            Self::UpstreamUnreachable { .. } => {
                code("upstream_unreachable", 502, ErrorKind::Server)
            }
            Self::UpstreamTimeout { .. } => code("upstream_timeout", 504, ErrorKind::Timeout),
            Self::IdempotencyMismatch => {
                code("idempotency_key_reused", 422, ErrorKind::InvalidRequest)
            }
            Self::NotAvailable { .. } => code("not_available", 501, ErrorKind::InvalidRequest),
            Self::Overloaded { .. } | Self::Draining => {
                code("overloaded", 503, ErrorKind::Overloaded)
            }
            Self::Internal => code("internal", 500, ErrorKind::Server),
        }
    }

    /// Makes the error of a budget without room.
    pub fn no_room(key: &ClientKey, no_room: NoRoom) -> Self {
        if no_room.is_elsewhere {
            return Self::Draining;
        }
        // With the budget untouched the call itself is too large.
        let is_too_large = no_room.wanted > no_room.limit;
        let hint = if is_too_large { "; a smaller limit of output makes it need less" } else { "" };
        Self::BudgetSpent { key: key.name.to_string(), no_room: Box::new(no_room), hint }
    }

    /// Returns after which time a retry makes sense, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NoneAvailable { retry_after, .. }
            | Self::ProvidersDown { retry_after, .. }
            | Self::Locked { retry_after } => Some(*retry_after),
            Self::Busy { left, .. } | Self::RateLimited { left, .. } => Some(wait(*left)),
            Self::Upstream { retry_after, .. } => *retry_after,
            Self::Overloaded { .. } | Self::Draining => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// Tells whether the same request may succeed later; SDKs are told so (`x-should-retry`).
    pub fn may_succeed_later(&self) -> bool {
        matches!(self.code().status, 408 | 429 | 500 | 502..=504 | 529)
            && !matches!(self, Self::UpstreamCredential { .. } | Self::Locked { .. })
            && self.code().kind != ErrorKind::Quota
    }

    /// Makes what the client's codec writes. A 529 stays one only for clients who know it.
    pub fn to_api(&self, client: WireFormat, request_id: &str) -> ApiError {
        let code = self.code();
        let status = client.client_status(code.status);
        let param = match self {
            Self::Wire(WireError::Malformed { path, .. }) if !path.is_empty() => Some(path.clone()),
            Self::Wire(WireError::Unsupported { fields }) => {
                fields.first().map(|(field, _)| field.clone())
            }
            Self::Upstream { error, .. } => error.param.clone(),
            Self::UnknownModel { .. } | Self::AmbiguousModel { .. } => Some("model".to_owned()),
            _ => None,
        };
        ApiError {
            status,
            kind: code.kind,
            code: code.name,
            message: self.to_string(),
            param,
            retry_after: self.retry_after(),
            request_id: Some(request_id.to_owned()),
        }
    }
}

/// Returns how long to wait for room. What depends on running calls may be there in a second.
fn wait(left: Option<Duration>) -> Duration {
    left.unwrap_or(Duration::from_secs(1))
}

/// Returns the code of a provider's refusal. Coding tools look for the first two: they shorten the
/// conversation, or stop asking.
const fn upstream_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ContextTooLong => "context_length_exceeded",
        ErrorKind::Quota => "insufficient_quota",
        _ => "upstream_error",
    }
}

/// Returns the status a client sees for a provider's.
///
/// 401, 402 and 403 never get here (they are [`Error::UpstreamCredential`]); redirects and other
/// oddities are a bad gateway.
fn client_status(upstream: u16) -> u16 {
    match upstream {
        401..=403 => 502,
        400..=599 => upstream,
        _ => 502,
    }
}

/// Shortens a client's own text for a message.
pub fn quoted(text: &str) -> String {
    if text.chars().count() <= MAX_QUOTED_CHARS {
        return text.chars().map(visible).collect();
    }
    let short: String = text.chars().take(MAX_QUOTED_CHARS).map(visible).collect();
    format!("{short}…")
}

fn visible(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}
