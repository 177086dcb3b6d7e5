//! What a failed attempt means: whose fault it is, whether somebody else may serve, who has to rest.
//!
//! One pure function, [`judge`], over what was seen. The scope matters: a request's own fault is
//! nobody else's to serve, a model's fault says nothing about the account, and an account's quota says
//! nothing about another's. A wrong model name never rests an account.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use omniroute_wire::UpstreamError;
use omniroute_wire::api_error::ErrorKind;
use serde::Serialize;

use crate::snapshot::{StatusRule, TryNextScope};

/// Longest wait that is believed: a wrong clock at a provider must not retire an account for good.
pub const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// How the account is to rest.
    pub rest: Rest,
}

/// Why an attempt failed; of low cardinality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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
    /// The connection broke.
    Reset,
    /// It took too long.
    Timeout,
    /// The client left.
    ClientGone,
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
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::ClientGone => "client_gone",
        }
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
}

/// How an account rests after a failure.
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

/// Decides what a failed attempt means.
///
/// `rule` is the provider's own rule for the status (`on_status`), which overrides whom to try next
/// and how long to rest.
pub fn judge(signal: Signal<'_>, rule: Option<&StatusRule>) -> Verdict {
    let verdict = |reason, next, rest| Verdict { reason, next, rest };
    match signal {
        Signal::Unusable => verdict(Reason::Unusable, Next::Anyone, Rest::Behind),
        Signal::ConnectFailed => verdict(Reason::Connect, Next::Anyone, Rest::Behind),
        Signal::Reset => verdict(Reason::Reset, Next::Anyone, Rest::Behind),
        Signal::TimedOut => verdict(Reason::Timeout, Next::Anyone, Rest::Behind),
        Signal::Refused { error, header_wait } => {
            let wait = header_wait.or(error.retry_after).map(|wait| wait.min(MAX_WAIT));
            let general = judge_refusal(error, wait);
            match rule {
                Some(rule) => apply_rule(general, rule, wait),
                None => general,
            }
        }
    }
}

fn judge_refusal(error: &UpstreamError, wait: Option<Duration>) -> Verdict {
    let verdict = |reason, next, rest| Verdict { reason, next, rest };
    if error.truncated {
        return verdict(Reason::Unusable, Next::Anyone, Rest::Behind);
    }
    match error.kind {
        ErrorKind::ContextTooLong => verdict(Reason::ContextTooLong, Next::Nobody, Rest::None),
        ErrorKind::Authentication => verdict(Reason::Credential, Next::OtherAccount, Rest::Behind),
        ErrorKind::Quota => {
            let rest = wait.map_or(Rest::AwayLong, |wait| Rest::Away(Some(wait)));
            verdict(Reason::Quota, Next::OtherAccount, rest)
        }
        ErrorKind::RateLimit => verdict(Reason::RateLimit, Next::OtherAccount, Rest::Away(wait)),
        ErrorKind::Permission => verdict(Reason::Permission, Next::Anyone, Rest::None),
        ErrorKind::NotFound => verdict(Reason::ModelNotFound, Next::OtherModel, Rest::None),
        ErrorKind::Overloaded => verdict(Reason::Overloaded, Next::Anyone, behind_or_away(wait)),
        ErrorKind::Timeout => verdict(Reason::Timeout, Next::Anyone, Rest::Behind),
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => judge_status(error.status, wait),
        ErrorKind::Server => judge_status(error.status, wait),
    }
}

/// Judges by the status alone, where words say nothing more.
fn judge_status(status: u16, wait: Option<Duration>) -> Verdict {
    let verdict = |reason, next, rest| Verdict { reason, next, rest };
    match status {
        401 => verdict(Reason::Credential, Next::OtherAccount, Rest::Behind),
        402 => {
            let rest = wait.map_or(Rest::AwayLong, |wait| Rest::Away(Some(wait)));
            verdict(Reason::Quota, Next::OtherAccount, rest)
        }
        403 => verdict(Reason::Permission, Next::Anyone, Rest::None),
        404 => verdict(Reason::ModelNotFound, Next::OtherModel, Rest::None),
        408 => verdict(Reason::Timeout, Next::Anyone, Rest::Behind),
        429 => verdict(Reason::RateLimit, Next::OtherAccount, Rest::Away(wait)),
        400..=499 => verdict(Reason::Request, Next::Nobody, Rest::None),
        503 | 529 => verdict(Reason::Overloaded, Next::Anyone, behind_or_away(wait)),
        500..=599 => verdict(Reason::ServerError, Next::Anyone, behind_or_away(wait)),
        _ => verdict(Reason::Unusable, Next::Anyone, Rest::Behind),
    }
}

