//! The database file: how it is opened, and how its transactions begin.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageBackend};

use super::StoreError;
use super::error::failed;
use super::seal::Sealer;
use super::tx::{ReadTx, WriteTx};

/// The file in the data directory.
pub const FILE: &str = "omniroute.redb";

/// Memory for pages of the file. Rows are small and mostly written, so more would not be noticed.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Opens the database, also again after its disk failed.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, StoreError> + Send + Sync>;

/// Opens a file, and makes it, mode 0600, if it is not there.
pub(super) fn in_folder(folder: &Path) -> Opener {
    let (folder, path) = (folder.to_owned(), folder.join(FILE));
    Box::new(move || {
        let is_there = path.exists();
        let cannot = |error: std::io::Error| match is_there {
            true => damaged(&path, &error),
            false => StoreError::Folder { folder: folder.clone(), error },
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(cannot)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(cannot)?;
        if file.metadata().map_err(cannot)?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(cannot)?;
        }
        unharmed(&path, || builder().create_with_backend(FileBackend::new(file)?))
    })
}

/// Opens what a backend holds.
pub(super) fn on_backend<B: StorageBackend>(
    make: impl Fn() -> B + Send + Sync + 'static,
) -> Opener {
    let path = PathBuf::from("(not a file)");
    Box::new(move || unharmed(&path, || builder().create_with_backend(make())))
}

/// Opens a file that somebody brought. Every page is checked before anything of it is believed.
pub(super) fn brought(file: File) -> Result<Database, StoreError> {
    let path = PathBuf::from("(an imported file)");
    let opened = unharmed(&path, || {
        let mut builder = builder();
        builder.set_check_integrity_on_open(true);
        builder.create_with_backend(FileBackend::new(file)?)
    });
    opened.map_err(|error| match error {
        StoreError::Damaged { detail, .. } => {
            StoreError::NotABackup(format!("the database in it is damaged ({detail})"))
        }
        other => other,
    })
}

/// Begins to read a file that nobody writes.
pub(super) fn read_only<'store>(
    path: &Path,
    sealer: &'store Sealer,
) -> Result<ReadTx<'store>, StoreError> {
    let database = unharmed(path, || builder().open_read_only(path))?;
    Ok(ReadTx::new(database.begin_read().map_err(failed)?, sealer))
}

/// Makes a database in an empty file.
pub(super) fn fresh(file: File) -> Result<Database, StoreError> {
    let path = PathBuf::from("(a copy)");
    unharmed(&path, || builder().create_with_backend(FileBackend::new(file)?))
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// redb trusts its own file and may panic on one that is damaged.
fn unharmed<T>(
    path: &Path,
    open: impl FnOnce() -> Result<T, DatabaseError>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch)) => {
            Err(StoreError::InUse { path: path.to_owned() })
        }
        Ok(Err(DatabaseError::RepairAborted)) => Err(StoreError::Unavailable(format!(
            "{} was not closed in order; the next start puts that right",
            path.display()
        ))),
        Ok(Err(error)) => Err(damaged(path, &error)),
        Err(_) => Err(damaged(path, &"its pages are not as written")),
    }
}

fn damaged(path: &Path, detail: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), detail: detail.to_string() }
}

/// Begins to write. Commits are durable when they return, in two phases: rows hold text of clients, who
/// must not be able to make half a commit look whole.
pub(super) fn write<'store>(
    database: &Database,
    sealer: &'store Sealer,
) -> Result<WriteTx<'store>, StoreError> {
    let mut raw = database.begin_write().map_err(failed)?;
    raw.set_two_phase_commit(true);
    raw.set_quick_repair(true);
    Ok(WriteTx::new(raw, sealer))
}

/// Begins to read.
pub(super) fn read<'store>(
    database: &Database,
    sealer: &'store Sealer,
) -> Result<ReadTx<'store>, StoreError> {
    Ok(ReadTx::new(database.begin_read().map_err(failed)?, sealer))
}
