//! Notices that the configuration file was saved.
//!
//! The folder is watched, not the file: editors put a new file in the place of the old one, and a
//! mounted configuration flips a link. The content decides whether anything changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

/// How long the file must be left alone before it is read: an editor writes in several steps.
pub const SETTLE: Duration = Duration::from_millis(100);

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
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if event.is_ok_and(|event| !event.kind.is_access()) {
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
            while tokio::time::timeout(SETTLE, self.touched.notified()).await.is_ok() {}
            let now = fingerprint(&self.path);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}

/// Returns the SHA-256 of a file's content; of nothing if it cannot be read.
fn fingerprint(path: &Path) -> [u8; 32] {
    Sha256::digest(std::fs::read(path).unwrap_or_default()).into()
}
