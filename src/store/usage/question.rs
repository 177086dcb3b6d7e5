//! Totals, series and groupings of usage over any time.
//!
//! Whole hours and days are read from the sums; what is left at both ends, and days of time zones that do
//! not begin with an hour of UTC, from the rows. Both say the same: see `check.rs`.

use std::collections::BTreeMap;

use omniroute_core::money::Nanodollars;
use omniroute_core::usage::RecordId;

use super::{DAY_HOURS, DAYS, HOUR_MS, HOURS, ROWS, Sums, Who, hour, retention};
use crate::store::{ReadTx, StoreError, Table};

/// Most groups of one answer: more are no view but an export.
const MAX_GROUPS: usize = 100_000;

/// Half a day and more: no time zone is farther from UTC than 14 hours.
const MAX_OFFSET_MINUTES: u32 = 14 * 60;

/// From when until when, in milliseconds since 1970; what ended at `until` is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first millisecond.
    pub from: u64,
    /// The first millisecond after.
    pub until: u64,
}

/// Which calls count: those that have all of the given parts. An empty text asks for calls without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The provider's id.
    pub provider: Option<Box<str>>,
    /// The account's id.
    pub account: Option<Box<str>>,
    /// The provider's name of the model.
    pub model: Option<Box<str>>,
    /// The client key's name.
    pub client_key: Option<Box<str>>,
    /// The combo's name.
    pub combo: Option<Box<str>>,
}

impl Filter {
    /// Tells whether calls of these count.
    pub fn lets(&self, who: &Who) -> bool {
        let fits = |wanted: &Option<Box<str>>, part: &str| {
            wanted.as_ref().is_none_or(|wanted| &**wanted == part)
        };
        fits(&self.provider, &who.provider)
            && fits(&self.account, &who.account)
            && fits(&self.model, &who.model)
            && fits(&self.client_key, &who.client_key)
            && fits(&self.combo, &who.combo)
    }
}

/// What a grouping tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Providers.
    Provider,
    /// Accounts.
    Account,
    /// Models.
    Model,
    /// Client keys.
    ClientKey,
    /// Combos.
    Combo,
}

/// The pieces of time of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Hours.
    Hour,
    /// Days.
    Day,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// From when until when.
    pub span: Span,
    /// Which calls.
    pub filter: Filter,
    /// What is told apart, besides time; may be empty.
    pub by: Vec<By>,
    /// The pieces of time, if it is a series.
    pub step: Option<Step>,
    /// How far the series' time zone is east of UTC, in minutes.
    pub offset_minutes: i32,
}

/// One group of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// When its hour or day begins, in milliseconds since 1970; `None` without a series.
    pub start: Option<u64>,
    /// The names, in the order of [`Question::by`].
    pub names: Vec<Box<str>>,
    /// What its calls add up to.
    pub sums: Sums,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// All of it.
    pub total: Sums,
    /// Its groups, by time and then by names. They add up to `total`.
    pub groups: Vec<Group>,
}

/// Answers a question.
///
/// # Errors
///
/// [`StoreError::Question`] if the offset is no time zone's, if there would be too many groups, or if rows are needed that
/// are no longer kept; else what reading came to.
pub fn ask(tx: &ReadTx<'_>, question: &Question) -> Result<Answer, StoreError> {
    if question.offset_minutes.unsigned_abs() > MAX_OFFSET_MINUTES {
        return Err(StoreError::Question(format!(
            "a time zone {} minutes from UTC; there are none beyond {MAX_OFFSET_MINUTES}",
            question.offset_minutes
        )));
    }
    let mut total = Sums::default();
    let mut groups = BTreeMap::<(Option<u64>, Vec<Box<str>>), Sums>::new();
    read(tx, question, &mut |time, who, sums| {
        if !question.filter.lets(who) {
            return Ok(());
        }
        total.add(sums);
        let names = question.by.iter().map(|by| by.of(who).into()).collect();
        groups.entry((question.start_of(time), names)).or_default().add(sums);
        if groups.len() > MAX_GROUPS {
            let what =
                format!("more than {MAX_GROUPS} groups; ask for a shorter time or longer steps");
            return Err(StoreError::Question(what));
        }
        Ok(())
    })?;
    let groups = groups.into_iter();
    let groups = groups.map(|((start, names), sums)| Group { start, names, sums }).collect();
    Ok(Answer { total, groups })
}

