//! A request that is repeated gets the answer of the first, also while that is still being made.
//!
//! Clients say that they repeat themselves with `Idempotency-Key`, or with the `X-Request-Id` that they
//! send for their logs. Either counts together with the client key, the endpoint and the whole request: an
//! `Idempotency-Key` that comes with another request is refused with 422 (as the IETF's draft has it), an
//! `X-Request-Id` that does shows that it is no request's id and is not looked at for ten minutes.
//!
//! Who follows gets the same bytes, streams from their beginning and then as they come. If the first
//! client leaves, the answer is finished for those who follow; if its request comes to nothing (another
//! filter refused it), the next in line makes a call of its own. Errors that a repetition might not meet
//! are given to those who wait, and not kept.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use omniroute_core::clock::Clock;
use omniroute_core::context::{Operation, RequestContext};
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow, Relay, Reply};
use omniroute_core::replay::{Flights, IdKind, Joined};
use omniroute_core::sameness::{Parts, Sameness};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::{self, Span};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENT: HeaderName = HeaderName::from_static("x-omniroute-idempotent");

/// Longest window: answers take memory meanwhile.
const MAX_WINDOW: Duration = Duration::from_secs(3600);

/// `filter: idempotency`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// For how long after its end an answer is given again, 5 s by default, an hour at most. 0: only while
    /// it is being made.
    window: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window: Span(Duration::from_secs(5)) }
    }
}

#[derive(Debug)]
struct Idempotency {
    window: Duration,
    flights: Arc<Flights>,
    clock: Clock,
}

pub(crate) fn build(
    settings: Value,
    world: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { window: Span(window) } = settings::read(settings)?;
    if window > MAX_WINDOW {
        let what = "the window is longer than an hour; answers take memory meanwhile".to_owned();
        return Err(vec![FilterFault { path: "window".to_owned(), what }]);
    }
    let (flights, clock) = (Arc::clone(&world.flights), world.clock.clone());
    Ok(Arc::new(Idempotency { window, flights, clock }))
}

#[async_trait]
impl Filter for Idempotency {
    async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let Some((kind, id, body)) = told(cx) else { return Ok(Flow::Continue) };
        loop {
            let joined = self.flights.join((id, kind), body, self.window, self.clock.now());
            match joined {
                Joined::First(recorder) => {
                    cx.attached.listeners.push(Box::new(recorder));
                    return Ok(Flow::Continue);
                }
                Joined::Follows(mut body) => {
                    // Without a head the first came to nothing, so this one may be the next first.
                    if let Some((status, headers)) = body.head().await {
                        let headers = marked(headers);
                        return Ok(Flow::Follow(Relay { status, headers, body }));
                    }
                }
                Joined::Again(reply) => {
                    let headers = marked(reply.headers);
                    return Ok(Flow::Answer(Reply { headers, ..reply }));
                }
                Joined::Alone => return Ok(Flow::Continue),
                Joined::Mismatch => return Err(Error::IdempotencyMismatch),
            }
        }
    }

    fn wants_call(&self) -> bool {
        true
    }

    fn concerns(&self, cx: &RequestContext) -> bool {
        cx.call.as_ref().is_some_and(|call| call.operation == Operation::Chat)
            && named(&cx.head.headers).is_some()
    }
}

/// Returns the id that a request was given, the one that is meant for repetitions first.
fn named(headers: &HeaderMap) -> Option<(IdKind, &HeaderValue)> {
    let given = |name| headers.get(name).filter(|value| !value.is_empty());
    given(IDEMPOTENCY_KEY)
        .map(|value| (IdKind::Repetition, value))
        .or_else(|| given(REQUEST_ID).map(|value| (IdKind::Trace, value)))
}

/// Returns digests of a request's id with who gave it where, and of what is asked for.
fn told(cx: &RequestContext) -> Option<(IdKind, Sameness, Sameness)> {
    let (kind, value) = named(&cx.head.headers)?;
    let mut id = Parts::of_endpoint(cx);
    id.add(if kind == IdKind::Repetition { b"repetition" } else { b"trace" });
    id.add(value.as_bytes());
    let mut body = Parts::default();
    body.add_vendor_headers(cx);
    body.add(&cx.call.as_ref()?.body);
    Some((kind, id.digest(), body.digest()))
}

