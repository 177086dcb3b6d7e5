//! Keeps open breakers over a restart: a provider that was failing is not asked by everybody at once
//! because the gateway was restarted.
//!
//! What is open stands in `breakers.json` of the data directory, by wall time; it is written when it
//! changes and once more when the process stops.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use omniroute_core::clock::{Clock, millis};
use omniroute_core::snapshot::Snapshot;
use pingora::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use serde::{Deserialize, Serialize};

use crate::data_dir;
use crate::proxy::Shared;

/// The file in the data directory.
const FILE: &str = "breakers.json";

/// How often it is looked whether a breaker changed.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Writes open breakers down.
pub struct Breakers {
    /// Knows the breakers.
    pub shared: Arc<Shared>,
    /// The data directory.
    pub folder: PathBuf,
}

/// One open breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    /// Until when nothing goes through, in milliseconds since 1970.
    until_unix_ms: u64,
    /// Openings in a row.
    openings: u32,
}

type ByProvider = BTreeMap<String, Open>;

#[async_trait]
impl BackgroundService for Breakers {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let mut written = ByProvider::new();
        loop {
            tokio::select! {
                _ = shutdown.changed() => return,
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            }
            if self.shared.leaving.is_leaving() {
                // The file is another process's by now, or is written once more at the end.
                return;
            }
            let open = open(&self.shared.live.load(), &self.shared.clock);
            if !is_same(&written, &open) {
                match write(&self.folder, &open) {
                    Ok(()) => written = open,
                    Err(error) => tracing::warn!(%error, "open breakers could not be written down"),
                }
            }
        }
    }
}

/// Writes down what is open now, at the end of the process: services may be cut off before they could.
pub fn keep(folder: &Path, shared: &Shared) {
    let open = open(&shared.live.load(), &shared.clock);
    let has_file = folder.join(FILE).exists();
    if (!open.is_empty() || has_file)
        && let Err(error) = write(folder, &open)
    {
        tracing::warn!(%error, "open breakers could not be written down");
    }
}

/// Opens the breakers that were open when the last process wrote them down.
pub fn restore(folder: &Path, snapshot: &Snapshot, clock: &Clock) {
    let path = folder.join(FILE);
    let open: ByProvider = match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "breakers begin closed");
            return;
        }
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "breakers begin closed");
                return;
            }
        },
    };
    let (now, wall) = (clock.now(), clock.wall());
    for (id, Open { until_unix_ms, openings }) in open {
        let until = UNIX_EPOCH + Duration::from_millis(until_unix_ms);
        let left = until.duration_since(wall).unwrap_or_default();
        if let Some(provider) = snapshot.providers.get(id.as_str()) {
            provider.state.breaker.restore(left, openings, now);
            tracing::info!(provider = %id, left_s = left.as_secs(), "the breaker stays open over the restart");
        }
    }
}

fn open(snapshot: &Snapshot, clock: &Clock) -> ByProvider {
    let (now, wall) = (clock.now(), clock.wall());
    let providers = snapshot.accounts.keys().filter_map(|id| snapshot.providers.get(id));
    let open = providers.filter_map(|provider| {
        let (left, openings) = provider.state.breaker.openings(now)?;
        let until_unix_ms = millis((wall + left).duration_since(UNIX_EPOCH).unwrap_or_default());
        Some((provider.id.to_string(), Open { until_unix_ms, openings }))
    });
    open.collect()
}

/// An opening is told by its number: a new one, or a breaker that closed, is written down. The end that
/// is left does not move while a breaker is open.
fn is_same(written: &ByProvider, open: &ByProvider) -> bool {
    written.len() == open.len()
        && open.iter().all(|(id, open)| {
            written.get(id).is_some_and(|written| written.openings == open.openings)
        })
}

fn write(folder: &Path, open: &ByProvider) -> io::Result<()> {
    data_dir::replace(&folder.join(FILE), &serde_json::to_vec_pretty(open)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use omniroute_core::filter::FilterRegister;
    use omniroute_core::snapshot::{ConfigFile, Inputs, Overrides, compile};
    use omniroute_core::state::{Gate, SharedState};

    use super::*;

    fn snapshot(clock: &Clock) -> Snapshot {
        let text = "accounts: [{ id: a, provider: openai, key: some-key }]\n".to_owned();
        let inputs = Inputs {
            file: Some(ConfigFile { name: "test.yaml".to_owned(), text }),
            objects: &[],
            overrides: Overrides::default(),
            bound: &[],
            env: &|_| None,
            read_file: &|_| Err(io::ErrorKind::NotFound.into()),
            state: &SharedState::default(),
            register: &FilterRegister::default(),
            clock,
            pepper: [0; 32],
            revision: 1,
        };
        compile(&inputs).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn gate(snapshot: &Snapshot, clock: &Clock) -> Gate {
        snapshot.providers["openai"].state.breaker.gate(clock.now())
    }

    #[test]
    fn an_open_breaker_is_open_for_the_rest_of_its_time_after_a_restart() {
        let (home, clock) = (tempfile::tempdir().unwrap(), Clock::manual(1_800_000_000));
        let folder = home.path().join("data");
        let before = snapshot(&clock);
        let breaker = &before.providers["openai"].state.breaker;
        breaker.restore(Duration::from_secs(60), 2, clock.now());
        write(&folder, &open(&before, &clock)).unwrap();
        let mode = std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        clock.advance(Duration::from_secs(40));
        let after = snapshot(&clock);
        restore(&folder, &after, &clock);
        assert_eq!(gate(&after, &clock), Gate::Open(Duration::from_secs(20)));
        assert_eq!(after.providers["openai"].state.breaker.openings(clock.now()).unwrap().1, 2);

        clock.advance(Duration::from_secs(3600));
        let much_later = snapshot(&clock);
        restore(&folder, &much_later, &clock);
        assert_eq!(gate(&much_later, &clock), Gate::HalfOpen, "it is probed first");
    }

    #[test]
    fn a_file_that_is_none_leaves_breakers_closed() {
        let (home, clock) = (tempfile::tempdir().unwrap(), Clock::manual(1_800_000_000));
        let snapshot = snapshot(&clock);
        restore(home.path(), &snapshot, &clock);
        std::fs::write(home.path().join(FILE), "{ no json").unwrap();
        restore(home.path(), &snapshot, &clock);
        assert_eq!(gate(&snapshot, &clock), Gate::Closed);
    }

    #[test]
    fn only_an_opening_or_a_closing_is_written() {
        let open = |openings| Open { until_unix_ms: 1, openings };
        let first = ByProvider::from([("p".to_owned(), open(1))]);
        assert!(is_same(&first, &first));
        assert!(!is_same(&first, &ByProvider::from([("p".to_owned(), open(2))])));
        assert!(!is_same(&first, &ByProvider::new()));
    }
}
