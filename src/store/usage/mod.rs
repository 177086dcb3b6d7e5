//! Records of calls and their sums: by hour and by day, for every provider, account, model, client key
//! and combo.
//!
//! Sums are written in the transaction that writes the rows, so they always add up; each row counts once,
//! known by its id, however often it is handed over.

mod check;
mod export;
mod page;
mod question;
mod retention;
mod sums;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use omniroute_core::usage::{RecordId, UsageRecord};

pub use self::check::{Check, Fault, check};
pub use self::export::{Export, Form};
pub use self::page::{Listing, MAX_PAGE, Page, page};
pub use self::question::{Answer, By, Filter, Group, Question, Span, Step, ask, spent};
pub use self::retention::{DEFAULT_DAYS, MOST_AT_ONCE, forget, rows_from};
use self::sums::{Parts, parts_of};
pub use self::sums::{Sums, Who};
use super::{ReadTx, Record, StoreError, Table, WriteTx, requests};

/// Every call, by its id: in the order in which they ended.
const ROWS: Table<RecordId, UsageRecord> = Table::open("usage_rows");

/// Sums by whole hours and by whole days since 1970, UTC.
const HOURS: Table<(u32, Who), Sums> = Table::open("usage_hours");
const DAYS: Table<(u32, Who), Sums> = Table::open("usage_days");

/// Milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

/// Hours of a day.
const DAY_HOURS: u32 = 24;

impl Record for UsageRecord {
    fn write_json(&self, bytes: &mut Vec<u8>) -> Result<(), String> {
        self.write_row(bytes);
        Ok(())
    }
}

/// Returns the hour of a time, counted from 1970.
fn hour(unix_ms: u64) -> u32 {
    u32::try_from(unix_ms / HOUR_MS).unwrap_or(u32::MAX)
}

/// Writes rows that are not there yet, with what the request log keeps of them, and adds them to the sums;
/// returns how many were new.
pub(super) fn insert(tx: &WriteTx<'_>, records: &[UsageRecord]) -> Result<usize, StoreError> {
    let mut records: Vec<&UsageRecord> = records.iter().collect();
    // Of records with one id the one that came first counts.
    records.sort_by_key(|record| record.id);
    records.dedup_by_key(|record| record.id);

    let mut rows = tx.table(&ROWS)?;
    // Beyond the newest row none is there yet. Below it there are few: records come nearly in order.
    let newest = rows.last_key()?;
    let late = records.partition_point(|record| Some(record.id) <= newest);
    let mut new = Vec::with_capacity(records.len());
    for record in &records[..late] {
        if !rows.has(&record.id)? {
            rows.put(&record.id, record)?;
            new.push(*record);
        }
    }
    rows.append(records[late..].iter().map(|record| (record.id, *record)))?;
    new.extend(&records[late..]);

    add_up(tx, &new)?;
    let logged = new.iter().filter_map(|record| Some((record.id, record.log.as_deref()?)));
    requests::insert(tx, &logged.collect::<Vec<_>>())?;
    Ok(new.len())
}

/// Adds calls to the sums of their hours and days.
fn add_up(tx: &WriteTx<'_>, records: &[&UsageRecord]) -> Result<(), StoreError> {
    let mut by_hour = BTreeMap::<(u32, Parts<'_>), Sums>::new();
    for record in records {
        let cell = (hour(record.ended_unix_ms()), parts_of(record));
        by_hour.entry(cell).or_default().add(&Sums::of(record));
    }
    let (mut hours, mut days) = (tx.table(&HOURS)?, tx.table(&DAYS)?);
    for ((hour, parts), new) in by_hour {
        let mut who = Who::from(parts);
        for (table, period) in [(&mut hours, hour), (&mut days, hour / DAY_HOURS)] {
            let cell = (period, who);
            let mut sums = table.get(&cell)?.unwrap_or_default();
            sums.add(&new);
            table.put(&cell, &sums)?;
            who = cell.1;
        }
    }
    Ok(())
}

/// Takes rows in from elsewhere: those that are not there and that retention has not taken out, since their
/// sums are still counted. Returns how many were new.
///
/// # Errors
///
/// What reading and writing came to.
pub fn take_in(tx: &WriteTx<'_>, mut records: Vec<UsageRecord>) -> Result<usize, StoreError> {
    let from = retention::rows_from_in(tx)?;
    records.retain(|record| record.ended_unix_ms() >= from);
    insert(tx, &records)
}

/// Hands every row on, the oldest first, at most so many at once.
///
/// # Errors
///
/// What reading came to, or what `work` returns.
pub fn each(
    tx: &ReadTx<'_>,
    at_once: usize,
    mut work: impl FnMut(Vec<UsageRecord>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let rows = tx.table(&ROWS)?;
    let mut records = Vec::new();
    for row in rows.range(..)? {
        records.push(row?.1);
        if records.len() == at_once {
            work(std::mem::take(&mut records))?;
        }
    }
    if records.is_empty() { Ok(()) } else { work(records) }
}

/// Returns every row; for tests.
#[cfg(test)]
pub(super) fn all_rows(tx: &ReadTx<'_>) -> Result<Vec<UsageRecord>, StoreError> {
    tx.table(&ROWS)?.range(..)?.map(|row| row.map(|(_, record)| record)).collect()
}
