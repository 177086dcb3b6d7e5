//! Every failure class, every rule, every form of a wait.

use std::time::UNIX_EPOCH;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

fn refused(status: u16, kind: ErrorKind) -> UpstreamError {
    UpstreamError { kind, ..UpstreamError::server(status, "no") }
}

#[test]
fn every_failure_class_has_its_verdict() {
    use ErrorKind as Kind;
    use Scope::{Account, Model};
    let cases = [
        (400, Kind::InvalidRequest, Reason::Request, Next::Nobody, Rest::None, Account),
        (400, Kind::ContextTooLong, Reason::ContextTooLong, Next::LargerWindow, Rest::None, Model),
        (400, Kind::Authentication, Reason::Credential, Next::OtherAccount, Rest::Behind, Account),
        (401, Kind::Authentication, Reason::Credential, Next::OtherAccount, Rest::Behind, Account),
        (401, Kind::InvalidRequest, Reason::Credential, Next::OtherAccount, Rest::Behind, Account),
        (402, Kind::Quota, Reason::Quota, Next::OtherAccount, Rest::AwayLong, Account),
        (402, Kind::Server, Reason::Quota, Next::OtherAccount, Rest::AwayLong, Account),
        (403, Kind::Permission, Reason::Permission, Next::Anyone, Rest::Behind, Model),
        (404, Kind::NotFound, Reason::ModelNotFound, Next::OtherModel, Rest::Behind, Model),
        (404, Kind::InvalidRequest, Reason::ModelNotFound, Next::OtherModel, Rest::Behind, Model),
        (408, Kind::Timeout, Reason::Timeout, Next::Anyone, Rest::Behind, Account),
        (413, Kind::TooLarge, Reason::Request, Next::Nobody, Rest::None, Account),
        (422, Kind::InvalidRequest, Reason::Request, Next::Nobody, Rest::None, Account),
        (429, Kind::RateLimit, Reason::RateLimit, Next::OtherAccount, Rest::Away(None), Account),
        (429, Kind::Quota, Reason::Quota, Next::OtherAccount, Rest::AwayLong, Account),
        (500, Kind::Server, Reason::ServerError, Next::Anyone, Rest::Behind, Account),
        (502, Kind::Server, Reason::ServerError, Next::Anyone, Rest::Behind, Account),
        (503, Kind::Overloaded, Reason::Overloaded, Next::Anyone, Rest::Behind, Model),
        (504, Kind::Timeout, Reason::Timeout, Next::Anyone, Rest::Behind, Account),
        (529, Kind::Overloaded, Reason::Overloaded, Next::Anyone, Rest::Behind, Model),
        (301, Kind::Server, Reason::Unusable, Next::Anyone, Rest::Behind, Account),
    ];
    for (status, kind, reason, next, rest, scope) in cases {
        let error = refused(status, kind);
        let seen = judge(Signal::Refused { error: &error, header_wait: None }, None);
        assert_eq!(seen, Verdict { reason, next, rest, scope }, "{status} {kind:?}");
    }
}

#[test]
fn only_the_providers_own_faults_feed_its_breaker() {
    let faults = [
        Reason::Overloaded,
        Reason::ServerError,
        Reason::Unusable,
        Reason::Connect,
        Reason::Reset,
        Reason::Timeout,
    ];
    let others = [
        Reason::Request,
        Reason::ContextTooLong,
        Reason::Credential,
        Reason::Permission,
        Reason::Quota,
        Reason::RateLimit,
        Reason::ModelNotFound,
    ];
    for reason in faults {
        assert!(reason.is_providers_fault() && !reason.is_refusal(), "{reason:?}");
    }
    for reason in others {
        assert!(!reason.is_providers_fault() && reason.is_refusal(), "{reason:?}");
    }
    for reason in [Reason::ClientGone, Reason::Tunnel] {
        assert!(!reason.is_providers_fault() && !reason.is_refusal(), "{reason:?}");
        assert!(!reason.is_accounts_failure(), "{reason:?}");
    }
}

