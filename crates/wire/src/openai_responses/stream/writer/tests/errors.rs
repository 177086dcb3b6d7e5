//! Streams that fail.

use super::*;
use crate::api_error::{ErrorKind, UpstreamError};

#[test]
fn an_error_closes_what_is_open_and_is_said_twice() {
    let busy = UpstreamError { kind: ErrorKind::Overloaded, ..UpstreamError::server(529, "busy") };
    let stream = write(&[
        begun(),
        start(0, call("c0", "f")),
        arguments(0, "{}"),
        end(0),
        start(1, PartHead::Text),
        text(1, "half"),
        Event::Usage(Usage { input: Some(3), ..Usage::default() }),
        Event::Error(busy),
        text(1, "more"),
        Event::End,
    ]);

    let states: Vec<&Value> = stream.output().iter().map(|item| &item["status"]).collect();
    assert_eq!(states, ["completed", "incomplete"]);
    let error = &stream.events[stream.events.len() - 2];
    let expected =
        json!({"type": "server_error", "code": "overloaded", "message": "busy", "param": null});
    assert_eq!((&error["type"], &error["error"]), (&json!("error"), &expected));
    assert_eq!(stream.events.last().unwrap()["type"], "response.failed");
    assert_eq!(stream.response["status"], "failed");
    assert_eq!(stream.response["error"], json!({"code": "overloaded", "message": "busy"}));
    assert_eq!(stream.response["usage"]["input_tokens"], 3);
}

#[test]
fn an_error_before_anything_else_still_opens_the_reply() {
    let (mut writer, mut out) = (Writer::new(&context("")), Vec::new());
    let error = ApiError {
        status: 504,
        kind: ErrorKind::Timeout,
        code: "upstream_timeout",
        message: "too slow".to_owned(),
        param: None,
        retry_after: None,
        request_id: None,
    };
    writer.error(&error, &mut out);
    let length = out.len();
    writer.write(&Event::End, &mut out);
    writer.ping(&mut out);
    assert_eq!(out.len(), length, "nothing follows");

    let stream = checked(&String::from_utf8(out).unwrap());
    assert_eq!(stream.steps(), ["error"]);
    assert_eq!(stream.response["error"]["code"], "upstream_timeout");
}

#[test]
fn every_failure_has_a_code() {
    let check = |kind: ErrorKind, expected: &str| {
        let error = UpstreamError { kind, ..UpstreamError::server(500, "no") };
        let stream = write(&[Event::Error(error)]);
        assert_eq!(stream.response["error"]["code"], expected);
    };
    check(ErrorKind::Server, "server_error");
    check(ErrorKind::InvalidRequest, "invalid_prompt");
    check(ErrorKind::RateLimit, "rate_limit_exceeded");
    check(ErrorKind::ContextTooLong, "context_length_exceeded");
}

#[test]
fn signs_of_life_are_comments() {
    let (mut writer, mut out) = (Writer::new(&context("")), Vec::new());
    writer.write(&begun(), &mut out);
    writer.write(&Event::Ping, &mut out);
    assert!(out.ends_with(b": keep-alive\n\n"));
}
