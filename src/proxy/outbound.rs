//! The request that goes to a provider. Its head is built new, never copied: a client's header passes
//! only if it is on the list below, so credentials, cookies and addresses cannot slip through.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    USER_AGENT,
};
use http::{HeaderMap, Request};
use omniroute_core::context::RequestHead;
use omniroute_core::digits;
use omniroute_core::error::Error;
use omniroute_core::routing::Choice;
use omniroute_core::snapshot::Auth;
use omniroute_core::trace::{TRACEPARENT, TRACESTATE, Trace};
use pingora::http::RequestHeader;

/// Exact names of client headers that may pass on same-format calls.
const PASS: [&str; 7] = [
    "originator",
    "session-id",
    "session_id",
    "thread-id",
    "traceparent",
    "tracestate",
    "user-agent",
];

/// Families of client headers that may pass on same-format calls, so that a vendor's new beta header
/// works the day it appears.
const PASS_FAMILIES: [&str; 8] = [
    "anthropic-",
    "openai-",
    "x-goog-",
    "x-stainless-",
    "x-claude-",
    "x-codex-",
    "x-session-",
    "x-server-timeout",
];

/// Members of those families that speak of the client's own account or credential.
const NEVER: [&str; 5] = [
    "openai-organization",
    "openai-project",
    "x-goog-api-key",
    "x-goog-user-project",
    "x-goog-iam-authorization-token",
];

/// Client headers that may pass on translated calls: they mean the same everywhere.
const PASS_TRANSLATED: [&str; 2] = ["traceparent", "tracestate"];

const OWN_USER_AGENT: &str = concat!("omniroute/", env!("CARGO_PKG_VERSION"));

/// Headers a request usually has.
const EXPECTED_HEADERS: usize = 16;

/// Whether the provider gets the client's own bytes or a translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Client and provider speak the same format.
    Exact,
    /// The request was written anew.
    Translated,
}

/// A request to a provider, ready to be sent.
#[derive(Debug)]
pub struct Outbound {
    head: RequestHeader,
    /// The whole body.
    pub body: Bytes,
}

impl Outbound {
    /// Builds the request for one attempt.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if path or credential cannot stand in an HTTP head, which the
    /// configuration's check rules out.
    pub fn new(
        choice: &Choice,
        client: &RequestHead,
        passage: Passage,
        path: &str,
        body: Bytes,
    ) -> Result<Self, Error> {
        let endpoint = choice.account.endpoint();
        let mut path = [&endpoint.path, path].concat();
        if passage == Passage::Exact {
            append_query(&mut path, &client.query);
        }
        let head = fill_head(choice, client, passage, &path, body.len());
        Ok(Self { head: head.map_err(|_| Error::Internal)?, body })
    }

    /// Adds headers that the body depends on, behind values the head has already.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if a name or value is none, which no writer makes.
    pub fn add_headers(&mut self, headers: &[(&'static str, &'static str)]) -> Result<(), Error> {
        for (name, value) in headers {
            let appended = self.head.append_header(*name, *value);
            appended.map_err(|_| Error::Internal)?;
        }
        Ok(())
    }

    /// Makes what the provider does a child of a span of ours, instead of the client's.
    pub fn set_trace(&mut self, trace: &Trace, span_id: u64) {
        if trace.parent_id.is_none() {
            // It speaks of a trace that this is not.
            self.head.remove_header(TRACESTATE);
        }
        if let Some(header) = trace.header(span_id)
            && let Err(error) = self.head.insert_header(TRACEPARENT, header)
        {
            tracing::error!(%error, "a trace could not be told to a provider");
        }
    }

    /// Puts another body in the place of this one.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if its length cannot stand in a header, which every number can.
    pub fn replace_body(&mut self, body: Bytes) -> Result<(), Error> {
        let inserted = self.head.insert_header(CONTENT_LENGTH, digits::header(body.len()));
        inserted.map_err(|_| Error::Internal)?;
        self.body = body;
        Ok(())
    }

    /// Makes it a request that is not a client's.
    pub fn into_request(self) -> Request<Bytes> {
        Request::from_parts(self.head.into(), self.body)
    }

    /// Makes `head` this request's head, whatever it held before.
    pub fn write_head(&self, head: &mut RequestHeader) {
        let version = head.version;
        *head = self.head.clone();
        head.set_version(version);
    }
}

