//! What a failed attempt means: whose fault it is, whether somebody else may serve, who has to rest.
//!
//! One pure function, [`judge`], over what was seen. The scope matters: a request's own fault is
//! nobody else's to serve, a model's fault rests that model of that account, an account's fault the
//! account, and the provider's own fault feeds its breaker. A wrong model name never rests an account.

mod headers;
mod rule;
#[cfg(test)]
mod tests;

use std::time::Duration;

use omniroute_wire::UpstreamError;
use omniroute_wire::api_error::ErrorKind;
use serde::{Deserialize, Serialize};

pub use headers::{Remaining, Told, header_wait, told};
pub use rule::{Rule, TryNext};

/// Longest wait that is believed: a wrong clock at a provider must not retire an account for good.
pub const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest wait that is no mistake: weekly limits have it. What asks for more is taken as if it did not ask.
pub const MOST_ASKED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Returns the part that is believed of a wait that a provider asks for, if it is no mistake.
fn believed(asked: Duration) -> Option<Duration> {
    (asked <= MOST_ASKED).then(|| asked.min(MAX_WAIT))
}

/// What an attempt came to, other than a good answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal<'a> {
    /// The provider answered with an error status, or with an error inside a 2xx stream or reply.
    Refused {
        /// The error, read from body and status.
        error: &'a UpstreamError,
        /// A wait that the answer's headers ask for.
        header_wait: Option<Duration>,
    },
    /// The answer was no reply: garbage, HTML, cut off before any content, a redirect.
    Unusable,
    /// No connection could be made.
    ConnectFailed,
    /// The tunnel on the way to the provider failed: nobody has asked the provider.
    TunnelFailed {
        /// Whether the request brought the tunnel with it (client key, combo), so that its failure says
        /// nothing about the account.
        is_requests_own: bool,
    },
    /// The connection broke after the request was sent and before a good answer began.
    Reset,
    /// A time limit passed before a good answer began.
    TimedOut,
}

/// What is to be done about a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why, for log and metrics.
    pub reason: Reason,
    /// Who else may serve.
    pub next: Next,
    /// How to rest.
    pub rest: Rest,
    /// Who rests.
    pub scope: Scope,
}

/// Why an attempt failed; of low cardinality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The request itself was refused.
    Request,
    /// The prompt is too long for the model.
    ContextTooLong,
    /// The account's credential was refused.
    Credential,
    /// The account may not do this.
    Permission,
    /// The account's quota or balance is gone.
    Quota,
    /// Too many requests.
    RateLimit,
    /// The provider does not know the model.
    ModelNotFound,
    /// The provider is overloaded.
    Overloaded,
    /// The provider failed.
    ServerError,
    /// The answer was no reply.
    Unusable,
    /// No connection.
    Connect,
    /// The tunnel on the way failed.
    Tunnel,
    /// The connection broke.
    Reset,
    /// It took too long.
    Timeout,
    /// The client left.
    ClientGone,
    /// The gateway stopped.
    Stopping,
}

impl Verdict {
    /// Returns the verdict on an answer that broke after the client had part of it: nobody else can go
    /// on with it, and others go first for a while.
    pub const fn on_broken_answer(reason: Reason) -> Self {
        Self { reason, next: Next::Nobody, rest: Rest::Behind, scope: Scope::Account }
    }

    /// Returns the verdict on an attempt that this side ended: nobody rests for it.
    pub const fn on_own_end(reason: Reason) -> Self {
        Self { reason, next: Next::Nobody, rest: Rest::None, scope: Scope::Account }
    }
}

impl Reason {
    /// Returns the word for logs and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::ContextTooLong => "context_too_long",
            Self::Credential => "credential",
            Self::Permission => "permission",
            Self::Quota => "quota",
            Self::RateLimit => "rate_limit",
            Self::ModelNotFound => "model_not_found",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::Unusable => "unusable",
            Self::Connect => "connect",
            Self::Tunnel => "tunnel",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::ClientGone => "client_gone",
            Self::Stopping => "stopping",
        }
    }

    /// Tells whether the provider as such is at fault: only that feeds its breaker.
    pub const fn is_providers_fault(self) -> bool {
        matches!(
            self,
            Self::Overloaded
                | Self::ServerError
                | Self::Unusable
                | Self::Connect
                | Self::Reset
                | Self::Timeout
        )
    }

    /// Tells whether the account did not do what it is there for: it would have to be avoided for other
    /// requests too.
    pub const fn is_accounts_failure(self) -> bool {
        self.is_providers_fault()
            || matches!(self, Self::Credential | Self::Quota | Self::RateLimit)
    }

    /// Tells whether the account answered as it should, to a request or an identity that it refuses.
    /// Such a refusal shows that the provider works; a tunnel that fails shows nothing of it.
    pub const fn is_refusal(self) -> bool {
        !self.is_providers_fault() && !matches!(self, Self::ClientGone | Self::Tunnel)
    }
}

