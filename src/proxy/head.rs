//! Heads of answers to clients.

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER,
};
use http::{Response, StatusCode};
use memchr::memmem;
use omniroute_core::clock::whole_seconds;
use omniroute_core::context::RequestContext;
use omniroute_core::digits;
use omniroute_core::error::Error;
use omniroute_core::money::{Charge, Nanodollars};
use omniroute_core::secret::Secret;
use pingora::http::ResponseHeader;
use pingora::{ErrorType, OrErr};

use super::attempt::Attempt;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROVIDER: HeaderName = HeaderName::from_static("x-omniroute-provider");
const MODEL: HeaderName = HeaderName::from_static("x-omniroute-model");
const ACCOUNT: HeaderName = HeaderName::from_static("x-omniroute-account");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-omniroute-attempts");
const CACHE: HeaderName = HeaderName::from_static("x-omniroute-cache");
const TRANSLATION: HeaderName = HeaderName::from_static("x-omniroute-translation");
const COST: HeaderName = HeaderName::from_static("x-omniroute-cost");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Headers of a provider that same-format clients get to see. Never its rate limits: they describe an
/// account of ours, not the client's allowance.
static PASS_BACK: [HeaderName; 4] = [
    HeaderName::from_static("request-id"),
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
    HeaderName::from_static("anthropic-organization-id"),
];

/// Headers an answer usually has, date and connection included.
const EXPECTED_HEADERS: usize = 16;

/// Collects the headers of one answer. Pingora's own form would read every name anew, so it comes last.
pub struct Head {
    status: u16,
    headers: HeaderMap,
}

impl Head {
    /// Begins an answer with what every answer carries.
    pub fn new(status: u16, cx: &RequestContext) -> Self {
        let head = Self { status, headers: HeaderMap::with_capacity(EXPECTED_HEADERS) };
        let mut head = head.text(REQUEST_ID, &cx.request_id);
        // What they add is replaced by whatever of the same name comes later.
        cx.snapshot.filters.on_response(cx, &mut head.headers);
        let head = match cx.attached.answered_by {
            Some(_) => head.text(COST, &Nanodollars::ZERO.in_digits()),
            None => head,
        };
        // Hardly any request has such, and the loop over none would still copy the map.
        if cx.attached.headers.is_empty() { head } else { head.with(cx.attached.headers.clone()) }
    }

    /// Says who served, and after how many attempts.
    pub fn served_by(self, attempt: &Attempt, attempts: usize) -> Self {
        let target = &attempt.choice.target;
        self.text(PROVIDER, target.provider.id.as_str())
            .text(MODEL, &target.model)
            .text(ACCOUNT, attempt.choice.account.id.as_str())
            .translation(&attempt.translation())
            .attempts(attempts)
            .no_cache()
    }

    /// Says that no cache was asked, unless one was.
    fn no_cache(self) -> Self {
        if self.headers.contains_key(CACHE) {
            self
        } else {
            self.value(CACHE, HeaderValue::from_static("bypass"))
        }
    }

    /// Says what the answer cost in dollars, where that is known.
    pub fn cost(self, charge: Option<Charge>) -> Self {
        match charge {
            Some(charge) => self.text(COST, &charge.amount.in_digits()),
            None => self,
        }
    }

    /// Says what translation did to the request.
    pub fn translation(self, what: &str) -> Self {
        self.text(TRANSLATION, what)
    }

    /// Says how many attempts were made.
    pub fn attempts(self, attempts: usize) -> Self {
        self.value(ATTEMPTS, digits::header(attempts))
    }

    /// Passes on the harmless headers of a same-format provider, none that repeats our credential.
    pub fn pass_back(mut self, upstream: &HeaderMap, key: Option<&Secret>) -> Self {
        let repeats = |value: &HeaderValue| {
            key.is_some_and(|key| memmem::find(value.as_bytes(), key.expose().as_bytes()).is_some())
        };
        for name in &PASS_BACK {
            if let Some(value) = upstream.get(name).filter(|value| !repeats(value)) {
                self = self.value(name.clone(), value.clone());
            }
        }
        self
    }

    /// Adds the headers of a whole answer.
    pub fn whole(self, content_type: &str, body_bytes: usize) -> Self {
        self.text(CONTENT_TYPE, content_type).value(CONTENT_LENGTH, digits::header(body_bytes))
    }

    /// Adds the headers of a stream; proxies on the way must not collect it.
    pub fn stream(self, content_type: &str) -> Self {
        self.text(CONTENT_TYPE, content_type)
            .value(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
            .value(ACCEL_BUFFERING, HeaderValue::from_static("no"))
    }

    /// Adds what an error says to a client's library: when to retry, or not to.
    pub fn error(mut self, error: &Error) -> Self {
        if let Error::MethodNotAllowed { allowed, .. } = error {
            self = self.text(ALLOW, allowed);
        }
        if let Some(wait) = error.retry_after() {
            self = self.value(RETRY_AFTER, digits::header(whole_seconds(wait)));
        }
        if !error.may_succeed_later() {
            self = self.value(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        self
    }

    /// Says that asking again at once is of no use, because the gateway has done so.
    pub fn final_word(self, is_final: bool) -> Self {
        if is_final { self.value(SHOULD_RETRY, HeaderValue::from_static("false")) } else { self }
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
        let mut answer = Response::new(());
        let status = StatusCode::from_u16(self.status);
        *answer.status_mut() = status.or_err(ErrorType::InvalidHTTPHeader, "this is no status")?;
        *answer.headers_mut() = self.headers;
        Ok(Box::new(answer.into_parts().0.into()))
    }

    fn value(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds a text that may hold anything; characters no header can carry become `?`.
    fn text(self, name: HeaderName, text: &str) -> Self {
        let value = HeaderValue::from_str(text).or_else(|_| {
            let visible = |c| if matches!(c, ' '..='~') { c } else { '?' };
            HeaderValue::from_str(&text.chars().map(visible).collect::<String>())
        });
        match value {
            Ok(value) => self.value(name, value),
            Err(_) => self,
        }
    }
}
