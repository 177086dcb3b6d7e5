//! The trace that a request belongs to (W3C Trace Context, level 1): whose child it is, which ids its parts
//! have, and whether it is recorded.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::{HeaderMap, HeaderValue};

/// The header of the trace and the caller's span in it.
pub const TRACEPARENT: &str = "traceparent";
/// The header of what vendors add to it.
pub const TRACESTATE: &str = "tracestate";

/// Length of a `traceparent` of version 00; later versions may only append.
const TRACEPARENT_BYTES: usize = 55;
/// The flag that says that the caller records.
const SAMPLED: u8 = 1;

/// Which requests are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Whether a caller's own decision counts before ours.
    pub follows_parent: bool,
    /// The share of traces that is recorded otherwise, from 0 to 1.
    pub share: f64,
}

impl Default for Sampler {
    /// Records what callers record, and everything else (`parentbased_always_on`).
    fn default() -> Self {
        Self { follows_parent: true, share: 1.0 }
    }
}

impl Sampler {
    /// Decides by the caller's decision, if there is one, and the trace's id: all who take part in a trace
    /// and use the same share decide alike.
    pub fn is_sampled(&self, parent: Option<&Parent>, trace_id: u128) -> bool {
        match parent {
            Some(parent) if self.follows_parent => parent.is_sampled,
            _ if self.share >= 1.0 => true,
            _ => self.is_in_share(trace_id),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the lowest bits of a share do not matter, and it is not negative"
    )]
    fn is_in_share(&self, trace_id: u128) -> bool {
        // The lower half without its last bit, as the OpenTelemetry SDKs compare it.
        let drawn = (trace_id as u64) >> 1;
        drawn < (self.share.max(0.0) * (1_u64 << 63) as f64) as u64
    }
}

/// What a caller says of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace, not 0.
    pub trace_id: u128,
    /// The caller's span, not 0.
    pub span_id: u64,
    /// Whether the caller records.
    pub is_sampled: bool,
}

impl Parent {
    /// Reads the caller's `traceparent`. `None` if there is none, several, or one that is wrong: the standard
    /// says to begin a new trace then.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (value, None) = (values.next()?, values.next()) else { return None };
        Self::parse(value.to_str().ok()?.trim())
    }

    fn parse(text: &str) -> Option<Self> {
        let (known, more) = text.split_at_checked(TRACEPARENT_BYTES)?;
        let mut fields = known.split('-');
        let mut field = |length: usize| {
            fields.next().filter(|field| field.len() == length && field.bytes().all(is_lower_hex))
        };
        let (version, trace_id, span_id, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let is_well_ended = match version {
            "ff" => false,
            "00" => more.is_empty(),
            _ => more.is_empty() || more.starts_with('-'),
        };
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & SAMPLED != 0;
        is_well_ended.then_some(Self { trace_id, span_id, is_sampled })
    }
}

const fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// One request's part of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: u128,
    /// The request's own span.
    pub span_id: u64,
    /// The caller's span, if the caller began the trace.
    pub parent_id: Option<u64>,
    /// Whether it is recorded.
    pub is_sampled: bool,
    /// When the request came in, on the wall.
    pub began: SystemTime,
}

impl Trace {
    /// Begins a request's part of its caller's trace, or a trace of its own with the new ids.
    ///
    /// `None`: the caller does not record and is followed, so its headers pass as they came.
    pub fn begin(
        headers: &HeaderMap,
        sampler: &Sampler,
        (trace_id, span_id): (u128, u64),
        began: SystemTime,
    ) -> Option<Self> {
        let parent = Parent::of(headers);
        let id = parent.map_or(trace_id, |parent| parent.trace_id);
        let is_sampled = sampler.is_sampled(parent.as_ref(), id);
        if !is_sampled && parent.is_some_and(|parent| !parent.is_sampled) {
            return None;
        }
        let parent_id = parent.map(|parent| parent.span_id);
        Some(Self { id, span_id, parent_id, is_sampled, began })
    }

    /// Returns the `traceparent` of what one of its spans asks for.
    pub fn header(&self, span_id: u64) -> Option<HeaderValue> {
        let flags = u8::from(self.is_sampled);
        HeaderValue::try_from(format!("00-{:032x}-{span_id:016x}-{flags:02x}", self.id)).ok()
    }
}

/// The span of one attempt, while it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptSpan {
    /// Its id.
    pub id: u64,
    /// When it began.
    pub began: Instant,
    /// The host that was asked.
    pub host: Arc<str>,
    /// Its port.
    pub port: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(values: &[&str]) -> HeaderMap {
        let value =
            |value: &&str| (http::HeaderName::from_static(TRACEPARENT), value.parse().unwrap());
        values.iter().map(value).collect()
    }

    fn begin(values: &[&str], sampler: Sampler) -> Option<Trace> {
        Trace::begin(&headers(values), &sampler, (7, 9), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_callers_trace_is_continued_and_ours_is_its_spans_child() {
        let trace = begin(&[GIVEN], Sampler::default()).unwrap();

        assert_eq!(trace.id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(trace.parent_id, Some(0x00f0_67aa_0ba9_02b7));
        assert!(trace.is_sampled);
        assert_eq!(
            trace.header(0xab).unwrap(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000ab-01"
        );
    }

    #[test]
    fn what_is_no_traceparent_begins_a_new_trace() {
        let unknown_but_longer = format!("cc{}-more", &GIVEN[2..]);
        assert!(begin(&[&unknown_but_longer], Sampler::default()).unwrap().parent_id.is_some());
        for wrong in [
            String::new(),
            "00".to_owned(),
            GIVEN.to_uppercase(),
            GIVEN.replace("00-4", "ff-4"),
            format!("{GIVEN}-more"),
            format!("cc{}more", &GIVEN[2..]),
            GIVEN.replace("00f067aa0ba902b7", "0000000000000000"),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            GIVEN.replace("f0", "+0"),
        ] {
            let trace = begin(&[&wrong], Sampler::default()).unwrap();
            assert_eq!((trace.id, trace.parent_id), (7, None), "{wrong}");
        }
        let twice = begin(&[GIVEN, GIVEN], Sampler::default()).unwrap();
        assert_eq!(twice.parent_id, None, "several say nothing");
    }

    #[test]
    fn a_caller_that_does_not_record_is_followed_unless_we_decide_alone() {
        let silent = GIVEN.replace("-01", "-00");
        let alone = |share| Sampler { follows_parent: false, share };
        assert_eq!(begin(&[&silent], Sampler::default()), None, "its headers pass as they came");
        assert!(begin(&[&silent], alone(1.0)).unwrap().is_sampled);
        assert_eq!(begin(&[&silent], alone(0.0)), None);
        let against = begin(&[GIVEN], alone(0.0)).unwrap();
        assert!(!against.is_sampled);
        assert!(against.header(1).unwrap().to_str().unwrap().ends_with("-00"));
    }

    #[test]
    fn a_share_is_drawn_by_the_traces_id() {
        let sampler = Sampler { follows_parent: true, share: 0.25 };
        let step = u64::MAX / 1000;
        let ids = (0..1000_u64).map(|at| u128::from(at * step + step / 2));
        assert_eq!(ids.filter(|id| sampler.is_sampled(None, *id)).count(), 250);
        let none = Sampler { share: 0.0, ..sampler };
        assert!(!none.is_sampled(None, 0));
    }
}
