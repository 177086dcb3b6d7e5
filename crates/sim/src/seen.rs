//! Recorded requests: the evidence a test looks at.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use sha2::{Digest, Sha256};

/// How many requests are kept; older ones are forgotten.
const KEPT_REQUESTS: usize = 10_000;
/// How much of a body is kept unless whole bodies are asked for.
const KEPT_BODY_BYTES: usize = 1024 * 1024;

/// One request as the simulator received it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method in upper case.
    pub method: String,
    /// Path with query exactly as sent, starting with `/`.
    pub path_and_query: String,
    /// Names in lower case with their values; bytes that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, cut to 1 MiB unless the simulator keeps whole bodies.
    pub body: Bytes,
    /// The length of the whole body in bytes.
    pub body_len: usize,
    /// SHA-256 of the whole body.
    pub body_sha256: [u8; 32],
    /// The HTTP version.
    pub version: http::Version,
    /// The number of the TCP connection it came on, from 1.
    pub connection: u64,
}

impl Seen {
    /// Returns the first value of a header, or `None` if it is not there; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the kept body as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the kept body as JSON.
    ///
    /// # Errors
    ///
    /// The parser's error if the body is no JSON, or was cut.
    pub fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    pub(crate) fn new(parts: &Parts, connection: u64, body: &Bytes, bodies: Bodies) -> Self {
        let headers = parts.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let kept = match bodies {
            Bodies::Whole => body.clone(),
            Bodies::Cut => body.slice(..body.len().min(KEPT_BODY_BYTES)),
        };
        Self {
            method: parts.method.as_str().to_owned(),
            path_and_query: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            headers: headers.collect(),
            body: kept,
            body_len: body.len(),
            body_sha256: Sha256::digest(body).into(),
            version: parts.version,
            connection,
        }
    }
}

/// How much of each body is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bodies {
    Cut,
    Whole,
}

/// The last requests, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Records {
    requests: Mutex<VecDeque<Seen>>,
}

impl Records {
    pub(crate) fn push(&self, seen: Seen) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == KEPT_REQUESTS {
            requests.pop_front();
        }
        requests.push_back(seen);
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().cloned().collect()
    }

    pub(crate) fn take(&self) -> Vec<Seen> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.drain(..).collect()
    }
}
