//! Errors: every shape and every word.

use std::time::Duration;

use serde_json::json;

use super::*;

#[test]
fn kinds_follow_words_status_and_type() {
    use ErrorKind::*;
    let check = |status: u16, kind: &str, message: &str, expected: ErrorKind| {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}});
        let error = read(status, body.to_string().as_bytes());
        assert_eq!(error.kind, expected, "{status} {kind} {message}");
        assert_eq!((error.status, &*error.native_type), (status, kind));
        assert_eq!(error.message, message);
    };
    let invalid = "invalid_request_error";
    check(400, invalid, "messages: at least one message is required", InvalidRequest);
    check(400, invalid, "prompt is too long: 3333404 tokens > 200000 maximum", ContextTooLong);
    check(
        400,
        invalid,
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        ContextTooLong,
    );
    check(400, invalid, "Your credit balance is too low to access the Anthropic API.", Quota);
    check(401, "authentication_error", "invalid x-api-key", Authentication);
    check(401, invalid, "bad key, said the other way", Authentication);
    check(402, "billing_error", "pay", Quota);
    check(403, "permission_error", "no", Permission);
    check(404, "not_found_error", "model: claude-9", NotFound);
    check(409, "conflict_error", "busy", InvalidRequest);
    check(413, "request_too_large", "big", TooLarge);
    check(429, "rate_limit_error", "slow down", RateLimit);
    check(500, "api_error", "oops", Server);
    check(503, "api_error", "later", Overloaded);
    check(504, "timeout_error", "slow", Timeout);
    check(529, "overloaded_error", "Overloaded", Overloaded);
    check(500, "overloaded_error", "Overloaded", Overloaded);
    check(418, "new_error", "tea", InvalidRequest);
}

#[test]
fn every_shape_of_body_gives_its_message() {
    let check = |body: &str, message: &str, code: &str, param: Option<&str>| {
        let error = read(400, body.as_bytes());
        assert_eq!(error.message, message, "{body}");
        assert_eq!((&*error.native_code, error.param.as_deref()), (code, param), "{body}");
    };
    check(r#"{"error":"plain"}"#, "plain", "", None);
    check(r#"{"error":{"message":"m","code":7,"param":"n"}}"#, "m", "7", Some("n"));
    check(r#"{"message":"top"}"#, "top", "", None);
    check(r#"{"detail":"why"}"#, "why", "", None);
    check(r#"{"detail":[{"msg":"bad","loc":["body","n",0]}]}"#, "bad", "", Some("body.n.0"));
    check(r#"{"errors":["first","second"]}"#, "first", "", None);
    check(r#"{"errors":[{"message":"first","code":"c"}]}"#, "first", "c", None);
    check(r#"[{"error":{"message":"listed"}}]"#, "listed", "", None);
    check(
        r#"{"error":{"message":"outer","metadata":{"raw":"{\"error\":{\"message\":\"inner\"}}"}}}"#,
        "inner",
        "",
        None,
    );
    check("<html><body>502</body></html>", "the upstream answered with an HTML page", "", None);
    check("  upstream connect error\n", "upstream connect error", "", None);
    check("", "the upstream answered 400 and said nothing more", "", None);
}

#[test]
fn a_spent_limit_is_told_from_a_rate_limit() {
    let body = br#"{"error":{"type":"rate_limit_error","message":"limit","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    assert_eq!(read(429, body).kind, ErrorKind::Quota);
}

#[test]
fn waits_are_read_from_the_message() {
    let check = |message: &str, expected: Option<Duration>| {
        let body = json!({"error": {"message": message}}).to_string();
        assert_eq!(read(429, body.as_bytes()).retry_after, expected, "{message}");
    };
    check("Please try again in 20s.", Some(Duration::from_secs(20)));
    check("Please retry in 48.5 seconds", Some(Duration::from_millis(48_500)));
    check("try again in 250ms", Some(Duration::from_millis(250)));
    check("try again in 2 minutes", Some(Duration::from_secs(120)));
    check("try again in a while", None);
    check("no wait at all", None);
}

#[test]
fn errors_inside_a_reply_get_the_status_of_their_type() {
    let check = |kind: &str, status: u16, expected: ErrorKind| {
        let error = in_band(&json!({"type": "error", "error": {"type": kind, "message": "m"}}));
        assert_eq!((error.status, error.kind), (status, expected), "{kind}");
    };
    check("invalid_request_error", 400, ErrorKind::InvalidRequest);
    check("authentication_error", 401, ErrorKind::Authentication);
    check("billing_error", 402, ErrorKind::Quota);
    check("permission_error", 403, ErrorKind::Permission);
    check("not_found_error", 404, ErrorKind::NotFound);
    check("conflict_error", 409, ErrorKind::InvalidRequest);
    check("request_too_large", 413, ErrorKind::TooLarge);
    check("rate_limit_error", 429, ErrorKind::RateLimit);
    check("api_error", 500, ErrorKind::Server);
    check("timeout_error", 504, ErrorKind::Timeout);
    check("overloaded_error", 529, ErrorKind::Overloaded);
    check("whatever", 500, ErrorKind::Server);
}

#[test]
fn our_errors_have_the_vendors_words() {
    let check = |status: u16, kind: ErrorKind, expected: &str| {
        let error = ApiError {
            status,
            kind,
            code: "c",
            message: "say \"why\"".to_owned(),
            param: None,
            retry_after: None,
            request_id: Some("req_1".to_owned()),
        };
        let body: Value = serde_json::from_slice(&write(&error)).unwrap();
        let expected = json!({
            "type": "error",
            "error": {"type": expected, "message": "say \"why\""},
            "request_id": "req_1",
        });
        assert_eq!(body, expected);
    };
    check(400, ErrorKind::InvalidRequest, "invalid_request_error");
    check(400, ErrorKind::ContextTooLong, "invalid_request_error");
    check(401, ErrorKind::Authentication, "authentication_error");
    check(403, ErrorKind::Permission, "permission_error");
    check(404, ErrorKind::NotFound, "not_found_error");
    check(413, ErrorKind::TooLarge, "request_too_large");
    check(429, ErrorKind::RateLimit, "rate_limit_error");
    check(429, ErrorKind::Quota, "rate_limit_error");
    check(503, ErrorKind::Overloaded, "overloaded_error");
    check(408, ErrorKind::Timeout, "invalid_request_error");
    check(504, ErrorKind::Timeout, "api_error");
    check(502, ErrorKind::Server, "api_error");
}

#[test]
fn a_providers_refusal_of_our_credential_is_no_fault_of_the_client() {
    for kind in [ErrorKind::Authentication, ErrorKind::Permission, ErrorKind::Quota] {
        let error = UpstreamError { kind, ..UpstreamError::server(401, "no") };
        let body: Value = serde_json::from_slice(&write_upstream(&error)).unwrap();
        assert_eq!(body["error"]["type"], "api_error", "{kind:?}");
    }
}

#[test]
fn an_error_without_a_request_id_does_not_mention_one() {
    let mut out = Vec::new();
    write_upstream_event(&UpstreamError::truncated("cut"), &mut out);
    let expected = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"cut\"}}\n\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
