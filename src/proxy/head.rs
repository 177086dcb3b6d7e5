//! Heads of answers to clients.

use std::time::Duration;

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER,
};
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use pingora::http::ResponseHeader;

use super::attempt::Attempt;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROVIDER: HeaderName = HeaderName::from_static("x-omniroute-provider");
const MODEL: HeaderName = HeaderName::from_static("x-omniroute-model");
const ACCOUNT: HeaderName = HeaderName::from_static("x-omniroute-account");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-omniroute-attempts");
const CACHE: HeaderName = HeaderName::from_static("x-omniroute-cache");
const TRANSLATION: HeaderName = HeaderName::from_static("x-omniroute-translation");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Headers of a provider that same-format clients get to see. Never its rate limits: they describe an
/// account of ours, not the client's allowance.
const PASS_BACK: [&str; 4] =
    ["request-id", "openai-processing-ms", "openai-version", "anthropic-organization-id"];

/// Collects the headers of one answer.
pub struct Head {
    status: u16,
    headers: HeaderMap,
}

impl Head {
    /// Begins an answer with what every answer carries.
    pub fn new(status: u16, cx: &RequestContext) -> Self {
        let mut headers = HeaderMap::with_capacity(16);
        insert(&mut headers, REQUEST_ID, &cx.request_id);
        cx.snapshot.filters.on_response(cx, &mut headers);
        Self { status, headers }
    }

    /// Says who served, and after how many attempts.
    pub fn served_by(mut self, attempt: &Attempt, attempts: usize) -> Self {
        let target = &attempt.choice.target;
        insert(&mut self.headers, PROVIDER, target.provider.id.as_str());
        insert(&mut self.headers, MODEL, &target.model);
        insert(&mut self.headers, ACCOUNT, attempt.choice.account.id.as_str());
        insert(&mut self.headers, TRANSLATION, &attempt.translation());
        self.headers.insert(CACHE, HeaderValue::from_static("bypass"));
        self.attempts(attempts)
    }

    /// Says how many attempts were made.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.headers.insert(ATTEMPTS, HeaderValue::from(attempts));
        self
    }

    /// Passes on the harmless headers of a same-format provider.
    pub fn pass_back(mut self, upstream: &HeaderMap) -> Self {
        for name in PASS_BACK {
            if let Some(value) = upstream.get(name) {
                self.headers.insert(HeaderName::from_static(name), value.clone());
            }
        }
        self
    }

    /// Adds the headers of a whole answer.
    pub fn whole(mut self, content_type: &str, body_bytes: usize) -> Self {
        insert(&mut self.headers, CONTENT_TYPE, content_type);
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(body_bytes));
        self
    }

    /// Adds the headers of a stream; proxies on the way must not collect it.
    pub fn stream(mut self, content_type: &str) -> Self {
        insert(&mut self.headers, CONTENT_TYPE, content_type);
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        self.headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
        self
    }

    /// Adds what an error says to a client's library: when to retry, or not to.
    pub fn error(mut self, error: &Error) -> Self {
        if let Error::MethodNotAllowed { allowed, .. } = error {
            insert(&mut self.headers, ALLOW, allowed);
        }
        if let Some(wait) = error.retry_after() {
            self.headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if !error.may_succeed_later() {
            self.headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        self
    }

    /// Adds headers from elsewhere, replacing equal ones.
    pub fn with(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Makes Pingora's form of the head.
    ///
    /// # Errors
    ///
    /// Pingora's, if the status is none.
    pub fn build(self) -> pingora::Result<Box<ResponseHeader>> {
        let mut head = ResponseHeader::build_no_case(self.status, Some(self.headers.len() + 3))?;
        for (name, value) in &self.headers {
            head.append_header(name, value)?;
        }
        Ok(Box::new(head))
    }
}

/// Rounds up, because a client that comes a moment early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Inserts a value that may hold anything; characters no header can carry become `?`.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).or_else(|_| {
        let safe: String =
            value.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
        HeaderValue::from_str(&safe)
    });
    if let Ok(value) = value {
        headers.insert(name, value);
    }
}
