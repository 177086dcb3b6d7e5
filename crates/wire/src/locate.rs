//! Parsing with faults that name the JSON path where they are.
//!
//! The parser knows line and column only. The path is found by walking the text once more up to that
//! place, which costs nothing as long as requests are well-formed.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::codec::WireError;
use crate::splice;

/// Parses a request body.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the fault, or with line and column if it is no JSON.
pub(crate) fn body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, WireError> {
    // Text that is known to be UTF-8 is not looked at again for each string in it.
    let text = std::str::from_utf8(body).unwrap_or_default();
    let fault = match serde_json::from_str(text) {
        Ok(parsed) => return Ok(parsed),
        Err(fault) => fault,
    };
    // What is no JSON at all has no path; this says where and how.
    splice::parse::<IgnoredAny>(body)?;
    Err(WireError::malformed(path_of(text, &fault), words_of(&fault)))
}

/// Parses a part of a body that stands at `path`.
///
/// # Errors
///
/// [`WireError::Malformed`] with the path of the fault.
pub(crate) fn part<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &str) -> Result<T, WireError> {
    serde_json::from_str(raw.get()).map_err(|fault| {
        let inner = path_of(raw.get(), &fault);
        let dot = if inner.is_empty() || inner.starts_with('[') { "" } else { "." };
        WireError::malformed(format!("{path}{dot}{inner}"), words_of(&fault))
    })
}

fn words_of(fault: &serde_json::Error) -> String {
    let words = fault.to_string();
    match words.rfind(" at line ") {
        Some(end) => words[..end].to_owned(),
        None => words,
    }
}

fn path_of(text: &str, fault: &serde_json::Error) -> String {
    let lines_before = fault.line().saturating_sub(1);
    let line_start: usize = text.split_inclusive('\n').take(lines_before).map(str::len).sum();
    path_at(text, line_start + fault.column())
}

/// Where the walk stands in one list or object.
enum Level<'a> {
    List(usize),
    Object { key: &'a str, awaits_key: bool },
}

/// Returns the path of the value that begins last before `end`.
fn path_at(text: &str, end: usize) -> String {
    let bytes = text.as_bytes();
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut at = 0;
    while at < end.min(bytes.len()) {
        match bytes[at] {
            b'{' => levels.push(Level::Object { key: "", awaits_key: true }),
            b'[' => levels.push(Level::List(0)),
            b'}' | b']' => {
                levels.pop();
            }
            b',' => match levels.last_mut() {
                Some(Level::List(index)) => *index += 1,
                Some(Level::Object { awaits_key, .. }) => *awaits_key = true,
                None => {}
            },
            b'"' => {
                let close = string_end(bytes, at);
                if let Some(Level::Object { key, awaits_key }) = levels.last_mut()
                    && *awaits_key
                {
                    *key = text.get(at + 1..close).unwrap_or_default();
                    *awaits_key = false;
                }
                at = close;
            }
            _ => {}
        }
        at += 1;
    }
    spell(&levels)
}

/// Returns where the closing quote of the string stands that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

fn spell(levels: &[Level<'_>]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::List(index) => path.push_str(&format!("[{index}]")),
            Level::Object { key: "", .. } => {}
            Level::Object { key, .. } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(rename = "list")]
        _list: Option<Vec<Inner>>,
        #[serde(rename = "text")]
        _text: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(rename = "n")]
        _n: Option<u64>,
        #[serde(rename = "text")]
        _text: Option<String>,
    }

    #[test]
    fn faults_name_their_path() {
        let check = |text: &str, expected: &str| {
            let fault = body::<Outer>(text.as_bytes()).unwrap_err().to_string();
            assert!(fault.starts_with(expected), "{text}\n{fault} should start with {expected}");
        };
        check(r#"{"text":7}"#, "text: invalid type: integer `7`, expected a string");
        check(r#"{"text":{"a":1}}"#, "text: invalid type: map, expected a string");
        check(r#"{"list":[{"n":1},{"text":"x","n":-1}]}"#, "list[1].n: invalid value");
        check(r#"{"list":[{"n":1},{"text":["\"",{}] ,"n":1}]}"#, "list[1].text: invalid type");
        check("{\"list\":[\n{\"n\":1},\n{\"text\":true}]}", "list[1].text: invalid type: boolean");
        check(r#"{"list":{"n":1}}"#, "list: invalid type: map, expected a sequence");
        check(r#"{"list":[{"text":"\ud83d"}]}"#, "list[0].text: ");
        check(r#"{"list":["#, "the request body is not valid JSON");
        check("", "the request body is empty");
    }

    #[test]
    fn paths_of_parts_are_joined() {
        let check = |text: &str, expected: &str| {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            let fault = part::<Vec<Inner>>(raw, "at[3]").unwrap_err().to_string();
            assert!(fault.starts_with(expected), "{fault} should start with {expected}");
        };
        check(r#"[{"n":"x"}]"#, "at[3][0].n: ");
        check("7", "at[3]: ");
    }
}
