//! The top-level members of a request, each as it was written, so that a fault can name its member.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::chat::Extra;
use crate::codec::WireError;

/// The members of a JSON object in their order. Members are taken out; what is left is extra.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Takes a member out. Absent and `null` are `None`; of several the last one counts.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] with the member's name if it has another type.
    pub(super) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, WireError> {
        let mut found = None;
        self.0.retain(|(member, value)| {
            let is_it = member == name;
            if is_it {
                found = Some(*value);
            }
            !is_it
        });
        let Some(raw) = found.filter(|raw| raw.get() != "null") else { return Ok(None) };
        parse(raw, || name.to_owned()).map(Some)
    }

    /// Returns what was not taken, without nulls.
    pub(super) fn rest(self) -> Extra {
        let rest = self.0.into_iter().filter(|(_, value)| value.get() != "null");
        rest.filter_map(|(name, value)| {
            Some((name.into_owned(), serde_json::from_str(value.get()).ok()?))
        })
        .collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// Parses one value, naming its path if it has not the expected shape.
///
/// # Errors
///
/// [`WireError::Malformed`] at `path`.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    path: impl FnOnce() -> String,
) -> Result<T, WireError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        // serde's line and column count from the start of this value and would mislead.
        let text = error.to_string();
        let detail = text.split(" at line ").next().unwrap_or_default().to_owned();
        WireError::malformed(path(), detail)
    })
}
