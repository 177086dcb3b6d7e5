//! Answers that are given again to the same client key for the same request, where asking again would
//! give the same: the client says that the temperature is 0 and wants no stream.
//!
//! The request is compared as a whole, white space between its tokens apart. `X-OmniRoute-No-Cache: true`
//! neither takes nor keeps an answer. Another configuration begins with none, because it may send the
//! same request elsewhere.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use omniroute_core::attached::{Ending, Listener};
use omniroute_core::clock::Clock;
use omniroute_core::context::{Operation, RequestContext};
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow, Reply};
use omniroute_core::replay::{AnswerLimits, Answers, Saved, lasting};
use omniroute_core::sameness::{Parts, Sameness};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::{self, Size, Span};

const NO_CACHE: HeaderName = HeaderName::from_static("x-omniroute-no-cache");
const CACHE: HeaderName = HeaderName::from_static("x-omniroute-cache");

/// `filter: response_cache`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Most answers that are kept, of all clients together; 100 by default. 0: none.
    max_entries: usize,
    /// Most bytes of their bodies, all together; 16 MiB by default. A larger answer is not kept.
    max_bytes: Size,
    /// For how long one is given again; an hour by default.
    ttl: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_entries: 100,
            max_bytes: Size(16 * 1024 * 1024),
            ttl: Span(Duration::from_secs(3600)),
        }
    }
}

#[derive(Debug)]
struct ResponseCache {
    /// `None`: nothing is kept.
    limits: Option<AnswerLimits>,
    /// Which configuration this belongs to.
    generation: u64,
    answers: Arc<Answers>,
    clock: Clock,
}

pub(crate) fn build(
    settings: Value,
    world: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { max_entries, max_bytes: Size(bytes), ttl: Span(ttl) } =
        settings::read(settings)?;
    let limits = NonZeroUsize::new(max_entries).map(|entries| AnswerLimits { entries, bytes, ttl });
    Ok(Arc::new(ResponseCache {
        limits,
        generation: world.answers.next_generation(),
        answers: Arc::clone(&world.answers),
        clock: world.clock.clone(),
    }))
}

#[async_trait]
impl Filter for ResponseCache {
    async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let (Some(limits), Some(call)) = (self.limits, &cx.call) else { return Ok(Flow::Continue) };
        if !call.codec.is_repeatable(&call.body) {
            return Ok(Flow::Continue);
        }
        if cx
            .head
            .headers
            .get(NO_CACHE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
        {
            self.answers.bypassed();
            return Ok(Flow::Continue);
        }
        let request = self.sameness(cx);
        if let Some(mut reply) = self.answers.find(&request, self.clock.now()) {
            reply.headers.insert(CACHE, HeaderValue::from_static("hit"));
            return Ok(Flow::Answer(reply));
        }
        cx.attached.headers.insert(CACHE, HeaderValue::from_static("miss"));
        let answers = Arc::clone(&self.answers);
        cx.attached.listeners.push(Box::new(Keeper { request, limits, answers, heard: None }));
        Ok(Flow::Continue)
    }

    fn wants_call(&self) -> bool {
        self.limits.is_some()
    }

    fn concerns(&self, cx: &RequestContext) -> bool {
        cx.call.as_ref().is_some_and(|call| {
            let may_be = call.operation == Operation::Chat && !call.peek.stream;
            may_be && call.mentions("temperature")
        })
    }
}

impl ResponseCache {
    fn sameness(&self, cx: &RequestContext) -> Sameness {
        let mut parts = Parts::of_endpoint(cx);
        parts.add(&self.generation.to_le_bytes());
        parts.add_vendor_headers(cx);
        if let Some(call) = &cx.call {
            parts.add_json(&call.body);
        }
        parts.digest()
    }
}

/// Keeps an answer if it ends well.
struct Keeper {
    request: Sameness,
    limits: AnswerLimits,
    answers: Arc<Answers>,
    /// What has been sent, as long as it can be kept.
    heard: Option<(HeaderMap, Vec<Bytes>)>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeper")
    }
}

impl Listener for Keeper {
    fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.heard = (status == StatusCode::OK).then(|| (lasting(headers), Vec::new()));
    }

    fn piece(&mut self, piece: &Bytes) {
        let Some((_, pieces)) = &mut self.heard else { return };
        pieces.push(piece.clone());
        if pieces.iter().map(Bytes::len).sum::<usize>() > self.limits.bytes {
            self.heard = None;
        }
    }

    fn ended(&mut self, ending: &Ending) {
        let Some((headers, pieces)) = self.heard.take() else { return };
        if ending.error.is_some() || ending.interrupted {
            return;
        }
        let saves = Saved {
            input: ending.usage.input_total().unwrap_or(0),
            output: ending.usage.output.unwrap_or(0),
            cost: ending.charge.map(|charge| charge.amount).unwrap_or_default(),
        };
        let reply = Reply { status: StatusCode::OK, headers, body: pieces.concat().into() };
        self.answers.keep(self.request, (reply, saves), &self.limits, ending.at);
    }
}

