//! Hot reload: the configuration in force, and how a new one takes its place.

mod source;
mod watch;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use omniroute_core::snapshot::{Problem, Problems, Snapshot};
use omniroute_core::state::SharedState;

pub use source::{ProcessEnv, Source, Text, locate};
pub use watch::Watch;

use crate::metrics::Metrics;

/// The configuration in force.
pub struct LiveConfig {
    current: ArcSwap<Snapshot>,
    source: Source,
    /// The addresses the process listens on: those of the first configuration.
    bound: Vec<SocketAddr>,
    state: Arc<SharedState>,
    metrics: Arc<Metrics>,
    problem: Mutex<Option<Arc<str>>>,
}

/// Refuses a reload that takes everything away: a file cut to nothing while it is written, or by a full
/// disk, is no wish.
fn not_emptied(old: &Snapshot, new: Snapshot) -> Result<Snapshot, Problems> {
    let is_empty = |snapshot: &Snapshot| {
        snapshot.accounts.values().all(Vec::is_empty) && snapshot.client_keys.is_empty()
    };
    if !is_empty(&new) || is_empty(old) {
        return Ok(new);
    }
    let what = "the new configuration has no account and no client key any more";
    let hint = Some("restart the gateway if that is meant");
    Err(Problems::new(vec![Problem::of_whole("reload", what, hint)]))
}

impl LiveConfig {
    /// Compiles the source for the first time.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration.
    pub fn start(
        source: Source,
        state: Arc<SharedState>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Problems> {
        let snapshot = source.compile(1, &[], &state)?;
        let bound = snapshot.server.listen.clone();
        metrics.config_published(1);
        Ok(Self {
            current: ArcSwap::from_pointee(snapshot),
            source,
            bound,
            state,
            metrics,
            problem: Mutex::new(None),
        })
    }

    /// Returns the configuration in force.
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Returns where the configuration comes from.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Returns why the last reload was refused, if it was.
    pub fn problem(&self) -> Option<Arc<str>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the source again. All or nothing: with any problem the old configuration stays.
    ///
    /// # Errors
    ///
    /// Every problem; they are also logged, counted and shown by `/readyz`.
    pub fn reload(&self) -> Result<Arc<Snapshot>, Problems> {
        let old = self.load();
        match self
            .source
            .compile(old.revision + 1, &self.bound, &self.state)
            .and_then(|new| not_emptied(&old, new))
        {
            Ok(snapshot) => Ok(self.publish(&old, snapshot)),
            Err(problems) => {
                self.metrics.config_refused();
                for problem in problems.as_slice() {
                    tracing::error!(%problem, "the configuration was not reloaded; the old one stays");
                }
                *self.problem.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(problems.to_string().into());
                Err(problems)
            }
        }
    }

    fn publish(&self, old: &Snapshot, snapshot: Snapshot) -> Arc<Snapshot> {
        let restart = snapshot.server.restart_required(&old.server);
        let snapshot = Arc::new(snapshot);
        self.current.store(Arc::clone(&snapshot));
        self.state.tidy();
        self.metrics.config_published(snapshot.revision);
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = None;
        tracing::info!(revision = snapshot.revision, "configuration reloaded");
        if !restart.is_empty() {
            tracing::warn!(
                restart_required = restart.join(", "),
                "these settings take effect at the next start"
            );
        }
        snapshot
    }
}
