//! What is kept of the latest requests, so that an operator can ask why one went where it went.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use omniroute_core::routing::Decision;

/// Requests that are kept; about 1 KiB each.
const KEPT: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The decisions on the latest requests, by request id. Of several requests with one id the last.
#[derive(Debug)]
pub struct Explained {
    decisions: Mutex<LruCache<Arc<str>, Arc<Decision>>>,
}

impl Default for Explained {
    fn default() -> Self {
        Self { decisions: Mutex::new(LruCache::new(KEPT)) }
    }
}

impl Explained {
    /// Keeps a decision.
    pub fn keep(&self, decision: Decision) {
        let (id, decision) = (Arc::clone(&decision.request_id), Arc::new(decision));
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = decisions.push(id, decision);
        // Nobody waits while the oldest, which no cache holds any more, is taken apart.
        drop(decisions);
        drop(oldest);
    }

    /// Returns the decision on a request, if it is still kept.
    pub fn find(&self, request_id: &str) -> Option<Arc<Decision>> {
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        decisions.get(request_id).map(Arc::clone)
    }
}
