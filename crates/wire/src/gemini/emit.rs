//! Pieces of replies, written by hand: they go out for every token.

use std::borrow::Cow;

use super::usage::Counts;
use crate::argument_object::argument_object;
use crate::chat::{Opaque, Vendor};
use crate::event::Usage;
use crate::json::{self, string};

/// Appends a text part.
pub(super) fn text_part(text: &str, thought: bool, signature: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"text\":");
    string(text, out);
    if thought {
        out.extend_from_slice(b",\"thought\":true");
    }
    end_part(signature, out);
}

/// A call, ready to be written.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// The id a result must name.
    pub(super) id: &'a str,
    /// The tool's name.
    pub(super) name: &'a str,
    /// All characters of the arguments.
    pub(super) arguments: &'a str,
    /// The signature of the part.
    pub(super) signature: Option<&'a str>,
}

/// Appends a call. The arguments keep their characters but for line ends between tokens.
pub(super) fn call_part(call: Call<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"functionCall\":{\"id\":");
    string(call.id, out);
    out.extend_from_slice(b",\"name\":");
    string(call.name, out);
    out.extend_from_slice(b",\"args\":");
    let object = argument_object(call.arguments);
    out.extend_from_slice(one_line(&object.json).as_bytes());
    out.push(b'}');
    end_part(call.signature, out);
}

/// Appends a picture or sound.
pub(super) fn media_part(mime: &str, data: &str, signature: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"inlineData\":{\"mimeType\":");
    string(mime, out);
    out.extend_from_slice(b",\"data\":");
    string(data, out);
    out.push(b'}');
    end_part(signature, out);
}

/// Appends `,"usageMetadata":{…}`, or nothing if no number is known.
pub(super) fn usage(usage: &Usage, out: &mut Vec<u8>) {
    if let Some(counts) = Counts::write(usage) {
        out.extend_from_slice(b",\"usageMetadata\":");
        json::value(&counts, out);
    }
}

/// Appends `,"finishReason":…` and the message that goes with it.
pub(super) fn finish(word: &str, message: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"finishReason\":");
    string(word, out);
    if let Some(message) = message {
        out.extend_from_slice(b",\"finishMessage\":");
        string(message, out);
    }
}

/// Appends `"promptFeedback":{…}`.
pub(super) fn prompt_feedback(word: &str, message: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"promptFeedback\":{\"blockReason\":");
    string(word, out);
    if let Some(message) = message {
        out.extend_from_slice(b",\"blockReasonMessage\":");
        string(message, out);
    }
    out.push(b'}');
}

/// Makes the end of every object: model, id and the closing brace.
pub(super) fn tail(model: &str, id: &str) -> Vec<u8> {
    let mut tail = b",\"modelVersion\":".to_vec();
    string(model, &mut tail);
    tail.extend_from_slice(b",\"responseId\":");
    string(id, &mut tail);
    tail.push(b'}');
    tail
}

/// Returns the signature a client may get: Google's own, and valid base64, since Google's SDK refuses
/// a whole reply for one that is not.
pub(super) fn signature(opaque: &Opaque) -> Option<&str> {
    let is_base64 =
        opaque.data.len().is_multiple_of(4)
            && opaque.data.trim_end_matches('=').bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
            });
    (opaque.vendor == Vendor::Google && is_base64 && !opaque.data.is_empty())
        .then_some(opaque.data.as_str())
}

fn end_part(signature: Option<&str>, out: &mut Vec<u8>) {
    if let Some(signature) = signature {
        out.extend_from_slice(b",\"thoughtSignature\":");
        string(signature, out);
    }
    out.push(b'}');
}

/// Returns JSON text without line ends, which would break an event of a stream in two.
///
/// Inside a JSON string a line end is always escaped, so those found stand between tokens.
fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        return Cow::Owned(json.replace(['\n', '\r'], " "));
    }
    Cow::Borrowed(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_between_tokens_become_blanks() {
        assert_eq!(one_line("{\n \"a\": \"x\\n\"\r\n}"), "{  \"a\": \"x\\n\"  }");
        assert!(matches!(one_line("{}"), Cow::Borrowed("{}")));
    }
}
