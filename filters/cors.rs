//! Browser clients, wanted and unwanted.
//!
//! Pages of the listed origins get the CORS headers they need. A page of any other origin is refused
//! when it brings no credential in a header: a browser sends such requests without asking, so any site
//! the operator visits could spend the budget of a gateway that needs no key. With a credential header
//! the browser has to ask first, and gets no permission here. An origin on `localhost` or a loopback
//! address is the operator's own; any other host name may have been pointed at us (DNS rebinding).

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow, Reply};
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use crate::settings;

/// How long a browser may remember a permission, in seconds (two hours is Chromium's own limit).
const MAX_AGE_SECONDS: &str = "7200";

/// `filter: cors`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Origins of pages that may call, such as `https://chat.example.com`; `*` for all.
    allow_origins: Vec<String>,
}

#[derive(Debug)]
struct Cors {
    allow: Vec<String>,
    allow_all: bool,
}

pub(crate) fn build(
    settings: Value,
    _: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let settings: Settings = settings::read(settings)?;
    let mut faults = Vec::new();
    for (index, origin) in settings.allow_origins.iter().enumerate() {
        if origin != "*" && !is_origin(origin) {
            let what =
                format!("`{origin}` is no origin; write for example https://chat.example.com");
            faults.push(FilterFault { path: format!("allow_origins[{index}]"), what });
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let allow_all = settings.allow_origins.iter().any(|origin| origin == "*");
    Ok(Arc::new(Cors { allow: settings.allow_origins, allow_all }))
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

#[async_trait]
impl Filter for Cors {
    fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let Some(origin) = cx.head.headers.get(ORIGIN) else { return Ok(Flow::Continue) };
        let admitted = self.admits(origin);
        let is_preflight = cx.head.method == Method::OPTIONS
            && cx.head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight && admitted {
            return Ok(Flow::Answer(permission(&cx.head.headers)));
        }
        if admitted || (!is_preflight && has_credential_header(&cx.head.headers)) {
            return Ok(Flow::Continue);
        }
        let origin =
            String::from_utf8_lossy(origin.as_bytes()).chars().take(200).collect::<String>();
        let what = format!(
            "pages of `{origin}` may not use this gateway; list the origin under filters: cors: allow_origins"
        );
        Err(Error::Forbidden { what })
    }

    fn on_response(&self, cx: &RequestContext, headers: &mut HeaderMap) {
        let Some(origin) = cx.head.headers.get(ORIGIN) else { return };
        if self.admits(origin) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        }
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}

impl Cors {
    fn admits(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.allow_all || self.allow.iter().any(|known| known == origin) || is_loopback(origin)
    }
}

fn is_loopback(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Tells whether a header is there that a page can only add after the browser has asked us.
fn has_credential_header(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION)
        || ["x-api-key", "x-goog-api-key", "api-key"].iter().any(|name| headers.contains_key(*name))
}

fn permission(asked: &HeaderMap) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECONDS));
    Reply { status: StatusCode::NO_CONTENT, headers, body: Bytes::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_and_listed_origins_are_admitted_and_others_are_not() {
        let cors = Cors { allow: vec!["https://chat.example.com".to_owned()], allow_all: false };
        let check = |origin: &'static str, expected: bool| {
            assert_eq!(cors.admits(&HeaderValue::from_static(origin)), expected, "{origin}");
        };
        check("https://chat.example.com", true);
        check("https://chat.example.com:8443", false);
        check("https://evil.example", false);
        check("http://localhost:3000", true);
        check("http://127.0.0.1:20128", true);
        check("http://[::1]:20128", true);
        check("http://localhost.evil.example", false);
        check("null", false);
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_only() {
        assert!(is_origin("https://chat.example.com"));
        assert!(is_origin("http://localhost:3000"));
        for wrong in ["chat.example.com", "https://chat.example.com/", "https://a.b/c", ""] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
