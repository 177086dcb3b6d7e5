//! Keeps the reasoning behind calls of tools for clients that drop what they do not know, and gives it
//! back to the account that made it when the calls come back without it.

use std::sync::Arc;

use omniroute_core::ids::ClientKeyName;
use omniroute_wire::ChatRequest;
use omniroute_wire::chat::Origin;
use omniroute_wire::recall::{self, Learned};

use super::exchange::Exchange;

impl Exchange {
    /// Keeps what the current attempt's reply told.
    pub(super) fn remember(&self, learned: Vec<Learned>) {
        // Asked for every piece of a stream, and most tell nothing.
        let Some(attempt) = self.attempt.as_ref().filter(|_| !learned.is_empty()) else { return };
        let now = self.shared.clock.now();
        for learned in learned {
            let origin = &attempt.care.seal.origin;
            self.shared.state.recall.keep(self.caller(), learned, origin, now);
        }
    }

    /// Returns the request with what is remembered of its calls, for the model and account that made it.
    pub(super) fn recalled(&self, request: Arc<ChatRequest>, origin: &Origin) -> Arc<ChatRequest> {
        let now = self.shared.clock.now();
        let find = |call: &str| self.shared.state.recall.find(self.caller(), call, origin, now);
        recall::put_back(&request, origin, find).map_or(request, Arc::new)
    }

    fn caller(&self) -> Option<&ClientKeyName> {
        self.cx.caller.as_ref().map(|key| &key.name)
    }
}