fn fill_head(
    choice: &Choice,
    client: &RequestHead,
    passage: Passage,
    path: &str,
    body_bytes: usize,
) -> http::Result<RequestHeader> {
    let provider = &choice.target.provider;
    let mut headers = HeaderMap::with_capacity(EXPECTED_HEADERS);
    headers.insert(USER_AGENT, HeaderValue::from_static(OWN_USER_AGENT));
    for (name, value) in &provider.headers {
        headers.insert(name.clone(), value.clone());
    }
    for name in client.headers.keys() {
        if passes(name, passage) || provider.forward_headers.contains(name) {
            headers.remove(name);
            for value in client.headers.get_all(name) {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    let accept = client.headers.get(ACCEPT).filter(|_| passage == Passage::Exact);
    headers.insert(ACCEPT, accept.cloned().unwrap_or(HeaderValue::from_static("*/*")));
    if let Some((name, value)) = credential(choice)? {
        headers.insert(name, value);
    }
    // Last, so that nothing before can replace what frames the message.
    headers.insert(HOST, HeaderValue::try_from(choice.account.endpoint().authority())?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, digits::header(body_bytes));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut request = Request::post(path).body(())?;
    *request.headers_mut() = headers;
    // Pingora's own form would read every name anew, so it comes last.
    Ok(request.into_parts().0.into())
}

fn passes(name: &HeaderName, passage: Passage) -> bool {
    let name = name.as_str();
    match passage {
        Passage::Translated => PASS_TRANSLATED.contains(&name),
        Passage::Exact => {
            let listed =
                PASS.contains(&name) || PASS_FAMILIES.iter().any(|family| name.starts_with(family));
            listed && !NEVER.contains(&name)
        }
    }
}

fn credential(choice: &Choice) -> http::Result<Option<(HeaderName, HeaderValue)>> {
    let (Auth::StaticKey { header, scheme }, Some(key)) =
        (&choice.target.provider.auth, &choice.account.key)
    else {
        return Ok(None);
    };
    let text = match scheme {
        Some(scheme) => [scheme, " ", key.expose()].concat(),
        None => key.expose().to_owned(),
    };
    let mut value = HeaderValue::try_from(text)?;
    value.set_sensitive(true);
    Ok(Some((header.clone(), value)))
}

/// Appends the client's own query parameters (`beta=true`), but never its key, and nothing the path
/// says already.
fn append_query(path: &mut String, query: &str) {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or(pair);
        let known = |at: char| path.contains(&format!("{at}{name}="));
        if matches!(name, "key" | "alt" | "$alt") || known('?') || known('&') {
            continue;
        }
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_client_headers_pass() {
        let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).unwrap();
        for passing in [
            "anthropic-beta",
            "anthropic-version",
            "openai-beta",
            "x-stainless-lang",
            "user-agent",
            "traceparent",
            "x-codex-turn",
            "session_id",
        ] {
            assert!(passes(&name(passing), Passage::Exact), "{passing}");
        }
        for kept in [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "api-key",
            "cookie",
            "host",
            "x-forwarded-for",
            "forwarded",
            "connection",
            "te",
            "expect",
            "content-encoding",
            "transfer-encoding",
            "content-length",
            "proxy-authorization",
            "openai-organization",
            "origin",
            "referer",
            "upgrade",
            "accept-encoding",
        ] {
            assert!(!passes(&name(kept), Passage::Exact), "{kept}");
            assert!(!passes(&name(kept), Passage::Translated), "{kept}");
        }
        assert!(!passes(&name("anthropic-beta"), Passage::Translated), "means nothing elsewhere");
        assert!(passes(&name("traceparent"), Passage::Translated));
    }

    #[test]
    fn a_clients_query_passes_without_its_key() {
        let check = |path: &str, query: &str, expected: &str| {
            let mut path = path.to_owned();
            append_query(&mut path, query);
            assert_eq!(path, expected);
        };
        check("/v1/messages", "beta=true&key=secret", "/v1/messages?beta=true");
        check("/v1/messages?beta=true", "beta=true", "/v1/messages?beta=true");
        check("/x:stream?alt=sse", "alt=sse&$alt=json", "/x:stream?alt=sse");
        check("/v1/messages", "", "/v1/messages");
    }
}
