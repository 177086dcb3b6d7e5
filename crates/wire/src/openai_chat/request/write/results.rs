//! Writes results of tools.
//!
//! A result is text here. Media in it, which this format cannot carry, follow in a user message after all
//! results of the step.

use serde_json::{Value, json};

use super::Writing;
use super::{media, names};
use crate::chat::{Media, MediaSource, Part, PartKind};
use crate::field_names::Field;
use crate::openai_media;
use crate::server_text::server_text;

/// What stands in the place of a result that is media alone.
const SEE_ATTACHED: &str = "(see attached)";

/// A result, taken apart.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// What is said of it.
    pub(super) text: String,
    /// Content parts for the user message, with a heading that names the call. Empty: none.
    pub(super) files: Vec<Value>,
}

/// Takes the result of the call `id` apart.
pub(super) fn split(
    id: &str,
    parts: &[Part],
    is_error: Option<bool>,
    writing: &mut Writing<'_, '_>,
) -> Split {
    let mut texts: Vec<String> = Vec::new();
    let mut files = Vec::new();
    for part in parts {
        match &part.kind {
            PartKind::Text(text) => texts.push(text.clone()),
            PartKind::Document(file @ Media { source: MediaSource::Text(text), .. }) => {
                texts.push(openai_media::titled(file, text));
            }
            PartKind::Server { raw, .. } => texts.extend(server_text(raw.get(), writing)),
            kind => files.extend(media::part(kind, writing)),
        }
    }
    let mut text = texts.join("\n");
    if !files.is_empty() {
        writing.approximate(names::RESULT_MEDIA, "sent as a user message after the results");
        if text.is_empty() {
            text.push_str(SEE_ATTACHED);
        }
        let heading = format!("Files returned by tool call {id}:");
        files.insert(0, json!({"type": "text", "text": heading}));
    }
    if is_error == Some(true) {
        writing.approximate(Field::RESULT_ERROR, "said in the text of the result");
        let says_so = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
        if !says_so {
            text.insert_str(0, "Error: ");
        }
    }
    Split { text, files }
}
