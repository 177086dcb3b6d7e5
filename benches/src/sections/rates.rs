//! What a proxy adds to the time of a request at a fixed rate.

use std::time::Duration;

use serde::Serialize;

use crate::bed::{Bed, Subject};
use crate::failure::Failure;
use crate::load::Manner;
use crate::loader::Loader;
use crate::numbers::{Limit, Spread, added, micros, with_extremes, yes_or_no};
use crate::of_bare::{Most, OfBare};
use crate::orders::Ran;
use crate::probe::Kind;
use crate::request::Delivery;
use crate::scenario::Effort;
use crate::table::table;
use crate::turns::{self, Turn};
use crate::window::Fill;

/// Connections the requests are spread over; one that is due while all are taken waits.
const CONNECTIONS: usize = 64;

/// Most that the gateway may add to the median and to the 99th percentile, in microseconds (the project's
/// targets, for a machine that does nothing else).
const TARGETS_US: [f64; 2] = [150.0, 1_000.0];

const WHOLE: Delivery = Delivery::Whole;

/// What is asked.
struct Workload {
    name: &'static str,
    kind: Kind,
    /// Through whom; the reference first, then bare Pingora.
    subjects: &'static [Subject],
    /// `None`: no target is set.
    most: Option<Most>,
}

const WORKLOADS: [Workload; 2] = [
    Workload {
        name: "2 KB",
        kind: Kind { body_bytes: 2_048, delivery: WHOLE, tokens: 8 },
        subjects: &[
            Subject::Provider,
            Subject::BarePingora,
            Subject::SameFormat,
            Subject::Translated,
        ],
        most: Some(Most::ALLOWED),
    },
    Workload {
        name: "100 KB",
        kind: Kind { body_bytes: 102_400, delivery: WHOLE, tokens: 8 },
        subjects: &[Subject::Provider, Subject::BarePingora, Subject::SameFormat],
        most: None,
    },
];

/// All rates of all subjects.
#[derive(Debug, Serialize)]
pub(crate) struct Rates {
    pub(crate) per_second: u32,
    /// How late the load sent: medians over all rounds of their medians and 99th percentiles.
    pub(crate) lag_p50_us: f64,
    pub(crate) lag_p99_us: f64,
    pub(crate) rows: Vec<Row>,
}

/// One subject with one kind of request: medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) workload: &'static str,
    pub(crate) subject: Subject,
    pub(crate) requests: usize,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// What is added to the provider's own answer: median and 99th percentile.
    pub(crate) over_provider_us: Option<[Spread; 2]>,
    /// What the gateway adds to bare Pingora's.
    pub(crate) over_bare_us: Option<[Limit; 2]>,
    pub(crate) cpu_us: f64,
    #[serde(flatten)]
    pub(crate) of_bare: OfBare,
    pub(crate) provider_us: f64,
    pub(crate) load_us: f64,
}

struct Series {
    workload: &'static str,
    most: Option<Most>,
    turn: Turn,
}

/// Measures round by round, as the other sections.
///
/// # Errors
///
/// At the first wrong answer.
pub(crate) async fn measure(
    bed: &Bed,
    load: &mut Loader,
    effort: Effort,
    per_second: u32,
    mut told: impl FnMut(usize),
) -> Result<Rates, Failure> {
    let mut all = Vec::new();
    for Workload { name, kind, subjects, most } in WORKLOADS {
        let turns = turns::line_up(bed, subjects, kind).await?;
        let series = |turn| Series { workload: name, most, turn };
        all.extend(turns.into_iter().map(series));
    }
    let manner = Manner::Paced(per_second);
    let fill = Fill { manner, connections: CONNECTIONS, time: effort.window };
    for round in 1..=effort.rounds {
        told(round);
        turns::take(bed, load, fill, all.iter_mut().map(|series| &mut series.turn)).await?;
    }
    let lag = |of: fn(&Ran) -> Duration| {
        let rounds = all.iter().flat_map(|series| &series.turn.rounds);
        Spread::of(&rounds.map(|round| micros(of(&round.ran))).collect::<Vec<_>>()).median
    };
    Ok(Rates {
        per_second,
        lag_p50_us: lag(|ran| ran.lag_p50),
        lag_p99_us: lag(|ran| ran.lag_p99),
        rows: all.iter().map(|series| Row::new(series, &all)).collect(),
    })
}

