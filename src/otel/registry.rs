//! What is counted anyway, as OTLP's metrics: sums since the start, with the names they have at `/metrics`.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};
use prometheus::proto::{self, MetricFamily, MetricType};

use super::attributes::Attributes;

/// What is counted since when, and how it is now.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    start: u64,
    now: u64,
}

impl Moment {
    /// Makes one of two times on the wall.
    pub(super) fn new(start: SystemTime, now: SystemTime) -> Self {
        Self { start: nanos(start), now: nanos(now) }
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// How names of a registry are told.
pub(super) trait Names {
    /// The metric's name and unit.
    fn metric(&self, name: &str) -> (String, &'static str);
    /// A label's name; an empty value is none.
    fn label(&self, name: &str) -> String;
}

/// Names as they are.
pub(super) struct AsTheyAre;

impl Names for AsTheyAre {
    fn metric(&self, name: &str) -> (String, &'static str) {
        let unit = match name.trim_end_matches("_total").rsplit('_').next() {
            Some("seconds") => "s",
            Some("bytes") => "By",
            _ => "",
        };
        (name.to_owned(), unit)
    }

    fn label(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// Turns what a registry gathered into metrics. Summaries, of which there are none, are left out.
pub(super) fn metrics(
    families: &[MetricFamily],
    names: &impl Names,
    moment: Moment,
) -> Vec<Metric> {
    families.iter().filter_map(|family| metric(family, names, moment)).collect()
}

fn metric(family: &MetricFamily, names: &impl Names, moment: Moment) -> Option<Metric> {
    let points = family.get_metric();
    let temporality = AggregationTemporality::Cumulative.into();
    let numbers = |value: fn(&proto::Metric) -> f64| {
        let point = |point: &proto::Metric| NumberDataPoint {
            attributes: labels(point, names),
            start_time_unix_nano: moment.start,
            time_unix_nano: moment.now,
            value: Some(Value::AsDouble(value(point))),
            ..NumberDataPoint::default()
        };
        points.iter().map(point).collect()
    };
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(Sum {
            data_points: numbers(|point| point.get_counter().get_value()),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        MetricType::GAUGE => {
            Data::Gauge(Gauge { data_points: numbers(|point| point.get_gauge().get_value()) })
        }
        MetricType::HISTOGRAM => Data::Histogram(Histogram {
            data_points: points.iter().map(|point| histogram(point, names, moment)).collect(),
            aggregation_temporality: temporality,
        }),
        MetricType::SUMMARY | MetricType::UNTYPED => return None,
    };
    let (name, unit) = names.metric(family.name());
    Some(Metric {
        name,
        description: family.help().to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

/// Buckets are counted up to their bound there, and each for itself here, with one more for what is above all.
fn histogram(point: &proto::Metric, names: &impl Names, moment: Moment) -> HistogramDataPoint {
    let counted = point.get_histogram();
    let finite = || counted.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
    let count = counted.get_sample_count();
    let mut below = 0;
    let each = finite().map(proto::Bucket::cumulative_count).chain([count]);
    let bucket_counts = each.map(|upto| {
        let own = upto.saturating_sub(below);
        below = upto;
        own
    });
    HistogramDataPoint {
        attributes: labels(point, names),
        start_time_unix_nano: moment.start,
        time_unix_nano: moment.now,
        count,
        sum: Some(counted.get_sample_sum()),
        bucket_counts: bucket_counts.collect(),
        explicit_bounds: finite().map(proto::Bucket::upper_bound).collect(),
        ..HistogramDataPoint::default()
    }
}

fn labels(point: &proto::Metric, names: &impl Names) -> Vec<KeyValue> {
    let mut told = Attributes::default();
    for label in point.get_label().iter().filter(|label| !label.value().is_empty()) {
        told.text(&names.label(label.name()), label.value());
    }
    told.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

    use super::*;

    #[test]
    fn counters_are_sums_and_buckets_are_counted_each_for_itself() {
        let registry = Registry::new();
        let options = HistogramOpts::new("took_seconds", "Time.").buckets(vec![1.0, 2.0]);
        let took = HistogramVec::new(options, &["how"]).unwrap();
        let count = IntCounterVec::new(Opts::new("seen_total", "Seen."), &["by"]).unwrap();
        registry.register(Box::new(took.clone())).unwrap();
        registry.register(Box::new(count.clone())).unwrap();
        for seconds in [0.5, 1.5, 1.7, 9.0] {
            took.with_label_values(&["well"]).observe(seconds);
        }
        count.with_label_values(&[""]).inc_by(3);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);

        let told = metrics(&registry.gather(), &AsTheyAre, Moment::new(at(1), at(2)));

        let names: Vec<_> = told.iter().map(|metric| (&*metric.name, &*metric.unit)).collect();
        assert_eq!(names, [("seen_total", ""), ("took_seconds", "s")]);
        let Some(Data::Sum(sum)) = &told[0].data else { panic!("{:?}", told[0]) };
        assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
        let point = &sum.data_points[0];
        assert_eq!(point.value, Some(Value::AsDouble(3.0)));
        assert!(point.attributes.is_empty(), "an empty label says nothing");
        assert_eq!(
            (point.start_time_unix_nano, point.time_unix_nano),
            (1_000_000_000, 2_000_000_000)
        );
        let Some(Data::Histogram(histogram)) = &told[1].data else { panic!("{:?}", told[1]) };
        let point = &histogram.data_points[0];
        assert_eq!(point.bucket_counts, [1, 2, 1]);
        assert_eq!(point.explicit_bounds, [1.0, 2.0]);
        assert_eq!((point.count, point.sum), (4, Some(12.7)));
    }
}
