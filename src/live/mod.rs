//! The configuration in force: what it is made of, and how a new one takes its place.
//!
//! It is made of the operator's file and the objects of the dashboard. Whoever changes either compiles
//! both together; with any problem everything stays as it was. Changes happen one after the other, and
//! each publication is a generation with a number.

mod budgets;
mod generation;
mod held;
mod renewed;
mod source;
mod watch;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use omniroute_core::snapshot::{ConfigFile, Problem, Problems, Snapshot};
use omniroute_core::state::SharedState;
use omniroute_core::written::{StoredObject, Written};
use tokio::sync::Notify;

pub use generation::{Archive, Generation};
pub use held::HeldFile;
pub use source::{ProcessEnv, Source, Text, locate};
pub use watch::Watch;

use crate::metrics::Metrics;

/// The configuration in force.
pub struct LiveConfig {
    current: ArcSwap<Snapshot>,
    basis: Mutex<Arc<Basis>>,
    source: Source,
    /// The addresses the process listens on: those of the first configuration.
    bound: Vec<SocketAddr>,
    state: Arc<SharedState>,
    metrics: Arc<Metrics>,
    problem: Mutex<Option<Arc<str>>>,
    /// Held by whoever changes the configuration.
    changing: Mutex<()>,
    /// Rung after each reload, whether it changed anything or not.
    reloaded: Notify,
    archive: Box<dyn Archive>,
}

/// What the configuration in force was made of.
pub struct Basis {
    /// The number of the generation.
    pub number: u64,
    /// File and objects in one tree.
    pub written: Written,
    /// The file as it was read.
    pub file: Option<ConfigFile>,
    /// What the dashboard keeps.
    pub objects: Arc<[StoredObject]>,
    /// The file that takes the place of the one on the disk after a rollback.
    pub held: Option<HeldFile>,
    /// Settings that take effect at the next start, as paths in the file.
    pub restart_required: Vec<&'static str>,
}

/// What the store knew when the process began.
#[derive(Default)]
pub struct Remembered {
    /// The objects of the dashboard.
    pub objects: Vec<StoredObject>,
    /// The file that a rollback put in the place of the one on the disk.
    pub held: Option<HeldFile>,
    /// The newest generation.
    pub newest: Option<Generation>,
}

/// A configuration that could be published.
pub struct Candidate {
    snapshot: Snapshot,
    basis: Basis,
    /// What it changes, in words.
    pub changes: Vec<String>,
}

impl Candidate {
    /// What it is made of.
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }

    /// The configuration that it would be.
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}

/// Refuses a reload that takes everything away: a file cut to nothing while it is written, or by a full
/// disk, is no wish.
fn not_emptied(old: &Snapshot, new: &Snapshot) -> Result<(), Problems> {
    let is_empty = |snapshot: &Snapshot| {
        snapshot.accounts.values().all(Vec::is_empty) && snapshot.client_keys.is_empty()
    };
    if !is_empty(new) || is_empty(old) {
        return Ok(());
    }
    let what = "the new configuration has no account and no client key any more";
    let hint = Some("restart the gateway if that is meant");
    Err(Problems::new(vec![Problem::of_whole("reload", what, hint)]))
}

impl LiveConfig {
    /// Compiles the source for the first time. The number goes on from the newest generation; if nothing
    /// has changed since, it stays.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration.
    pub fn start(
        source: Source,
        remembered: Remembered,
        archive: Box<dyn Archive>,
        (state, metrics): (Arc<SharedState>, Arc<Metrics>),
    ) -> Result<Self, Problems> {
        let Remembered { objects, held, newest } = remembered;
        let compiled = source.compile(&objects, held.as_ref(), &[], &state)?;
        let file = compiled.file.clone();
        let known = newest.map(|newest| (newest.number, newest.is_of(file.as_ref(), &objects)));
        let number = known.map_or(1, |(newest, is_same)| newest + u64::from(!is_same));
        let bound = compiled.snapshot.server.listen.clone();
        let snapshot = Snapshot { revision: number, ..compiled.snapshot };
        let basis = Basis {
            number,
            written: compiled.written,
            file: compiled.file,
            objects: objects.into(),
            held: held.filter(|_| compiled.is_held),
            restart_required: Vec::new(),
        };
        metrics.config_published(number);
        if known.is_none_or(|(_, is_same)| !is_same) {
            archive.keep(&Generation::of(&basis, source.clock.wall(), vec!["start".to_owned()]));
        }
        Ok(Self {
            current: ArcSwap::from_pointee(snapshot),
            basis: Mutex::new(Arc::new(basis)),
            source,
            bound,
            state,
            metrics,
            problem: Mutex::new(None),
            changing: Mutex::new(()),
            reloaded: Notify::new(),
            archive,
        })
    }

    /// Returns the configuration in force.
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Returns what it was made of.
    pub fn basis(&self) -> Arc<Basis> {
        Arc::clone(&lock(&self.basis))
    }

