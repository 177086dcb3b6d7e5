//! Safety copies: the database as it was before something large happened to it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::BackupError;
use crate::store::Store;
use crate::store::backup::Manifest;

/// Their folder in the data directory.
const FOLDER: &str = "db_backups";

/// How many are kept.
const MOST: usize = 20;

/// How much room they may take together. The newest stays whatever it takes.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;

/// What their names begin and end with.
const START: &str = "db_";
const END: &str = ".redb";

/// The safety copies of a data directory.
pub struct SafetyCopies {
    folder: PathBuf,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCopy {
    /// Its file name, which is also its id. Names sort by time.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

impl SafetyCopies {
    /// Takes those of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER) }
    }

    /// Makes one, mode 0600, and takes out the oldest when there are too many. Blocks.
    ///
    /// # Errors
    ///
    /// Why there is none now.
    pub fn make(
        &self,
        store: &Store,
        reason: &str,
        at: SystemTime,
    ) -> Result<(KeptCopy, Manifest), BackupError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let draft = NamedTempFile::new_in(&self.folder)?;
        let manifest = store.copy(draft.as_file().try_clone()?, reason, at)?;
        let name = self.free_name(reason, at);
        let path = self.folder.join(&name);
        draft.persist_noclobber(&path).map_err(|error| error.error)?;
        fs::File::open(&self.folder)?.sync_all()?;
        let bytes = fs::metadata(&path)?.len();
        self.tidy()?;
        Ok((KeptCopy { name, path, bytes }, manifest))
    }

    /// Lists them, the newest first.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub fn list(&self) -> Result<Vec<KeptCopy>, BackupError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut copies = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with(START) && name.ends_with(END) {
                let (path, bytes) = (entry.path(), entry.metadata()?.len());
                copies.push(KeptCopy { name, path, bytes });
            }
        }
        copies.sort_unstable_by(|a, b| b.name.cmp(&a.name));
        Ok(copies)
    }

    /// Finds one by its id. Only names that are listed are found, so no id leads out of the folder.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub fn find(&self, id: &str) -> Result<Option<KeptCopy>, BackupError> {
        Ok(self.list()?.into_iter().find(|copy| copy.name == id))
    }

    fn free_name(&self, reason: &str, at: SystemTime) -> String {
        let at = Timestamp::try_from(at).unwrap_or(Timestamp::MAX);
        let time = at.strftime("%Y-%m-%dT%H-%M-%S%.3fZ").to_string();
        let mut number = 0;
        loop {
            // The number keeps the order of copies of the same millisecond.
            let name = format!("{START}{time}-{number:02}_{reason}{END}");
            if !self.folder.join(&name).exists() {
                return name;
            }
            number += 1;
        }
    }

    fn tidy(&self) -> Result<(), BackupError> {
        let mut together = 0;
        for (index, copy) in self.list()?.into_iter().enumerate() {
            together += copy.bytes;
            if index > 0 && (index >= MOST || together > MOST_BYTES) {
                fs::remove_file(&copy.path)?;
            }
        }
        Ok(())
    }
}
