//! Writes single parts of turns: calls, reasoning, names.

use std::borrow::Cow;

use super::Writing;
use super::body::{FunctionCall, Made, Raw};
use crate::WireFormat;
use crate::argument_object::{ArgumentObject, Was, argument_object};
use crate::chat::{CallKind, Part, Vendor};
use crate::custom_tool;
use crate::field_names::Field;
use crate::gemini::request::MADE_ID;
use crate::tool_names::{First, ToolNames};

/// The names of functions that the API takes (`FunctionDeclaration.name`).
pub(super) const TOOL_NAMES: ToolNames =
    ToolNames { max_bytes: 64, marks: b"_.:-", first: First::LetterOrBar };

/// Writes a call.
pub(super) fn call<'a>(
    writing: &mut Writing<'a, '_>,
    id: &'a str,
    tool: &'a str,
    kind: CallKind,
    text: &'a str,
) -> Made<'a> {
    let object = match kind {
        CallKind::Function => argument_object(text),
        CallKind::Custom => {
            let json = Cow::Owned(custom_tool::arguments(text));
            ArgumentObject { json, was: Was::Object }
        }
    };
    let change = match object.was {
        Was::Object => None,
        Was::Value => Some("arguments that are no object are wrapped in one"),
        Was::NoJson => Some("arguments that are no JSON are wrapped in an object"),
    };
    if let Some(change) = change {
        writing.approximate(Field::ARGUMENTS, change);
    }
    let function_call = FunctionCall {
        id: own_id(writing, id),
        name: writing.tool_name(tool),
        args: Raw::of(object.json),
    };
    Made { function_call: Some(function_call), ..Made::default() }
}

/// Returns an id that may be sent: one that came from this format's own model. Ids of other formats and
/// made ones are left out; calls and results are then paired by order and name.
pub(super) fn own_id<'a>(writing: &Writing<'_, '_>, id: &'a str) -> Option<&'a str> {
    let own = writing.request.origin == Some(WireFormat::Gemini);
    (own && !id.is_empty() && !id.starts_with(MADE_ID)).then_some(id)
}

/// Returns Google's signature of a part.
pub(super) fn signature<'a>(writing: &Writing<'_, '_>, part: &'a Part) -> Option<Cow<'a, str>> {
    let opaque = part.opaque.as_ref().filter(|data| writing.target.reads(data, Vendor::Google))?;
    Some(Cow::Borrowed(opaque.data.as_str()))
}
