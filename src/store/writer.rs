//! The thread that owns all write transactions.
//!
//! It commits records in batches and runs changes one by one, each in a transaction of its own, so that
//! one that fails takes nothing else with it. When the disk fails it closes the database, spills what
//! comes, and tries to open it again every second; what was spilled is then taken in, once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::{fs, io};

use omniroute_core::usage::UsageRecord;
use redb::Database;

use super::inner::Inner;
use super::queue::BATCH;
use super::seal::Sealer;
use super::spill::Records;
use super::tx::WriteTx;
use super::{StoreError, file, meta, usage};

/// Between two tries to open a database whose disk failed.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What a caller wants done.
pub(super) enum Change {
    /// A change; it sends its result itself.
    Write(Write),
    /// To know when everything recorded before is kept.
    Flush(SyncSender<Result<(), StoreError>>),
    /// To have the database closed for another process, once everything recorded before is in it.
    Lend(SyncSender<Result<(), StoreError>>),
    /// To have taken in what another process spilled.
    TakeIn,
}

/// Makes a change in the database, or hears why it is not there.
pub(super) type Write = Box<dyn FnOnce(Result<(&Database, &Sealer), StoreError>) -> Made + Send>;

/// What came of a change.
pub(super) enum Made {
    /// It is on the disk.
    Committed,
    /// Nothing was written, and nothing is wrong with the database.
    Nothing,
    /// The database broke, by this.
    Broke(String),
}

