//! From rounds to numbers and verdicts.

use serde::Serialize;

use crate::bed::{Bed, Subject};
use crate::failure::Failure;
use crate::machine::Machine;
use crate::scenario::{Effort, Round, Series};

/// Most resident memory of an idle gateway, in bytes (the project's target: 40 MB).
const IDLE_TARGET_BYTES: u64 = 40_000_000;

/// Longest time from start to ready, in milliseconds (the project's target).
const START_TARGET_MS: f64 = 300.0;

/// Everything that was found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    pub(crate) window_seconds: f64,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    pub(crate) has_nginx: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) idle_memory: Limit,
    /// Resident memory after all rounds, in megabytes.
    pub(crate) loaded_memory_mb: f64,
    pub(crate) start_to_ready: Limit,
}

/// One subject with one workload: medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) workload: &'static str,
    pub(crate) subject: Subject,
    pub(crate) requests: usize,
    /// Processor time per request in microseconds, and how it is divided.
    pub(crate) cpu_us: f64,
    pub(crate) user_us: f64,
    pub(crate) kernel_us: f64,
    /// Events of one answer, 0 for whole ones; processor time per event in microseconds.
    pub(crate) events: usize,
    pub(crate) cpu_us_per_event: Option<f64>,
    /// `cpu_us` as a multiple of the reference's in the same round.
    pub(crate) ratio: Option<Spread>,
    pub(crate) target: Option<f64>,
    pub(crate) is_reached: Option<bool>,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// A median and its extremes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// A number that must stay under a target.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Limit {
    pub(crate) value: Spread,
    pub(crate) target: f64,
    pub(crate) is_reached: bool,
}

impl Report {
    /// Sums up a measurement; the test bed must still be running.
    ///
    /// # Errors
    ///
    /// If the gateway has ended.
    pub(crate) fn new(
        machine: Machine,
        bed: &Bed,
        effort: Effort,
        threads: usize,
        all: &[Series],
    ) -> Result<Self, Failure> {
        let starts: Vec<f64> = bed.starts.iter().map(|start| start.as_secs_f64() * 1e3).collect();
        let idle = [megabytes(bed.idle_bytes)];
        Ok(Self {
            machine,
            rounds: effort.rounds,
            window_seconds: effort.window.as_secs_f64(),
            connections: effort.connections,
            threads,
            has_nginx: bed.has_nginx(),
            rows: all.iter().map(|series| Row::new(series, reference(all, series))).collect(),
            idle_memory: Limit::new(&idle, megabytes(IDLE_TARGET_BYTES)),
            loaded_memory_mb: megabytes(bed.resident_bytes()?),
            start_to_ready: Limit::new(&starts, START_TARGET_MS),
        })
    }
}

impl Row {
    fn new(series: &Series, reference: Option<&Series>) -> Self {
        let rounds = &series.rounds;
        let median_of = |number: fn(&Round) -> f64| {
            Spread::of(&rounds.iter().map(number).collect::<Vec<_>>()).median
        };
        let cpu_us = median_of(cpu_us);
        let kernel_us = cpu_us * median_of(|round| round.kernel_share);
        let ratio = reference.map(|reference| ratio(rounds, &reference.rounds));
        let target = match series.subject {
            Subject::SameFormat => series.workload.same_target,
            Subject::Translated => series.workload.translated_target,
            Subject::BarePingora | Subject::Nginx | Subject::NoAccessLog => None,
        };
        Self {
            workload: series.workload.name,
            subject: series.subject,
            requests: rounds.iter().map(|round| round.requests).sum(),
            cpu_us,
            user_us: cpu_us - kernel_us,
            kernel_us,
            events: series.events,
            cpu_us_per_event: (series.events > 0).then(|| cpu_us / float(series.events)),
            ratio,
            target,
            is_reached: ratio.zip(target).map(|(ratio, target)| ratio.median <= target),
            requests_per_second: median_of(|round| {
                float(round.requests) / round.elapsed.as_secs_f64()
            }),
            p50_ms: median_of(|round| round.p50.as_secs_f64() * 1e3),
            p99_ms: median_of(|round| round.p99.as_secs_f64() * 1e3),
        }
    }
}

impl Spread {
    /// Returns median, minimum and maximum; zeros if there is no value.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 || sorted.is_empty() {
            at(middle)
        } else {
            f64::midpoint(at(middle - 1), at(middle))
        };
        Self { median, least: at(0), most: at(sorted.len().saturating_sub(1)) }
    }
}

impl Limit {
    fn new(values: &[f64], target: f64) -> Self {
        let value = Spread::of(values);
        Self { value, target, is_reached: value.median < target }
    }
}

/// Finds what a series is compared with: bare Pingora with the same workload.
fn reference<'a>(all: &'a [Series], series: &Series) -> Option<&'a Series> {
    let is_reference = |other: &&Series| {
        other.subject == Subject::BarePingora && other.workload.name == series.workload.name
    };
    all.iter().find(is_reference).filter(|_| series.subject != Subject::BarePingora)
}

/// Compares round by round: both were measured within seconds, so both saw the same machine.
fn ratio(rounds: &[Round], reference: &[Round]) -> Spread {
    let ratios = rounds.iter().zip(reference).map(|(one, other)| cpu_us(one) / cpu_us(other));
    Spread::of(&ratios.collect::<Vec<_>>())
}

fn cpu_us(round: &Round) -> f64 {
    round.cpu.as_secs_f64() * 1e6 / float(round.requests.max(1))
}

/// Counts here are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts and sizes far below 2^52")]
const fn float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn round(requests: usize, cpu_us: u64) -> Round {
        Round {
            requests,
            cpu: Duration::from_micros(cpu_us),
            kernel_share: 0.5,
            elapsed: Duration::from_secs(1),
            p50: Duration::ZERO,
            p99: Duration::ZERO,
        }
    }

    #[test]
    fn medians_stand_in_the_middle_whatever_the_order() {
        let spread = |median, least, most| Spread { median, least, most };

        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), spread(2.0, 1.0, 3.0));
        assert_eq!(Spread::of(&[4.0, 1.0]), spread(2.5, 1.0, 4.0));
        assert_eq!(Spread::of(&[]), spread(0.0, 0.0, 0.0));
    }

    #[test]
    fn ratios_compare_what_was_measured_in_the_same_round() {
        let reference = [round(10, 200), round(10, 400), round(10, 300)];
        let gateway = [round(5, 150), round(5, 300), round(5, 450)];

        let ratio = ratio(&gateway, &reference);

        assert_eq!(ratio, Spread { median: 1.5, least: 1.5, most: 3.0 });
    }

    #[test]
    fn a_limit_is_reached_only_below_its_target() {
        assert!(Limit::new(&[299.9], START_TARGET_MS).is_reached);
        assert!(!Limit::new(&[300.0, 300.0], START_TARGET_MS).is_reached);
    }
}
