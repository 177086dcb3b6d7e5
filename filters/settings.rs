//! Reading a filter's settings.

use std::time::Duration;

use omniroute_core::config::{self, DURATION_FORM, SIZE_FORM};
use omniroute_core::filter::FilterFault;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads settings; `null` (only the filter's name stands in the YAML) gives the defaults.
pub(crate) fn read<T: DeserializeOwned + Default>(settings: Value) -> Result<T, Vec<FilterFault>> {
    if settings.is_null() {
        return Ok(T::default());
    }
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        vec![FilterFault { path, what: error.inner().to_string() }]
    })
}

/// A duration as the YAML has it: `5s`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| config::duration(text).map(Self);
        with_unit(deserializer, read, DURATION_FORM)
    }
}

/// A number of bytes as the YAML has it: `16MiB`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| config::size(text).map(Self);
        with_unit(deserializer, read, SIZE_FORM)
    }
}

/// Reads a number with a unit; a bare number is read as its text.
fn with_unit<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl Fn(&str) -> Option<T>,
    form: &str,
) -> Result<T, D::Error> {
    let written = match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        other => other.to_string(),
    };
    read(&written).ok_or_else(|| D::Error::custom(format!("`{written}` cannot be read; {form}")))
}
