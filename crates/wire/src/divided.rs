//! A conversation read in one pass: an object's members with the elements of one list among them.
//!
//! To take a request apart level by level, each value still raw, is what lets a fault name its place, but it
//! looks at every byte once per level. Nearly all requests have no fault, so readers try this first and go
//! level by level only if it does not work out.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::raw_members::RawMembers;
use crate::text::Text;

/// An object taken apart.
#[derive(Debug)]
pub(crate) struct Divided<'a, T> {
    /// All members but the list.
    pub(crate) members: RawMembers<'a>,
    /// The elements of the list, in order. `None`: there is no such member.
    pub(crate) list: Option<Vec<T>>,
}

/// Takes an object apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divide<S> {
    name: &'static str,
    element: S,
}

impl<T> Divide<PhantomData<T>> {
    /// Reads the elements of the list `name` as they are.
    pub(crate) const fn at(name: &'static str) -> Self {
        Self { name, element: PhantomData }
    }
}

impl<S> Divide<S> {
    /// Takes the elements of the list `name` apart too.
    pub(crate) const fn each_of(name: &'static str, element: S) -> Self {
        Self { name, element }
    }

    /// Reads a body; `None` if anything in it is not as it should be.
    pub(crate) fn read<'a>(self, body: &'a [u8]) -> Option<Divided<'a, S::Value>>
    where
        S: DeserializeSeed<'a> + Copy,
    {
        let text = std::str::from_utf8(body).ok()?;
        let mut json = serde_json::Deserializer::from_str(text);
        let divided = self.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(divided)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Divide<S> {
    type Value = Divided<'de, S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Divide<S> {
    type Value = Divided<'de, S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
        let mut list = None;
        while let Some(Text(name)) = map.next_key()? {
            if name != self.name {
                members.push((name, map.next_value()?));
            } else if list.is_none() {
                list = Some(map.next_value_seed(Elements(self.element))?);
            } else {
                return Err(A::Error::duplicate_field(self.name));
            }
        }
        Ok(Divided { members: members.into(), list })
    }
}

/// Reads a list.
struct Elements<S>(S);

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Elements<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Elements<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(self.0)? {
            elements.push(element);
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_the_lists_in_it_are_read_in_one_pass() {
        let body = br#"{"a":1.0,"list":[{"b":"c","inner":[1, {"d":2}]},{}],"e":[ ]}"#;
        let parts = Divide::<PhantomData<&RawValue>>::at("inner");

        let whole = Divide::each_of("list", parts).read(body).unwrap();

        assert_eq!(whole.members.names().collect::<Vec<_>>(), ["a", "e"]);
        assert_eq!(whole.members.get("e").unwrap().get(), "[ ]");
        let list = whole.list.unwrap();
        let inner = list[0].list.as_ref().unwrap();
        assert_eq!(inner.iter().map(|raw| raw.get()).collect::<Vec<_>>(), ["1", "{\"d\":2}"]);
        assert_eq!(list[0].members.get("b").unwrap().get(), "\"c\"");
        assert!(list[1].list.is_none());
    }

    #[test]
    fn what_is_not_as_it_should_be_is_left_to_others() {
        let is_read = |body: &[u8]| Divide::<PhantomData<u8>>::at("list").read(body).is_some();
        assert!(is_read(b" {\"list\":[1, 2]} "));
        assert!(is_read(b"{}"));
        for body in [
            &b"[1]"[..],
            b"{\"list\":null}",
            b"{\"list\":1}",
            b"{\"list\":[\"a\"]}",
            b"{\"list\":[],\"list\":[]}",
            b"{\"list\":[]} x",
            b"{\"list\":[",
            b"{\"a\":\"\xff\"}",
            b"",
        ] {
            assert!(!is_read(body), "{}", String::from_utf8_lossy(body));
        }
    }
}
