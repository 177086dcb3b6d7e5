//! The bell for those who wait: something has ended, so there may be room again.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Wakes who waits for room at an account, and numbers the uses of accounts.
#[derive(Debug, Default)]
pub struct Freed {
    bell: Notify,
    uses: AtomicU64,
}

impl Freed {
    /// Wakes everyone who waits. Cheap when nobody does.
    pub fn notify(&self) {
        self.bell.notify_waiters();
    }

    /// Waits for the next end of something. Make the future before looking whether there is room, so
    /// that no end is missed in between.
    pub fn wait(&self) -> impl Future<Output = ()> + '_ {
        self.bell.notified()
    }

    /// Returns a number larger than all before.
    pub fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed) + 1
    }
}
