//! Who is calling: finds the client key a request carries.
//!
//! A key may stand in any of the places the clients' SDKs use, on every path. It is looked up by a
//! keyed hash, so nothing here compares secrets. With no key configured the gateway serves everybody
//! who reaches it, which the configuration only allows on loopback addresses.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, HeaderMap};
use omniroute_core::clock::Clock;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

const MISSING: &str = "no API key given; send it as `Authorization: Bearer …`, `x-api-key`, `x-goog-api-key`, `api-key` or `?key=`";
const WRONG: &str = "the API key is not known here; check it for typing errors, or ask the gateway's operator for one";
const EXPIRED: &str = "the API key has expired; ask the gateway's operator for a new one";
const NOT_FOR_MODELS: &str = "this API key may not call models (its scopes lack `inference`)";

/// `filter: api_key`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Whether a known key is needed. Not given: as soon as one is configured.
    required: Option<bool>,
}

#[derive(Debug)]
struct ApiKey {
    required: Option<bool>,
    clock: Clock,
}

pub(crate) fn build(
    settings: Value,
    context: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { required } = settings::read(settings)?;
    Ok(Arc::new(ApiKey { required, clock: context.clock.clone() }))
}

#[async_trait]
impl Filter for ApiKey {
    fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let keys = &cx.snapshot.client_keys;
        let required = self.required.unwrap_or(!keys.is_empty());
        let refuse = |what| if required { Err(Error::Unauthenticated { what }) } else { Ok(None) };
        let found = match presented(&cx.head.headers, &cx.head.query) {
            None => refuse(MISSING)?,
            Some(presented) => match keys.find(&presented) {
                None => refuse(WRONG)?,
                Some(key) if key.is_expired(self.clock.wall()) => refuse(EXPIRED)?,
                Some(key) if !key.inference => {
                    return Err(Error::Forbidden { what: NOT_FOR_MODELS.to_owned() });
                }
                Some(key) => Some(Arc::clone(key)),
            },
        };
        cx.caller = found;
        Ok(Flow::Continue)
    }
}

/// Returns the first key of a request, in the order bearer token, `x-api-key`, `x-goog-api-key`,
/// `api-key`, query.
fn presented(headers: &HeaderMap, query: &str) -> Option<Vec<u8>> {
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
                let seen = presented(&headers, query).map(|key| String::from_utf8(key).unwrap());
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
