//! The members of a JSON object of OpenAI's formats, each as it was written, so that a fault can name
//! its member.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::Extra;
use crate::codec::WireError;
use crate::raw_members::RawMembers;

/// The members of a JSON object in their order. Members are taken out; what is left is extra.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Members<'a>(#[serde(borrow)] RawMembers<'a>);

impl<'a> Members<'a> {
    /// Takes a member out. Absent and `null` are `None`; of several the last one counts.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] with the member's name if it has another type.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, WireError> {
        self.0.take(name).map(|raw| parse(raw, || name.to_owned())).transpose()
    }

    /// Returns what was not taken, without nulls.
    pub(crate) fn rest(self) -> Extra {
        let rest = self.0.rest();
        rest.filter_map(|(name, value)| {
            Some((name.into_owned(), serde_json::from_str(value.get()).ok()?))
        })
        .collect()
    }
}

/// Parses one value, naming its path if it has not the expected shape.
///
/// # Errors
///
/// [`WireError::Malformed`] at `path`.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
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