#[cfg(test)]
mod tests {
    use omniroute_core::money::{Charge, Nanodollars, PriceVersion};
    use omniroute_wire::Usage;
    use serde_json::json;

    use super::*;
    use crate::kit;

    fn asked(body: &Value) -> RequestContext {
        kit::chat(body)
    }

    fn body(text: &str) -> Value {
        json!({ "model": "m", "temperature": 0, "messages": [{ "role": "user", "content": text }] })
    }

    /// Runs the filter; `Some`: the body it answered with.
    async fn run(filter: &dyn Filter, cx: &mut RequestContext) -> Option<String> {
        if !filter.concerns(cx) {
            return None;
        }
        match filter.on_call(cx).await {
            Ok(Flow::Continue) => None,
            Ok(Flow::Answer(reply)) => {
                assert_eq!(reply.headers[CACHE], "hit");
                Some(String::from_utf8(reply.body.to_vec()).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    fn answer(cx: &mut RequestContext, status: StatusCode, interrupted: bool) {
        let at = Clock::manual(0).now();
        let usage = Usage { input: Some(7), output: Some(3), ..Usage::default() };
        let price = PriceVersion::from_stored(1);
        let charge = Some(Charge { amount: Nanodollars::new(11), price, estimated: false });
        for mut listener in cx.attached.listeners.drain(..) {
            listener.head(status, &HeaderMap::new());
            listener.piece(&Bytes::from_static(b"hello"));
            listener.ended(&Ending { error: None, interrupted, usage, charge, at });
        }
    }

    #[tokio::test]
    async fn the_same_request_of_the_same_key_hits_and_any_other_misses() {
        let world = kit::world();
        let filter = build(Value::Null, &world).unwrap();
        let mut first = asked(&body("hi"));
        assert_eq!(run(&*filter, &mut first).await, None);
        assert_eq!(first.attached.headers[CACHE], "miss");
        answer(&mut first, StatusCode::OK, false);

        let again = run(&*filter, &mut asked(&body("hi"))).await;
        assert_eq!(again.as_deref(), Some("hello"));
        let mut others = vec![asked(&body("ho")), asked(&body("hi")), asked(&body("hi"))];
        others[1].caller = Some(kit::key("k", None));
        others[2].head.headers.insert("openai-beta", HeaderValue::from_static("x"));
        for (name, value) in [("tools", json!([])), ("top_p", json!(1)), ("seed", Value::Null)] {
            let mut other = body("hi");
            other[name] = value;
            others.push(asked(&other));
        }
        for mut other in others {
            assert_eq!(run(&*filter, &mut other).await, None, "{other:?}");
        }
        let saved = Saved { input: 7, output: 3, cost: Nanodollars::new(11) };
        let stats = world.answers.stats();
        assert_eq!((stats.hits, stats.misses, stats.saved), (1, 7, saved));
        let next = build(Value::Null, &world).unwrap();
        assert_eq!(run(&*next, &mut asked(&body("hi"))).await, None, "another configuration");
    }

    #[tokio::test]
    async fn what_may_differ_the_next_time_is_not_kept() {
        let world = kit::world();
        let filter = build(Value::Null, &world).unwrap();
        let mut others = Vec::new();
        for (name, value) in
            [("temperature", Value::Null), ("temperature", json!(0.1)), ("stream", json!(true))]
        {
            let mut other = body("hi");
            other[name] = value;
            others.push(other);
        }
        let mut unsaid = body("temperature");
        unsaid.as_object_mut().unwrap().remove("temperature");
        others.push(unsaid);
        for other in others {
            let mut cx = asked(&other);
            assert_eq!(run(&*filter, &mut cx).await, None);
            assert!(cx.attached.listeners.is_empty(), "{other}");
        }
        for (status, interrupted) in [(StatusCode::OK, true), (StatusCode::BAD_GATEWAY, false)] {
            let mut cx = asked(&body("hi"));
            assert_eq!(run(&*filter, &mut cx).await, None);
            answer(&mut cx, status, interrupted);
        }
        assert_eq!(world.answers.stats().entries, 0);
    }

    #[tokio::test]
    async fn a_client_may_ask_anew() {
        let world = kit::world();
        let filter = build(Value::Null, &world).unwrap();
        let mut first = asked(&body("hi"));
        run(&*filter, &mut first).await;
        answer(&mut first, StatusCode::OK, false);

        let mut anew = asked(&body("hi"));
        anew.head.headers.insert(NO_CACHE, HeaderValue::from_static("true"));

        assert_eq!(run(&*filter, &mut anew).await, None);
        assert!(anew.attached.listeners.is_empty());
        assert_eq!(world.answers.stats().bypassed, 1);
    }

    #[test]
    fn no_entries_is_off() {
        let filter = build(json!({ "max_entries": 0 }), &kit::world()).unwrap();
        assert!(!filter.wants_call());
        assert!(build(json!({ "ttl": "1 hour" }), &kit::world()).is_err());
        assert!(build(json!({ "max_bytes": "1MiB", "ttl": "2h" }), &kit::world()).is_ok());
    }
}
