//! Tells a client that asks for it (`X-OmniRoute-Progress: true`) how its stream comes along.
//!
//! Each message is a JSON object with a `phase` and the milliseconds since the request came
//! (`elapsed_ms`): `queued`; `attempt` with its number, provider and model; `first_token`; `streaming`
//! with `tokens_generated`, every two seconds; `done`. They come between the provider's events, in a
//! form that the format's client libraries pass over. Nothing is sent before an answer is known to be
//! good, so what happened before comes with the first event, with the time when it did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use omniroute_core::attached::{Attempt, Companion};
use omniroute_core::clock::millis;
use omniroute_core::context::{Operation, RequestContext};
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::settings;

const PROGRESS: HeaderName = HeaderName::from_static("x-omniroute-progress");

/// Time between two counts of tokens.
const INTERVAL: Duration = Duration::from_secs(2);

/// `filter: progress`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

#[derive(Debug)]
struct Progress;

pub(crate) fn build(
    settings: Value,
    _: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings {} = settings::read(settings)?;
    Ok(Arc::new(Progress))
}

#[async_trait]
impl Filter for Progress {
    async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        cx.attached.headers.insert(PROGRESS, HeaderValue::from_static("enabled"));
        cx.attached.companion = Some(Box::new(Reporter::new(cx.started)));
        Ok(Flow::Continue)
    }

    fn wants_call(&self) -> bool {
        true
    }

    fn concerns(&self, cx: &RequestContext) -> bool {
        let asked = cx.head.headers.get(PROGRESS).is_some_and(|value| value == "true");
        // Between the elements of a JSON list there is no place for a message.
        let has_room = |call: &omniroute_core::context::Call| {
            call.operation == Operation::Chat && call.peek.stream && !call.peek.json_array
        };
        asked && cx.call.as_ref().is_some_and(has_room)
    }
}

/// Reports on one stream.
#[derive(Debug)]
struct Reporter {
    started: Instant,
    /// What is to be said with the first event.
    waiting: Vec<String>,
    /// When the last count was said; `None` before the first token.
    counted: Option<Instant>,
}

impl Reporter {
    fn new(started: Instant) -> Self {
        let mut reporter = Self { started, waiting: Vec::new(), counted: None };
        let queued = reporter.message(started, json!({ "phase": "queued" }));
        reporter.waiting.push(queued);
        reporter
    }

    fn message(&self, now: Instant, mut members: Value) -> String {
        members["elapsed_ms"] = millis(now.saturating_duration_since(self.started)).into();
        members.to_string()
    }
}

impl Companion for Reporter {
    fn attempt(&mut self, attempt: &Attempt<'_>) {
        let Attempt { number, provider, model, at } = *attempt;
        let members =
            json!({ "phase": "attempt", "attempt": number, "provider": provider, "model": model });
        let message = self.message(at, members);
        self.waiting.push(message);
    }

    fn is_due(&self, now: Instant) -> bool {
        self.counted.is_none_or(|counted| now.saturating_duration_since(counted) >= INTERVAL)
    }

    fn speak(&mut self, now: Instant, output_tokens: u64, is_end: bool) -> Vec<String> {
        let mut said = std::mem::take(&mut self.waiting);
        if self.counted.is_none() {
            said.push(self.message(now, json!({ "phase": "first_token" })));
        } else if !is_end {
            let members = json!({ "phase": "streaming", "tokens_generated": output_tokens });
            said.push(self.message(now, members));
        }
        if is_end {
            let members =
                json!({ "phase": "done", "tokens_generated": output_tokens, "done": true });
            said.push(self.message(now, members));
        }
        self.counted = Some(now);
        said
    }
}

#[cfg(test)]
mod tests {
    use omniroute_core::clock::Clock;

    use super::*;
    use crate::kit;

    #[test]
    fn only_a_stream_whose_client_asks_is_reported_on() {
        let filter = build(Value::Null, &kit::world()).unwrap();
        let check = |stream: bool, header: Option<&'static str>, expected: bool| {
            let mut cx = kit::chat(&json!({ "model": "m", "stream": stream }));
            if let Some(value) = header {
                cx.head.headers.insert(PROGRESS, HeaderValue::from_static(value));
            }
            assert_eq!(filter.concerns(&cx), expected, "{stream}, {header:?}");
        };
        check(true, Some("true"), true);
        check(true, None, false);
        check(true, Some("false"), false);
        check(false, Some("true"), false);
    }

    #[test]
    fn phases_come_in_order_with_their_own_times() {
        let clock = Clock::manual(0);
        let mut reporter = Reporter::new(clock.now());
        let step = |by: u64| {
            clock.advance(Duration::from_millis(by));
            clock.now()
        };
        let attempt = |number, provider, at| Attempt { number, provider, model: "m", at };
        reporter.attempt(&attempt(1, "first", step(10)));
        reporter.attempt(&attempt(2, "second", step(10)));

        let mut said = reporter.speak(step(10), 1, false);
        assert!(!reporter.is_due(step(1999)));
        assert!(reporter.is_due(step(1)));
        said.extend(reporter.speak(clock.now(), 40, false));
        said.extend(reporter.speak(step(5), 42, true));

        let said: Vec<Value> =
            said.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let expected = json!([
            { "phase": "queued", "elapsed_ms": 0 },
            { "phase": "attempt", "attempt": 1, "provider": "first", "model": "m", "elapsed_ms": 10 },
            { "phase": "attempt", "attempt": 2, "provider": "second", "model": "m", "elapsed_ms": 20 },
            { "phase": "first_token", "elapsed_ms": 30 },
            { "phase": "streaming", "tokens_generated": 40, "elapsed_ms": 2030 },
            { "phase": "done", "tokens_generated": 42, "done": true, "elapsed_ms": 2035 },
        ]);
        assert_eq!(Value::from(said), expected);
    }
}
