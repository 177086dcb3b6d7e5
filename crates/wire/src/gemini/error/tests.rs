use super::*;

fn kind(status: u16, body: &str) -> ErrorKind {
    read(status, body.as_bytes()).kind
}

fn google(code: u16, word: &str, message: &str) -> String {
    body(code, message, word, None).to_string()
}

#[test]
fn googles_words_become_classes() {
    let check = |code: u16, word: &str, message: &str, expected: ErrorKind| {
        assert_eq!(kind(code, &google(code, word, message)), expected, "{code} {word} {message}");
    };
    check(400, "INVALID_ARGUMENT", "Unknown name \"x\"", ErrorKind::InvalidRequest);
    check(400, "FAILED_PRECONDITION", "User location is not supported", ErrorKind::InvalidRequest);
    check(400, "OUT_OF_RANGE", "x", ErrorKind::InvalidRequest);
    check(
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ErrorKind::ContextTooLong,
    );
    check(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass one.",
        ErrorKind::Authentication,
    );
    check(401, "UNAUTHENTICATED", "x", ErrorKind::Authentication);
    check(403, "PERMISSION_DENIED", "x", ErrorKind::Permission);
    check(404, "NOT_FOUND", "models/x is not found", ErrorKind::NotFound);
    check(409, "ABORTED", "x", ErrorKind::InvalidRequest);
    check(429, "RESOURCE_EXHAUSTED", "x", ErrorKind::RateLimit);
    check(499, "CANCELLED", "x", ErrorKind::InvalidRequest);
    check(500, "INTERNAL", "x", ErrorKind::Server);
    check(503, "UNAVAILABLE", "The model is overloaded.", ErrorKind::Overloaded);
    check(504, "DEADLINE_EXCEEDED", "x", ErrorKind::Timeout);
}

#[test]
fn a_bad_key_is_an_authentication_error_though_the_status_is_400() {
    let error = read(
        400,
        br#"{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#,
    );
    assert_eq!(error.kind, ErrorKind::Authentication);
    assert_eq!(
        (error.native_type.as_str(), error.native_code.as_str()),
        ("INVALID_ARGUMENT", "400")
    );
}

#[test]
fn a_daily_quota_is_not_a_rate() {
    let body = |id: &str| {
        json!({"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]}
        ]}})
        .to_string()
    };
    let per_day = body("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
    let per_minute = body("GenerateRequestsPerMinutePerProjectPerModel");
    assert_eq!(kind(429, &per_day), ErrorKind::Quota);
    assert_eq!(kind(429, &per_minute), ErrorKind::RateLimit);
}

#[test]
fn waits_are_found_in_details_and_in_text() {
    let wait = |body: &str| read(429, body.as_bytes()).retry_after;
    let details =
        r#"[{"error":{"message":"Please retry in 48.9s.","details":[{"retryDelay":"48s"}]}}]"#;
    assert_eq!(wait(details), Some(Duration::from_secs(48)));
    assert_eq!(
        wait(r#"{"error":{"message":"Please retry in 48.5s."}}"#),
        Some(Duration::from_millis(48_500))
    );
    assert_eq!(wait(r#"{"message":"try again in 6m0s"}"#), Some(Duration::from_secs(360)));
    assert_eq!(wait(r#"{"message":"try again in a moment"}"#), None);
}

#[test]
fn every_shape_gives_its_message() {
    let check = |body: &str, expected: &str| {
        assert_eq!(read(500, body.as_bytes()).message, expected, "{body}");
    };
    check(r#"{"error":"text"}"#, "text");
    check(r#"{"error":{"message":"m"}}"#, "m");
    check(r#"[{"error":{"message":"m"}}]"#, "m");
    check(r#"{"message":"m"}"#, "m");
    check(r#"{"detail":"d"}"#, "d");
    check(r#"{"detail":[{"msg":"d","loc":["body"]}]}"#, "d");
    check(r#"{"errors":[{"message":"e"}]}"#, "e");
    check(
        r#"{"error":{"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"inner\"}}"}}}"#,
        "inner",
    );
    check("{}", "upstream gave no reason");
    check("", "upstream answered with status 500 and an empty body");
    check("<html><title>x</title>", "upstream answered with status 500 and an HTML page");
    check("plain words", "plain words");
}

#[test]
fn the_status_is_the_fallback() {
    for (status, expected) in [
        (400, ErrorKind::InvalidRequest),
        (401, ErrorKind::Authentication),
        (402, ErrorKind::Quota),
        (403, ErrorKind::Permission),
        (404, ErrorKind::NotFound),
        (408, ErrorKind::Timeout),
        (413, ErrorKind::TooLarge),
        (429, ErrorKind::RateLimit),
        (502, ErrorKind::Server),
        (503, ErrorKind::Overloaded),
        (504, ErrorKind::Timeout),
    ] {
        assert_eq!(kind(status, ""), expected, "{status}");
    }
}

#[test]
fn errors_inside_a_stream_get_the_status_of_their_code_or_word() {
    let status = |body: Value| from_value(None, &body).status;
    assert_eq!(status(json!({"error": {"code": 503, "message": "x"}})), 503);
    assert_eq!(status(json!({"error": {"status": "RESOURCE_EXHAUSTED"}})), 429);
    assert_eq!(status(json!({"error": "x"})), 500);
}

#[test]
fn the_offending_field_is_kept() {
    let error = read(
        400,
        br#"{"error":{"message":"m","details":[{"fieldViolations":[{"field":"contents[0].parts"}]}]}}"#,
    );
    assert_eq!(error.param.as_deref(), Some("contents[0].parts"));
}

#[test]
fn classes_become_googles_words() {
    let check = |kind: ErrorKind, status: u16, expected: &str| {
        let error = ApiError {
            status,
            kind,
            code: "any",
            message: "m \"q\"".to_owned(),
            param: None,
            retry_after: None,
            request_id: None,
        };
        let written = String::from_utf8(write(&error)).unwrap();
        let wanted =
            format!(r#"{{"error":{{"code":{status},"message":"m \"q\"","status":"{expected}"}}}}"#);
        assert_eq!(written, wanted);
    };
    check(ErrorKind::InvalidRequest, 400, "INVALID_ARGUMENT");
    check(ErrorKind::ContextTooLong, 400, "INVALID_ARGUMENT");
    check(ErrorKind::TooLarge, 413, "INVALID_ARGUMENT");
    check(ErrorKind::Authentication, 401, "UNAUTHENTICATED");
    check(ErrorKind::Permission, 403, "PERMISSION_DENIED");
    check(ErrorKind::NotFound, 404, "NOT_FOUND");
    check(ErrorKind::RateLimit, 429, "RESOURCE_EXHAUSTED");
    check(ErrorKind::Quota, 429, "RESOURCE_EXHAUSTED");
    check(ErrorKind::Overloaded, 503, "UNAVAILABLE");
    check(ErrorKind::Timeout, 504, "DEADLINE_EXCEEDED");
    check(ErrorKind::Server, 502, "UNAVAILABLE");
    check(ErrorKind::Server, 500, "INTERNAL");
}

#[test]
fn a_wait_is_written_as_retry_info() {
    let written = body(429, "m", "RESOURCE_EXHAUSTED", Some(Duration::from_millis(1_500)));
    let detail = &written["error"]["details"][0];
    assert_eq!(detail["@type"], "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(detail["retryDelay"], "1.5s");
}
