//! Gates: how a test holds an answer at an exact place without sleeping.

use std::sync::Arc;

use tokio::sync::watch;

/// A door that answers wait at until the test opens it; clones are the same door.
///
/// Once open it stays open. Waiting costs nothing and needs no clock.
#[derive(Clone, Debug)]
pub struct Gate {
    state: Arc<State>,
}

impl Gate {
    /// Makes a closed gate.
    #[must_use]
    pub fn new() -> Self {
        let state = State { is_open: watch::Sender::new(false), arrivals: watch::Sender::new(0) };
        Self { state: Arc::new(state) }
    }

    /// Lets everyone through, now and later.
    pub fn open(&self) {
        self.state.is_open.send_replace(true);
    }

    /// Waits until `count` answers in total have come to this gate, waiting ones and those let through.
    pub async fn reached(&self, count: u64) {
        let mut arrivals = self.state.arrivals.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = arrivals.wait_for(|arrived| *arrived >= count).await;
    }

    /// Counts one arrival and waits until the gate is open.
    pub(crate) async fn pass(self) {
        self.state.arrivals.send_modify(|arrived| *arrived += 1);
        let mut is_open = self.state.is_open.subscribe();
        let _ = is_open.wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct State {
    is_open: watch::Sender<bool>,
    arrivals: watch::Sender<u64>,
}
