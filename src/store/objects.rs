//! What the dashboard keeps, and the generations of the configuration.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use omniroute_core::money::Nanodollars;
use omniroute_core::snapshot::ConfigFile;
use omniroute_core::written::{Kind, StoredObject};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::seal::Sealer;
use super::{
    FILE, MasterKey, ReadTx, Record, Store, StoreError, Table, WriteTx, file, secrets, usage,
};
use crate::live::{Archive, Generation, HeldFile, Remembered};

/// Generations that are kept to go back to.
pub const KEPT_GENERATIONS: usize = 10;

/// By kind and name.
const OBJECTS: Table<(String, String), ObjectRecord> = Table::sealed("sealed/objects");

/// By number.
const GENERATIONS: Table<u64, GenerationRecord> = Table::sealed("sealed/generations");

/// The one held file, under [`HELD_KEY`].
const HELD: Table<String, HeldRecord> = Table::sealed("sealed/held_file");

const HELD_KEY: &str = "file";

#[derive(Serialize, Deserialize)]
struct ObjectRecord {
    value: Value,
    since: u64,
}

impl Record for ObjectRecord {}

#[derive(Serialize, Deserialize)]
struct GenerationRecord {
    at_ms: u64,
    file: Option<FileRecord>,
    objects: Vec<(String, String, ObjectRecord)>,
    changes: Vec<String>,
}

impl Record for GenerationRecord {}

#[derive(Serialize, Deserialize)]
struct FileRecord {
    name: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct HeldRecord {
    replaces: [u8; 32],
    file: FileRecord,
}

impl Record for HeldRecord {}

impl Store {
    /// Returns what a starting gateway has to know. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn remembered(&self) -> Result<Remembered, StoreError> {
        self.read(remembered)
    }

    /// Returns the same of a data directory whose database nobody has open, and the secret of a purpose if it
    /// was made. Changes nothing.
    ///
    /// # Errors
    ///
    /// Why the database cannot be read; [`StoreError::InUse`] if a gateway has it.
    pub fn look_into(
        folder: &Path,
        master: &MasterKey,
        purpose: &str,
    ) -> Result<(Remembered, Option<[u8; 32]>), StoreError> {
        let sealer = Sealer::new(master);
        let tx = file::read_only(&folder.join(FILE), &sealer)?;
        Ok((remembered(&tx)?, secrets::known(&tx, purpose)?))
    }

    /// Returns the generations that are kept, the newest first.
    ///
    /// # Errors
    ///
    /// As [`Store::view`].
    pub async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        self.view(|tx| generations(tx, KEPT_GENERATIONS)).await
    }
}

fn remembered(tx: &ReadTx<'_>) -> Result<Remembered, StoreError> {
    Ok(Remembered {
        objects: objects(tx)?,
        held: held(tx)?,
        newest: generations(tx, 1)?.into_iter().next(),
    })
}

/// Writes what the dashboard keeps from now on, and the generation that this makes.
///
/// # Errors
///
/// As for any table.
pub fn keep(
    tx: &WriteTx<'_>,
    generation: &Generation,
    held: Option<&HeldFile>,
) -> Result<(), StoreError> {
    let mut objects = tx.table(&OBJECTS)?;
    let rows = objects.range(..)?;
    let mut gone = rows.map(|row| Ok(row?.0)).collect::<Result<Vec<_>, StoreError>>()?;
    for object in &generation.objects {
        let key = key(object);
        objects.put(&key, &record(object))?;
        gone.retain(|other| *other != key);
    }
    for key in gone {
        objects.remove(&key)?;
    }
    let mut kept = tx.table(&HELD)?;
    match held {
        Some(held) => {
            let file = file_record(&held.file);
            kept.put(&HELD_KEY.to_owned(), &HeldRecord { replaces: held.replaces, file })?;
        }
        None => {
            kept.remove(&HELD_KEY.to_owned())?;
        }
    }
    keep_generation(tx, generation)
}

