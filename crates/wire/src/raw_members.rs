//! The members of a JSON object in their order, each value as it was written: what reads one can then
//! name it in a fault, or keep it without understanding it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
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

    /// Removes a member and returns its value.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let mut last = None;
        self.0.retain(|(known, value)| {
            let is_it = known == name;
            if is_it {
                last = Some(*value);
            }
            !is_it
        });
        last.filter(|value| is_present(value))
    }

    /// Returns what was not taken.
    pub(crate) fn rest(self) -> impl Iterator<Item = (Cow<'a, str>, &'a RawValue)> {
        self.0.into_iter().filter(|(_, value)| is_present(value))
    }

    /// Returns the names of what was not taken.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| is_present(value)).map(|(name, _)| &**name)
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

fn is_present(value: &RawValue) -> bool {
    value.get() != "null"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_counts_and_null_is_absent() {
        let json = r#"{"b":1,"a":null,"b":2,"c\n":3}"#;
        let mut members: RawMembers<'_> = serde_json::from_str(json).unwrap();

        assert_eq!(members.take("b").map(RawValue::get), Some("2"));
        assert!(members.take("b").is_none(), "both are gone");
        assert!(members.take("a").is_none());
        assert_eq!(members.names().collect::<Vec<_>>(), ["c\n"]);
        assert_eq!(members.rest().count(), 1);
    }
}
