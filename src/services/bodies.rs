//! Takes out the bodies of requests whose time is over, within a minute.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use omniroute_core::clock::{Clock, millis};
use pingora::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;

use crate::live::LiveConfig;
use crate::store::{Store, StoreError, requests};

/// How often it is looked; the shortest time that bodies are kept is a minute too.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);

/// How long the writer has for others between two pieces of work.
const BETWEEN_PIECES: Duration = Duration::from_millis(50);

/// Takes out old bodies.
pub struct Bodies {
    /// Where they are.
    pub store: Store,
    /// The configuration, which says how long they are kept; read at each look.
    pub live: Arc<LiveConfig>,
    /// The time.
    pub clock: Clock,
}

#[async_trait]
impl BackgroundService for Bodies {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        loop {
            let keep = self.live.load().filters.keeps_bodies();
            tokio::select! {
                _ = shutdown.changed() => return,
                forgotten = forget(&self.store, &self.clock, keep) => match forgotten {
                    Ok(0) => {}
                    Ok(calls) => tracing::info!(calls, "old bodies of requests were taken out"),
                    Err(error) => tracing::warn!(%error, "old bodies of requests were not taken out"),
                }
            }
            tokio::select! {
                _ = shutdown.changed() => return,
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            }
        }
    }
}

/// Takes out the bodies of calls that ended longer ago than this; returns of how many.
async fn forget(store: &Store, clock: &Clock, keep: Duration) -> Result<usize, StoreError> {
    let before = (clock.unix_seconds() * 1000).saturating_sub(millis(keep));
    let mut forgotten = 0;
    // A commit waits for the disk, and almost always nothing is too old.
    while store.view(move |tx| requests::has_older_bodies(tx, before)).await? {
        forgotten += store.write(move |tx| requests::forget_bodies(tx, before)).await?;
        tokio::time::sleep(BETWEEN_PIECES).await;
    }
    Ok(forgotten)
}

#[cfg(test)]
mod tests {
    use omniroute_core::usage::{Bodies, Body, CallLog, Recorder};

    use super::*;
    use crate::store::usage::tests::{START_MS, record};

    #[tokio::test]
    async fn bodies_go_after_their_time_and_the_log_stays() {
        let store = Store::in_memory().unwrap();
        let body = || Body::new(b"canary".to_vec(), 6);
        for minute in 0..120 {
            let bodies = Bodies { request: body(), answer: body(), max_entries: 1000 };
            let log = CallLog { bodies: Some(bodies), ..CallLog::default() };
            let mut record = record(minute);
            record.log = Some(Box::new(log));
            store.record(record);
        }
        store.flush().unwrap();
        let clock = Clock::manual(START_MS / 1000 + 120 * 60);
        let hour = Duration::from_secs(3600);

        assert_eq!(forget(&store, &clock, hour).await.unwrap(), 60);
        assert_eq!(forget(&store, &clock, hour).await.unwrap(), 0);
        clock.advance(Duration::from_secs(600));
        assert_eq!(forget(&store, &clock, hour).await.unwrap(), 10);

        let kept = store
            .view(|tx| {
                let of = |minute| {
                    let id = record(minute).id;
                    let log = requests::log(tx, id)?.is_some();
                    Ok::<_, StoreError>((log, requests::bodies(tx, id)?.is_some()))
                };
                Ok((of(69)?, of(70)?))
            })
            .await;
        assert_eq!(
            kept.unwrap_or_else(|error: StoreError| panic!("{error}")),
            ((true, false), (true, true))
        );
    }
}
