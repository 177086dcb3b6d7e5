//! The `telemetry` section: where traces and metrics go.

use super::node::{Content, Node, ScalarKind};
use super::report::{Report, Spot};
use super::scalars;
use super::secret_text::{self, SecretText};
use super::section::{Section, entries};

/// `telemetry` as written.
#[derive(Debug, Default)]
pub(crate) struct TelemetryText {
    /// `otlp`, if it is there.
    pub(crate) otlp: Option<OtlpText>,
}

/// `telemetry.otlp` as written.
#[derive(Debug, Default)]
pub(crate) struct OtlpText {
    /// The collector. May hold a token.
    pub(crate) endpoint: Option<Spot<String>>,
    pub(crate) headers: Vec<(Spot<String>, SecretText)>,
    pub(crate) traces: Option<bool>,
    pub(crate) metrics: Option<bool>,
    /// The share of requests to record, from 0 to 1.
    pub(crate) sample: Option<f64>,
}

/// Reads `telemetry`.
pub(crate) fn read(node: &Node, report: &Report) -> Option<TelemetryText> {
    let section = Section::open(node, &["otlp"], report)?;
    Some(TelemetryText { otlp: section.read("otlp", otlp) })
}

fn otlp(node: &Node, report: &Report) -> Option<OtlpText> {
    let known = ["endpoint", "headers", "traces", "metrics", "sample"];
    let section = Section::open(node, &known, report)?;
    Some(OtlpText {
        endpoint: section.spot("endpoint", scalars::text),
        headers: section.read("headers", headers).unwrap_or_default(),
        traces: section.read("traces", scalars::flag),
        metrics: section.read("metrics", scalars::flag),
        sample: section.read("sample", share),
    })
}

fn headers(node: &Node, report: &Report) -> Option<Vec<(Spot<String>, SecretText)>> {
    let read = entries(node, report)?.iter().filter_map(|entry| {
        let value = secret_text::secret(&entry.node, report)?;
        Some((Spot::new(entry.name.clone(), &entry.place), value))
    });
    Some(read.collect())
}

fn share(node: &Node, report: &Report) -> Option<f64> {
    let number = match &node.content {
        Content::Scalar(scalar) => match scalar.kind {
            ScalarKind::Whole(0) => Some(0.0),
            ScalarKind::Whole(1) => Some(1.0),
            ScalarKind::Fraction(fraction) => Some(fraction),
            _ => None,
        },
        _ => None,
    };
    let found = number.filter(|share| (0.0..=1.0).contains(share));
    if found.is_none() {
        let what = format!("{} is not a share from 0 to 1", node.quoted());
        report.add_with(&node.place, what, "write `0.1` to record every tenth request");
    }
    found
}
