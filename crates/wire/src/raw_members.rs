//! The members of a JSON object in their order, each value as it was written: what reads one can then
//! name it in a fault, or keep it without understanding it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::text::Text;

/// The members of one object. A member that is `null` is absent; of one given twice the last counts.
#[derive(Debug, Default)]
pub(crate) struct RawMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> RawMembers<'a> {
    /// Returns the members under other names.
    pub(crate) fn renamed(self, name: impl Fn(Cow<'a, str>) -> Cow<'a, str>) -> Self {
        Self(self.0.into_iter().map(|(known, value)| (name(known), value)).collect())
    }

    /// Returns the value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().rev().find(|(known, value)| known == name && is_present(value));
        found.map(|(_, value)| *value)
    }

    /// Removes a member and returns its value.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let mut last = None;
        self.remove(name, |value| last = Some(value));
        last
    }

    /// Removes a member and returns its values, of one given twice both.
    pub(crate) fn take_each(&mut self, name: &str) -> Vec<&'a RawValue> {
        let mut values = Vec::new();
        self.remove(name, |value| values.push(value));
        values
    }

    fn remove(&mut self, name: &str, mut found: impl FnMut(&'a RawValue)) {
        self.0.retain(|(known, value)| {
            let is_it = known == name;
            if is_it && is_present(value) {
                found(value);
            }
            !is_it
        });
    }

    /// Returns what was not taken.
    pub(crate) fn rest(self) -> impl Iterator<Item = (Cow<'a, str>, &'a RawValue)> {
        self.0.into_iter().filter(|(_, value)| is_present(value))
    }

    /// Returns every member as it was written, also those that are `null` or given twice.
    pub(crate) fn into_all(self) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        self.0
    }

    /// Returns the names of what was not taken.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| is_present(value)).map(|(name, _)| &**name)
    }
}

impl<'a> From<Vec<(Cow<'a, str>, &'a RawValue)>> for RawMembers<'a> {
    fn from(members: Vec<(Cow<'a, str>, &'a RawValue)>) -> Self {
        Self(members)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            members.push((name, value));
        }
        Ok(RawMembers(members))
    }
}

/// Returns an object with only those members whose names are `wanted`, each as it was written; `None` if
/// `object` is none.
pub(crate) fn only(object: &[u8], wanted: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let members: RawMembers<'_> = serde_json::from_slice(object).ok()?;
    let mut out = Vec::with_capacity(object.len());
    let mut writer = serde_json::Serializer::new(&mut out);
    let mut map = writer.serialize_map(None).ok()?;
    for (name, value) in members.rest().filter(|(name, _)| wanted(name)) {
        map.serialize_entry(&name, value).ok()?;
    }
    SerializeMap::end(map).ok()?;
    Some(out)
}

/// Reads a member so that `null` can be told from a member that is not there: for
/// `#[serde(default, borrow, deserialize_with = "…")]`.
///
/// # Errors
///
/// The deserializer's own.
pub(crate) fn even_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn is_present(value: &RawValue) -> bool {
    value.get() != "null"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_counts_and_null_is_absent() {
        let json = r#"{"b":1,"a":null,"b":2,"b":null,"c\n":3}"#;
        let mut members: RawMembers<'_> = serde_json::from_str(json).unwrap();

        assert_eq!(members.take("b").map(RawValue::get), Some("2"));
        assert!(members.take("b").is_none(), "both are gone");
        assert!(members.take("a").is_none());
        assert_eq!(members.names().collect::<Vec<_>>(), ["c\n"]);
        assert_eq!(members.rest().count(), 1);
    }
}
