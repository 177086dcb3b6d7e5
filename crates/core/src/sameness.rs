//! What makes two requests the same, so that one answer may serve both.
//!
//! A digest of everything the answer depends on: who asks, at which endpoint, with which of the vendor's
//! headers, for what. Every part is hashed behind its length, so that no two lists of parts are one text.

use sha2::{Digest as _, Sha256};

use crate::context::RequestContext;

/// Families of headers that vendors let requests be changed with.
const VENDOR_HEADERS: [&str; 3] = ["anthropic-", "openai-", "x-goog-"];

/// Members of those families that are a credential or name the client's library.
const NOT_ASKED: [&str; 3] = ["x-goog-api-key", "x-goog-api-client", "x-goog-request-params"];

/// A digest of a request, or of a part of it.
pub type Sameness = [u8; 32];

/// Collects parts.
#[derive(Clone, Debug, Default)]
pub struct Parts(Sha256);

impl Parts {
    /// Begins with who asks, and at which endpoint of which format.
    pub fn of_endpoint(cx: &RequestContext) -> Self {
        let mut parts = Self::default();
        let caller = cx.caller.as_ref().map(|key| key.name.as_str());
        parts.add(if caller.is_some() { b"key" } else { b"" });
        parts.add(caller.unwrap_or_default().as_bytes());
        parts.add(cx.format.name().as_bytes());
        // Gemini's model and delivery stand in the path.
        parts.add(cx.head.path.as_bytes());
        // The credential may stand in the query; who asks is said above.
        let is_asked = |pair: &&str| !pair.starts_with("key=");
        for pair in cx.head.query.split('&').filter(is_asked) {
            parts.add(pair.as_bytes());
        }
        parts
    }

    /// Adds a part.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// Adds the vendors' headers, by their names.
    pub fn add_vendor_headers(&mut self, cx: &RequestContext) {
        let headers = &cx.head.headers;
        let is_asked = |name: &&str| {
            VENDOR_HEADERS.iter().any(|family| name.starts_with(family))
                && !NOT_ASKED.contains(name)
        };
        let mut names: Vec<&str> =
            headers.keys().map(http::HeaderName::as_str).filter(is_asked).collect();
        names.sort_unstable();
        for name in names {
            self.add(name.as_bytes());
            for value in headers.get_all(name) {
                self.add(value.as_bytes());
            }
        }
    }

    /// Adds a JSON text without the white space between its tokens. The order of members counts: it may
    /// matter to a provider, and a client that asks twice writes it the same.
    pub fn add_json(&mut self, json: &[u8]) {
        let mut tokens = Vec::with_capacity(json.len());
        let mut rest = json;
        while let Some(quote) = find(rest, |byte| byte == b'"') {
            push_bare(&rest[..quote], &mut tokens);
            let end = end_of_string(rest, quote);
            tokens.extend_from_slice(&rest[quote..end]);
            rest = &rest[end..];
        }
        push_bare(rest, &mut tokens);
        self.add(&tokens);
    }

    /// Returns the digest of all parts.
    pub fn digest(self) -> Sameness {
        self.0.finalize().into()
    }
}

fn push_bare(json: &[u8], tokens: &mut Vec<u8>) {
    tokens.extend(json.iter().filter(|byte| !byte.is_ascii_whitespace()));
}

fn end_of_string(json: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(found) =
        json.get(at..).and_then(|rest| find(rest, |byte| matches!(byte, b'"' | b'\\')))
    {
        at += found;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

fn find(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    bytes.iter().position(|byte| wanted(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn of_json(json: &str) -> Sameness {
        let mut parts = Parts::default();
        parts.add_json(json.as_bytes());
        parts.digest()
    }

    #[test]
    fn only_white_space_between_tokens_is_no_difference() {
        let same = of_json(r#"{"a":[1,"x \" y"],"b":1.0}"#);
        assert_eq!(same, of_json("{ \"a\" : [ 1 ,\n\"x \\\" y\" ] , \"b\" : 1.0 }"));
        for other in [
            r#"{"a":[1,"x \"y"],"b":1.0}"#,
            r#"{"a":[1,"x \" y"],"b":1}"#,
            r#"{"b":1.0,"a":[1,"x \" y"]}"#,
            r#"{"a":[1,"x \" y"],"b":1.0,"c":null}"#,
        ] {
            assert_ne!(same, of_json(other), "{other}");
        }
    }

    #[test]
    fn parts_are_told_apart() {
        let digest = |parts: &[&str]| {
            let mut all = Parts::default();
            parts.iter().for_each(|part| all.add(part.as_bytes()));
            all.digest()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a"]), digest(&["a", ""]));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~\u{e9}\n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-c \"]{0,3}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn texts_are_the_same_exactly_if_their_values_are(one in any_json(), other in any_json()) {
            let pretty = serde_json::to_string_pretty(&one).unwrap();
            prop_assert_eq!(of_json(&one.to_string()), of_json(&pretty));
            // As texts, because the order of members counts.
            let texts = (one.to_string(), other.to_string());
            prop_assert_eq!(of_json(&pretty) == of_json(&texts.1), texts.0 == texts.1);
        }
    }
}
