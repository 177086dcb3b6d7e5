//! Whether the process hears its signals yet: until then SIGTERM and SIGHUP end it on the spot, and an operator may
//! send them as soon as it says that it serves.

use tokio::sync::Semaphore;

/// Who has to hear: [`super::Drain`] and [`super::Reload`].
const LISTENERS: u32 = 2;

/// Counts who hears.
#[derive(Debug)]
pub struct Hearing(Semaphore);

impl Default for Hearing {
    fn default() -> Self {
        Self(Semaphore::const_new(0))
    }
}

impl Hearing {
    /// Says that one more hears its signals, or never will.
    pub fn begins(&self) {
        self.0.add_permits(1);
    }

    /// Waits until all do.
    pub async fn complete(&self) {
        // It is never closed.
        let _all_hear = self.0.acquire_many(LISTENERS).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn nothing_is_complete_before_everyone_hears() {
        let hearing = Hearing::default();
        let mut complete = pin!(hearing.complete());
        assert!(futures_util::poll!(&mut complete).is_pending());
        hearing.begins();
        assert!(futures_util::poll!(&mut complete).is_pending());
        hearing.begins();
        assert!(futures_util::poll!(&mut complete).is_ready());
    }
}
