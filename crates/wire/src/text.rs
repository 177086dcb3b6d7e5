//! A JSON string that is borrowed where it has no escapes.

use std::borrow::Cow;

use serde::Deserialize;

/// A JSON string. Serde borrows a bare `Cow` field but copies one inside an `Option`, hence the type.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// Returns the characters; a string that is absent or `null` has none.
    pub(crate) fn or_empty(text: Option<&Self>) -> &str {
        text.map_or("", |text| &text.0)
    }
}
