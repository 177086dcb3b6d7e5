//! Parts that are nothing but a text, a call or a result, read in the same pass as the request.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::chat::Part;
use crate::plain::pass;
use crate::text::Text;

/// A part of a content.
#[derive(Debug)]
pub(super) enum Wire<'a> {
    /// What most parts are.
    Plain(Plain<'a>),
    /// As it was written.
    Raw(&'a RawValue),
    /// Something else, which is to be read as it was written.
    Other,
}

/// A part of which all members are known.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    pub(super) kind: Kind<'a>,
    /// Whether the model says that it is a thought.
    pub(super) thought: bool,
    pub(super) signature: Option<String>,
}

/// What a [`Plain`] part is.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    Text(String),
    Call(Call<'a>),
    Result(Answer),
}

/// `functionCall`; further members say nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Call<'a> {
    pub(super) id: Option<String>,
    pub(super) name: String,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
}

/// `functionResponse`.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) response: Option<Said>,
    parts: Option<IgnoredAny>,
}

/// The object of a result.
#[derive(Debug)]
pub(super) enum Said {
    /// Nothing but a text.
    Output(String),
    /// Nothing but the text of an error.
    Error(String),
    /// Any other object.
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Wire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WireVisitor)
    }
}

struct WireVisitor;

impl<'de> Visitor<'de> for WireVisitor {
    type Value = Wire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut kind, mut thought, mut signature) = (None, None, None);
        while let Some(Text(name)) = map.next_key()? {
            // A member given twice is for a reader that knows which one counts.
            let is_known = match &*name {
                "text" if kind.is_none() => {
                    kind = map.next_value::<Option<String>>()?.map(Kind::Text);
                    kind.is_some()
                }
                "functionCall" if kind.is_none() => {
                    kind = Some(Kind::Call(map.next_value()?));
                    true
                }
                "functionResponse" if kind.is_none() => {
                    let answer: Answer = map.next_value()?;
                    let is_plain =
                        answer.parts.is_none() && !matches!(answer.response, Some(Said::Other));
                    kind = Some(Kind::Result(answer));
                    is_plain
                }
                "thought" if thought.is_none() => {
                    thought = map.next_value::<Option<bool>>()?;
                    thought.is_some()
                }
                "thoughtSignature" if signature.is_none() => {
                    signature = map.next_value::<Option<String>>()?;
                    signature.is_some()
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if !is_known {
                pass(&mut map)?;
                return Ok(Wire::Other);
            }
        }
        let plain = |kind| Plain { kind, thought: thought.unwrap_or(false), signature };
        Ok(kind.map_or(Wire::Other, |kind| Wire::Plain(plain(kind))))
    }
}

impl Said {
    /// Returns the parts of the result, and whether it is an error if that is said.
    pub(super) fn parts(self) -> (Vec<Part>, Option<bool>) {
        match self {
            Self::Output(text) if text.is_empty() => (Vec::new(), None),
            Self::Output(text) => (vec![Part::text(text)], None),
            Self::Error(text) => (vec![Part::text(text)], Some(true)),
            Self::Other => (Vec::new(), None),
        }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SaidVisitor)
    }
}

struct SaidVisitor;

impl<'de> Visitor<'de> for SaidVisitor {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object of a result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Text(String),
            Other(IgnoredAny),
        }
        let name = map.next_key()?.map(|Text(name)| name);
        let make: fn(String) -> Said = match name.as_deref() {
            None => return Ok(Said::Other),
            Some("output" | "result") => Said::Output,
            Some("error") => Said::Error,
            Some(_) => {
                map.next_value::<IgnoredAny>()?;
                return pass(&mut map).map(|()| Said::Other);
            }
        };
        let said = match map.next_value()? {
            Value::Text(text) => make(text),
            Value::Other(_) => Said::Other,
        };
        if map.next_key::<IgnoredAny>()?.is_none() {
            return Ok(said);
        }
        map.next_value::<IgnoredAny>()?;
        pass(&mut map).map(|()| Said::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_parts_are_read_and_all_others_are_left() {
        let check = |json: &str, expected: &str| {
            let part: Wire<'_> = serde_json::from_str(json).unwrap();
            let found = match part {
                Wire::Plain(Plain { kind, thought, signature }) => {
                    let kind = match kind {
                        Kind::Text(text) => text,
                        Kind::Call(call) => format!("{} {:?}", call.name, call.args),
                        Kind::Result(answer) => format!("{} {:?}", answer.name, answer.response),
                    };
                    format!("{kind} {thought} {signature:?}")
                }
                Wire::Raw(_) | Wire::Other => "other".to_owned(),
            };
            assert_eq!(found, expected, "{json}");
        };
        check(r#"{"text":"a\n"}"#, "a\n false None");
        check(r#"{"thought":true,"text":"a","thoughtSignature":"s"}"#, "a true Some(\"s\")");
        check(
            r#"{"functionCall":{"name":"f","args":{"a": 1.0},"x":2}}"#,
            "f Some(RawValue({\"a\": 1.0})) false None",
        );
        check(
            r#"{"functionResponse":{"name":"f","response":{"result":"r"}}}"#,
            "f Some(Output(\"r\")) false None",
        );
        check(r#"{"functionResponse":{"name":"f"}}"#, "f None false None");
        for other in [
            "{}",
            r#"{"text":null}"#,
            r#"{"text":"a","text":"b"}"#,
            r#"{"text":"a","functionCall":{"name":"f"}}"#,
            r#"{"inlineData":{"data":"\ud800"},"text":"a"}"#,
            r#"{"functionResponse":{"name":"f","response":{"output":1}}}"#,
            r#"{"functionResponse":{"name":"f","response":{"output":"a","b":[]}}}"#,
            r#"{"functionResponse":{"name":"f","response":{"b":["\ud800"],"output":"a"}}}"#,
            r#"{"functionResponse":{"name":"f","response":{}}}"#,
            r#"{"functionResponse":{"name":"f","parts":[]}}"#,
        ] {
            check(other, "other");
        }
        assert!(serde_json::from_str::<Wire<'_>>(r#"{"text":7}"#).is_err());
    }
}
