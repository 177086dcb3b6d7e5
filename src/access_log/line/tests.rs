//! Lines are those of a derived form: what they were written with before.

use std::time::UNIX_EPOCH;

use omniroute_core::ids::{AccountId, ProviderId};
use omniroute_core::money::{Charge, Nanodollars, Price};
use omniroute_core::verdict::Reason;
use omniroute_wire::Usage;
use proptest::option::of;
use proptest::prelude::*;
use serde::Serialize;

use super::*;

/// The order of the fields is that of the line.
#[derive(Serialize)]
struct Derived<'a> {
    timestamp: String,
    level: &'static str,
    message: &'static str,
    target: &'static str,
    request_id: &'a str,
    method: &'a str,
    path: Cow<'a, str>,
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_model: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    dropped: &'a str,
    attempts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tried: Option<String>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    interrupted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte_ms: Option<f64>,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

fn timestamp(now: SystemTime) -> String {
    format!("{:.6}", jiff::Timestamp::try_from(now).unwrap())
}

fn millis(duration: Duration) -> f64 {
    ((duration + Duration::from_nanos(500)).as_micros() as f64) / 1e3
}

impl<'a> Derived<'a> {
    fn of(line: &Line<'a>) -> Self {
        let (served, outcome) = (line.attempts.last(), line.outcome);
        Self {
            timestamp: timestamp(line.now),
            level: "INFO",
            message: "request",
            target: "access",
            request_id: line.request_id,
            method: line.method,
            path: visible(line.path),
            format: line.format,
            client_key: line.client_key,
            model: line.model.map(visible),
            provider: served.map(|served| served.provider.as_str()),
            account: served.map(|served| served.account.as_str()),
            upstream_model: served.map(|served| visible(&served.model)),
            dropped: &outcome.dropped,
            attempts: line.attempts.len(),
            answered_by: line.answered_by,
            tried: tried(line.attempts),
            status: outcome.status,
            error: outcome.error.map(|code| code.name),
            interrupted: outcome.interrupted,
            first_byte_ms: outcome.first_byte.map(millis),
            duration_ms: millis(outcome.duration),
            input_tokens: outcome.usage.input_total(),
            cached_tokens: outcome.usage.cache_read,
            output_tokens: outcome.usage.output,
            reasoning_tokens: outcome.usage.reasoning,
            cost: outcome.charge.map(|charge| charge.amount.to_string()),
            estimated: outcome.usage.estimated,
        }
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap() + "\n"
    }

    fn text(&self) -> String {
        let fields = serde_json::to_value(self).unwrap();
        let fields = fields.as_object().unwrap().iter().skip(4);
        let fields: String = fields.map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{} INFO access: request{fields}\n", self.timestamp)
    }
}

fn record(account: &str, failure: Option<Reason>, status: Option<u16>) -> AttemptRecord {
    AttemptRecord {
        provider: ProviderId::new("p"),
        account: AccountId::new(account),
        model: "m".into(),
        failure,
        status,
        waited: Duration::ZERO,
        took: Duration::ZERO,
        rest: None,
        span: None,
    }
}

fn text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\\x00-\\x20\\x7fé\u{2028}\u{1f600}]{0,9}|é{110,130}"
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0..3_000_000u64, any::<u32>().prop_map(u64::from), 0..1u64 << 62]
        .prop_map(Duration::from_nanos)
}

prop_compose! {
    fn outcome()(
        (status, interrupted) in any::<(u16, bool)>(),
        (first_byte, duration, dropped) in (of(duration()), duration(), text()),
        (input, cache_read, output, reasoning) in any::<(Option<u64>, Option<u64>, Option<u64>, Option<u64>)>(),
        (estimated, cost) in any::<(bool, Option<u64>)>(),
    ) -> Outcome {
        // What is all input is a sum.
        let input = input.map(|input| input / 2);
        let cache_read = cache_read.map(|read| read / 2);
        let usage = Usage { input, cache_read, output, reasoning, estimated, ..Usage::default() };
        let price = Price::flat(Nanodollars::ZERO, Nanodollars::ZERO).version();
        let charge = cost.map(|cost| Charge { amount: Nanodollars::new(cost), price, estimated });
        let dropped = dropped.into();
        Outcome { status, error: None, interrupted, first_byte, duration, usage, charge, dropped }
    }
}

proptest! {
    #[test]
    fn a_line_is_the_derived_form(
        (request_id, path, key, model) in (text(), text(), of(text()), of(text())),
        (served, failed, since_1970) in (of(text()), any::<bool>(), duration()),
        outcome in outcome(),
    ) {
        let mut attempts: Vec<_> = served.iter().map(|account| record(account, None, Some(200))).collect();
        attempts.extend(failed.then(|| record("one", Some(Reason::RateLimit), Some(429))));
        attempts.reverse();
        let line = Line {
            now: UNIX_EPOCH + since_1970,
            request_id: &request_id,
            method: "POST",
            path: &path,
            format: "anthropic",
            client_key: key.as_deref(),
            model: model.as_deref(),
            answered_by: failed.then_some("response_cache"),
            outcome: &outcome,
            attempts: &attempts,
        };
        let (mut json, mut text) = (b"before\n".to_vec(), b"before\n".to_vec());
        line.write_json(&mut json);
        line.write_text(&mut text);

        let derived = Derived::of(&line);
        prop_assert_eq!(String::from_utf8(json).unwrap(), "before\n".to_owned() + &derived.json());
        prop_assert_eq!(String::from_utf8(text).unwrap(), "before\n".to_owned() + &derived.text());
    }
}

#[test]
fn failed_attempts_are_listed_with_reason_and_status() {
    let records = [
        record("one", Some(Reason::RateLimit), Some(429)),
        record("two", Some(Reason::Connect), None),
        record("three", None, Some(200)),
    ];
    assert_eq!(tried(&records).as_deref(), Some("one:rate_limit(429), two:connect"));
    assert_eq!(tried(&records[2..]), None);
}

#[test]
fn long_texts_are_cut_and_times_have_fixed_digits() {
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut buffer = Vec::new();
        write(&mut buffer);
        String::from_utf8(buffer).unwrap()
    };
    assert_eq!(visible("short"), "short");
    assert_eq!(visible(&"é".repeat(500)).chars().count(), MAX_CLIENT_CHARS + 1);
    let epoch = written(&|buffer| write_time(UNIX_EPOCH, buffer));
    assert_eq!(epoch, "1970-01-01T00:00:00.000000Z");
    for (nanos, expected) in [
        (0, "0.0"),
        (1_234_567, "1.235"),
        (1_200_400, "1.2"),
        (15_000_000, "15.0"),
        (999_999_500, "1000.0"),
        (7_000, "0.007"),
    ] {
        let millis = written(&|buffer| write_millis(Duration::from_nanos(nanos), buffer));
        assert_eq!(millis, expected);
    }
}