impl Row {
    fn new(Series { workload, most, turn }: &Series, all: &[Series]) -> Self {
        let other = |wanted: Subject| {
            let is_it =
                |other: &&Series| other.workload == *workload && other.turn.subject == wanted;
            let other = all.iter().find(is_it).map(|other| &other.turn);
            other.filter(|other| other.subject != turn.subject)
        };
        let over = |wanted| other(wanted).map(|other| added(&turn.times(), &other.times()));
        let is_gateway = matches!(turn.subject, Subject::SameFormat | Subject::Translated);
        let ratio = other(Subject::BarePingora).filter(|_| is_gateway);
        let ratio = ratio.map(|bare| turn.times_of(bare));
        Self {
            workload,
            subject: turn.subject,
            requests: turn.rounds.iter().map(|round| round.ran.requests).sum(),
            p50_us: turn.median(|round| micros(round.ran.p50)),
            p99_us: turn.median(|round| micros(round.ran.p99)),
            over_provider_us: over(Subject::Provider),
            over_bare_us: over(Subject::BarePingora).filter(|_| is_gateway).map(|[p50, p99]| {
                [Limit::under(p50, TARGETS_US[0]), Limit::under(p99, TARGETS_US[1])]
            }),
            cpu_us: turn.per_request_us(|round| round.subject),
            of_bare: OfBare::new(turn.subject, ratio, *most),
            provider_us: turn.per_request_us(|round| round.provider),
            load_us: turn.per_request_us(|round| round.load),
        }
    }

    fn cells(&self) -> Vec<String> {
        let number = |value: f64| format!("{value:.0}");
        let mut cells = vec![self.workload.to_owned(), self.subject.title().to_owned()];
        cells.extend([self.p50_us, self.p99_us].map(number));
        let over = self.over_provider_us.map(|added| added.map(|added| number(added.median)));
        cells.extend(over.unwrap_or_else(|| ["-"; 2].map(str::to_owned)));
        let over = self.over_bare_us.map(|[p50, p99]| {
            let [first, second] = [p50, p99].map(|limit| {
                [with_extremes(limit.value, 0), yes_or_no(limit.is_reached).to_owned()]
            });
            [first, second].concat()
        });
        cells.extend(over.unwrap_or_else(|| ["-"; 4].map(str::to_owned).to_vec()));
        let nothing = || "-".to_owned();
        let OfBare { ratio, target, is_reached } = self.of_bare;
        let ratio = ratio.map(|ratio| with_extremes(ratio, 2));
        let target = target.map(|target| format!("{target:.1}"));
        let is_reached = is_reached.map_or("-", yes_or_no).to_owned();
        let micros = |us: f64| format!("{us:.1}");
        cells.extend([micros(self.cpu_us), ratio.unwrap_or_else(nothing)]);
        cells.extend([target.unwrap_or_else(nothing), is_reached]);
        cells.extend([self.provider_us, self.load_us].map(micros));
        cells
    }
}

impl Rates {
    /// Writes the section.
    pub(crate) fn words(&self) -> String {
        let headings = [
            "workload",
            "through",
            "p50 µs",
            "p99 µs",
            "+provider p50",
            "p99",
            "+bare p50",
            "< 150",
            "+bare p99",
            "< 1000",
            "CPU µs",
            "× bare",
            "≤",
            "reached",
            "provider µs",
            "load µs",
        ];
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        format!(
            "At {} requests per second, evenly, from when each was due to the end of its answer, medians of \
             the\nrounds (least–most); the load sent {:.0} µs late at p50 and {:.0} µs at p99, which is in every row.\n\n{}\n",
            self.per_second,
            self.lag_p50_us,
            self.lag_p99_us,
            table(&headings, 2, &rows),
        )
    }

    /// Says which targets were missed.
    pub(crate) fn misses(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            if let Some((ratio, target)) = row.of_bare.missed() {
                lines.push(format!(
                    "- {}, {}, at {} per second: {ratio:.2} of bare Pingora's processor time instead of {target:.1}.",
                    row.workload, row.subject.title(), self.per_second,
                ));
            }
            for (limit, what) in row.over_bare_us.iter().flatten().zip(["p50", "p99"]) {
                if !limit.is_reached {
                    let Limit { value, target, .. } = limit;
                    lines.push(format!(
                        "- {}, {}, at {} per second: {what} is {:.0} µs over bare Pingora's instead of {target:.0}.",
                        row.workload, row.subject.title(), self.per_second, value.median,
                    ));
                }
            }
        }
        lines
    }
}
