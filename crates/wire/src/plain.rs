//! Content whose parts are nearly always of a few well-known kinds, read in the pass that finds them.
//!
//! To hold every part as it was written and to read it then looks at all text once more. So parts of plain
//! kinds are read at once, and only a list that holds anything else, of which the very bytes may be needed
//! or a fault is to be told, is left for a look of its own.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::Text;

/// The member that says what a part is.
const TYPE: &str = "type";

/// A part that may be read before it is known where it stands.
pub(crate) trait Plain {
    /// The values of `type` of which all members are known, so that nothing of such a part gets lost.
    const KINDS: &'static [&'static str];

    /// Returns the member `type`.
    fn kind(&mut self) -> &mut Option<String>;
}

/// Content: a string, or a list of parts.
#[derive(Debug)]
pub(crate) enum Content<'a, P> {
    /// A string, borrowed where it has no escapes.
    Text(Cow<'a, str>),
    /// The parts, in order; all of them are plain.
    Parts(Vec<P>),
    /// A list of other parts too, or an object: to be read as it was written.
    Other,
}

impl<'de: 'a, 'a, P: Plain + Deserialize<'de>> Deserialize<'de> for Content<'a, P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor(PhantomData))
    }
}

struct ContentVisitor<'a, P>(PhantomData<Content<'a, P>>);

impl<'de: 'a, 'a, P: Plain + Deserialize<'de>> Visitor<'de> for ContentVisitor<'a, P> {
    type Value = Content<'a, P>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`content` to be a string or a list of parts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Content::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(element) = list.next_element::<Element<P>>()? {
            let Element(Some(part)) = element else {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Content::Other);
            };
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        pass(&mut map)?;
        Ok(Content::Other)
    }
}

/// An element of a list of parts; `None` if it is not plain.
struct Element<P>(Option<P>);

impl<'de, P: Plain + Deserialize<'de>> Deserialize<'de> for Element<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor(PhantomData)).map(Self)
    }
}

struct ElementVisitor<P>(PhantomData<P>);

impl<'de, P: Plain + Deserialize<'de>> Visitor<'de> for ElementVisitor<P> {
    type Value = Option<P>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        match map.next_key()? {
            None => Ok(None),
            Some(Text(name)) if name == TYPE => {
                let kind = plain_kind::<P>(map.next_value()?);
                let Some(kind) = kind else { return pass(&mut map).map(|()| None) };
                let mut part = P::deserialize(MapAccessDeserializer::new(map))?;
                // Twice a type is none.
                Ok(part.kind().replace(kind.to_owned()).is_none().then_some(part))
            }
            Some(Text(name)) => late(name, map),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_borrowed_str<E>(self, _: &'de str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Reads a part whose type does not come first, from members that are still raw. Of one with a list none is
/// made: each level would begin to count anew how deep it is.
fn late<'de, P, A>(first: Cow<'de, str>, mut map: A) -> Result<Option<P>, A::Error>
where
    P: Plain + Deserialize<'de>,
    A: MapAccess<'de>,
{
    let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = vec![(first, map.next_value()?)];
    while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
        members.push((name, value));
    }
    let kind = members.iter().find(|(name, _)| name == TYPE).map(|(_, kind)| *kind);
    let has_list = members.iter().any(|(_, value)| value.get().starts_with('['));
    if has_list || kind.and_then(plain_kind::<P>).is_none() {
        return Ok(None);
    }
    // A fault is told by the second look, which knows the place.
    Ok(P::deserialize(MapDeserializer::new(members.into_iter())).ok())
}

/// Returns the plain kind that a `type` names.
fn plain_kind<P: Plain>(raw: &RawValue) -> Option<&'static str> {
    let name = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    P::KINDS.iter().copied().find(|kind| *kind == name)
}

/// Passes over the rest of an object.
///
/// # Errors
///
/// The deserializer's.
pub(crate) fn pass<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Part {
        #[serde(rename = "type")]
        kind: Option<String>,
        text: Option<String>,
    }

    impl Plain for Part {
        const KINDS: &'static [&'static str] = &["text", "image"];

        fn kind(&mut self) -> &mut Option<String> {
            &mut self.kind
        }
    }

    fn read(json: &str) -> serde_json::Result<Content<'_, Part>> {
        serde_json::from_str(json)
    }

    #[test]
    fn plain_parts_are_read_wherever_their_type_stands() {
        let json = r#"[{"type":"text","text":"a\n","x":[1]},{"text":"b","y":{},"type":"image"}]"#;
        let Content::Parts(parts) = read(json).unwrap() else { panic!("both are plain") };

        let words = |part: &Part| (part.kind.clone().unwrap(), part.text.clone().unwrap());
        let words: Vec<_> = parts.iter().map(words).collect();
        assert_eq!(words, [("text".into(), "a\n".into()), ("image".into(), "b".into())]);
        assert!(matches!(read("[]").unwrap(), Content::Parts(parts) if parts.is_empty()));
        assert!(matches!(read(r#""a""#).unwrap(), Content::Text(Cow::Borrowed("a"))));
    }

    #[test]
    fn anything_else_is_left_to_a_second_look() {
        for other in [
            r#"{"type":"text"}"#,
            r#"["text"]"#,
            "[{}]",
            r#"[[{"type":"text"}]]"#,
            r#"[{"type":"text","text":"a"},{"type":"strange","text":{"a":["\ud800"]}},7]"#,
            r#"[{"type":null}]"#,
            r#"[{"type":"text","type":"image"}]"#,
            r#"[{"text":7,"type":"text"}]"#,
            r#"[{"x":[],"type":"text"}]"#,
            r#"[{"text":"a","type":"strange"}]"#,
            r#"[{"text":"a"}]"#,
            "[null]",
            "[true,1,-1,0.5]",
        ] {
            assert!(matches!(read(other).unwrap(), Content::Other), "{other}");
        }
    }

    #[test]
    fn what_is_no_content_is_a_fault() {
        for wrong in ["7", "null", r#"[{"type":"text","text":7}]"#, r#"[{"type":"text""#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