    /// Returns where the configuration comes from.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Returns what tells one waiter that a reload was asked for, also one that changed nothing: other files
    /// than the configuration may have changed.
    pub const fn reloaded(&self) -> &Notify {
        &self.reloaded
    }

    /// Returns why the last reload was refused, if it was.
    pub fn problem(&self) -> Option<Arc<str>> {
        lock(&self.problem).clone()
    }

    /// Reads the file again. All or nothing: with any problem the old configuration stays. Blocks for the
    /// time of a compilation.
    ///
    /// # Errors
    ///
    /// Every problem; they are also logged, counted and shown by `/readyz`.
    pub fn reload(&self) -> Result<Arc<Snapshot>, Problems> {
        let reloaded = self.read_again();
        self.reloaded.notify_one();
        reloaded
    }

    fn read_again(&self) -> Result<Arc<Snapshot>, Problems> {
        let _one_at_a_time = lock(&self.changing);
        let basis = self.basis();
        let read = self.candidate(Arc::clone(&basis.objects), basis.held.clone());
        let read = read.and_then(|candidate| {
            not_emptied(&self.load(), &candidate.snapshot).map(|()| candidate)
        });
        match read {
            Ok(candidate) => {
                let at = self.source.clock.wall();
                if !candidate.changes.is_empty() {
                    let changes = candidate.changes.clone();
                    self.archive.keep(&Generation::of(&candidate.basis, at, changes));
                }
                *lock(&self.problem) = None;
                Ok(self.publish(candidate))
            }
            Err(problems) => {
                self.metrics.config_refused();
                for problem in problems.as_slice() {
                    tracing::error!(%problem, "the configuration was not reloaded; the old one stays");
                }
                *lock(&self.problem) = Some(problems.to_string().into());
                Err(problems)
            }
        }
    }

    /// Says what other objects, or another file, would come to. Changes nothing.
    ///
    /// # Errors
    ///
    /// Every problem.
    pub fn plan(
        &self,
        objects: Arc<[StoredObject]>,
        file: Option<ConfigFile>,
    ) -> Result<Candidate, Problems> {
        match file {
            None => self.candidate(objects, self.basis().held.clone()),
            Some(file) => {
                let held = HeldFile::instead_of(self.source.text_on_disk()?.as_ref(), file);
                self.candidate(objects, Some(held))
            }
        }
    }

    /// Changes what the dashboard keeps, all or nothing: `edit` makes the new objects of the old, the
    /// whole is compiled, `keep` writes it down, then it is published. Blocks.
    ///
    /// # Errors
    ///
    /// What `edit` or `keep` say, and every problem of the whole.
    pub fn change<E: From<Problems>>(
        &self,
        edit: impl FnOnce(&Basis) -> Result<Next, E>,
        keep: impl FnOnce(&Candidate, Generation) -> Result<(), E>,
    ) -> Result<Arc<Snapshot>, E> {
        let _one_at_a_time = lock(&self.changing);
        let basis = self.basis();
        let Next { objects, held } = edit(&basis)?;
        let candidate = self.candidate(objects, held)?;
        let (at, changes) = (self.source.clock.wall(), candidate.changes.clone());
        keep(&candidate, Generation::of(&candidate.basis, at, changes))?;
        Ok(self.publish(candidate))
    }

    fn candidate(
        &self,
        objects: Arc<[StoredObject]>,
        held: Option<HeldFile>,
    ) -> Result<Candidate, Problems> {
        let compiled = self.source.compile(&objects, held.as_ref(), &self.bound, &self.state)?;
        let (old, running) = (self.basis(), self.load());
        let number = old.number + 1;
        let changes = old.written.differences(&compiled.written);
        let basis = Basis {
            number,
            written: compiled.written,
            file: compiled.file,
            objects,
            held: held.filter(|_| compiled.is_held),
            restart_required: compiled.snapshot.server.restart_required(&running.server),
        };
        let snapshot = Snapshot { revision: number, ..compiled.snapshot };
        Ok(Candidate { snapshot, basis, changes })
    }

    fn publish(&self, candidate: Candidate) -> Arc<Snapshot> {
        let Candidate { snapshot, basis, .. } = candidate;
        let snapshot = Arc::new(snapshot);
        budgets::begin(&snapshot, &*self.archive, &self.source.clock);
        self.current.store(Arc::clone(&snapshot));
        self.state.tidy();
        self.metrics.config_published(snapshot.revision);
        tracing::info!(revision = snapshot.revision, "configuration reloaded");
        if !basis.restart_required.is_empty() {
            tracing::warn!(
                restart_required = basis.restart_required.join(", "),
                "these settings take effect at the next start"
            );
        }
        *lock(&self.basis) = Arc::new(basis);
        snapshot
    }
}

/// What a change leaves.
pub struct Next {
    /// The objects of the dashboard.
    pub objects: Arc<[StoredObject]>,
    /// The file that takes the place of the one on the disk.
    pub held: Option<HeldFile>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
