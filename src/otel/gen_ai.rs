//! The two client metrics of the conventions for generative AI that a gateway can tell honestly: one
//! operation is one attempt at a provider. Counted only while metrics are told.
//!
//! Labels are bounded as at `/metrics`: a model that the catalogue does not know is `other`.

use omniroute_core::context::{AttemptRecord, Operation, Outcome};
use omniroute_core::snapshot::Snapshot;
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, Registry};

use super::registry::Names;
use super::spans::{Ended, operation, provider_name};

/// Seconds, as the conventions have them.
const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// Tokens, as the conventions have them: 1, 4, 16 and so on.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Model label for models the catalogue does not know.
const OTHER_MODEL: &str = "other";

/// Names of labels here, and of attributes in the conventions.
const ATTRIBUTES: [(&str, &str); 5] = [
    ("operation", "gen_ai.operation.name"),
    ("provider", "gen_ai.provider.name"),
    ("model", "gen_ai.request.model"),
    ("error", "error.type"),
    ("type", "gen_ai.token.type"),
];

/// The metrics.
#[derive(Debug)]
pub(super) struct GenAi {
    registry: Registry,
    seconds: HistogramVec,
    tokens: HistogramVec,
}

impl GenAi {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let seconds = HistogramVec::new(
            HistogramOpts::new("duration", "GenAI operation duration.").buckets(SECONDS.to_vec()),
            &["operation", "provider", "model", "error"],
        )?;
        let tokens = HistogramVec::new(
            HistogramOpts::new("usage", "Number of input and output tokens used.")
                .buckets(TOKENS.to_vec()),
            &["operation", "provider", "model", "type"],
        )?;
        let registry = Registry::new();
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(tokens.clone()))?;
        Ok(Self { registry, seconds, tokens })
    }

    /// Counts the attempts of a request.
    pub(super) fn count(&self, ended: &Ended<'_>) {
        let asked = ended.cx.call.as_ref().map_or(Operation::Chat, |call| call.operation);
        let asked = operation(asked);
        for record in ended.attempts {
            let (provider, model) = labels(record, &ended.cx.snapshot);
            let error = record.failure.map_or("", |reason| reason.name());
            let labels = [asked, provider, model, error];
            self.seconds.with_label_values(&labels).observe(record.took.as_secs_f64());
        }
        if let Some(last) = ended.attempts.last() {
            self.count_tokens(asked, labels(last, &ended.cx.snapshot), ended.outcome);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
    fn count_tokens(&self, asked: &str, (provider, model): (&str, &str), outcome: &Outcome) {
        let usage = &outcome.usage;
        for (kind, tokens) in [("input", usage.input_total()), ("output", usage.output)] {
            if let Some(tokens) = tokens {
                let labels = [asked, provider, model, kind];
                self.tokens.with_label_values(&labels).observe(tokens as f64);
            }
        }
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

fn labels<'a>(record: &'a AttemptRecord, snapshot: &Snapshot) -> (&'a str, &'a str) {
    let provider = snapshot.providers.get(&record.provider);
    let is_known = provider.is_some_and(|provider| provider.knows(&record.model));
    let model = if is_known { &*record.model } else { OTHER_MODEL };
    (provider_name(record.provider.as_str()), model)
}

/// The conventions' names.
pub(super) struct Conventions;

impl Names for Conventions {
    fn metric(&self, name: &str) -> (String, &'static str) {
        match name {
            "usage" => ("gen_ai.client.token.usage".to_owned(), "{token}"),
            _ => ("gen_ai.client.operation.duration".to_owned(), "s"),
        }
    }

    fn label(&self, name: &str) -> String {
        let known = ATTRIBUTES.iter().find(|(label, _)| *label == name);
        known.map_or(name, |(_, attribute)| attribute).to_owned()
    }
}
