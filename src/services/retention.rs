//! Takes out rows of usage whose time is over, once an hour, a few at a time.

use std::time::Duration;

use async_trait::async_trait;
use omniroute_core::clock::Clock;
use pingora::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;

use crate::store::{Store, StoreError, usage};

/// How often it is looked.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3600);

/// How long the writer has for others between two pieces of work.
const BETWEEN_PIECES: Duration = Duration::from_millis(50);

/// A day.
const DAY_MS: u64 = 24 * 3_600_000;

/// Takes out old rows.
pub struct Retention {
    /// Where they are.
    pub store: Store,
    /// How long they are kept, in days.
    pub days: u32,
    /// The time.
    pub clock: Clock,
}

#[async_trait]
impl BackgroundService for Retention {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        loop {
            tokio::select! {
                _ = shutdown.changed() => return,
                forgotten = self.forget() => match forgotten {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "old rows of usage were taken out; their sums stay"),
                    Err(error) => tracing::warn!(%error, "old rows of usage were not taken out"),
                }
            }
            tokio::select! {
                _ = shutdown.changed() => return,
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            }
        }
    }
}

impl Retention {
    async fn forget(&self) -> Result<usize, StoreError> {
        let now_ms = self.clock.unix_seconds() * 1000;
        let before = now_ms.saturating_sub(u64::from(self.days) * DAY_MS);
        let mut forgotten = 0;
        loop {
            let piece = self.store.write(move |tx| usage::forget(tx, before)).await?;
            forgotten += piece;
            if piece < usage::MOST_AT_ONCE {
                return Ok(forgotten);
            }
            tokio::time::sleep(BETWEEN_PIECES).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use omniroute_core::usage::Recorder;

    use super::*;
    use crate::store::usage::tests::{START_MS, record};

    #[tokio::test]
    async fn rows_stay_their_days_and_all_older_ones_go() {
        let store = Store::in_memory().unwrap();
        let count = 3 * 24 * 60;
        (0..count).for_each(|minute| store.record(record(minute)));
        store.flush().unwrap();
        let clock = Clock::manual(START_MS / 1000 + 3 * 24 * 3600);
        let retention = Retention { store: store.clone(), days: 1, clock };

        let forgotten = retention.forget().await.unwrap();

        assert_eq!(forgotten, 2 * 24 * 60);
        let left = store.view(usage::check).await.unwrap();
        assert_eq!((left.rows, left.faults), (24 * 60, vec![]));
        assert_eq!(retention.forget().await.unwrap(), 0);
    }
}