/// Returns what a client key spent in a time.
///
/// # Errors
///
/// As [`ask`].
pub fn spent(tx: &ReadTx<'_>, client_key: &str, span: Span) -> Result<Nanodollars, StoreError> {
    let filter = Filter { client_key: Some(client_key.into()), ..Filter::default() };
    let question = Question { span, filter, by: Vec::new(), step: None, offset_minutes: 0 };
    ask(tx, &question).map(|answer| Nanodollars::new(answer.total.cost_nanodollars))
}

type Take<'a> = dyn FnMut(u64, &Who, &Sums) -> Result<(), StoreError> + 'a;

/// Reads everything of the time that is asked for, from the coarsest source that is exact.
fn read(tx: &ReadTx<'_>, question: &Question, take: &mut Take<'_>) -> Result<(), StoreError> {
    let Span { from, until } = question.span;
    let (first, last) = (hour(from.saturating_add(HOUR_MS - 1)), hour(until));
    let needs_rows = question.step.is_some() && question.offset_minutes % 60 != 0;
    if needs_rows || first >= last {
        return rows(tx, (from, until), take);
    }
    rows(tx, (from, u64::from(first) * HOUR_MS), take)?;
    let may_take_days = match question.step {
        None => true,
        Some(Step::Day) => question.offset_minutes == 0,
        Some(Step::Hour) => false,
    };
    let (first_day, last_day) = (first.div_ceil(DAY_HOURS), last / DAY_HOURS);
    if may_take_days && first_day < last_day {
        sums(tx, &HOURS, (first, first_day * DAY_HOURS), HOUR_MS, take)?;
        sums(tx, &DAYS, (first_day, last_day), HOUR_MS * u64::from(DAY_HOURS), take)?;
        sums(tx, &HOURS, (last_day * DAY_HOURS, last), HOUR_MS, take)?;
    } else {
        sums(tx, &HOURS, (first, last), HOUR_MS, take)?;
    }
    rows(tx, (u64::from(last) * HOUR_MS, until), take)
}

fn sums(
    tx: &ReadTx<'_>,
    table: &Table<(u32, Who), Sums>,
    (first, last): (u32, u32),
    period_ms: u64,
    take: &mut Take<'_>,
) -> Result<(), StoreError> {
    let cells = tx.table(table)?;
    for cell in cells.range((first, Who::default())..(last, Who::default()))? {
        let ((period, who), sums) = cell?;
        take(u64::from(period) * period_ms, &who, &sums)?;
    }
    Ok(())
}

fn rows(tx: &ReadTx<'_>, (from, until): (u64, u64), take: &mut Take<'_>) -> Result<(), StoreError> {
    if from >= until {
        return Ok(());
    }
    let kept = retention::rows_from(tx)?;
    if from < kept {
        return Err(StoreError::Question(format!(
            "calls before {kept} (milliseconds since 1970) are only known by whole hours of UTC; begin and end with one, \
             and choose a time zone of whole hours"
        )));
    }
    let rows = tx.table(&ROWS)?;
    for row in rows.range(RecordId::at(from)..RecordId::at(until))? {
        let (id, record) = row?;
        take(id.unix_ms(), &Who::of(&record), &Sums::of(&record))?;
    }
    Ok(())
}

impl By {
    fn of(self, who: &Who) -> &str {
        match self {
            Self::Provider => &who.provider,
            Self::Account => &who.account,
            Self::Model => &who.model,
            Self::ClientKey => &who.client_key,
            Self::Combo => &who.combo,
        }
    }
}

impl Question {
    /// Returns when the hour or day of a time begins in the question's time zone.
    fn start_of(&self, unix_ms: u64) -> Option<u64> {
        let length = match self.step? {
            Step::Hour => HOUR_MS,
            Step::Day => HOUR_MS * u64::from(DAY_HOURS),
        };
        let ahead = i64::from(self.offset_minutes) * 60_000;
        let local = i64::try_from(unix_ms).unwrap_or(i64::MAX).saturating_add(ahead);
        let start = local - local.rem_euclid(i64::try_from(length).unwrap_or(i64::MAX)) - ahead;
        Some(u64::try_from(start).unwrap_or_default())
    }
}
