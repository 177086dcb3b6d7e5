//! The store's threads: they end when the store is closed, or when the last of its clones goes.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::inner::Inner;
use super::{StoreError, writer};

type Work = fn(&Arc<Inner>);

/// The running threads.
pub(super) struct Threads {
    inner: Arc<Inner>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Starts them.
    pub(super) fn start(inner: &Arc<Inner>) -> Result<Self, StoreError> {
        let threads = Self { inner: Arc::clone(inner), running: Mutex::default() };
        let works = [("store-writer", writer::run as Work), ("store-spill", writer::relieve)];
        for (name, work) in works {
            let inner = Arc::clone(inner);
            let thread =
                thread::Builder::new().name(name.to_owned()).spawn(move || work(&inner))?;
            threads.running().push(thread);
        }
        Ok(threads)
    }

    /// Lets them finish what waits, and returns when they have.
    pub(super) fn end(&self) {
        self.inner.queue.end();
        let running = std::mem::take(&mut *self.running());
        for thread in running {
            // The last clone can go on the writer itself, inside a change.
            if thread.thread().id() != thread::current().id() {
                drop(thread.join());
            }
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}
