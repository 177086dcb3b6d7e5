//! Content that is either a string or a list of parts, as clients and providers of most formats write it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

/// What was written.
#[derive(Debug, PartialEq)]
pub(crate) enum StringOrList<'a, T> {
    /// A string, borrowed where it has no escapes.
    String(Cow<'a, str>),
    /// The elements of a list, in order.
    List(Vec<T>),
}

impl<'de, T: Deserialize<'de>> StringOrList<'de, T> {
    /// Reads either; `expected` says in the fault what anything else should have been.
    ///
    /// # Errors
    ///
    /// The deserializer's, for any other type and for an element that is no `T`.
    pub(crate) fn read<D: Deserializer<'de>>(
        deserializer: D,
        expected: &'static str,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either { expected, element: PhantomData })
    }
}

struct Either<T> {
    expected: &'static str,
    element: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = StringOrList<'de, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(StringOrList::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(StringOrList::String(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(StringOrList::String(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(StringOrList::List(elements))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> serde_json::Result<StringOrList<'_, u8>> {
        StringOrList::read(&mut serde_json::Deserializer::from_str(json), "this or that")
    }

    #[test]
    fn strings_are_borrowed_unless_they_have_escapes() {
        assert!(matches!(read("\"a\"").unwrap(), StringOrList::String(Cow::Borrowed("a"))));
        assert_eq!(read("\"a\\n\"").unwrap(), StringOrList::String("a\n".into()));
    }

    #[test]
    fn lists_keep_their_order_and_anything_else_is_a_fault() {
        assert_eq!(read("[2,1]").unwrap(), StringOrList::List(vec![2, 1]));
        assert!(read("7").unwrap_err().to_string().contains("expected this or that"));
        assert!(read("[\"a\"]").is_err(), "elements are checked");
    }
}
