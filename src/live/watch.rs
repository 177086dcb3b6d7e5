//! Notices that the configuration file was saved.
//!
//! The folder is watched, not the file: editors put a new file in the place of the old one, and a
//! mounted configuration flips a link. The content decides whether anything changed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

/// How long the file must be left alone before it is read: an editor writes in several steps.
const SETTLE: Duration = Duration::from_millis(100);

/// Longest wait for that: a file that is written all the time is read all the same.
const MAX_SETTLE: Duration = Duration::from_secs(1);

/// A watched file.
pub struct Watch {
    path: PathBuf,
    seen: [u8; 32],
    touched: Arc<Notify>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch a file's folder.
    ///
    /// # Errors
    ///
    /// The system's, if the folder cannot be watched.
    pub fn begin(path: &Path) -> notify::Result<Self> {
        let touched = Arc::new(Notify::new());
        let signal = Arc::clone(&touched);
        // A mounted configuration is a link into `..data`, which is flipped when it changes.
        let names = [path.file_name().map(OsString::from), Some(OsString::from("..data"))];
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if event
                    .is_ok_and(|event| !event.kind.is_access() && concerns(&event.paths, &names))
                {
                    signal.notify_one();
                }
            })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        watcher.watch(folder.unwrap_or(Path::new(".")), RecursiveMode::NonRecursive)?;
        Ok(Self { path: path.to_owned(), seen: fingerprint(path), touched, _watcher: watcher })
    }

    /// Waits until the file's content has changed and been left alone for a moment.
    pub async fn changed(&mut self) {
        loop {
            self.touched.notified().await;
            let settled = async {
                while tokio::time::timeout(SETTLE, self.touched.notified()).await.is_ok() {}
            };
            drop(tokio::time::timeout(MAX_SETTLE, settled).await);
            let now = fingerprint(&self.path);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}

/// Tells whether one of the paths bears one of the names.
fn concerns(paths: &[PathBuf], names: &[Option<OsString>]) -> bool {
    paths
        .iter()
        .filter_map(|path| path.file_name())
        .any(|name| names.iter().flatten().any(|wanted| wanted == name))
}

/// Returns the SHA-256 of a file's content; of nothing if it cannot be read.
fn fingerprint(path: &Path) -> [u8; 32] {
    Sha256::digest(std::fs::read(path).unwrap_or_default()).into()
}
