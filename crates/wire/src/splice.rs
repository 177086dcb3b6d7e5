//! Reading the few members routing needs, and replacing the model's name, without touching any other
//! byte of a request.
//!
//! Same-format calls must reach the provider as the client wrote them: prompt caches and signed
//! reasoning break when a body is parsed and printed again.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::amend::Edits;
use crate::codec::{Change, Peek, WireError};
use crate::raw_members::even_null;
use crate::skim::{self, Shape, Skimmed};

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "even_null")]
    stream: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "even_null")]
    stream_options: Option<&'a RawValue>,
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
    skim::head(body).and_then(|seen| peek_seen(body, seen)).map_or_else(|| peek_closely(body), Ok)
}

/// Does what [`peek_body`] does, and outlines a request of this shape.
///
/// # Errors
///
/// Those of [`peek_body`].
pub(crate) fn outlined(body: &[u8], shape: &'static Shape) -> Result<Peek, WireError> {
    let seen = skim::skim(body, shape);
    seen.and_then(|seen| peek_seen(body, seen)).map_or_else(|| peek_closely(body), Ok)
}

/// Reads members whose places are known; `None` if one is not as it nearly always is.
fn peek_seen(body: &[u8], seen: Skimmed) -> Option<Peek> {
    let model_span = seen.model?;
    let quoted = text(body, model_span.clone());
    let model = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if model.is_empty() || model.contains('\\') {
        return None;
    }
    let stream = match seen.stream.clone().map(|span| text(body, span)) {
        None | Some("false" | "null") => false,
        Some("true") => true,
        Some(_) => return None,
    };
    let options = seen.stream_options.clone().map(|span| text(body, span));
    let options: Option<StreamOptions> = match options {
        None => None,
        Some(options) => serde_json::from_str(options).ok()?,
    };
    Some(Peek {
        model: model.to_owned(),
        model_span: Some(model_span),
        stream,
        stream_span: seen.stream,
        options_span: seen.stream_options,
        include_usage: options.and_then(|options| options.include_usage).unwrap_or(false),
        json_array: false,
        outline: seen.outline,
    })
}

/// Does what [`peek_body`] does with a parser that is slower and tells what is wrong: where a quick look finds
/// anything unusual, this one decides.
///
/// # Errors
///
/// Those of [`peek_body`].
pub fn peek_closely(body: &[u8]) -> Result<Peek, WireError> {
    let head: Head<'_> = parse(body)?;
    let Some(raw) = head.model else {
        return Err(WireError::malformed("model", "is missing; name the model to use"));
    };
    let model: String = serde_json::from_str(raw.get())
        .map_err(|_| WireError::malformed("model", "must be a string"))?;
    if model.is_empty() {
        return Err(WireError::malformed("model", "is empty; name the model to use"));
    }

    let stream = head.stream.map(|raw| member::<Option<bool>>("stream", raw)).transpose()?;
    let options =
        head.stream_options.map(|raw| member::<Option<StreamOptions>>("stream_options", raw));
    let options = options.transpose()?;
    Ok(Peek {
        model,
        model_span: Some(span(body, raw.get())),
        stream: stream.flatten().unwrap_or(false),
        stream_span: head.stream.map(|raw| span(body, raw.get())),
        options_span: head.stream_options.map(|raw| span(body, raw.get())),
        include_usage: options.flatten().and_then(|o| o.include_usage).unwrap_or(false),
        json_array: false,
        outline: None,
    })
}

fn member<'a, T: Deserialize<'a>>(name: &str, raw: &'a RawValue) -> Result<T, WireError> {
    serde_json::from_str(raw.get())
        .map_err(|fault| WireError::malformed(name, format!("has an unexpected shape: {fault}")))
}

/// Tells whether a text stands anywhere in a body. Where it does not, no member has it as its name,
/// unless it is written with escapes.
pub fn mentions(body: &[u8], text: &str) -> bool {
    memchr::memmem::find(body, text.as_bytes()).is_some()
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
    let parsed = serde_json::from_str(text).map_err(|error| {
        let what = if error.is_data() { "has an unexpected shape" } else { "is not valid JSON" };
        WireError::malformed("", format!("the request body {what}: {error}"))
    })?;
    // A list would pass for an object: its values for the members, in the order of their declaration.
    if !text.trim_ascii_start().starts_with('{') {
        let detail = "the request body has an unexpected shape: a JSON object is expected";
        return Err(WireError::malformed("", detail));
    }
    Ok(parsed)
}

