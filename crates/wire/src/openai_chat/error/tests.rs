use std::time::Duration;

use super::*;
use crate::api_error::ErrorKind;

fn check(status: u16, json: &str, kind: ErrorKind, message: &str) {
    let error = body(status, json.as_bytes());
    assert_eq!((error.kind, error.status), (kind, status), "{json}");
    assert!(error.message.contains(message), "{} should contain {message}", error.message);
}

#[test]
fn every_shape_of_body_gives_message_and_kind() {
    use ErrorKind::*;
    check(
        400,
        r#"{"error":{"message":"bad n","type":"invalid_request_error","param":"n","code":null}}"#,
        InvalidRequest,
        "bad n",
    );
    check(400, r#"{"error":"plain text"}"#, InvalidRequest, "plain text");
    check(
        422,
        r#"{"detail":[{"loc":["body","user"],"msg":"extra inputs"}]}"#,
        InvalidRequest,
        "body.user: extra inputs",
    );
    check(401, r#"{"detail":"nope"}"#, Authentication, "nope");
    check(
        400,
        r#"{"code":"invalid argument","error":"Incorrect API key provided: x"}"#,
        Authentication,
        "Incorrect",
    );
    check(
        500,
        r#"{"object":"error","message":"boom","type":"internal","code":3000}"#,
        Server,
        "boom",
    );
    check(
        404,
        r#"[{"error":{"code":404,"message":"no model","status":"NOT_FOUND"}}]"#,
        NotFound,
        "no model",
    );
    check(429, r#"{"errors":[{"message":"slow down"}]}"#, RateLimit, "slow down");
    check(502, "<html><title>x</title></html>", Server, "page instead of an error");
    check(503, "", Overloaded, "status 503 and no body");
    check(500, "upstream connect error", Server, "upstream connect error");
}

#[test]
fn words_decide_where_the_status_is_coarse() {
    use ErrorKind::*;
    check(
        400,
        r#"{"error":{"message":"This model's maximum context length is 8 tokens","type":"invalid_request_error","code":"x"}}"#,
        ContextTooLong,
        "maximum",
    );
    check(
        429,
        r#"{"error":{"message":"You exceeded","type":"insufficient_quota","code":"insufficient_quota"}}"#,
        Quota,
        "exceeded",
    );
    check(
        429,
        r#"{"error":{"message":"Rate limit reached: context window of 3 requests","type":"requests","code":"rate_limit_exceeded"}}"#,
        RateLimit,
        "reached",
    );
    check(
        402,
        r#"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#,
        Quota,
        "Balance",
    );
    check(
        400,
        r#"{"error":{"message":"filtered","code":"content_filter"}}"#,
        InvalidRequest,
        "filtered",
    );
}

#[test]
fn the_cause_behind_a_router_is_kept() {
    check(
        429,
        r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"busy, retry in 3s\"}}"}}}"#,
        ErrorKind::RateLimit,
        "Provider returned error: busy",
    );
}

#[test]
fn an_error_inside_a_stream_gets_its_status_from_its_words() {
    let check = |json: &str, kind: ErrorKind, status: u16| {
        let error = in_band(json);
        assert_eq!((error.kind, error.status), (kind, status), "{json}");
    };
    check(
        r#"{"message":"x","type":"invalid_request_error","status_code":400}"#,
        ErrorKind::InvalidRequest,
        400,
    );
    check(r#"{"message":"x","code":502}"#, ErrorKind::Server, 502);
    check(r#"{"message":"x","type":"overloaded_error"}"#, ErrorKind::Overloaded, 503);
    check(r#"{"message":"x","code":"rate_limit_exceeded"}"#, ErrorKind::RateLimit, 429);
    check(r#""just text""#, ErrorKind::Server, 500);
}

#[test]
fn waits_are_read_from_text_and_members() {
    let check = |json: &str, seconds: f64| {
        let expected = Some(Duration::from_secs_f64(seconds));
        assert_eq!(body(429, json.as_bytes()).retry_after, expected, "{json}");
    };
    check(r#"{"error":{"message":"Please try again in 20s. More."}}"#, 20.0);
    check(r#"{"error":{"message":"try again in 1m30.5s"}}"#, 90.5);
    check(r#"{"error":{"message":"Try again in 350ms"}}"#, 0.35);
    check(r#"{"error":{"message":"retry after 7 seconds"}}"#, 7.0);
    check(r#"{"error":{"message":"x","details":[{"retryDelay":"48s"}]}}"#, 48.0);
    check(r#"{"error":{"message":"x","retry_after":2.5}}"#, 2.5);
    check(r#"{"error":{"message":"try again in 900000h"}}"#, 86400.0);
    assert_eq!(body(429, b"{\"error\":{\"message\":\"try again in a while\"}}").retry_after, None);
}

#[test]
fn our_errors_have_the_four_members() {
    let error = ApiError {
        status: 404,
        kind: ErrorKind::NotFound,
        code: "model_not_found",
        message: "no \"x\"".to_owned(),
        param: Some("model".to_owned()),
        retry_after: None,
        request_id: None,
    };

    let text = String::from_utf8(write(&error)).unwrap();

    assert_eq!(
        text,
        r#"{"error":{"message":"no \"x\"","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#
    );
}
