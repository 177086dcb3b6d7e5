//! What a proxy adds to the way of every event of a stream: from just before the provider wrote it to when
//! the client had read it.

use std::time::Duration;

use serde::Serialize;

use crate::bed::{Bed, Subject};
use crate::connection::Expected;
use crate::failure::Failure;
use crate::loader::Loader;
use crate::numbers::{Limit, Spread, Times, added, micros, with_extremes, yes_or_no};
use crate::orders::{Aim, Ran, Streams};
use crate::request::Delivery;
use crate::scenario::Effort;
use crate::table::table;
use crate::ticker::Pace;

/// Streams at once.
const STREAMS: usize = 20;

/// Events of a stream and the time between them: as fast as a fast model, for a second and a half.
pub(crate) const PACE: Pace = Pace { events: 75, every: Duration::from_millis(20) };

/// Most that the gateway may add to the 99th percentile, in microseconds (the project's target).
const TARGET_US: f64 = 100.0;

/// Who is measured, the provider first, then bare Pingora.
const SUBJECTS: [Subject; 4] =
    [Subject::Provider, Subject::BarePingora, Subject::SameFormat, Subject::Translated];

/// The delays of all subjects.
#[derive(Debug, Serialize)]
pub(crate) struct Delays {
    pub(crate) rows: Vec<Row>,
}

/// One subject: medians over the rounds, in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) events: usize,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// What is added to what the provider's own stream takes: median and 99th percentile.
    pub(crate) over_provider_us: Option<[Spread; 2]>,
    /// What the gateway adds to bare Pingora's.
    pub(crate) over_bare_us: Option<(Spread, Limit)>,
}

struct Series {
    subject: Subject,
    aim: Aim,
    rounds: Vec<Ran>,
}

/// Measures round by round, as the other sections.
///
/// # Errors
///
/// At the first stream that is refused or not whole.
pub(crate) async fn measure(
    bed: &Bed,
    load: &mut Loader,
    effort: Effort,
    mut told: impl FnMut(usize),
) -> Result<Delays, Failure> {
    let aim = |subject: Subject| Aim {
        address: bed.ticking(subject),
        model: format!("tick-{}/stamps", subject.prefix()),
        body_bytes: 2_048,
        delivery: Delivery::Stream,
        headers: Vec::new(),
        expected: Expected::Events(PACE.events),
    };
    let mut all = SUBJECTS.map(|subject| Series { subject, aim: aim(subject), rounds: Vec::new() });
    let apart = PACE.every / u32::try_from(STREAMS).unwrap_or(1);
    let streams = Streams { count: STREAMS, apart, events: PACE.events };
    for round in 1..=effort.rounds {
        told(round);
        for Series { subject, aim, rounds } in &mut all {
            let heard = load.listen(aim, streams).await;
            rounds.push(heard.map_err(|failure| Failure::of(subject.title(), failure))?);
            bed.settle(*subject, STREAMS).await?;
        }
    }
    Ok(Delays { rows: all.iter().map(|series| Row::new(series, &all)).collect() })
}

impl Series {
    fn times(&self) -> Vec<Times> {
        self.rounds.iter().map(|ran| [ran.p50, ran.p99].map(micros)).collect()
    }
}

impl Row {
    fn new(series: &Series, all: &[Series; 4]) -> Self {
        let Series { subject, rounds, .. } = series;
        let [provider, bare, ..] = all;
        let over = |other: &Series| added(&series.times(), &other.times());
        let is_gateway = matches!(subject, Subject::SameFormat | Subject::Translated);
        let median = |which: usize| {
            Spread::of(&series.times().iter().map(|times| times[which]).collect::<Vec<_>>()).median
        };
        Self {
            subject: *subject,
            events: rounds.iter().map(|ran| ran.requests).sum(),
            p50_us: median(0),
            p99_us: median(1),
            over_provider_us: (*subject != Subject::Provider).then(|| over(provider)),
            over_bare_us: is_gateway.then(|| {
                let [p50, p99] = over(bare);
                (p50, Limit::under(p99, TARGET_US))
            }),
        }
    }

    fn cells(&self) -> Vec<String> {
        let number = |value: f64| format!("{value:.0}");
        let mut cells = vec![self.subject.title().to_owned(), self.events.to_string()];
        cells.extend([self.p50_us, self.p99_us].map(number));
        let over = self.over_provider_us.map(|added| added.map(|added| number(added.median)));
        cells.extend(over.unwrap_or_else(|| ["-"; 2].map(str::to_owned)));
        cells.extend(match self.over_bare_us {
            Some((p50, p99)) => [
                with_extremes(p50, 0),
                with_extremes(p99.value, 0),
                yes_or_no(p99.is_reached).to_owned(),
            ],
            None => ["-"; 3].map(str::to_owned),
        });
        cells
    }
}

impl Delays {
    /// Writes the section.
    pub(crate) fn words(&self) -> String {
        let headings = [
            "through",
            "events",
            "p50 µs",
            "p99 µs",
            "+provider p50",
            "p99",
            "+bare p50",
            "+bare p99",
            "< 100",
        ];
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        format!(
            "Delay of an event from the provider's write to the client's read: {STREAMS} streams, an event every {:?}\n\
             in each, medians of the rounds (least–most).\n\n{}\n",
            PACE.every,
            table(&headings, 1, &rows),
        )
    }

    /// Says which targets were missed.
    pub(crate) fn misses(&self) -> Vec<String> {
        let miss = |row: &Row| {
            let (_, Limit { value, target, is_reached }) = row.over_bare_us?;
            (!is_reached).then(|| {
                let (title, p99) = (row.subject.title(), value.median);
                format!(
                    "- delay per event, {title}: p99 is {p99:.0} µs over bare Pingora's instead of {target:.0}."
                )
            })
        };
        self.rows.iter().filter_map(miss).collect()
    }
}
