//! Limits of client keys: requests and tokens in a minute, requests at once.
//!
//! A request counts from its head to the end of its answer, streams included. Tokens are guessed from the
//! body and corrected when the call has ended. What is left stands in the headers that the libraries of
//! the client's format read; Gemini's have none.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use omniroute_core::clock::{Clock, whole_seconds};
use omniroute_core::context::{Operation, Outcome, RequestContext};
use omniroute_core::digits;
use omniroute_core::error::Error;
use omniroute_core::filter::{BuildContext, Filter, FilterFault, Flow};
use omniroute_core::resilience::Limits;
use omniroute_core::routing::Route;
use omniroute_core::snapshot::ClientKey;
use omniroute_core::state::{Allowance, Busy};
use omniroute_wire::WireFormat;
use serde::Deserialize;
use serde_json::Value;

use crate::settings;

/// Names of limit, rest and reset.
type Names = [HeaderName; 3];

static OPENAI: [Names; 2] = [
    names([
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ]),
    names(["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]),
];
static ANTHROPIC: [Names; 2] = [
    names([
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ]),
    names([
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ]),
];

const fn names([limit, rest, reset]: [&'static str; 3]) -> Names {
    [HeaderName::from_static(limit), HeaderName::from_static(rest), HeaderName::from_static(reset)]
}

/// Characters of a span of less than a minute, to the nanosecond.
const EXPECTED_SPAN: usize = 16;

/// `filter: client_limits`; the limits stand at the keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

#[derive(Debug)]
struct ClientLimits {
    clock: Clock,
}

pub(crate) fn build(
    settings: Value,
    world: &BuildContext,
) -> Result<Arc<dyn Filter>, Vec<FilterFault>> {
    let Settings {} = settings::read(settings)?;
    Ok(Arc::new(ClientLimits { clock: world.clock.clone() }))
}

impl Filter for ClientLimits {
    fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let Some(caller) = limited(cx) else { return Ok(Flow::Continue) };
        let entered = caller.state.enter(&caller.limits, self.clock.now());
        cx.pass = Some(entered.map_err(|busy| reached(caller, busy))?);
        Ok(Flow::Continue)
    }

    fn on_route(&self, cx: &mut RequestContext, _: &Route) -> Result<(), Error> {
        let (Some(caller), Some(pass), Some(call)) = (limited(cx), &cx.pass, &cx.call) else {
            return Ok(());
        };
        if caller.limits.tpm == 0 || call.operation != Operation::Chat {
            return Ok(());
        }
        let counted = pass.call(&caller.limits, call.rough_tokens(), self.clock.now());
        counted.map_err(|busy| reached(caller, busy))
    }

    fn on_response(&self, cx: &RequestContext, headers: &mut HeaderMap) {
        let Some(caller) = limited(cx) else { return };
        let names = match cx.format {
            WireFormat::OpenAiChat | WireFormat::OpenAiResponses => &OPENAI,
            WireFormat::Anthropic => &ANTHROPIC,
            WireFormat::Gemini => return,
        };
        let allowances = caller.state.allowances(&caller.limits, self.clock.now());
        for (names, allowance) in names.iter().zip(allowances) {
            let Some(allowance) = allowance else { continue };
            for (name, value) in names.iter().zip(self.values(cx.format, allowance)) {
                headers.insert(name, value);
            }
        }
    }

    fn on_done(&self, cx: &RequestContext, outcome: &Outcome) {
        if let Some(pass) = &cx.pass {
            pass.took(outcome.usage.total());
        }
    }
}

impl ClientLimits {
    fn values(&self, format: WireFormat, allowance: Allowance) -> [HeaderValue; 3] {
        let Allowance { limit, left, full_in } = allowance;
        let reset = match format {
            WireFormat::Anthropic => moment(self.clock.timestamp(), full_in),
            _ => span(full_in),
        };
        let reset = HeaderValue::try_from(reset).unwrap_or(HeaderValue::from_static(""));
        [digits::header(limit), digits::header(left), reset]
    }
}

/// Returns who calls, if anything is limited.
fn limited(cx: &RequestContext) -> Option<&ClientKey> {
    cx.caller.as_deref().filter(|caller| !caller.limits.is_unlimited())
}

fn reached(caller: &ClientKey, Busy { limit, left }: Busy) -> Error {
    let Limits { rpm, tpm, concurrent, .. } = caller.limits;
    let most = match limit {
        "rpm" => rpm.into(),
        "tpm" => tpm,
        _ => concurrent.into(),
    };
    Error::RateLimited { key: caller.name.to_string(), limit, most, left }
}

/// Writes a span as OpenAI does: `1m0s`, `59.5s`, `12ms`.
fn span(span: Duration) -> String {
    let mut text = String::with_capacity(EXPECTED_SPAN);
    let seconds = span.as_secs();
    match seconds {
        0 => {
            digits::whole(span.subsec_millis().into(), &mut text);
            text.push_str("ms");
        }
        1..60 => {
            let put = |piece: &str| text.push_str(piece);
            digits::fraction(seconds, span.subsec_nanos().into(), 0, put);
            text.push('s');
        }
        _ => {
            digits::whole(seconds / 60, &mut text);
            text.push('m');
            digits::whole(seconds % 60, &mut text);
            text.push('s');
        }
    }
    text
}

/// Writes a moment as Anthropic does (RFC 3339), rounded up to a second.
fn moment(now: Timestamp, after: Duration) -> String {
    let seconds = i64::try_from(whole_seconds(after)).unwrap_or(i64::MAX);
    let at = Timestamp::from_second(now.as_second().saturating_add(seconds));
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_moments_are_written_as_vendors_do() {
        let check = |millis, expected: &str| {
            assert_eq!(span(Duration::from_millis(millis)), expected);
        };
        check(0, "0ms");
        check(12, "12ms");
        check(59_500, "59.5s");
        check(1_000, "1s");
        check(60_000, "1m0s");
        check(125_900, "2m5s");
        assert_eq!(span(Duration::from_nanos(59_998_765_430)), "59.99876543s");
        let now: Timestamp = "2026-11-29T10:00:00Z".parse().unwrap();
        assert_eq!(moment(now, Duration::from_millis(1_200)), "2026-11-29T10:00:02Z");
        assert_eq!(moment(now, Duration::from_millis(1_000)), "2026-11-29T10:00:01Z");
        assert_eq!(moment(now, Duration::ZERO), "2026-11-29T10:00:00Z");
    }
}