/// Turns a closure into a change; `reply` gets what it came to.
pub(super) fn change<R, E: From<StoreError>>(
    work: impl FnOnce(&WriteTx<'_>) -> Result<R, E> + Send + 'static,
    reply: impl FnOnce(Result<R, E>) + Send + 'static,
) -> Change {
    Change::Write(Box::new(move |place| {
        let mut broke = None;
        let mut ours = |error: StoreError| {
            if let StoreError::Failed(error) = &error {
                broke = Some(error.to_string());
            }
            E::from(error)
        };
        let result = match place {
            Err(error) => Err(E::from(error)),
            Ok((database, sealer)) => match file::write(database, sealer) {
                Err(error) => Err(ours(error)),
                Ok(tx) => match catch_unwind(AssertUnwindSafe(|| work(&tx))) {
                    Ok(Ok(value)) => tx.commit().map(|()| value).map_err(&mut ours),
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(E::from(StoreError::Unavailable(
                        "the change failed inside the program; nothing was written".to_owned(),
                    ))),
                },
            },
        };
        let made = match (broke, &result) {
            (Some(why), _) => Made::Broke(why),
            (None, Ok(_)) => Made::Committed,
            (None, Err(_)) => Made::Nothing,
        };
        reply(result);
        made
    }))
}

/// Writes until the queue ends.
pub(super) fn run(inner: &Arc<Inner>) {
    loop {
        let away = inner.database().is_err() && !inner.is_lent();
        let work = inner.queue.next(away.then_some(BETWEEN_TRIES));
        if away {
            reopen(inner);
        }
        if inner.has_spilled() && inner.database().is_ok() {
            fetch(inner);
        }
        keep(inner, work.records);
        for change in work.changes {
            match change {
                Change::Flush(reply) => {
                    // Whoever asked may have stopped waiting.
                    drop(reply.send(flush(inner)));
                }
                Change::Lend(reply) => drop(reply.send(lend(inner))),
                Change::TakeIn if inner.database().is_ok() => fetch(inner),
                Change::TakeIn => {}
                Change::Write(write) => make(inner, write),
            }
        }
        if work.ended {
            if let Err(error) = flush(inner) {
                tracing::error!(%error, "records of usage are lost");
            }
            inner.close();
            return;
        }
    }
}

/// Spills the oldest records when too many wait: the writer is stuck in the disk.
pub(super) fn relieve(inner: &Arc<Inner>) {
    while let Some(mut records) = inner.queue.surplus() {
        inner.queue.lose_bodies(&mut records);
        if !spill(inner, &records) {
            inner.queue.put_back(records);
        }
    }
}

fn make(inner: &Inner, write: Write) {
    let database = inner.database();
    let place = database.as_ref().map(|database| (&**database, &inner.sealer));
    let place = place.map_err(|error| match error {
        StoreError::Lent => StoreError::Lent,
        other => StoreError::Unavailable(other.to_string()),
    });
    match write(place) {
        Made::Committed => inner.committed(),
        Made::Nothing => {}
        Made::Broke(why) => {
            drop(database);
            inner.fail(&why);
        }
    }
}

/// Keeps records: in the database, else in the spill, else in the queue.
fn keep(inner: &Inner, mut records: Vec<UsageRecord>) -> bool {
    if records.is_empty() {
        return true;
    }
    match commit(inner, &records) {
        Ok(()) => true,
        Err(error) => {
            if !matches!(error, StoreError::Unavailable(_) | StoreError::Lent) {
                inner.fail(&error.to_string());
            }
            inner.queue.lose_bodies(&mut records);
            let is_spilled = spill(inner, &records);
            if !is_spilled {
                inner.queue.put_back(records);
            }
            is_spilled
        }
    }
}

fn flush(inner: &Inner) -> Result<(), StoreError> {
    if inner.database().is_err() && !inner.is_lent() {
        reopen(inner);
    }
    loop {
        let records = inner.queue.more();
        if records.is_empty() {
            return Ok(());
        }
        if !keep(inner, records) {
            let (waiting, ..) = inner.queue.counts();
            return Err(StoreError::Unavailable(format!("{waiting} records wait for a disk")));
        }
    }
}

fn lend(inner: &Inner) -> Result<(), StoreError> {
    flush(inner)?;
    // What is spilled belongs into the database before another process looks for it.
    inner.database()?;
    take_in(inner)?;
    inner.lend();
    Ok(())
}

fn commit(inner: &Inner, records: &[UsageRecord]) -> Result<(), StoreError> {
    let database = inner.database()?;
    let tx = file::write(&database, &inner.sealer)?;
    usage::insert(&tx, records)?;
    tx.commit()?;
    inner.committed();
    Ok(())
}

fn spill(inner: &Inner, records: &[UsageRecord]) -> bool {
    let Some(mut spill) = inner.spill() else { return false };
    let spilled = if inner.is_lent() { spill.append_apart(records) } else { spill.append(records) };
    match spilled {
        Ok(()) => {
            inner.spilled(records.len());
            true
        }
        Err(error) => {
            inner.complain(&format!("records cannot be spilled either: {error}"));
            false
        }
    }
}

/// Opens the database again, checks that it is still ours, and takes in what was spilled.
fn reopen(inner: &Inner) {
    let opened = (inner.opener)().and_then(|database| {
        meta::settle(&database, &inner.sealer, meta::MIGRATIONS)?;
        Ok(database)
    });
    match opened {
        Ok(database) => {
            inner.open(database);
            tracing::info!("the database is open again");
            fetch(inner);
        }
        Err(error) => inner.complain(&error.to_string()),
    }
}

/// Takes spilled records in. A spill that cannot be read stays for the next start.
pub(super) fn fetch(inner: &Inner) {
    match take_in(inner) {
        Ok(()) => {}
        Err(error @ StoreError::Failed(_)) => inner.fail(&error.to_string()),
        Err(error) => {
            tracing::error!(%error, "spilled records cannot be taken in; the next start tries again")
        }
    }
}

fn take_in(inner: &Inner) -> Result<(), StoreError> {
    let Some(mut spill) = inner.spill() else { return Ok(()) };
    inner.nothing_spilled();
    let segments = spill.segments()?;
    for path in &segments {
        let mut records = Records::of(path)?;
        loop {
            let batch = records.next(BATCH)?;
            if batch.is_empty() {
                break;
            }
            commit(inner, &batch)?;
            tracing::info!(records = batch.len(), "spilled records were taken in");
        }
        if records.torn {
            tracing::warn!(path = %path.display(), "a spill file ends in the middle of a record");
        }
        remove(path)?;
    }
    Ok(())
}

fn remove(path: &std::path::Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
