//! What the store's threads share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use omniroute_core::clock::Clock;
use redb::Database;

use super::StoreError;
use super::file::Opener;
use super::queue::Queue;
use super::seal::Sealer;
use super::spill::Spill;
use super::writer::Change;

/// What the store's threads share.
pub(super) struct Inner {
    /// `None` while its disk fails, and after the end.
    database: ArcSwapOption<Database>,
    pub(super) opener: Opener,
    pub(super) sealer: Sealer,
    pub(super) queue: Queue<Change>,
    spill: Option<Mutex<Spill>>,
    /// Whether another process has the database.
    lent: AtomicBool,
    condition: Mutex<Condition>,
    /// For ages only.
    clock: Clock,
}

#[derive(Default)]
struct Condition {
    trouble: Option<String>,
    spilled: u64,
    commits: u64,
    last_commit: Option<Instant>,
}

/// How the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Why the database is not available; `None` if it is.
    pub trouble: Option<String>,
    /// Records that wait in memory.
    pub waiting: usize,
    /// Records that wait in spill files.
    pub spilled: u64,
    /// Records that were lost because neither database nor spill took any and memory was full.
    pub lost: u64,
    /// Calls whose bodies were to be kept and were lost, because too many waited or the disk failed.
    pub bodies_lost: u64,
    /// Changes that wait for the writer.
    pub changes: usize,
    /// Transactions that were written since the start.
    pub commits: u64,
    /// How long ago the last one was; `None` if there was none.
    pub last_commit: Option<Duration>,
}

impl Inner {
    pub(super) fn new(
        database: Database,
        opener: Opener,
        sealer: Sealer,
        spill: Option<Spill>,
    ) -> Self {
        Self {
            database: ArcSwapOption::new(Some(Arc::new(database))),
            opener,
            sealer,
            queue: Queue::default(),
            spill: spill.map(Mutex::new),
            lent: AtomicBool::new(false),
            condition: Mutex::default(),
            clock: Clock::system(),
        }
    }

    /// Returns the database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] while it is closed, [`StoreError::Lent`] while another process has it.
    pub(super) fn database(&self) -> Result<Arc<Database>, StoreError> {
        self.database.load_full().ok_or_else(|| {
            if self.is_lent() {
                return StoreError::Lent;
            }
            let trouble = self.condition().trouble.clone();
            StoreError::Unavailable(trouble.unwrap_or_else(|| "the gateway is stopping".to_owned()))
        })
    }

    /// Puts a database in place that was opened.
    pub(super) fn open(&self, database: Database) {
        self.database.store(Some(Arc::new(database)));
        self.condition().trouble = None;
    }

    /// Closes the database because it failed.
    pub(super) fn fail(&self, why: &str) {
        self.complain(why);
        self.close();
    }

    /// Closes the database, at the latest when the last reader is done.
    pub(super) fn close(&self) {
        let database = self.database.swap(None).and_then(Arc::into_inner);
        if let Some(Err(error)) = database.map(Database::close) {
            tracing::debug!(%error, "the database was not closed in order");
        }
    }

    /// Closes the database because another process takes it.
    pub(super) fn lend(&self) {
        self.lent.store(true, Ordering::Release);
        self.condition().trouble = Some(StoreError::Lent.to_string());
        self.close();
    }

    /// Lets the database be opened again.
    pub(super) fn take_back(&self) {
        self.lent.store(false, Ordering::Release);
    }

    /// Tells whether another process has the database.
    pub(super) fn is_lent(&self) -> bool {
        self.lent.load(Ordering::Acquire)
    }

    /// Notes what is wrong, and logs it the first time.
    pub(super) fn complain(&self, why: &str) {
        let mut condition = self.condition();
        if condition.trouble.as_deref() != Some(why) {
            tracing::error!(why, "the database is not available; records of usage are spilled");
            condition.trouble = Some(why.to_owned());
        }
    }

    pub(super) fn spill(&self) -> Option<MutexGuard<'_, Spill>> {
        Some(self.spill.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn spilled(&self, records: usize) {
        self.condition().spilled += records as u64;
    }

    pub(super) fn has_spilled(&self) -> bool {
        self.condition().spilled > 0
    }

    pub(super) fn nothing_spilled(&self) {
        self.condition().spilled = 0;
    }

    /// Notes that something is on the disk.
    pub(super) fn committed(&self) {
        let mut condition = self.condition();
        condition.commits += 1;
        condition.last_commit = Some(self.clock.now());
    }

    pub(super) fn health(&self) -> Health {
        let (waiting, changes, lost) = self.queue.counts();
        let condition = self.condition();
        let last = condition.last_commit;
        Health {
            trouble: condition.trouble.clone(),
            waiting,
            spilled: condition.spilled,
            lost,
            bodies_lost: self.queue.bodies_lost(),
            changes,
            commits: condition.commits,
            last_commit: last.map(|at| self.clock.now().saturating_duration_since(at)),
        }
    }

    fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
