//! The largest rate: as many answers as many busy connections get.

use serde::Serialize;

use crate::bed::{Bed, Subject};
use crate::failure::Failure;
use crate::load::Manner;
use crate::loader::Loader;
use crate::numbers::{Limit, Spread, with_extremes, yes_or_no};
use crate::probe::Kind;
use crate::request::Delivery;
use crate::scenario::Effort;
use crate::table::table;
use crate::turns::{self, Turn};
use crate::window::{Fill, Window};

/// Connections, all busy: more do not get more answers out of two cores.
const CONNECTIONS: usize = 64;

/// Least rate of the gateway as a part of bare Pingora's (the project's target, same format).
const TARGET: f64 = 0.7;

const KIND: Kind = Kind { body_bytes: 2_048, delivery: Delivery::Whole, tokens: 8 };

/// Who is measured, the reference first.
const SUBJECTS: [Subject; 4] =
    [Subject::BarePingora, Subject::SameFormat, Subject::Translated, Subject::Nginx];

/// The largest rates of all subjects.
#[derive(Debug, Serialize)]
pub(crate) struct Peak {
    pub(crate) rows: Vec<Row>,
}

/// One subject: medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    /// Answers per second while load and provider share the cores.
    pub(crate) per_second: f64,
    /// That as a part of bare Pingora's.
    pub(crate) part_of_bare: Option<Limit>,
    /// Answers per second that two cores would give it alone, by its processor time.
    pub(crate) alone_per_second: f64,
    pub(crate) alone_part_of_bare: Option<Limit>,
    pub(crate) cpu_us: f64,
    pub(crate) provider_us: f64,
    pub(crate) load_us: f64,
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
    mut told: impl FnMut(usize),
) -> Result<Peak, Failure> {
    let mut all = turns::line_up(bed, &SUBJECTS, KIND).await?;
    let fill = Fill { manner: Manner::Busy, connections: CONNECTIONS, time: effort.window };
    for round in 1..=effort.rounds {
        told(round);
        turns::take(bed, load, fill, all.iter_mut()).await?;
    }
    let bare = all.first().map(|turn| turn.rounds.as_slice()).unwrap_or_default();
    Ok(Peak { rows: all.iter().map(|turn| Row::new(turn, bare)).collect() })
}

impl Row {
    fn new(turn: &Turn, bare: &[Window]) -> Self {
        let part = |of: fn(&Window) -> f64| {
            let part = Spread::paired(&turn.rounds, bare, |one, other| of(one) / of(other));
            (turn.subject != Subject::BarePingora).then(|| Limit::at_least(part, TARGET))
        };
        Self {
            subject: turn.subject,
            per_second: turn.median(Window::per_second),
            part_of_bare: part(Window::per_second),
            alone_per_second: turn.median(alone),
            alone_part_of_bare: part(alone),
            cpu_us: turn.per_request_us(|round| round.subject),
            provider_us: turn.per_request_us(|round| round.provider),
            load_us: turn.per_request_us(|round| round.load),
        }
    }

    fn cells(&self) -> Vec<String> {
        let part = |limit: Option<Limit>| match limit {
            Some(Limit { value, is_reached, .. }) => {
                [with_extremes(value, 2), self.verdict(is_reached).to_owned()]
            }
            None => ["-"; 2].map(str::to_owned),
        };
        let mut cells = vec![self.subject.title().to_owned(), format!("{:.0}", self.per_second)];
        cells.extend(part(self.part_of_bare));
        cells.push(format!("{:.0}", self.alone_per_second));
        cells.extend(part(self.alone_part_of_bare));
        cells.extend([self.cpu_us, self.provider_us, self.load_us].map(|us| format!("{us:.1}")));
        cells
    }

    /// The target is for the same format; nobody else has one.
    fn verdict(&self, is_reached: bool) -> &'static str {
        if self.subject == Subject::SameFormat { yes_or_no(is_reached) } else { "-" }
    }
}

/// Returns what two cores would give at most, were the subject alone on them.
fn alone(round: &Window) -> f64 {
    2.0 * 1e6 / round.per_request_us(|round| round.subject)
}

impl Peak {
    /// Writes the section.
    pub(crate) fn words(&self) -> String {
        let headings = [
            "through",
            "req/s",
            "of bare",
            "≥ 0.7",
            "alone req/s",
            "of bare",
            "≥ 0.7",
            "CPU µs",
            "provider µs",
            "load µs",
        ];
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        format!(
            "The largest rate, 2 KB, whole answer, {CONNECTIONS} busy connections: while load and provider share the cores,\n\
             and what two cores would give the process alone by its processor time.\n\n{}\n",
            table(&headings, 1, &rows),
        )
    }

    /// Says which targets were missed.
    pub(crate) fn misses(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for row in self.rows.iter().filter(|row| row.subject == Subject::SameFormat) {
            let parts = [(row.part_of_bare, "shared"), (row.alone_part_of_bare, "alone")];
            for (limit, how) in parts {
                if let Some(Limit { value, target, is_reached: false }) = limit {
                    lines.push(format!(
                        "- largest rate, {}, {how}: {:.2} of bare Pingora's instead of {target}.",
                        row.subject.title(),
                        value.median,
                    ));
                }
            }
        }
        lines
    }
}
