//! Where a request carries a client key.

use http::header::{AUTHORIZATION, HeaderMap};
use percent_encoding::percent_decode_str;

/// Returns the first key of a request, in the order bearer token, `x-api-key`, `x-goog-api-key`,
/// `api-key`, query.
pub fn key(headers: &HeaderMap, query: &str) -> Option<Vec<u8>> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
    let named = || {
        ["x-api-key", "x-goog-api-key", "api-key"]
            .iter()
            .filter_map(|name| headers.get(*name))
            .map(|value| value.as_bytes().trim_ascii())
            .find(|value| !value.is_empty())
    };
    if let Some(key) = bearer.or_else(named) {
        return Some(key.to_vec());
    }
    let key = query.split('&').find_map(|pair| pair.strip_prefix("key="))?;
    let key: Vec<u8> = percent_decode_str(key).collect();
    (!key.is_empty()).then_some(key)
}

/// Returns the token of a `Bearer` header; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn the_key_is_found_wherever_an_sdk_puts_it() {
        let check =
            |headers: &[(&'static str, &'static str)], query: &str, expected: Option<&str>| {
                let headers: HeaderMap = headers
                    .iter()
                    .map(|(name, value)| {
                        (HeaderName::from_static(name), HeaderValue::from_static(value))
                    })
                    .collect();
                let seen = key(&headers, query).map(|key| String::from_utf8(key).unwrap());
                assert_eq!(seen.as_deref(), expected, "{headers:?} {query}");
            };
        check(&[("authorization", "Bearer sk-1")], "", Some("sk-1"));
        check(&[("authorization", "bearer  sk-1 ")], "", Some("sk-1"));
        check(&[("authorization", "Basic abc")], "", None);
        check(&[("authorization", "Bearer ")], "", None);
        check(&[("x-api-key", "sk-2")], "", Some("sk-2"));
        check(&[("x-goog-api-key", "sk-3")], "", Some("sk-3"));
        check(&[("api-key", "sk-4")], "", Some("sk-4"));
        check(&[], "alt=sse&key=sk%2D5", Some("sk-5"));
        check(&[], "monkey=1&key=", None);
        check(&[("authorization", "Bearer a"), ("x-api-key", "b")], "key=c", Some("a"));
        check(&[("authorization", "Basic a"), ("x-api-key", "b")], "key=c", Some("b"));
    }
}