/// A server that names a wait means it; one that does not is tried last for a while.
fn behind_or_away(wait: Option<Duration>) -> Rest {
    wait.map_or(Rest::Behind, |wait| Rest::Away(Some(wait)))
}

fn apply_rule(general: Verdict, rule: &StatusRule, wait: Option<Duration>) -> Verdict {
    let next = match rule.try_next {
        TryNextScope::Account => Next::OtherAccount,
        TryNextScope::Model => Next::OtherModel,
        TryNextScope::Nothing => Next::Nobody,
    };
    let rest = match rule.try_next {
        TryNextScope::Account => match rule.cool_down {
            Some(cool_down) => Rest::Away(Some(wait.unwrap_or(cool_down))),
            None => general.rest,
        },
        TryNextScope::Model | TryNextScope::Nothing => Rest::None,
    };
    Verdict { next, rest, ..general }
}

/// Returns the wait that a provider's headers ask for.
///
/// Reads `retry-after-ms`, then `retry-after` in seconds or as an HTTP date (RFC 9110, section
/// 10.2.3). Values that are neither are ignored; a date in the past is no wait. Waits are cut to
/// [`MAX_WAIT`].
pub fn header_wait(headers: &HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    if let Some(wait) = number(headers.get("retry-after-ms"), 0.001) {
        return Some(wait);
    }
    let value = headers.get(http::header::RETRY_AFTER);
    if let Some(wait) = number(value, 1.0) {
        return Some(wait);
    }
    let date = httpdate::parse_http_date(value?.to_str().ok()?.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default().min(MAX_WAIT))
}

