//! The form of the answer, and how wordy it is to be.

use super::Writing;
use super::body::{Format, TextOptions};
use super::tools::TOOL_NAMES;
use crate::chat::OutputFormat;
use crate::strict_schema;

/// The name of a schema that has none.
const UNNAMED: &str = "response";

/// Writes `text`; `None` if nothing is to be said.
pub(super) fn text<'a>(writing: &mut Writing<'a, '_>) -> Option<TextOptions<'a>> {
    let verbosity = writing.request.verbosity.as_deref();
    let format = format(writing);
    (format.is_some() || verbosity.is_some()).then_some(TextOptions { format, verbosity })
}

fn format<'a>(writing: &mut Writing<'a, '_>) -> Option<Format<'a>> {
    match &writing.request.output {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => Some(Format::JsonObject),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let (schema, strict) = strict_schema::answer(writing, schema, *strict);
            // The same characters are legal as in the names of tools.
            let name = TOOL_NAMES.legal(name.as_deref().unwrap_or(UNNAMED));
            let description = description.as_deref();
            Some(Format::JsonSchema { name, description, strict, schema })
        }
    }
}
