//! The request log: what an operator wants to know of each call besides its row of usage, and its bodies where
//! they are switched on.
//!
//! The filter only says what is wanted; the proxy notes it and hands it over with the call's record. Requests
//! that an earlier filter of the list refuses before their body is read are no calls and have no record.
//! Where the filter is not in the list, calls have their rows of usage and nothing else is kept.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use omniroute_core::attached::{BodyLimits, Logging};
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::{self, Size, Span};

/// Limits of the settings. A body is kept in memory until its call has ended, and on the disk for days at most:
/// prompts are the clients' own.
const KEEP: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(7 * 24 * 3600);
const MAX_BODY: RangeInclusive<usize> = 1024..=1024 * 1024;
const MAX_ENTRIES: RangeInclusive<u64> = 1..=100_000;

/// `filter: request_log`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Whether what clients send and get is kept, sealed; not by default.
    bodies: bool,
    /// For how long bodies are kept: 24 hours by default, a minute to seven days. The rest of the log stays as
    /// long as the rows of usage.
    keep: Span,
    /// Most bytes that are kept of one body; 64 KiB by default, 1 KiB to 1 MiB. What is cut is marked.
    max_body: Size,
    /// Most calls whose bodies are kept, the newest; 10,000 by default, 1 to 100,000.
    max_entries: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bodies: false,
            keep: Span(Duration::from_secs(24 * 3600)),
            max_body: Size(64 * 1024),
            max_entries: 10_000,
        }
    }
}

#[derive(Debug)]
struct RequestLog {
    /// `None`: no bodies.
    bodies: Option<BodyLimits>,
    keep: Duration,
}

pub(crate) fn build(
    settings: Value,
    _: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings { bodies, keep: Span(keep), max_body: Size(max_bytes), max_entries } =
        settings::read(settings)?;
    let bounds = [
        ("keep", KEEP.contains(&keep), "bodies are kept from 1m to 7d"),
        ("max_body", MAX_BODY.contains(&max_bytes), "from 1KiB to 1MiB of a body are kept"),
        (
            "max_entries",
            MAX_ENTRIES.contains(&max_entries),
            "bodies of 1 to 100000 calls are kept; `bodies: false` keeps none",
        ),
    ];
    let outside = bounds.into_iter().filter(|(_, is_inside, _)| !is_inside);
    let faults: Vec<FilterFault> = outside
        .map(|(path, _, what)| FilterFault { path: path.to_owned(), what: what.to_owned() })
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let bodies = bodies.then_some(BodyLimits { max_bytes, max_entries });
    Ok(Arc::new(RequestLog { bodies, keep }))
}

#[async_trait]
impl Filter for RequestLog {
    fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        cx.attached.logging = Some(Logging::new(self.bodies));
        Ok(Flow::Continue)
    }

    fn keeps_bodies(&self) -> Option<Duration> {
        Some(self.keep)
    }

    fn logs_bodies(&self) -> bool {
        self.bodies.is_some()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::kit;

    fn logged(settings: Value) -> RequestContext {
        let filter = build(settings, &kit::world()).unwrap();
        let mut cx = kit::chat(&json!({ "model": "m" }));
        assert!(matches!(filter.on_request(&mut cx), Ok(Flow::Continue)));
        assert!(!filter.wants_call(), "it costs the call nothing");
        cx
    }

    #[test]
    fn bodies_are_noted_only_where_they_are_switched_on() {
        for (settings, expected) in [
            (Value::Null, None),
            (json!({ "bodies": false, "max_body": "1KiB" }), None),
            (json!({ "bodies": true, "max_body": "1KiB" }), Some(1024)),
        ] {
            let mut cx = logged(settings.clone());
            assert_eq!(cx.attached.is_silent(), expected.is_none(), "{settings}");
            cx.attached.log_answer(&Bytes::from(vec![b'x'; 2000]));
            let (_, bodies) = cx.attached.logging.take().unwrap().end();
            let kept = bodies.map(|bodies| bodies.answer.text.len());
            assert_eq!(kept, expected, "{settings}");
        }
    }

    #[test]
    fn settings_outside_their_limits_are_named() {
        for (settings, path) in [
            (json!({ "keep": "59s" }), "keep"),
            (json!({ "keep": "8d" }), "keep"),
            (json!({ "max_body": "2MiB" }), "max_body"),
            (json!({ "max_body": "1B" }), "max_body"),
            (json!({ "max_entries": 0 }), "max_entries"),
            (json!({ "bodies": "maybe" }), "bodies"),
            (json!({ "headers": true }), "headers"),
        ] {
            let faults = build(settings.clone(), &kit::world()).unwrap_err();
            assert_eq!(faults.len(), 1, "{settings}");
            assert!(faults[0].path == path || faults[0].what.contains(path), "{faults:?}");
        }
        let filter = build(json!({ "keep": "7d" }), &kit::world()).unwrap();
        assert_eq!(filter.keeps_bodies(), Some(Duration::from_secs(7 * 24 * 3600)));
    }
}