fn keep_generation(tx: &WriteTx<'_>, generation: &Generation) -> Result<(), StoreError> {
    let mut generations = tx.table(&GENERATIONS)?;
    let at_ms = generation.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let objects = generation.objects.iter().map(|object| {
        let (kind, name) = key(object);
        (kind, name, record(object))
    });
    let record = GenerationRecord {
        at_ms: u64::try_from(at_ms).unwrap_or(u64::MAX),
        file: generation.file.as_ref().map(file_record),
        objects: objects.collect(),
        changes: generation.changes.clone(),
    };
    generations.put(&generation.number, &record)?;
    let rows = generations.range(..)?;
    let numbers = rows.map(|row| Ok(row?.0)).collect::<Result<Vec<_>, StoreError>>()?;
    let too_many = numbers.len().saturating_sub(KEPT_GENERATIONS);
    for number in &numbers[..too_many] {
        generations.remove(number)?;
    }
    Ok(())
}

/// Generations of the file are kept without anybody waiting for it.
impl Archive for Store {
    fn keep(&self, generation: &Generation) {
        let (store, generation) = (self.clone(), generation.clone());
        let number = generation.number;
        let kept = store.write_blocking(move |tx| keep_generation(tx, &generation));
        if let Err(error) = kept {
            tracing::warn!(%error, number, "this generation cannot be gone back to");
        }
    }

    fn spent(&self, client_key: &str, span: Range<u64>) -> Option<Nanodollars> {
        let spent = self.flush().and_then(|()| {
            let (from, until) = (span.start, span.end);
            self.read(|tx| usage::spent(tx, client_key, usage::Span { from, until }))
        });
        let logged = spent.inspect_err(|error| {
            tracing::warn!(%error, client_key, "a new budget begins without what was spent before");
        });
        logged.ok()
    }
}

pub(super) fn objects(tx: &ReadTx<'_>) -> Result<Vec<StoredObject>, StoreError> {
    let table = tx.table(&OBJECTS)?;
    let objects = table.range(..)?.map(|row| {
        let ((kind, name), record) = row?;
        object(&kind, &name, record)
    });
    let mut objects = objects.collect::<Result<Vec<_>, _>>()?;
    StoredObject::put_in_order(&mut objects);
    Ok(objects)
}

/// Returns the newest generations, at most so many, the newest first.
pub(super) fn generations(tx: &ReadTx<'_>, most: usize) -> Result<Vec<Generation>, StoreError> {
    let table = tx.table(&GENERATIONS)?;
    let mut generations = Vec::new();
    for row in table.range(..)?.rev().take(most) {
        let (number, record) = row?;
        let objects = record.objects.into_iter();
        generations.push(Generation {
            number,
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(record.at_ms),
            file: record.file.map(file),
            objects: objects
                .map(|(kind, name, record)| object(&kind, &name, record))
                .collect::<Result<_, _>>()?,
            changes: record.changes,
        });
    }
    Ok(generations)
}

fn held(tx: &ReadTx<'_>) -> Result<Option<HeldFile>, StoreError> {
    let held = tx.table(&HELD)?.get(&HELD_KEY.to_owned())?;
    Ok(held.map(|held| HeldFile { replaces: held.replaces, file: file(held.file) }))
}

fn object(kind: &str, name: &str, record: ObjectRecord) -> Result<StoredObject, StoreError> {
    let detail = || format!("there is no kind of objects named `{kind}`");
    let kind = Kind::named(kind)
        .ok_or_else(|| StoreError::Row { table: OBJECTS.name(), detail: detail() })?;
    Ok(StoredObject { kind, name: name.into(), value: record.value, since: record.since })
}

fn key(object: &StoredObject) -> (String, String) {
    (object.kind.word().to_owned(), object.name.to_string())
}

fn record(object: &StoredObject) -> ObjectRecord {
    ObjectRecord { value: object.value.clone(), since: object.since }
}

fn file_record(file: &ConfigFile) -> FileRecord {
    FileRecord { name: file.name.clone(), text: file.text.clone() }
}

fn file(record: FileRecord) -> ConfigFile {
    ConfigFile { name: record.name, text: record.text }
}
