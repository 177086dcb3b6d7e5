//! From method, path and headers to what was asked for, in which format, and with which credential.

use http::HeaderMap;
use http::Method;
use http::header::AUTHORIZATION;
use http::request::Parts;

/// The wire formats the simulator speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// OpenAI Chat Completions.
    Chat,
    /// Anthropic Messages.
    Messages,
    /// Google Gemini `generateContent`.
    Generate,
    /// OpenAI Responses.
    Responses,
}

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Delivery {
    /// One JSON object.
    Whole,
    /// Server-sent events.
    Events,
    /// One JSON array written piece by piece: Gemini's stream without `alt=sse`.
    Array,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// An answer; Gemini names model and delivery in the path, the others in the body.
    Answer { format: Format, in_path: Option<(String, Delivery)> },
    /// The number of tokens that a request of this format has; the model as for an answer.
    Count { format: Format, in_path: Option<(String, Delivery)> },
    /// The list of models.
    Models(Format),
    /// Nothing the simulator has; the format is that of the 404.
    Nothing(Format),
}

/// Reads what a request is for; any path may stand before the vendor's own.
pub(crate) fn target(parts: &Parts) -> Target {
    let path = parts.uri.path();
    let is_post = parts.method == Method::POST;
    let known = [
        ("/chat/completions", Format::Chat),
        ("/messages", Format::Messages),
        ("/responses", Format::Responses),
    ];
    if let Some((_, format)) = known.iter().find(|(end, _)| is_post && path.ends_with(end)) {
        return Target::Answer { format: *format, in_path: None };
    }
    let counted = [
        ("/messages/count_tokens", Format::Messages),
        ("/responses/input_tokens", Format::Responses),
    ];
    if let Some((_, format)) = counted.iter().find(|(end, _)| is_post && path.ends_with(end)) {
        return Target::Count { format: *format, in_path: None };
    }
    let nearest = nearest_format(path, &parts.headers);
    if parts.method == Method::GET && path.ends_with("/models") {
        return Target::Models(nearest);
    }
    match generate_path(path) {
        Some((model, action)) if is_post => {
            let delivery = match action {
                "countTokens" => {
                    let in_path = Some((model, Delivery::Whole));
                    return Target::Count { format: Format::Generate, in_path };
                }
                "generateContent" => Delivery::Whole,
                "streamGenerateContent" if query_value(parts, "alt") == Some("sse") => {
                    Delivery::Events
                }
                "streamGenerateContent" => Delivery::Array,
                _ => return Target::Nothing(Format::Generate),
            };
            Target::Answer { format: Format::Generate, in_path: Some((model, delivery)) }
        }
        _ => Target::Nothing(nearest),
    }
}

/// Returns the credential of a request: Bearer token, `x-api-key`, `x-goog-api-key`, `api-key` or `?key=`.
pub(crate) fn credential(parts: &Parts) -> Option<&str> {
    let value = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || {
        let (scheme, token) = value(AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    };
    bearer()
        .or_else(|| value("x-api-key"))
        .or_else(|| value("x-goog-api-key"))
        .or_else(|| value("api-key"))
        .or_else(|| query_value(parts, "key"))
}

fn generate_path(path: &str) -> Option<(String, &str)> {
    let (_, rest) = path.split_once("/models/")?;
    let (model, action) = rest.rsplit_once(':')?;
    Some((percent_decoded(model), action))
}

fn nearest_format(path: &str, headers: &HeaderMap) -> Format {
    if path.contains("/messages") || headers.contains_key("anthropic-version") {
        Format::Messages
    } else if path.contains("/v1beta")
        || path.contains("/models/") && path.contains(':')
        || headers.contains_key("x-goog-api-key")
    {
        Format::Generate
    } else {
        Format::Chat
    }
}

fn query_value<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let pairs = parts.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Undoes `%xx`; what is no escape stays as it is, and bytes that are no UTF-8 are replaced.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high * 16 + low);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, uri: &str) -> Parts {
        http::Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_prefix_before_the_vendors_path_changes_nothing() {
        for (uri, format) in [
            ("/v1/chat/completions", Format::Chat),
            ("/openai/v1/chat/completions?api-version=1", Format::Chat),
            ("/anthropic/v1/messages", Format::Messages),
            ("/x/y/responses", Format::Responses),
        ] {
            assert_eq!(target(&parts("POST", uri)), Target::Answer { format, in_path: None });
        }
    }

    #[test]
    fn gemini_paths_carry_model_and_delivery() {
        for (uri, model, delivery) in [
            ("/v1beta/models/echo:generateContent", "echo", Delivery::Whole),
            (
                "/v1/models/sim%2F429%3Fretry_after=2:streamGenerateContent?alt=sse",
                "sim/429?retry_after=2",
                Delivery::Events,
            ),
            (
                "/v1/projects/p/publishers/google/models/a/b:streamGenerateContent?k=v",
                "a/b",
                Delivery::Array,
            ),
            ("/v1/models/%zz%2:generateContent", "%zz%2", Delivery::Whole),
        ] {
            let in_path = Some((model.to_owned(), delivery));
            let wanted = Target::Answer { format: Format::Generate, in_path };
            assert_eq!(target(&parts("POST", uri)), wanted, "{uri}");
        }
    }

    #[test]
    fn unknown_paths_are_answered_in_the_nearest_format() {
        for (method, uri, format) in [
            ("GET", "/v1/chat/completions", Format::Chat),
            ("POST", "/v1/messages/batches", Format::Messages),
            ("POST", "/v1beta/models/echo:embedContent", Format::Generate),
            ("POST", "/", Format::Chat),
        ] {
            assert_eq!(target(&parts(method, uri)), Target::Nothing(format), "{method} {uri}");
        }
        assert_eq!(target(&parts("GET", "/v1beta/models")), Target::Models(Format::Generate));
    }

    #[test]
    fn a_credential_is_found_wherever_a_vendor_puts_it() {
        for (name, value) in [
            ("authorization", "Bearer k"),
            ("authorization", "bearer k"),
            ("x-api-key", "k"),
            ("x-goog-api-key", "k"),
            ("api-key", "k"),
        ] {
            let mut request = parts("POST", "/");
            request.headers.insert(name, value.parse().unwrap());
            assert_eq!(credential(&request), Some("k"), "{name}: {value}");
        }
        assert_eq!(credential(&parts("POST", "/?alt=sse&key=k")), Some("k"));
        assert_eq!(credential(&parts("POST", "/")), None);
    }
}
