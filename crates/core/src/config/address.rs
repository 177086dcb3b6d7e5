//! `base_url` and header lines: what goes on the wire to a provider.

use http::{HeaderName, HeaderValue};
use url::Url;

use super::node::{Content, Node, shortened};
use super::report::Report;
use super::scalars;
use super::section::entries;
use crate::snapshot::BaseUrl;

/// Headers the gateway or HTTP itself sets; a fixed value would break requests.
const RESERVED_HEADERS: [&str; 11] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "content-encoding",
    "accept-encoding",
];
/// Headers that say where a client is, or open another door.
const NEVER_FORWARDED: [&str; 9] = [
    "cookie",
    "authorization",
    "proxy-authorization",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "proxy-connection",
    "content-type",
];
/// Headers whose values are secrets, so they are given by reference.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie"];

/// Reads a `base_url`. It may hold a password by mistake, so no message repeats it.
pub(crate) fn base_url(node: &Node, report: &Report) -> Option<BaseUrl> {
    let text = scalars::text(node, report)?;
    match split(&text) {
        Ok(base_url) => Some(BaseUrl { reach: node.place.reach(), ..base_url }),
        Err(what) => {
            let form = "write scheme, host, port and path prefix: `https://api.example.com/v1`";
            report.add_with(&node.place, what, form);
            None
        }
    }
}

fn split(text: &str) -> Result<BaseUrl, &'static str> {
    let url = Url::parse(text).map_err(|_| "this is not a URL")?;
    let endpoint = BaseUrl::of_host(&url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not hold a user or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL must not hold `?` or `#`");
    }
    Ok(BaseUrl { path: url.path().trim_end_matches('/').into(), ..endpoint })
}

/// Reads a path template such as `/v1/chat/completions`, query included.
pub(crate) fn path(node: &Node, report: &Report) -> Option<Box<str>> {
    let text = scalars::text(node, report)?;
    let is_good = text.starts_with('/')
        && !text.starts_with("//")
        && text.chars().all(|c| c.is_ascii_graphic() && c != '#');
    if !is_good {
        let what = format!("{} is not a path", node.quoted());
        report.add_with(&node.place, what, "write it as in `/v1/chat/completions`");
        return None;
    }
    Some(text.into())
}

/// Reads one header name.
pub(crate) fn header_name(node: &Node, report: &Report) -> Option<HeaderName> {
    let text = scalars::text(node, report)?;
    let found = HeaderName::try_from(text.as_str()).ok();
    if found.is_none() {
        report.add(&node.place, format!("{} cannot be the name of a header", node.quoted()));
    }
    found
}

/// Reads a name of `forward_headers`: a client's header that passes on, so never one that frames the
/// message or speaks of the client's own credentials or address.
pub(crate) fn forwarded_name(node: &Node, report: &Report) -> Option<HeaderName> {
    let name = header_name(node, report)?;
    let text = name.as_str();
    let is_private = SECRET_HEADERS.contains(&text) || NEVER_FORWARDED.contains(&text);
    if RESERVED_HEADERS.contains(&text) || is_private {
        report.add(&node.place, format!("`{text}` of a client is never passed on; remove it"));
        return None;
    }
    Some(name)
}

/// Reads `headers`: a map of names and values. Values are never repeated in messages.
pub(crate) fn headers(node: &Node, report: &Report) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for entry in entries(node, report)? {
        let Ok(name) = HeaderName::try_from(entry.name.as_str()) else {
            let what = format!("`{}` cannot be the name of a header", shortened(&entry.name));
            report.add(&entry.place, what);
            continue;
        };
        if RESERVED_HEADERS.contains(&name.as_str()) {
            report.add(&entry.place, format!("`{name}` is set by the gateway; remove it"));
            continue;
        }
        if headers.iter().any(|(other, _)| *other == name) {
            report.add(&entry.place, format!("`{name}` is given twice in different letters"));
            continue;
        }
        headers.extend(header_value(&name, &entry.node, report).map(|value| (name, value)));
    }
    Some(headers)
}

fn header_value(name: &HeaderName, node: &Node, report: &Report) -> Option<HeaderValue> {
    let scalar = match &node.content {
        Content::Scalar(scalar) => scalar,
        Content::Broken => return None,
        Content::Null | Content::List(_) | Content::Map(_) => {
            report.add(&node.place, "a text is expected here");
            return None;
        }
    };
    if SECRET_HEADERS.contains(&name.as_str()) && !scalar.from_env {
        let what = format!("the value of `{name}` is a secret and must not stand in the file");
        report.add_with(&node.place, what, "give it by reference: `${NAME}`");
        return None;
    }
    let Ok(mut value) = HeaderValue::try_from(scalar.text.as_str()) else {
        report.add(&node.place, "the value has characters that a header cannot carry");
        return None;
    };
    value.set_sensitive(scalar.from_env);
    Some(value)
}