/// Returns the body with a few values replaced and every other byte as it was.
///
/// Without a span for the model, and if nothing changes, that is the body itself.
pub fn splice(body: &Bytes, peek: &Peek, change: &Change<'_>) -> Bytes {
    let mut edits = Edits::default();
    if let Some(span) = peek.model_span.clone().filter(|_| peek.model != change.model) {
        edits.replace(span, serde_json::Value::from(change.model).to_string());
    }
    let start = peek.model_span.as_ref().and_then(|_| after_brace(body));
    if let Some(stream) = change.stream.filter(|stream| *stream != peek.stream) {
        put(&mut edits, (body, start), peek.stream_span.clone(), "stream", &stream.to_string());
    }
    if change.ask_for_usage && !peek.include_usage {
        let options = peek.options_span.clone().map_or("", |span| text(body, span));
        let options = with_usage(options);
        put(&mut edits, (body, start), peek.options_span.clone(), "stream_options", &options);
    }
    edits.apply(body)
}

/// Sets a member: its value replaced, or the member put first in the object.
fn put(
    edits: &mut Edits,
    (body, start): (&[u8], Option<usize>),
    span: Option<Range<usize>>,
    name: &str,
    value: &str,
) {
    if let Some(span) = span.filter(|span| span.end <= body.len()) {
        edits.replace(span, value.to_owned());
    } else if let Some(start) = start {
        edits.insert(start, format!("\"{name}\":{value},"));
    }
}

/// Finds the place behind the object's opening brace.
fn after_brace(body: &[u8]) -> Option<usize> {
    memchr::memchr(b'{', body).map(|brace| brace + 1)
}

fn text(body: &[u8], span: Range<usize>) -> &str {
    body.get(span).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Returns `stream_options` with usage asked for and its other members kept.
fn with_usage(options: &str) -> String {
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(options).unwrap_or_default();
    members.insert("include_usage".to_owned(), true.into());
    serde_json::Value::Object(members).to_string()
}

/// Finds where `part`, a slice borrowed from `whole`, begins and ends in it.
pub(crate) fn span(whole: &[u8], part: &str) -> Range<usize> {
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

        let spliced = splice(&body, &peek, &Change::model("c\"d"));

        let expected = "{ \"messages\":[{\"model\":\"x\"}], \"temperature\" : 1.0, \"model\" : \"c\\\"d\" ,\"z\":1e2}";
        assert_eq!(spliced, expected.as_bytes());
        let same = splice(&body, &peek, &Change::model("a/b"));
        assert_eq!(same, body, "an equal name leaves the bytes alone");
    }

    #[test]
    fn delivery_and_usage_are_changed_in_place_or_put_first() {
        let check = |body: &str, stream: Option<bool>, expected: &str| {
            let body = Bytes::copy_from_slice(body.as_bytes());
            let change = Change { model: "m", stream, ask_for_usage: stream.is_none() };
            assert_eq!(splice(&body, &peek_body(&body).unwrap(), &change), expected.as_bytes());
        };
        check(
            r#" {"model":"m", "stream" : true}"#,
            None,
            r#" {"stream_options":{"include_usage":true},"model":"m", "stream" : true}"#,
        );
        check(
            r#"{"stream_options" : {"x": 1, "include_usage": false},"model":"m"}"#,
            None,
            r#"{"stream_options" : {"x":1,"include_usage":true},"model":"m"}"#,
        );
        check(
            r#"{"stream_options":null,"model":"n"}"#,
            None,
            r#"{"stream_options":{"include_usage":true},"model":"m"}"#,
        );
        check(r#"{"model":"m","stream":true }"#, Some(false), r#"{"model":"m","stream":false }"#);
        check(r#"{"model":"m"}"#, Some(true), r#"{"stream":true,"model":"m"}"#);
        let asked = r#"{"model":"m","stream_options":{"include_usage":true}}"#;
        check(asked, None, asked);
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
        check(b"[\"m\", true]", "unexpected shape");
        check(b"{}", "model: is missing");
        check(b"{\"model\":7}", "model: must be a string");
        check(b"{\"model\":\"\"}", "model: is empty");
        check(b"{\"model\":\"a\",\"model\":\"b\"}", "duplicate field `model`");
        check(b"{\"model\":\"a\",\"stream\":\"yes\"}", "unexpected shape");
        check(b"{\"model\":\"\xff\"}", "not UTF-8 (byte 10)");
    }
}
