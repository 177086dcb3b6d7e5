//! What leaves the gateway as a file and comes back: copies of the database, archives to share, databases
//! of the existing product.
//!
//! Here files become objects and objects files; what is done with them, and by whom, is the
//! administration's business. Reading a file changes nothing: it gives [`Brought`], which says object by
//! object what can come over.

mod archive;
mod copy;
mod kept;
mod sqlite;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use omniroute_core::snapshot::Snapshot;
use omniroute_core::written::{Kind, StoredObject};
use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::archive::{Contents, to_archive};
use self::archive::{from_archive, is_archive};
pub use self::copy::from_copy;
pub use self::kept::{KeptCopy, SafetyCopies};
use self::sqlite::{from_sqlite, is_sqlite};
use crate::store::backup::is_database;
use crate::store::{MasterKey, Store, StoreError, WriteTx};

/// Largest file that is imported.
pub const MAX_FILE_BYTES: usize = 100 * 1024 * 1024;

/// What opens a file, and what may come out of it.
#[derive(Default)]
pub struct Keys {
    /// The master key of the gateway that made a copy.
    pub master: Option<Zeroizing<String>>,
    /// The existing product's `STORAGE_ENCRYPTION_KEY`.
    pub storage: Option<Zeroizing<String>>,
    /// The passphrase of an archive.
    pub passphrase: Option<Zeroizing<String>>,
    /// Whether providers on one's own network may come over.
    pub allow_private: bool,
}

/// Reads a file of any form that is known; `here` is the configuration it comes to. Blocks.
///
/// # Errors
///
/// Why it cannot be imported.
pub fn read(
    (store, here): (&Store, &Snapshot),
    data_dir: Option<&Path>,
    bytes: &[u8],
    keys: &Keys,
) -> Result<Brought, BackupError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(BackupError::TooLarge);
    }
    if is_database(bytes) {
        let mut file = scratch(data_dir)?;
        file.write_all(bytes)?;
        let key = keys.master.as_ref().map(|key| MasterKey::parsed(key)).transpose()?;
        return from_copy(store, file, key.as_ref());
    }
    if is_archive(bytes) {
        return from_archive(bytes, keys, data_dir);
    }
    if is_sqlite(bytes) {
        return from_sqlite(bytes, keys, here, data_dir);
    }
    let what = "the file is no export of omniroute: neither a database, nor an archive, nor an OmniRoute .sqlite";
    Err(BackupError::File(what.to_owned()))
}

/// What a file brings.
pub struct Brought {
    /// Its form: `omniroute-database`, `omniroute-archive` or `omniroute-sqlite`.
    pub form: &'static str,
    /// Whether it takes the place of what the dashboard has, or is added to it.
    pub extent: Extent,
    /// The dashboard's objects.
    pub objects: Vec<StoredObject>,
    /// Whether stars in the objects stand for secrets that the file does not hold.
    pub has_stars: bool,
    /// What cannot come over, and why.
    pub lines: Vec<Line>,
    /// What else there is to say of objects.
    pub notes: Vec<Note>,
    /// Writes the records of calls, inside the transaction of the whole; returns how many were new.
    pub records: Option<Records>,
}

/// Writes records in a transaction.
pub type Records = Box<dyn FnOnce(&WriteTx<'_>) -> Result<usize, StoreError> + Send>;

/// How far an import goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Objects that it does not have go.
    Replaces,
    /// Objects that it does not have stay.
    Adds,
}

/// What there is to say of an object that could come over.
#[derive(Clone, Debug)]
pub struct Note {
    /// What it is.
    pub kind: Kind,
    /// Its name here.
    pub name: String,
    /// Its name in the file, if that is another.
    pub old: Option<String>,
    /// What to know of it.
    pub text: Option<String>,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is: `account`, `combo`, `setting`, …
    pub kind: &'static str,
    /// Its name, as the file has it.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, or what else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It came over.
    Taken,
    /// It came over under another name, which the note says.
    Renamed,
    /// It did not come over.
    Skipped,
    /// It was here and stays.
    Kept,
}

impl Line {
    /// Makes the line of an object.
    pub fn new(kind: Kind, name: &str, outcome: Outcome, note: impl Into<Option<String>>) -> Self {
        Self { kind: kind.word(), name: name.to_owned(), outcome, note: note.into() }
    }

    /// Says that something did not come over.
    pub fn skipped(kind: &'static str, name: &str, why: impl Into<String>) -> Self {
        Self { kind, name: name.to_owned(), outcome: Outcome::Skipped, note: Some(why.into()) }
    }
}

/// Why a file cannot be imported, or none be made.
#[derive(Debug, Error)]
pub enum BackupError {
    /// It is not what is expected, or not whole.
    #[error("{0}")]
    File(String),
    /// It is larger than any that is imported.
    #[error("the file is larger than {MAX_FILE_BYTES} bytes (100 MB), the limit for imports")]
    TooLarge,
    /// A key or passphrase is missing or wrong.
    #[error("{0}")]
    Locked(String),
    /// The store's.
    #[error(transparent)]
    Store(StoreError),
    /// The disk's.
    #[error("the file cannot be written: {0}")]
    Disk(#[from] io::Error),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotABackup(_) => Self::File(error.to_string()),
            StoreError::MasterKey(what) => Self::Locked(what),
            StoreError::WrongKey { .. } => Self::Locked(
                "the file was sealed with another master key; give that key too: 64 hexadecimal digits or base64, \
                 as `masterKey` in the form or `x-omniroute-master-key` in the headers"
                    .to_owned(),
            ),
            other => Self::Store(other),
        }
    }
}

/// Makes a file without a name that only this user can read and that ends with its last handle. Without a
/// data directory it is made where the system has such files.
///
/// # Errors
///
/// The disk's.
pub fn scratch(data_dir: Option<&Path>) -> io::Result<File> {
    match data_dir {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    }
}
