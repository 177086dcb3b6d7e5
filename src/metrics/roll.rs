//! The registry, and what is in it: also of metrics that have not counted anything yet.

use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::proto::{MetricFamily, MetricType};
use prometheus::{Registry, TextEncoder};

/// What is known of a metric before it counts anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// What it says.
    pub help: String,
}

/// A registry that can say what is in it.
#[derive(Debug, Default)]
pub(super) struct Roll {
    registry: Registry,
    described: Mutex<Vec<Described>>,
}

impl Roll {
    /// Adds what collects metrics.
    pub(super) fn register(&self, collector: Box<dyn Collector>) -> Result<(), prometheus::Error> {
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        let kinds = collector.collect();
        described.extend(collector.desc().into_iter().map(|description| {
            let found = kinds.iter().find(|family| family.name() == description.fq_name);
            let mut labels = description.variable_labels.clone();
            labels.extend(description.const_label_pairs.iter().map(|pair| pair.name().to_owned()));
            Described {
                name: description.fq_name.clone(),
                kind: found.map_or("gauge", |family| name_of(family.get_field_type())),
                labels,
                help: description.help.clone(),
            }
        }));
        drop(described);
        self.registry.register(collector)
    }

    /// Returns everything that is in it, in the order of its registration.
    pub(super) fn described(&self) -> Vec<Described> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns all of it as it is now.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// Writes all of it as Prometheus text.
    pub(super) fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

const fn name_of(kind: MetricType) -> &'static str {
    match kind {
        MetricType::COUNTER => "counter",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY => "summary",
        MetricType::GAUGE | MetricType::UNTYPED => "gauge",
    }
}
