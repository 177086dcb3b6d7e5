//! Reading the few members routing needs, and replacing the model's name, without touching any other
//! byte of a request.
//!
//! Same-format calls must reach the provider as the client wrote them: prompt caches and signed
//! reasoning break when a body is parsed and printed again.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codec::{Peek, WireError};

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// Reads `model`, `stream` and `stream_options.include_usage` of a JSON object.
///
/// The whole body is checked to be JSON. A member given twice is refused: which of the two a provider
/// would take is anybody's guess.
///
/// # Errors
///
/// [`WireError::Malformed`] if the body is not a JSON object, a member has the wrong type, or `model`
/// is missing or empty.
pub fn peek_body(body: &[u8]) -> Result<Peek, WireError> {
    let head: Head<'_> = parse(body)?;
    let Some(raw) = head.model else {
        return Err(WireError::malformed("model", "is missing; name the model to use"));
    };
    let model: String = serde_json::from_str(raw.get())
        .map_err(|_| WireError::malformed("model", "must be a string"))?;
    if model.is_empty() {
        return Err(WireError::malformed("model", "is empty; name the model to use"));
    }

    Ok(Peek {
        model,
        model_span: Some(span(body, raw.get())),
        stream: head.stream.unwrap_or(false),
        include_usage: head.stream_options.and_then(|o| o.include_usage).unwrap_or(false),
        json_array: false,
    })
}

/// Parses a request body, turning serde's error into ours with line and column.
///
/// # Errors
///
/// [`WireError::Malformed`] if the body is not UTF-8, not JSON or not of the expected shape.
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, WireError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(WireError::malformed(
            "",
            "the request body is empty; a JSON object is expected",
        ));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        WireError::malformed("", format!("the request body is not UTF-8 (byte {at})"))
    })?;
    serde_json::from_str(text).map_err(|error| {
        let what = if error.is_data() { "has an unexpected shape" } else { "is not valid JSON" };
        WireError::malformed("", format!("the request body {what}: {error}"))
    })
}

/// Returns the body with the model's JSON string replaced. Without a span the body is returned as is.
pub fn splice_model(body: &Bytes, peek: &Peek, model: &str) -> Bytes {
    let Some(span) = peek.model_span.clone() else { return body.clone() };
    if peek.model == model {
        return body.clone();
    }
    let quoted = serde_json::Value::from(model).to_string();
    let mut spliced = BytesMut::with_capacity(body.len() + quoted.len());
    spliced.extend_from_slice(&body[..span.start]);
    spliced.extend_from_slice(quoted.as_bytes());
    spliced.extend_from_slice(&body[span.end..]);
    spliced.freeze()
}

/// Finds where `part`, a slice borrowed from `whole`, begins and ends in it.
fn span(whole: &[u8], part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_model_is_replaced() {
        let body = Bytes::from_static(
            b"{ \"messages\":[{\"model\":\"x\"}], \"temperature\" : 1.0, \"model\" : \"a\\u002fb\" ,\"z\":1e2}",
        );
        let peek = peek_body(&body).unwrap();
        assert_eq!(peek.model, "a/b");

        let spliced = splice_model(&body, &peek, "c\"d");

        let expected = "{ \"messages\":[{\"model\":\"x\"}], \"temperature\" : 1.0, \"model\" : \"c\\\"d\" ,\"z\":1e2}";
        assert_eq!(spliced, expected.as_bytes());
        assert_eq!(splice_model(&body, &peek, "a/b"), body, "an equal name leaves the bytes alone");
    }

    #[test]
    fn faults_name_the_field_or_the_place() {
        let check = |body: &[u8], expected: &str| {
            let error = peek_body(body).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} should contain {expected}");
        };
        check(b"", "empty");
        check(b"{\"model\": ", "line 1 column 10");
        check(b"[]", "unexpected shape");
        check(b"{}", "model: is missing");
        check(b"{\"model\":7}", "model: must be a string");
        check(b"{\"model\":\"\"}", "model: is empty");
        check(b"{\"model\":\"a\",\"model\":\"b\"}", "duplicate field `model`");
        check(b"{\"model\":\"a\",\"stream\":\"yes\"}", "unexpected shape");
        check(b"{\"model\":\"\xff\"}", "not UTF-8 (byte 10)");
    }
}
