//! Members of JSON objects by name, with values still unread and faults that name their path.
//!
//! Names are found in camelCase whether they were written so or in snake_case. A member that is `null`
//! is absent; of a member given twice the last one counts.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::codec::WireError;
use crate::raw_members::RawMembers;

/// The members of one object.
#[derive(Debug, Default)]
pub(super) struct Members<'a>(RawMembers<'a>);

impl<'a> Members<'a> {
    /// Reads the members of `raw`.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] at `path` if it is no object.
    pub(super) fn of(raw: &'a RawValue, path: &str) -> Result<Self, WireError> {
        serde_json::from_str(raw.get()).map_err(|_| WireError::malformed(path, "must be an object"))
    }

    /// Removes a member and returns its value.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.0.take(name)
    }

    /// Removes a member and returns its values, of one given twice both.
    pub(super) fn take_each(&mut self, name: &str) -> Vec<&'a RawValue> {
        self.0.take_each(name)
    }

    /// Returns what was not taken.
    pub(super) fn rest(self) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        self.0.rest().collect()
    }

    /// Returns the names of what was not taken.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }
}

impl<'a> From<RawMembers<'a>> for Members<'a> {
    fn from(members: RawMembers<'a>) -> Self {
        Self(members.renamed(camel))
    }
}

impl<'a> From<Members<'a>> for RawMembers<'a> {
    fn from(members: Members<'a>) -> Self {
        members.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawMembers::deserialize(deserializer).map(Self::from)
    }
}

/// Reads a string.
pub(super) fn text(raw: &RawValue, path: &str) -> Result<String, WireError> {
    serde_json::from_str(raw.get()).map_err(|_| WireError::malformed(path, "must be a string"))
}

/// Reads a truth value.
pub(super) fn flag(raw: &RawValue, path: &str) -> Result<bool, WireError> {
    serde_json::from_str(raw.get()).map_err(|_| WireError::malformed(path, "must be true or false"))
}

/// Reads a number.
pub(super) fn number(raw: &RawValue, path: &str) -> Result<f64, WireError> {
    unquoted(raw).parse().map_err(|_| WireError::malformed(path, "must be a number"))
}

/// Reads a whole number; `5.0` and `"5"` are ones too, as for any reader of protobuf JSON.
pub(super) fn integer(raw: &RawValue, path: &str) -> Result<i64, WireError> {
    let fault = || WireError::malformed(path, "must be a whole number");
    if let Ok(whole) = unquoted(raw).parse() {
        return Ok(whole);
    }
    let number = number(raw, path).map_err(|_| fault())?;
    let fits = number.fract() == 0.0 && number.abs() < 9.0e15;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    let whole = fits.then_some(number as i64);
    whole.ok_or_else(fault)
}

/// Reads a whole number that is not negative.
pub(super) fn count(raw: &RawValue, path: &str) -> Result<u64, WireError> {
    let whole = integer(raw, path)?;
    whole.try_into().map_err(|_| WireError::malformed(path, "must not be negative"))
}

/// Reads a list; a single value counts as a list of one, as Google's own examples write it.
pub(super) fn list<'a>(raw: &'a RawValue, path: &str) -> Result<Vec<&'a RawValue>, WireError> {
    if !raw.get().starts_with('[') {
        return Ok(vec![raw]);
    }
    serde_json::from_str(raw.get()).map_err(|_| WireError::malformed(path, "must be a list"))
}

/// Reads a value of an enum, by name or by its number in `words`.
pub(super) fn word(raw: &RawValue, path: &str, words: &[&str]) -> Result<String, WireError> {
    if let Ok(place) = raw.get().parse::<usize>() {
        let known = words.get(place).map(|word| (*word).to_owned());
        return known.ok_or_else(|| WireError::malformed(path, "is not a value of its enum"));
    }
    Ok(text(raw, path)?.to_ascii_uppercase())
}

fn unquoted(raw: &RawValue) -> &str {
    raw.get().trim_matches('"')
}

/// Turns `some_name` into `someName`; other names stay.
fn camel(name: Cow<'_, str>) -> Cow<'_, str> {
    if !name.contains('_') || name.starts_with('_') {
        return name;
    }
    let mut camel = String::with_capacity(name.len());
    let mut after_bar = false;
    for letter in name.chars() {
        if letter == '_' {
            after_bar = true;
        } else if after_bar {
            camel.push(letter.to_ascii_uppercase());
            after_bar = false;
        } else {
            camel.push(letter);
        }
    }
    Cow::Owned(camel)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn both_spellings_are_one_name_and_null_is_absent() {
        let object = raw(r#"{"mime_type":1,"fileUri":2,"x":null,"mimeType":3,"_own_":4}"#);
        let mut members = Members::of(&object, "here").unwrap();
        assert_eq!(members.take("mimeType").map(RawValue::get), Some("3"), "the last one counts");
        assert_eq!(members.names().collect::<Vec<_>>(), ["fileUri", "_own_"]);

        let fault = Members::of(&raw("[]"), "here").unwrap_err();
        assert_eq!(fault.to_string(), "here: must be an object");
    }

    #[test]
    fn numbers_come_in_several_spellings() {
        for spelling in ["5", "5.0", "\"5\"", "5e0"] {
            assert_eq!(integer(&raw(spelling), "n").unwrap(), 5, "{spelling}");
        }
        for wrong in ["5.5", "\"five\"", "true", "[]"] {
            assert_eq!(
                integer(&raw(wrong), "n").unwrap_err().to_string(),
                "n: must be a whole number",
                "{wrong}"
            );
        }
        assert_eq!(count(&raw("-1"), "n").unwrap_err().to_string(), "n: must not be negative");
        assert!((number(&raw("0.25"), "n").unwrap() - 0.25).abs() < f64::EPSILON);
    }

    #[test]
    fn single_values_are_lists_of_one_and_enums_have_numbers() {
        assert_eq!(list(&raw("[1,2]"), "l").unwrap().len(), 2);
        assert_eq!(list(&raw("{}"), "l").unwrap().len(), 1);
        assert_eq!(word(&raw("\"any\""), "w", &[]).unwrap(), "ANY");
        assert_eq!(word(&raw("1"), "w", &["A", "B"]).unwrap(), "B");
        assert!(word(&raw("7"), "w", &["A", "B"]).is_err());
    }
}
