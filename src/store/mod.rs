//! What is remembered: an embedded database, one thread that writes it, and files for bad times.
//!
//! `omniroute.redb` in the data directory holds typed tables ([`Table`]). Changes are closures that the
//! writer runs in a transaction of their own ([`Store::write`]); they are on the disk when the caller
//! hears of them. Records of calls are handed over without waiting and are on the disk 100 to 300 ms later
//! ([`Recorder`]). Readers see the database as it was when they began ([`Store::view`]). Nothing of
//! this runs where requests are served.

pub mod audit;
pub mod backup;
mod encoded;
mod error;
mod file;
mod inner;
mod master;
mod meta;
pub mod objects;
mod queue;
pub mod requests;
mod rotate;
mod row;
mod seal;
mod secrets;
mod sessions;
mod spill;
mod table;
mod threads;
mod tx;
pub mod usage;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, mpsc};

use omniroute_core::usage::{Recorder, UsageRecord};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use tokio::sync::oneshot;

pub use self::error::StoreError;
pub use self::file::FILE;
use self::file::Opener;
pub use self::inner::Health;
use self::inner::Inner;
pub use self::master::{MasterKey, Origin};
pub use self::rotate::rotate_master;
pub use self::row::{Key, Record};
use self::seal::Sealer;
use self::spill::Spill;
pub use self::table::{Rows, RowsMut, RowsRead, Table};
use self::threads::Threads;
pub use self::tx::{ReadTx, WriteTx};
use self::writer::Change;

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    threads: Arc<Threads>,
}

impl Store {
    /// Opens the database of a data directory, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// Why it cannot be: see [`StoreError`].
    pub fn open(folder: &Path, master: &MasterKey) -> Result<Self, StoreError> {
        let start =
            |master| Self::start(file::in_folder(folder), master, Some(Spill::in_folder(folder)));
        match start(master) {
            Err(error @ StoreError::WrongKey { .. }) => {
                let Some(next) = rotate::cut_off(folder, master) else { return Err(error) };
                let store = start(&next)?;
                rotate::take_place(folder)?;
                Ok(store)
            }
            started => started,
        }
    }

    /// Makes a store that ends with the process.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if no thread can be started.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::start(file::on_backend(InMemoryBackend::new), &MasterKey::passing(), None)
    }

    /// Opens what a backend of one's own holds, with spill files in a folder: for tests of failing disks.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn on_backend<B: StorageBackend>(
        make: impl Fn() -> B + Send + Sync + 'static,
        spill: &Path,
        master: &MasterKey,
    ) -> Result<Self, StoreError> {
        Self::start(file::on_backend(make), master, Some(Spill::in_folder(spill)))
    }

    /// Tells whether a data directory has a database.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    fn start(opener: Opener, master: &MasterKey, spill: Option<Spill>) -> Result<Self, StoreError> {
        let (database, sealer) = (opener()?, Sealer::new(master));
        meta::settle(&database, &sealer, meta::MIGRATIONS)?;
        let inner = Arc::new(Inner::new(database, opener, sealer, spill));
        writer::fetch(&inner);
        let threads = Arc::new(Threads::start(&inner)?);
        Ok(Self { inner, threads })
    }

    /// Makes a change, all of it or nothing. It is on the disk when this returns.
    ///
    /// The closure runs on the writer's thread and keeps all other changes waiting, so it must not wait
    /// itself.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why nothing was written.
    pub async fn write<R, E>(
        &self,
        work: impl FnOnce(&WriteTx<'_>) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        // Whoever asked may have gone; the change is made all the same.
        self.inner.queue.change(writer::change(work, |result| drop(sender.send(result))))?;
        receiver.await.unwrap_or_else(|_| Err(stopping().into()))
    }

    /// The same for code that may block, outside the runtime.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn write_blocking<R, E>(
        &self,
        work: impl FnOnce(&WriteTx<'_>) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.inner.queue.change(writer::change(work, move |result| drop(sender.send(result))))?;
        receiver.recv().unwrap_or_else(|_| Err(stopping().into()))
    }

    /// Reads on a thread that may block.
    ///
    /// # Errors
    ///
    /// What the closure returns, or why the database cannot be read.
    pub async fn view<R, E>(
        &self,
        look: impl FnOnce(&ReadTx<'_>) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.clone();
        let looked = tokio::task::spawn_blocking(move || store.read(look)).await;
        looked.unwrap_or_else(|_| Err(stopping().into()))
    }

    /// Reads here. Blocks, so not where requests are served.
    ///
    /// # Errors
    ///
    /// As [`Store::view`].
    pub fn read<R, E: From<StoreError>>(
        &self,
        look: impl FnOnce(&ReadTx<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let database = self.inner.database()?;
        look(&file::read(&database, &self.inner.sealer)?)
    }

    /// Returns when everything recorded before is kept: in the database, or in spill files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if neither takes it; it stays in memory.
    pub fn flush(&self) -> Result<(), StoreError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.inner.queue.change(Change::Flush(sender))?;
        receiver.recv().unwrap_or_else(|_| Err(stopping()))
    }

    /// Closes the database for another process, which then finds everything in it that was recorded before.
    /// What comes after that goes into files beside it, whole as soon as they are there.
    ///
    /// # Errors
    ///
    /// Why it cannot be lent: its disk fails.
    pub fn lend(&self) -> Result<(), StoreError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.inner.queue.change(Change::Lend(sender))?;
        receiver.recv().unwrap_or_else(|_| Err(stopping()))
    }

    /// Opens the database again that no other process wanted after all.
    pub fn take_back(&self) {
        self.inner.take_back();
        // The writer looks after it; what is wrong then is in its log and in its health.
        drop(self.flush());
    }

    /// Has taken in what another process wrote into files beside the database.
    pub fn take_in(&self) {
        // If the store is ending, the next start does it.
        drop(self.inner.queue.change(Change::TakeIn));
    }

    /// Writes everything that waits and closes the database. Later changes are refused.
    pub fn close(&self) {
        self.threads.end();
    }

    /// Returns how the store is.
    pub fn health(&self) -> Health {
        self.inner.health()
    }
}

impl Recorder for Store {
    fn record(&self, record: UsageRecord) {
        self.inner.queue.record(record);
    }
}

fn stopping() -> StoreError {
    StoreError::Unavailable("the gateway is stopping".to_owned())
}
