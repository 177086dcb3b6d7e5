//! From rounds to numbers and verdicts.

use serde::Serialize;

use crate::bed::{Bed, Options, Subject};
use crate::failure::Failure;
use crate::machine::Machine;
use crate::numbers::{Limit, Spread};
use crate::of_bare::OfBare;
use crate::scenario::{Effort, Series};
use crate::sections::delays::Delays;
use crate::sections::memory::Memory;
use crate::sections::peak::Peak;
use crate::sections::peers::Peers;
use crate::sections::rates::Rates;
use crate::window::Window;

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
    pub(crate) rates: Option<Rates>,
    pub(crate) peak: Option<Peak>,
    pub(crate) delays: Option<Delays>,
    pub(crate) memory: Option<Memory>,
    pub(crate) peers: Option<Peers>,
}

/// What the sections brought; those that were not asked for are empty.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) effort: Effort,
    pub(crate) costs: Vec<Series>,
    pub(crate) rates: Option<Rates>,
    pub(crate) peak: Option<Peak>,
    pub(crate) delays: Option<Delays>,
    pub(crate) memory: Option<Memory>,
    pub(crate) peers: Option<Peers>,
}

impl Found {
    /// Begins with nothing.
    pub(crate) const fn new(effort: Effort) -> Self {
        Self {
            effort,
            costs: Vec::new(),
            rates: None,
            peak: None,
            delays: None,
            memory: None,
            peers: None,
        }
    }
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
    /// The same for the two other processes at work, which are no part of it.
    pub(crate) provider_us: f64,
    pub(crate) load_us: f64,
    /// Events of one answer, 0 for whole ones; processor time per event in microseconds.
    pub(crate) events: usize,
    pub(crate) cpu_us_per_event: Option<f64>,
    #[serde(flatten)]
    pub(crate) of_bare: OfBare,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
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
        options: &Options,
        found: Found,
    ) -> Result<Self, Failure> {
        let (effort, all) = (found.effort, &found.costs);
        let starts: Vec<f64> = bed.starts.iter().map(|start| start.as_secs_f64() * 1e3).collect();
        let idle = [megabytes(bed.idle_bytes)];
        Ok(Self {
            machine,
            rounds: effort.rounds,
            window_seconds: effort.window.as_secs_f64(),
            connections: effort.connections,
            threads: options.threads,
            has_nginx: bed.has_nginx(),
            rows: all.iter().map(|series| Row::new(series, reference(all, series))).collect(),
            idle_memory: Limit::under(Spread::of(&idle), megabytes(IDLE_TARGET_BYTES)),
            loaded_memory_mb: megabytes(bed.resident_bytes()?),
            rates: found.rates,
            peak: found.peak,
            delays: found.delays,
            memory: found.memory,
            peers: found.peers,
            start_to_ready: Limit::under(Spread::of(&starts), START_TARGET_MS),
        })
    }
}

impl Row {
    fn new(series: &Series, reference: Option<&Series>) -> Self {
        let Series { workload, turn } = series;
        let cpu_us = turn.per_request_us(|round| round.subject);
        let kernel_us = cpu_us * turn.median(|round| round.subject.kernel_share);
        let ratio = reference.map(|reference| turn.times_of(&reference.turn));
        Self {
            workload: workload.name,
            subject: turn.subject,
            requests: turn.rounds.iter().map(|round| round.ran.requests).sum(),
            cpu_us,
            user_us: cpu_us - kernel_us,
            kernel_us,
            provider_us: turn.per_request_us(|round| round.provider),
            load_us: turn.per_request_us(|round| round.load),
            events: turn.events,
            cpu_us_per_event: (turn.events > 0).then(|| cpu_us / float(turn.events)),
            of_bare: OfBare::new(turn.subject, ratio, workload.most),
            requests_per_second: turn.median(Window::per_second),
            p50_ms: turn.median(|round| round.ran.p50.as_secs_f64() * 1e3),
            p99_ms: turn.median(|round| round.ran.p99.as_secs_f64() * 1e3),
        }
    }
}

/// Finds what a series is compared with: bare Pingora with the same workload.
fn reference<'a>(all: &'a [Series], series: &Series) -> Option<&'a Series> {
    let is_reference = |other: &&Series| {
        other.turn.subject == Subject::BarePingora && other.workload.name == series.workload.name
    };
    all.iter().find(is_reference).filter(|_| series.turn.subject != Subject::BarePingora)
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
