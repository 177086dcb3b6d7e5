//! The URL of a call: the model and the kind of delivery stand in it, not in the body.

use std::fmt::Write;

/// Makes path and query for one call.
///
/// `{model}` and `{action}` of the template are replaced. A stream is always asked for as server-sent
/// events (`alt=sse`), since the other form, one JSON array, cannot be told from a cut-off one.
pub(super) fn upstream(template: &str, model: &str, stream: bool) -> String {
    let action = if stream { "streamGenerateContent" } else { "generateContent" };
    // The action goes first: a model's name may not smuggle a placeholder in.
    let mut path = template.replace("{action}", action).replace("{model}", &segment(model));
    if stream {
        path.push_str(if path.contains('?') { "&alt=sse" } else { "?alt=sse" });
    }
    path
}

/// Percent-encodes what may not stand in a path segment (RFC 3986 section 3.3).
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let legal = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
        if legal {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_model_and_action() {
        let check = |template: &str, model: &str, stream: bool, expected: &str| {
            assert_eq!(upstream(template, model, stream), expected);
        };
        let own = "/v1beta/models/{model}:{action}";
        check(own, "gemini-3-pro", false, "/v1beta/models/gemini-3-pro:generateContent");
        check(
            own,
            "gemini-3-pro",
            true,
            "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse",
        );
        check("/x/{model}:{action}?key=a", "m", true, "/x/m:streamGenerateContent?key=a&alt=sse");
        check(
            own,
            "a/b?c#d%é {action}",
            false,
            "/v1beta/models/a%2Fb%3Fc%23d%25%C3%A9%20%7Baction%7D:generateContent",
        );
    }
}