fn marked(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(IDEMPOTENT, HeaderValue::from_static("true"));
    headers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kit;

    fn asked(header: &'static str, id: &'static str, text: &str) -> RequestContext {
        let mut cx =
            kit::chat(&json!({ "model": "m", "messages": [{ "role": "user", "content": text }] }));
        cx.head.headers.insert(header, HeaderValue::from_static(id));
        cx
    }

    #[tokio::test]
    async fn an_id_counts_with_who_gave_it_where_and_for_what() {
        let filter = build(Value::Null, &kit::world()).unwrap();
        let mut first = asked("idempotency-key", "a", "hi");
        first.caller = Some(kit::key("one", None));
        assert!(matches!(filter.on_call(&mut first).await, Ok(Flow::Continue)));
        let is_first = |cx: &RequestContext| cx.attached.listeners.len() == 1;
        assert!(is_first(&first));

        type Change = fn(&mut RequestContext);
        let others: [(&str, Change); 5] = [
            ("another key", |cx| cx.caller = Some(kit::key("two", None))),
            ("no key", |cx| cx.caller = None),
            ("another endpoint", |cx| cx.head.path = "/v1/responses".into()),
            ("another query", |cx| cx.head.query = "beta=true".into()),
            ("another id", |cx| {
                cx.head.headers.insert("idempotency-key", HeaderValue::from_static("b"));
            }),
        ];
        for (what, change) in others {
            let mut other = asked("idempotency-key", "a", "hi");
            other.caller = Some(kit::key("one", None));
            change(&mut other);
            assert!(matches!(filter.on_call(&mut other).await, Ok(Flow::Continue)), "{what}");
            assert!(is_first(&other), "{what}");
        }
        for (what, text, header) in
            [("another body", "ho", None), ("another beta", "hi", Some("anthropic-beta"))]
        {
            let mut other = asked("idempotency-key", "a", text);
            other.caller = Some(kit::key("one", None));
            if let Some(name) = header {
                other.head.headers.insert(name, HeaderValue::from_static("x"));
            }
            let refused = filter.on_call(&mut other).await;
            assert!(matches!(refused, Err(Error::IdempotencyMismatch)), "{what}");
        }
    }

    #[tokio::test]
    async fn who_waits_for_one_that_comes_to_nothing_is_the_next_first() {
        let filter = build(Value::Null, &kit::world()).unwrap();
        let mut first = asked("idempotency-key", "a", "hi");
        let mut second = asked("idempotency-key", "a", "hi");
        assert!(matches!(filter.on_call(&mut first).await, Ok(Flow::Continue)));
        let dropping = async {
            tokio::task::yield_now().await;
            drop(first);
        };

        let (decided, ()) = tokio::join!(filter.on_call(&mut second), dropping);

        assert!(matches!(decided, Ok(Flow::Continue)), "{decided:?}");
        assert_eq!(second.attached.listeners.len(), 1);
    }

    #[tokio::test]
    async fn a_constant_trace_id_is_no_obstacle() {
        let filter = build(Value::Null, &kit::world()).unwrap();
        let mut first = asked("x-request-id", "session-7", "hi");
        assert!(matches!(filter.on_call(&mut first).await, Ok(Flow::Continue)));

        for text in ["ho", "hi", "ho"] {
            let mut other = asked("x-request-id", "session-7", text);
            assert!(matches!(filter.on_call(&mut other).await, Ok(Flow::Continue)), "{text}");
            assert!(other.attached.listeners.is_empty(), "{text}: recorded for nobody");
        }
    }

    #[test]
    fn without_an_id_nothing_is_looked_at() {
        let filter = build(Value::Null, &kit::world()).unwrap();
        let cx = kit::chat(&json!({ "model": "m" }));
        assert!(!filter.concerns(&cx));
        assert!(filter.concerns(&asked("x-request-id", "a", "hi")));
        assert!(!filter.concerns(&asked("x-request-id", "", "hi")));
    }

    #[test]
    fn a_window_is_a_duration_of_an_hour_at_most() {
        for (window, path) in
            [(json!("5"), "window"), (json!("61m"), "window"), (json!(5), "window")]
        {
            let faults = build(json!({ "window": window }), &kit::world()).err().unwrap();
            assert_eq!(faults[0].path, path, "{window}: {}", faults[0].what);
        }
        assert!(build(json!({ "window": "60m" }), &kit::world()).is_ok());
    }
}