fn number(value: Option<&HeaderValue>, unit_seconds: f64) -> Option<Duration> {
    let count: f64 = value?.to_str().ok()?.trim().parse().ok()?;
    let seconds = count * unit_seconds;
    if !seconds.is_finite() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(MAX_WAIT).min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    fn refused(status: u16, kind: ErrorKind) -> UpstreamError {
        UpstreamError { kind, ..UpstreamError::server(status, "no") }
    }

    #[test]
    fn every_failure_class_has_its_verdict() {
        use ErrorKind as Kind;
        let cases = [
            (400, Kind::InvalidRequest, Reason::Request, Next::Nobody, Rest::None),
            (400, Kind::ContextTooLong, Reason::ContextTooLong, Next::Nobody, Rest::None),
            (400, Kind::Authentication, Reason::Credential, Next::OtherAccount, Rest::Behind),
            (401, Kind::Authentication, Reason::Credential, Next::OtherAccount, Rest::Behind),
            (401, Kind::InvalidRequest, Reason::Credential, Next::OtherAccount, Rest::Behind),
            (402, Kind::Quota, Reason::Quota, Next::OtherAccount, Rest::AwayLong),
            (402, Kind::Server, Reason::Quota, Next::OtherAccount, Rest::AwayLong),
            (403, Kind::Permission, Reason::Permission, Next::Anyone, Rest::None),
            (404, Kind::NotFound, Reason::ModelNotFound, Next::OtherModel, Rest::None),
            (404, Kind::InvalidRequest, Reason::ModelNotFound, Next::OtherModel, Rest::None),
            (408, Kind::Timeout, Reason::Timeout, Next::Anyone, Rest::Behind),
            (413, Kind::TooLarge, Reason::Request, Next::Nobody, Rest::None),
            (422, Kind::InvalidRequest, Reason::Request, Next::Nobody, Rest::None),
            (429, Kind::RateLimit, Reason::RateLimit, Next::OtherAccount, Rest::Away(None)),
            (429, Kind::Quota, Reason::Quota, Next::OtherAccount, Rest::AwayLong),
            (500, Kind::Server, Reason::ServerError, Next::Anyone, Rest::Behind),
            (502, Kind::Server, Reason::ServerError, Next::Anyone, Rest::Behind),
            (503, Kind::Overloaded, Reason::Overloaded, Next::Anyone, Rest::Behind),
            (504, Kind::Timeout, Reason::Timeout, Next::Anyone, Rest::Behind),
            (529, Kind::Overloaded, Reason::Overloaded, Next::Anyone, Rest::Behind),
            (301, Kind::Server, Reason::Unusable, Next::Anyone, Rest::Behind),
        ];
        for (status, kind, reason, next, rest) in cases {
            let error = refused(status, kind);
            let seen = judge(Signal::Refused { error: &error, header_wait: None }, None);
            assert_eq!(seen, Verdict { reason, next, rest }, "{status} {kind:?}");
        }
    }

    #[test]
    fn transport_failures_try_anyone_and_put_the_account_behind() {
        let cases = [
            (Signal::Unusable, Reason::Unusable),
            (Signal::ConnectFailed, Reason::Connect),
            (Signal::Reset, Reason::Reset),
            (Signal::TimedOut, Reason::Timeout),
        ];
        for (signal, reason) in cases {
            let seen = judge(signal, None);
            assert_eq!(seen, Verdict { reason, next: Next::Anyone, rest: Rest::Behind });
        }
    }

    #[test]
    fn a_wait_in_the_header_goes_before_one_in_the_body() {
        let error = UpstreamError {
            retry_after: Some(Duration::from_secs(7)),
            ..refused(429, ErrorKind::RateLimit)
        };
        let header_wait = Some(Duration::from_secs(2));

        let both = judge(Signal::Refused { error: &error, header_wait }, None);
        let body = judge(Signal::Refused { error: &error, header_wait: None }, None);

        assert_eq!(both.rest, Rest::Away(Some(Duration::from_secs(2))));
        assert_eq!(body.rest, Rest::Away(Some(Duration::from_secs(7))));
    }

    #[test]
    fn a_providers_rule_overrides_the_general_one() {
        let hour = Duration::from_secs(3600);
        let error = refused(402, ErrorKind::Server);
        let signal = Signal::Refused { error: &error, header_wait: None };
        let rule = |try_next| StatusRule { try_next, cool_down: Some(hour) };

        let account = judge(signal, Some(&rule(TryNextScope::Account)));
        let model = judge(signal, Some(&rule(TryNextScope::Model)));
        let nothing = judge(signal, Some(&rule(TryNextScope::Nothing)));

        assert_eq!((account.next, account.rest), (Next::OtherAccount, Rest::Away(Some(hour))));
        assert_eq!((model.next, model.rest), (Next::OtherModel, Rest::None));
        assert_eq!((nothing.next, nothing.rest), (Next::Nobody, Rest::None));
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let check = |name: &'static str, value: &'static str, expected: Option<f64>| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]);
            let seen = header_wait(&headers, now).map(|wait| wait.as_secs_f64());
            assert_eq!(seen, expected, "{name}: {value}");
        };
        check("retry-after", "30", Some(30.0));
        check("retry-after", " 1.5 ", Some(1.5));
        check("retry-after-ms", "250", Some(0.25));
        check("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT", Some(10.0));
        check("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", Some(0.0));
        check("retry-after", "1000000000000", Some(86_400.0));
        check("retry-after", "-5", None);
        check("retry-after", "soon", None);
        check("retry-after", "NaN", None);
    }

    proptest! {
        #[test]
        fn no_header_value_panics_or_waits_too_long(value in "[ -~]{0,40}") {
            let headers = HeaderMap::from_iter([
                (http::header::RETRY_AFTER, HeaderValue::from_str(&value).unwrap()),
            ]);
            let wait = header_wait(&headers, UNIX_EPOCH);
            prop_assert!(wait.is_none_or(|wait| wait <= MAX_WAIT));
        }
    }
}
