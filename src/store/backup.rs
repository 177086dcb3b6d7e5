//! Copies of the whole database, made while it is written, and read again as strangers.
//!
//! A copy is a database of the same form: put in the place of `omniroute.redb` beside the same master key it
//! serves as it is. It is made in one read transaction, so it is the state of one moment, and the writer
//! waits for nothing. What was sealed stays sealed. Bodies of requests are not in it.

use std::fs::File;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use omniroute_core::usage::UsageRecord;
use omniroute_core::written::{Kind, StoredObject};
use redb::{Database, ReadableTable, TableDefinition, TableHandle};
use serde::{Deserialize, Serialize};

use super::error::failed;
use super::seal::Sealer;
use super::{MasterKey, ReadTx, Record, Store, StoreError, Table, WriteTx};
use super::{file, meta, objects, requests, secrets, usage};

/// The version of what a copy says of itself.
const FORMAT: u32 = 1;

/// What a copy says of itself, under [`ABOUT_KEY`].
const ABOUT: Table<String, Manifest> = Table::open("backup");

const ABOUT_KEY: &str = "manifest";

/// What a database file of redb begins with.
const MAGIC: &[u8] = b"redb";

/// What a copy says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of this list.
    pub format: u32,
    /// The version of the program.
    pub version: String,
    /// The generation of the configuration that was in force.
    pub generation: u64,
    /// When it was made, in milliseconds since 1970.
    pub made_at_ms: u64,
    /// Why it was made: `export`, `manual`, `pre-import`, `pre-restore`.
    pub reason: String,
    /// What the dashboard had.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Record for Manifest {}

/// How many objects there are, by the names that the existing product has for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Accounts.
    pub connection_count: usize,
    /// Providers.
    pub node_count: usize,
    /// Combos.
    pub combo_count: usize,
    /// Client keys.
    pub api_key_count: usize,
}

impl Counts {
    /// Counts objects.
    pub fn of(objects: &[StoredObject]) -> Self {
        let of = |kind| objects.iter().filter(|object| object.kind == kind).count();
        Self {
            connection_count: of(Kind::Account),
            node_count: of(Kind::Provider),
            combo_count: of(Kind::Combo),
            api_key_count: of(Kind::ClientKey),
        }
    }
}

/// Tells whether a file looks like a database of redb.
pub fn is_database(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

impl Store {
    /// Copies the database of this moment into an empty file. Blocks; changes go on meanwhile.
    ///
    /// # Errors
    ///
    /// Why it cannot be read or written.
    pub fn copy(&self, to: File, reason: &str, at: SystemTime) -> Result<Manifest, StoreError> {
        let synced = to.try_clone()?;
        let manifest = self.read(|from| copy(from, to, &self.inner.sealer, (reason, at)))?;
        synced.sync_all()?;
        Ok(manifest)
    }

    /// Returns what a copy of this gateway's own says of itself, without checking the rest of it.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    pub fn manifest_of(&self, path: &Path) -> Result<Option<Manifest>, StoreError> {
        let tx = file::read_only(path, &self.inner.sealer)?;
        tx.table(&ABOUT)?.get(&ABOUT_KEY.to_owned())
    }

    /// Opens a copy that somebody brought, sealed with the master key of this store or with another.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotABackup`]; [`StoreError::WrongKey`] if it was sealed with neither.
    pub fn open_copy(&self, file: File, key: Option<&MasterKey>) -> Result<Copy, StoreError> {
        let own = self.inner.sealer.clone();
        Copy::open(file, key.map_or(own, Sealer::new))
    }
}

fn copy(
    from: &ReadTx<'_>,
    to: File,
    sealer: &Sealer,
    (reason, at): (&str, SystemTime),
) -> Result<Manifest, StoreError> {
    let newest = objects::generations(from, 1)?.into_iter().next();
    let made_at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        generation: newest.map_or(0, |newest| newest.number),
        made_at_ms: omniroute_core::clock::millis(made_at),
        reason: reason.to_owned(),
        counts: Counts::of(&objects::objects(from)?),
    };
    let database = file::fresh(to)?;
    let tx = file::write(&database, sealer)?;
    copy_tables(from, &tx)?;
    tx.table(&ABOUT)?.put(&ABOUT_KEY.to_owned(), &manifest)?;
    tx.commit()?;
    database.close().map_err(failed)?;
    Ok(manifest)
}

fn copy_tables(from: &ReadTx<'_>, to: &WriteTx<'_>) -> Result<(), StoreError> {
    for table in from.raw().list_tables().map_err(failed)? {
        // Prompts and answers never leave as a file, not even sealed.
        if table.name() == requests::BODIES.name() {
            continue;
        }
        let definition = TableDefinition::<&[u8], &[u8]>::new(table.name());
        let rows = from.raw().open_table(definition).map_err(failed)?;
        let mut copied = to.raw().open_table(definition).map_err(failed)?;
        for row in rows.iter().map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            copied.insert(key.value(), value.value()).map_err(failed)?;
        }
    }
    Ok(())
}

/// A copy of a database, of this gateway or another, that was checked and can be read.
pub struct Copy {
    database: Database,
    sealer: Sealer,
}

impl Copy {
    fn open(file: File, sealer: Sealer) -> Result<Self, StoreError> {
        let database = file::brought(file)?;
        meta::is_ours(&database, &sealer)?;
        meta::settle(&database, &sealer, meta::MIGRATIONS)?;
        Ok(Self { database, sealer })
    }

    /// Returns what it says of itself; `None` if it is a database that served, not a copy.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    pub fn manifest(&self) -> Result<Option<Manifest>, StoreError> {
        self.look(|tx| tx.table(&ABOUT)?.get(&ABOUT_KEY.to_owned()))
    }

    /// Returns what the dashboard kept.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    pub fn objects(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.look(objects::objects)
    }

    /// Returns the secret of a purpose, if that gateway had made it.
    ///
    /// # Errors
    ///
    /// That it cannot be read.
    pub fn secret(&self, purpose: &str) -> Result<Option<[u8; 32]>, StoreError> {
        self.look(|tx| secrets::known(tx, purpose))
    }

    /// Hands the records of calls on, the oldest first, at most so many at once.
    ///
    /// # Errors
    ///
    /// That they cannot be read, or what `work` returns.
    pub fn each_record(
        &self,
        at_once: usize,
        mut work: impl FnMut(Vec<UsageRecord>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut elsewhere = None;
        let read = self.look(|tx| {
            usage::each(tx, at_once, |records| {
                work(records).map_err(|error| {
                    elsewhere = Some(error);
                    StoreError::NotABackup("its records were not wanted".to_owned())
                })
            })
        });
        elsewhere.map_or(read, Err)
    }

    /// Whatever fails in a brought file is the file's fault, not the disk's: the store must stay open.
    pub(super) fn look<R>(
        &self,
        look: impl FnOnce(&ReadTx<'_>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let read = file::read(&self.database, &self.sealer).and_then(|tx| look(&tx));
        read.map_err(|error| match error {
            StoreError::Row { .. } | StoreError::Failed(_) => {
                StoreError::NotABackup(error.to_string())
            }
            other => other,
        })
    }
}
