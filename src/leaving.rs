//! How far the process is on its way out.
//!
//! It serves; then either another process has taken its listeners over, and it finishes what comes over the
//! connections it still has, or it is stopping and refuses what is new; at last it ends what still runs.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Sleep, sleep};

const SERVING: u8 = 0;
const MOVED: u8 = 1;
const DRAINING: u8 = 2;
const CUTTING: u8 = 3;

/// How far the process is on its way out. It never goes back.
#[derive(Default)]
pub struct Leaving {
    stage: AtomicU8,
    cut: Arc<Notify>,
    has_predecessor: AtomicBool,
    has_moved: AtomicBool,
}

impl Leaving {
    /// Another process serves new connections from now on.
    pub fn moved(&self) {
        self.has_moved.store(true, Ordering::Release);
        self.stage.fetch_max(MOVED, Ordering::AcqRel);
    }

    /// From now on nothing new is begun.
    pub fn drain(&self) {
        self.stage.fetch_max(DRAINING, Ordering::AcqRel);
    }

    /// From now on what runs is ended.
    pub fn cut(&self) {
        self.stage.fetch_max(CUTTING, Ordering::AcqRel);
        self.cut.notify_waiters();
    }

    /// Tells whether another process took the place of this one.
    pub fn has_moved(&self) -> bool {
        self.has_moved.load(Ordering::Acquire)
    }

    /// Tells whether connections of clients are closed after the answer that runs.
    pub fn is_leaving(&self) -> bool {
        self.stage() != SERVING
    }

    /// Notes whether the process whose place this one took still runs, and tells this one what it spends.
    pub fn follows(&self, predecessor: bool) {
        self.has_predecessor.store(predecessor, Ordering::Release);
    }

    /// Tells whether that process still runs.
    pub fn has_predecessor(&self) -> bool {
        self.has_predecessor.load(Ordering::Acquire)
    }

    /// Tells whether new requests are refused.
    pub fn is_draining(&self) -> bool {
        self.stage() >= DRAINING
    }

    /// Tells whether what runs is being ended.
    pub fn is_cutting(&self) -> bool {
        self.stage() == CUTTING
    }

    fn stage(&self) -> u8 {
        self.stage.load(Ordering::Acquire)
    }
}

/// Waits for the moment at which what runs is ended. One for each request: it is put in line once, and
/// after that a look costs no lock.
#[derive(Default)]
pub struct Cut {
    waiting: Option<(Pin<Box<OwnedNotified>>, Waker)>,
    grace: Option<Pin<Box<Sleep>>>,
}

impl Cut {
    /// Returns when what runs is to end.
    pub async fn wait(&mut self, leaving: &Leaving) {
        poll_fn(|context| {
            if leaving.is_cutting() {
                return Poll::Ready(());
            }
            let is_in_line = |(_, waker): &(_, Waker)| waker.will_wake(context.waker());
            if self.waiting.as_ref().is_some_and(is_in_line) {
                return Poll::Pending;
            }
            let mut notified = match self.waiting.take() {
                Some((notified, _)) => notified,
                None => Box::pin(Arc::clone(&leaving.cut).notified_owned()),
            };
            // The moment may have come before this was put in line.
            if notified.as_mut().poll(context).is_ready() || leaving.is_cutting() {
                return Poll::Ready(());
            }
            self.waiting = Some((notified, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Returns so long after that; the time counts from the first call that comes to it.
    pub async fn wait_past(&mut self, leaving: &Leaving, grace: Duration) {
        self.wait(leaving).await;
        self.grace.get_or_insert_with(|| Box::pin(sleep(grace))).as_mut().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_out_is_never_gone_back() {
        let leaving = Leaving::default();
        assert!(!leaving.is_leaving());
        leaving.moved();
        assert!(leaving.is_leaving() && !leaving.is_draining());
        leaving.drain();
        leaving.moved();
        assert!(leaving.is_draining());
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_the_end_also_after_it() {
        let leaving = Arc::new(Leaving::default());
        let mut early = Cut::default();
        let waiting = early.wait(&leaving);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert!(futures_util::poll!(&mut waiting).is_pending());

        leaving.cut();

        waiting.await;
        Cut::default().wait(&leaving).await;
    }
}
