//! Counters of a running simulator and the ticket that each answer holds while it is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The simulator's counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// TCP connections accepted since the start.
    pub connections: u64,
    /// TCP connections open now.
    pub open_connections: u64,
    /// Requests whose head arrived since the start.
    pub requests: u64,
    /// Requests whose answer is not complete yet.
    pub open_streams: u64,
    /// Answers handed to the connection completely, and those the simulator cut on purpose.
    pub finished: u64,
    /// Requests the client left before their answer was complete.
    pub aborted: u64,
}

/// The live counters behind [`Counts`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    connections: AtomicU64,
    open_connections: AtomicU64,
    requests: AtomicU64,
    open_streams: AtomicU64,
    finished: AtomicU64,
    aborted: AtomicU64,
    changed: Notify,
}

impl Tally {
    pub(crate) fn snapshot(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Counts {
            connections: read(&self.connections),
            open_connections: read(&self.open_connections),
            requests: read(&self.requests),
            open_streams: read(&self.open_streams),
            finished: read(&self.finished),
            aborted: read(&self.aborted),
        }
    }

    /// Waits until the counters satisfy `wanted` and returns them.
    pub(crate) async fn wait_until(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listening begins before the look at the counters, else a change between the two is lost.
            changed.as_mut().enable();
            let counts = self.snapshot();
            if wanted(&counts) {
                return counts;
            }
            changed.await;
        }
    }

    /// Wakes those who wait, for changes that are not counters.
    pub(crate) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// Counts an accepted connection and returns its number, from 1.
    pub(crate) fn connect(&self) -> u64 {
        self.open_connections.fetch_add(1, Ordering::SeqCst);
        let id = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        self.announce();
        id
    }

    pub(crate) fn disconnect(&self) {
        self.open_connections.fetch_sub(1, Ordering::SeqCst);
        self.announce();
    }
}

/// Keeps one request counted as open; dropping it unfinished means the client left.
#[derive(Debug)]
pub(crate) struct Ticket {
    tally: Arc<Tally>,
    /// The request's number, from 1.
    pub(crate) number: u64,
    is_finished: bool,
}

impl Ticket {
    pub(crate) fn take(tally: &Arc<Tally>) -> Self {
        tally.open_streams.fetch_add(1, Ordering::SeqCst);
        let number = tally.requests.fetch_add(1, Ordering::SeqCst) + 1;
        tally.announce();
        Self { tally: Arc::clone(tally), number, is_finished: false }
    }

    /// Notes that the answer is complete or cut on purpose, so that the drop is no abort.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let counter = if self.is_finished { &self.tally.finished } else { &self.tally.aborted };
        counter.fetch_add(1, Ordering::SeqCst);
        self.tally.open_streams.fetch_sub(1, Ordering::SeqCst);
        self.tally.announce();
    }
}
