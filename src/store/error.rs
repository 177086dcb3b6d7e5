//! What can go wrong with the store.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the store did not do it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The data directory cannot be made or used.
    #[error("the data directory {} cannot be used: {error}; make it a folder with room in which this user may write, or choose another with --data-dir", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Another process has the database.
    #[error("{} is in use by another omniroute; stop that one, take its place with `omniroute run --upgrade`, or choose another folder with --data-dir", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file is there but cannot be opened.
    #[error("the database {} cannot be opened: {detail}; put a backup in its place, or move it away to begin with an empty one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A later version of the program wrote the file.
    #[error(
        "the database is of version {found}, this program knows {known} at most; start the newer omniroute, or put a backup in its place"
    )]
    Newer {
        /// The file's version.
        found: u32,
        /// The latest version known here.
        known: u32,
    },
    /// The master key is not the one the database was made with.
    #[error(
        "the master key ({source_name}) is not the one this database was sealed with; give the right one: nothing in it can be read with this"
    )]
    WrongKey {
        /// Where the key came from.
        source_name: String,
    },
    /// A file that was given to be imported is none of ours, or not whole.
    #[error("the file cannot be imported: {0}")]
    NotABackup(String),
    /// The master key cannot be had.
    #[error("{0}")]
    MasterKey(String),
    /// The database is not open at the moment.
    #[error("the database is not available at the moment: {0}")]
    Unavailable(String),
    /// Another process has the database.
    #[error("a new process of the gateway is taking over; try again in a second")]
    Lent,
    /// Too many changes wait already.
    #[error("{waiting} changes wait to be written already; try again")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// A row cannot be read.
    #[error("a row of the table `{table}` cannot be read: {detail}")]
    Row {
        /// The table.
        table: &'static str,
        /// What is wrong with it, without its content.
        detail: String,
    },
    /// A question that the kept records cannot answer.
    #[error("{0}")]
    Question(String),
    /// The disk or the database failed.
    #[error("the database failed: {0}")]
    Failed(#[from] redb::Error),
    /// Files beside the database failed.
    #[error("{0}")]
    File(#[from] io::Error),
}

/// Shortens `map_err` for the many error types of redb.
pub(super) fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Failed(error.into())
}
