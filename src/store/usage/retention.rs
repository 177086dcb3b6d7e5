//! Rows go after their time, with what the request log keeps of them; their sums stay.

use omniroute_core::usage::RecordId;
use serde::{Deserialize, Serialize};

use super::{HOUR_MS, ROWS};
use crate::store::{ReadTx, Record, StoreError, Table, WriteTx, requests};

/// How long rows are kept, in days, if nothing else is said. Their sums stay for good.
pub const DEFAULT_DAYS: u32 = 90;

/// Most rows that one change takes out, so that nothing else waits long for the writer.
pub const MOST_AT_ONCE: usize = 2000;

/// What is known of the rows.
const FACTS: Table<String, Kept> = Table::open("usage_facts");

/// The one row of it.
const KEPT: &str = "kept";

/// From when on all rows are there.
#[derive(Serialize, Deserialize)]
struct Kept {
    from_unix_ms: u64,
}

impl Record for Kept {}

/// Returns from when on all rows are kept, in milliseconds since 1970; 0 if none were taken out yet.
///
/// # Errors
///
/// What reading came to.
pub fn rows_from(tx: &ReadTx<'_>) -> Result<u64, StoreError> {
    Ok(tx.table(&FACTS)?.get(&KEPT.to_owned())?.map_or(0, |kept| kept.from_unix_ms))
}

/// The same where rows are being written.
pub(super) fn rows_from_in(tx: &WriteTx<'_>) -> Result<u64, StoreError> {
    Ok(tx.table(&FACTS)?.get(&KEPT.to_owned())?.map_or(0, |kept| kept.from_unix_ms))
}

/// Takes out the oldest rows of before the hour of a time, [`MOST_AT_ONCE`] at most; returns how many.
///
/// # Errors
///
/// What reading and writing came to.
pub fn forget(tx: &WriteTx<'_>, before_unix_ms: u64) -> Result<usize, StoreError> {
    // Whole hours, so that the sums of every hour that is left can be checked against its rows.
    let end = before_unix_ms / HOUR_MS * HOUR_MS;
    let mut rows = tx.table(&ROWS)?;
    let old = rows.keys(..RecordId::at(end))?.take(MOST_AT_ONCE);
    let old: Vec<RecordId> = old.collect::<Result<_, _>>()?;
    for id in &old {
        rows.remove(id)?;
    }
    requests::remove(tx, &old)?;
    let mut facts = tx.table(&FACTS)?;
    let key = KEPT.to_owned();
    let known = facts.get(&key)?.map_or(0, |kept| kept.from_unix_ms);
    if !old.is_empty() && known < end {
        facts.put(&key, &Kept { from_unix_ms: end })?;
    }
    Ok(old.len())
}
