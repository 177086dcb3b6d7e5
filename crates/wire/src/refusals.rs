//! What of a request a format cannot carry, collected so that one error names it all.

use serde::Serialize;

use crate::codec::WireError;

/// Fields whose loss would change what was asked for, and why they cannot be carried.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Vec<(String, String)>);

impl Refusals {
    /// Records a field, by the client's name for it.
    pub(crate) fn add(&mut self, field: impl Into<String>, why: impl Into<String>) {
        self.0.push((field.into(), why.into()));
    }

    /// Tells whether nothing was refused.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether this field was refused.
    pub(crate) fn contains(&self, field: &str) -> bool {
        self.0.iter().any(|(known, _)| known == field)
    }

    /// Returns the value, if nothing was refused.
    ///
    /// # Errors
    ///
    /// [`WireError::Unsupported`] with all that was refused, if anything was.
    pub(crate) fn or<T>(self, value: T) -> Result<T, WireError> {
        if self.is_empty() { Ok(value) } else { Err(WireError::Unsupported { fields: self.0 }) }
    }

    /// Writes the body of the request.
    ///
    /// # Errors
    ///
    /// [`WireError::Unsupported`] with all that was refused, if anything was.
    pub(crate) fn or_body(self, body: &impl Serialize) -> Result<Vec<u8>, WireError> {
        self.or(())?;
        serde_json::to_vec(body).map_err(|fault| {
            WireError::malformed("", format!("the request cannot be written: {fault}"))
        })
    }
}