#[test]
fn transport_failures_try_anyone_and_put_the_account_behind() {
    let cases = [
        (Signal::Unusable, Reason::Unusable),
        (Signal::ConnectFailed, Reason::Connect),
        (Signal::TunnelFailed { is_requests_own: false }, Reason::Tunnel),
        (Signal::Reset, Reason::Reset),
        (Signal::TimedOut, Reason::Timeout),
    ];
    for (signal, reason) in cases {
        let seen = judge(signal, None);
        assert_eq!((seen.reason, seen.next, seen.rest), (reason, Next::Anyone, Rest::Behind));
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
    let rule =
        |try_next| Rule { try_next: Some(try_next), cool_down: Some(hour), ..Rule::default() };
    let verdict = |rule: &Rule| {
        let seen = judge(signal, Some(rule));
        (seen.next, seen.rest, seen.scope)
    };
    let away = Rest::Away(Some(hour));

    assert_eq!(verdict(&rule(TryNext::Account)), (Next::OtherAccount, away, Scope::Account));
    assert_eq!(verdict(&rule(TryNext::Model)), (Next::OtherModel, away, Scope::Model));
    assert_eq!(verdict(&rule(TryNext::Nothing)), (Next::Nobody, Rest::None, Scope::Account));
    let nobody_rests = Rule { rests: Some(None), ..rule(TryNext::Account) };
    assert_eq!(verdict(&nobody_rests), (Next::OtherAccount, Rest::None, Scope::Account));
}

#[test]
fn a_rule_may_say_what_an_error_is() {
    let error = UpstreamError {
        message: "Daily TOKEN allowance of this model is gone".to_owned(),
        ..refused(403, ErrorKind::Permission)
    };
    let rule = Rule {
        contains: Some("token allowance".into()),
        reason: Some(Reason::Quota),
        rests: Some(Some(Scope::Model)),
        ..Rule::default()
    };
    assert!(rule.speaks_of(&error));
    assert!(!rule.speaks_of(&refused(403, ErrorKind::Permission)));

    let seen = judge(Signal::Refused { error: &error, header_wait: None }, Some(&rule));

    let (next, rest, scope) = (Next::OtherAccount, Rest::AwayLong, Scope::Model);
    assert_eq!(seen, Verdict { reason: Reason::Quota, next, rest, scope });
}

#[test]
fn retry_after_is_read_in_all_its_forms() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
    let check = |name: &'static str, value: &'static str, expected: Option<f64>| {
        let headers =
            HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
        let seen = header_wait(&headers, now).map(|wait| wait.as_secs_f64());
        assert_eq!(seen, expected, "{name}: {value}");
    };
    check("retry-after", "30", Some(30.0));
    check("retry-after", " 1.5 ", Some(1.5));
    check("retry-after-ms", "250", Some(0.25));
    check("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT", Some(10.0));
    check("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", Some(0.0));
    check("retry-after", "100000", Some(86_400.0));
    check("retry-after", "1000000000000", None);
    check("retry-after", "99999999999999999999", None);
    check("retry-after", "Thu, 01 Jan 2099 00:00:00 GMT", None);
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

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

/// A Monday.
const NOW: Duration = Duration::from_secs(1_800_000_000);

#[test]
fn without_a_wait_the_reset_of_what_is_used_up_counts() {
    let now = UNIX_EPOCH + NOW;
    let check = |pairs: &[(&'static str, &str)], expected: Option<f64>| {
        let seen = header_wait(&headers(pairs), now).map(|wait| wait.as_secs_f64());
        assert_eq!(seen, expected, "{pairs:?}");
    };
    let openai = ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests");
    check(&[(openai.0, "0"), (openai.1, "6m0s")], Some(360.0));
    check(&[(openai.0, "0"), (openai.1, "1h2m3.5s")], Some(3723.5));
    check(&[(openai.0, "0"), (openai.1, "20ms")], Some(0.02));
    check(&[(openai.0, "7"), (openai.1, "6m0s")], None);
    check(&[(openai.0, "0"), (openai.1, "6 minutes")], None);
    check(&[(openai.0, "0"), (openai.1, "6m"), ("retry-after", "2")], Some(2.0));
    let anthropic = ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset");
    check(&[(anthropic.0, "0"), (anthropic.1, "2027-01-15T08:00:30Z")], Some(30.0));
    check(&[(anthropic.0, "0"), (anthropic.1, "2027-01-15T07:00:00Z")], Some(0.0));
    let unified = ("anthropic-ratelimit-unified-status", "anthropic-ratelimit-unified-reset");
    check(&[(unified.0, "rejected"), (unified.1, "1800000090")], Some(90.0));
    check(&[(unified.0, "allowed"), (unified.1, "1800000090")], None);
    let plain = ("x-ratelimit-remaining", "x-ratelimit-reset");
    check(&[(plain.0, "0"), (plain.1, "1800000005000")], Some(5.0));
    check(&[(plain.0, "0"), (plain.1, "12")], Some(12.0));
    let codex = ("x-codex-primary-used-percent", "x-codex-primary-reset-after-seconds");
    check(&[(codex.0, "100"), (codex.1, "1800")], Some(1800.0));
    check(&[(codex.0, "99.5"), (codex.1, "1800")], None);
}

#[test]
fn of_several_limits_the_scarcest_is_told() {
    let now = UNIX_EPOCH + NOW;
    let seen = told(
        &headers(&[
            ("x-ratelimit-remaining-requests", "12"),
            ("x-ratelimit-reset-requests", "30s"),
            ("anthropic-ratelimit-input-tokens-remaining", "900"),
            ("anthropic-ratelimit-input-tokens-reset", "2027-01-15T08:00:10Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "100"),
            ("anthropic-ratelimit-output-tokens-reset", "2028-01-15T08:00:10Z"),
        ]),
        now,
    );
    let remaining = |left, seconds| Remaining { left, resets_in: Duration::from_secs(seconds) };
    assert_eq!(seen.requests, Some(remaining(12, 30)));
    assert_eq!(seen.tokens, Some(remaining(100, 3600)), "no reset is believed beyond an hour");
    assert_eq!(told(&HeaderMap::new(), now), Told::default());
}

proptest! {
    #[test]
    fn no_limit_header_panics_or_waits_too_long(
        left in "[0-9eE.+-]{0,12}|0",
        reset in "[ -~]{0,30}|[0-9]{1,20}|[0-9.]{1,6}(ms|s|m|h|d)",
    ) {
        for family in ["requests", "tokens"] {
            let pair = |kind: &str, value: &str| {
                let name = format!("x-ratelimit-{kind}-{family}");
                (http::HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap())
            };
            let headers = HeaderMap::from_iter([pair("remaining", &left), pair("reset", &reset)]);
            let wait = header_wait(&headers, UNIX_EPOCH + NOW);
            prop_assert!(wait.is_none_or(|wait| wait <= MAX_WAIT));
            let told = told(&headers, UNIX_EPOCH + NOW);
            for limit in [told.requests, told.tokens].into_iter().flatten() {
                prop_assert!(limit.resets_in <= Duration::from_secs(3600));
            }
        }
    }
}
