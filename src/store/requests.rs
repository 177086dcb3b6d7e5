//! What the request log keeps besides the rows of usage: where each call came from and whom it failed at, and,
//! apart from that and for a short time, its bodies. Both are sealed: prompts and providers' words are nobody's
//! who only has the file.
//!
//! The keys are the rows' ids, and everything is written in the rows' own transaction. A row without a log is a
//! call that was not logged, or whose log was purged; the row itself, and with it every sum, stays.

use omniroute_core::usage::{Bodies, CallLog, RecordId};

use super::{ReadTx, Record, RowsMut, StoreError, Table, WriteTx};

/// By the ids of rows.
const LOGS: Table<RecordId, CallLog> = Table::sealed("sealed/request_log");

/// By the ids of rows. Left out of every copy of the database.
pub(super) const BODIES: Table<RecordId, Bodies> = Table::sealed("sealed/request_bodies");

/// Most rows that one change takes out, so that nothing else waits long for the writer.
pub const MOST_AT_ONCE: usize = 2000;

impl Record for CallLog {
    fn write_json(&self, bytes: &mut Vec<u8>) -> Result<(), String> {
        self.write_row(bytes);
        Ok(())
    }
}

impl Record for Bodies {}

/// What a purge takes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All that is kept of calls besides their rows.
    Everything,
    /// Bodies only.
    Bodies,
}

/// How much was taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Calls whose log went.
    pub logs: usize,
    /// Calls whose bodies went.
    pub bodies: usize,
}

/// Writes what is kept of calls, whose ids rise; of bodies only as many as the newest of them says.
pub(super) fn insert(tx: &WriteTx<'_>, logged: &[(RecordId, &CallLog)]) -> Result<(), StoreError> {
    if logged.is_empty() {
        return Ok(());
    }
    let mut logs = tx.table(&LOGS)?;
    let newest = logs.last_key()?;
    let late = logged.partition_point(|(id, _)| Some(*id) <= newest);
    for (id, log) in &logged[..late] {
        logs.put(id, log)?;
    }
    logs.append(logged[late..].iter().copied())?;
    let with_bodies: Vec<(RecordId, &Bodies)> =
        logged.iter().filter_map(|(id, log)| Some((*id, log.bodies.as_ref()?))).collect();
    let Some((_, newest)) = with_bodies.last() else { return Ok(()) };
    let mut bodies = tx.table(&BODIES)?;
    for (id, kept) in &with_bodies {
        bodies.put(id, kept)?;
    }
    let surplus = bodies.count()?.saturating_sub(newest.max_entries);
    let surplus = usize::try_from(surplus).unwrap_or(usize::MAX).min(MOST_AT_ONCE);
    take_out(&mut bodies, RecordId::at(u64::MAX), surplus)?;
    Ok(())
}

/// Takes out what is kept of these calls.
pub(super) fn remove(tx: &WriteTx<'_>, ids: &[RecordId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let (mut logs, mut bodies) = (tx.table(&LOGS)?, tx.table(&BODIES)?);
    for id in ids {
        logs.remove(id)?;
        bodies.remove(id)?;
    }
    Ok(())
}

/// Returns what is kept of a call besides its row, without bodies.
///
/// # Errors
///
/// What reading came to.
pub fn log(tx: &ReadTx<'_>, id: RecordId) -> Result<Option<CallLog>, StoreError> {
    tx.table(&LOGS)?.get(&id)
}

/// Returns the bodies of a call, if they are kept.
///
/// # Errors
///
/// What reading came to.
pub fn bodies(tx: &ReadTx<'_>, id: RecordId) -> Result<Option<Bodies>, StoreError> {
    tx.table(&BODIES)?.get(&id)
}

/// Tells whether the bodies of a call are kept.
///
/// # Errors
///
/// What reading came to.
pub fn has_bodies(tx: &ReadTx<'_>, id: RecordId) -> Result<bool, StoreError> {
    tx.table(&BODIES)?.has(&id)
}

/// Tells whether bodies are kept of calls that ended before a time.
///
/// # Errors
///
/// What reading came to.
pub fn has_older_bodies(tx: &ReadTx<'_>, before_unix_ms: u64) -> Result<bool, StoreError> {
    let oldest = tx.table(&BODIES)?.keys(..RecordId::at(before_unix_ms))?.next().transpose();
    Ok(oldest?.is_some())
}

/// Takes out the bodies of calls that ended before a time, [`MOST_AT_ONCE`] at most; returns how many.
///
/// # Errors
///
/// What reading and writing came to.
pub fn forget_bodies(tx: &WriteTx<'_>, before_unix_ms: u64) -> Result<usize, StoreError> {
    take_out(&mut tx.table(&BODIES)?, RecordId::at(before_unix_ms), MOST_AT_ONCE)
}

/// Takes out what is kept of calls that ended before a time, [`MOST_AT_ONCE`] of each kind at most.
///
/// # Errors
///
/// What reading and writing came to.
pub fn purge(tx: &WriteTx<'_>, extent: Extent, before_unix_ms: u64) -> Result<Purged, StoreError> {
    let bodies = forget_bodies(tx, before_unix_ms)?;
    let logs = match extent {
        Extent::Bodies => 0,
        Extent::Everything => {
            take_out(&mut tx.table(&LOGS)?, RecordId::at(before_unix_ms), MOST_AT_ONCE)?
        }
    };
    Ok(Purged { logs, bodies })
}

/// Takes out the first rows below an id.
fn take_out<V: Record>(
    rows: &mut RowsMut<'_, RecordId, V>,
    below: RecordId,
    most: usize,
) -> Result<usize, StoreError> {
    let first: Vec<RecordId> = rows.keys(..below)?.take(most).collect::<Result<_, _>>()?;
    for id in &first {
        rows.remove(id)?;
    }
    Ok(first.len())
}