/// Who else may serve after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nobody: the request is at fault, and the answer is the client's.
    Nobody,
    /// Any other account; this one is out for this request, whatever the model.
    OtherAccount,
    /// Any other account or model; this account may still serve another model.
    Anyone,
    /// Other models only: this provider will refuse this one from every account.
    OtherModel,
    /// Models with a larger context window only.
    LargerWindow,
}

/// How to rest after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Not at all.
    None,
    /// It is tried after all others for a while, the profile's doubling one.
    Behind,
    /// It is not tried: for this long, or for the profile's doubling wait.
    Away(Option<Duration>),
    /// It is not tried for the longest wait of its profile.
    AwayLong,
}

/// Who rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The account, for all models.
    Account,
    /// The model, at this account.
    Model,
}

/// Decides what a failed attempt means.
///
/// `rule` is the provider's own rule for the error (`on_status`), which overrides what it says.
pub fn judge(signal: Signal<'_>, rule: Option<&Rule>) -> Verdict {
    match signal {
        Signal::Unusable => general(Reason::Unusable, None),
        Signal::ConnectFailed => general(Reason::Connect, None),
        Signal::TunnelFailed { is_requests_own } => {
            let verdict = general(Reason::Tunnel, None);
            let rest = if is_requests_own { Rest::None } else { verdict.rest };
            Verdict { rest, ..verdict }
        }
        Signal::Reset => general(Reason::Reset, None),
        Signal::TimedOut => general(Reason::Timeout, None),
        Signal::Refused { error, header_wait } => {
            let wait = header_wait.or(error.retry_after.and_then(believed));
            let reason = reason_of(error);
            match rule {
                Some(rule) => rule.apply(reason, wait),
                None => general(reason, wait),
            }
        }
    }
}

fn reason_of(error: &UpstreamError) -> Reason {
    if error.truncated {
        return Reason::Unusable;
    }
    match error.kind {
        ErrorKind::ContextTooLong => Reason::ContextTooLong,
        ErrorKind::Authentication => Reason::Credential,
        ErrorKind::Quota => Reason::Quota,
        ErrorKind::RateLimit => Reason::RateLimit,
        ErrorKind::Permission => Reason::Permission,
        ErrorKind::NotFound => Reason::ModelNotFound,
        ErrorKind::Overloaded => Reason::Overloaded,
        ErrorKind::Timeout => Reason::Timeout,
        ErrorKind::InvalidRequest | ErrorKind::TooLarge | ErrorKind::Server => {
            reason_of_status(error.status)
        }
    }
}

/// Judges by the status alone, where words say nothing more.
const fn reason_of_status(status: u16) -> Reason {
    match status {
        401 => Reason::Credential,
        402 => Reason::Quota,
        403 => Reason::Permission,
        404 => Reason::ModelNotFound,
        408 => Reason::Timeout,
        429 => Reason::RateLimit,
        400..=499 => Reason::Request,
        503 | 529 => Reason::Overloaded,
        500..=599 => Reason::ServerError,
        _ => Reason::Unusable,
    }
}

/// Returns what a reason means unless the provider has a rule of its own; `wait` is what it asks for.
fn general(reason: Reason, wait: Option<Duration>) -> Verdict {
    use Scope::{Account, Model};
    let (next, rest, scope) = match reason {
        Reason::Request | Reason::ClientGone | Reason::Stopping => {
            (Next::Nobody, Rest::None, Account)
        }
        Reason::ContextTooLong => (Next::LargerWindow, Rest::None, Model),
        Reason::Credential => (Next::OtherAccount, Rest::Behind, Account),
        Reason::Quota => {
            let rest = wait.map_or(Rest::AwayLong, |wait| Rest::Away(Some(wait)));
            (Next::OtherAccount, rest, Account)
        }
        Reason::RateLimit => (Next::OtherAccount, Rest::Away(wait), Account),
        Reason::Permission => (Next::Anyone, Rest::Behind, Model),
        Reason::ModelNotFound => (Next::OtherModel, Rest::Behind, Model),
        Reason::Overloaded => (Next::Anyone, behind_or_away(wait), Model),
        Reason::ServerError => (Next::Anyone, behind_or_away(wait), Account),
        Reason::Unusable | Reason::Connect | Reason::Tunnel | Reason::Reset | Reason::Timeout => {
            (Next::Anyone, Rest::Behind, Account)
        }
    };
    Verdict { reason, next, rest, scope }
}

/// A server that names a wait means it; one that does not is tried last for a while.
fn behind_or_away(wait: Option<Duration>) -> Rest {
    wait.map_or(Rest::Behind, |wait| Rest::Away(Some(wait)))
}
