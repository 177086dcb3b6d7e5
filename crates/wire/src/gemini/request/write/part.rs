//! Writes single parts of turns: calls, reasoning, names.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Writing;
use super::body::{FunctionCall, Made, Raw};
use super::names::{Field, name};
use crate::WireFormat;
use crate::chat::{Part, Vendor};
use crate::gemini::arguments;
use crate::gemini::request::MADE_ID;

/// Longest name of a function (`FunctionDeclaration.name`), in characters.
const MAX_NAME: usize = 64;

/// Where a name is cut before a hash of the whole is added.
const CUT_NAME: usize = 55;

/// Writes a call.
pub(super) fn call<'a>(
    writing: &mut Writing<'a>,
    id: &'a str,
    tool: &'a str,
    text: &'a str,
) -> Made<'a> {
    let object = arguments::object(text);
    if let Some(change) = object.change {
        writing.notes.approximate(name(writing.request, Field::Arguments), change);
    }
    let function_call = FunctionCall {
        id: own_id(writing, id),
        name: legal_name(tool),
        args: Raw::of(object.json),
    };
    Made { function_call: Some(function_call), ..Made::default() }
}

/// Returns an id that may be sent: one that came from this format's own model. Ids of other formats and
/// made ones are left out; calls and results are then paired by order and name.
pub(super) fn own_id<'a>(writing: &Writing<'_>, id: &'a str) -> Option<&'a str> {
    let own = writing.request.origin == Some(WireFormat::Gemini);
    (own && !id.is_empty() && !id.starts_with(MADE_ID)).then_some(id)
}

/// Returns Google's signature of a part.
pub(super) fn signature(part: &Part) -> Option<Cow<'_, str>> {
    let opaque = part.opaque.as_ref().filter(|opaque| opaque.vendor == Vendor::Google)?;
    Some(Cow::Borrowed(opaque.data.as_str()))
}

/// Tells whether a function may have this name.
pub(super) fn is_legal_name(name: &str) -> bool {
    let first = name.bytes().next();
    name.len() <= MAX_NAME
        && first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.bytes().all(is_name_byte)
}

/// Returns a legal name for a function of the history. Pure, so that calls and results agree; equal
/// names stay equal and different ones different.
pub(super) fn legal_name(name: &str) -> Cow<'_, str> {
    if is_legal_name(name) {
        return Cow::Borrowed(name);
    }
    let mut legal: String = name
        .chars()
        .map(|letter| if letter.is_ascii() && is_name_byte(letter as u8) { letter } else { '_' })
        .collect();
    if !legal.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        legal.insert(0, '_');
    }
    legal.truncate(CUT_NAME);
    legal.push('_');
    for byte in Sha256::digest(name.as_bytes()).iter().take(4) {
        // Writing to a string cannot fail.
        let _ = write!(legal, "{byte:02x}");
    }
    Cow::Owned(legal)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_legal_and_stay_distinct() {
        assert_eq!(legal_name("get_weather.v2:x-y"), "get_weather.v2:x-y");
        for name in ["1st", "-x", "a b", "grüße", "", &"n".repeat(65)] {
            let legal = legal_name(name);
            assert!(is_legal_name(&legal), "{name} became {legal}");
            assert_eq!(legal, legal_name(name));
        }
        assert_ne!(legal_name("a b"), legal_name("a/b"));
    }
}
