//! The self-check: the sums are the rows', and the days are the hours'.

use std::collections::{BTreeMap, BTreeSet};

use omniroute_core::usage::RecordId;

use super::{DAY_HOURS, DAYS, HOURS, ROWS, Sums, Who, hour, retention};
use crate::store::{ReadTx, StoreError, Table};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// Rows that were added up.
    pub rows: u64,
    /// Hours whose sums were compared with their rows.
    pub hours: usize,
    /// Days whose sums were compared with their hours.
    pub days: usize,
    /// What does not add up; empty if all is well.
    pub faults: Vec<Fault>,
}

/// Sums that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When the hour or day begins, in hours since 1970.
    pub hour: u32,
    /// Of whom.
    pub who: Who,
    /// What is written.
    pub written: Sums,
    /// What the rows, or the hours, add up to.
    pub counted: Sums,
}

type Cells = BTreeMap<Who, Sums>;

/// Adds up all rows that are still kept, hour by hour, and all hours, day by day.
///
/// # Errors
///
/// What reading came to.
pub fn check(tx: &ReadTx<'_>) -> Result<Check, StoreError> {
    let mut check = Check::default();
    let kept = retention::rows_from(tx)?;
    let mut seen = BTreeSet::new();
    let mut current = (hour(kept), Cells::new());
    for row in tx.table(&ROWS)?.range(RecordId::at(kept)..)? {
        let (_, record) = row?;
        let of = hour(record.ended_unix_ms());
        if of != current.0 {
            let hour = std::mem::replace(&mut current, (of, Cells::new()));
            compare_period(tx, (&HOURS, 1), &hour, &mut check)?;
        }
        seen.insert(of);
        check.rows += 1;
        current.1.entry(Who::of(&record)).or_default().add(&Sums::of(&record));
    }
    compare_period(tx, (&HOURS, 1), &current, &mut check)?;
    check.hours = seen.len();

    let mut day = (0, Cells::new());
    for cell in tx.table(&HOURS)?.range(..)? {
        let ((hour_of, who), sums) = cell?;
        if hour_of >= hour(kept) && !seen.contains(&hour_of) {
            let fault = (who.clone(), sums, Sums::default());
            check.add(hour_of, fault);
        }
        if hour_of / DAY_HOURS != day.0 {
            check.days += compare_period(tx, (&DAYS, DAY_HOURS), &day, &mut check)?;
            day = (hour_of / DAY_HOURS, Cells::new());
        }
        day.1.entry(who).or_default().add(&sums);
    }
    check.days += compare_period(tx, (&DAYS, DAY_HOURS), &day, &mut check)?;
    for cell in tx.table(&DAYS)?.range(..)? {
        let ((day, who), sums) = cell?;
        if cells(tx, &HOURS, day, DAY_HOURS)?.is_empty() {
            check.add(day * DAY_HOURS, (who, sums, Sums::default()));
        }
    }
    Ok(check)
}

/// Compares an hour or a day, whose table has periods of so many hours, with what was counted of it. Returns
/// how many were compared: there is nothing to compare where nothing was counted.
fn compare_period(
    tx: &ReadTx<'_>,
    (table, hours): (&Table<(u32, Who), Sums>, u32),
    (of, counted): &(u32, Cells),
    check: &mut Check,
) -> Result<usize, StoreError> {
    if counted.is_empty() {
        return Ok(0);
    }
    compare(&cells(tx, table, *of, 1)?, counted, |fault| check.add(*of * hours, fault));
    Ok(1)
}

/// Returns what is written of a number of hours or days from `period * times` on.
fn cells(
    tx: &ReadTx<'_>,
    table: &Table<(u32, Who), Sums>,
    period: u32,
    times: u32,
) -> Result<Cells, StoreError> {
    let rows = tx.table(table)?;
    let end = (period.saturating_add(1).saturating_mul(times), Who::default());
    let rows = rows.range((period * times, Who::default())..end)?;
    rows.map(|row| row.map(|((_, who), sums)| (who, sums))).collect()
}

/// Reports everybody whose sums differ, and who is in one of the two only.
fn compare(written: &Cells, counted: &Cells, mut report: impl FnMut((Who, Sums, Sums))) {
    let everybody: BTreeSet<&Who> = written.keys().chain(counted.keys()).collect();
    for who in everybody {
        let of = |cells: &Cells| cells.get(who).copied().unwrap_or_default();
        if of(written) != of(counted) {
            report((who.clone(), of(written), of(counted)));
        }
    }
}

impl Check {
    fn add(&mut self, hour: u32, (who, written, counted): (Who, Sums, Sums)) {
        self.faults.push(Fault { hour, who, written, counted });
    }
}
