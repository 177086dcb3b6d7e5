//! The purses of all client keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::{Budget, Purse};
use crate::ids::ClientKeyName;
use crate::money::Nanodollars;
use crate::sync::Mutex;

/// What client keys have spent, by their names.
///
/// A purse is never forgotten while the process runs: a key that is taken out of the file and put back
/// has not got its money back.
#[derive(Default)]
pub struct Ledger {
    purses: Mutex<HashMap<ClientKeyName, Arc<Purse>>>,
}

impl Ledger {
    /// Returns the purse of a key; an empty one if the key is not known yet.
    pub fn purse(&self, key: &ClientKeyName) -> Arc<Purse> {
        let mut purses = self.purses.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(purses.entry(key.clone()).or_default())
    }

    /// Sets what a key has spent in the current window of a budget, from records that outlived a restart.
    /// Thresholds that this reaches give no warning again. For the start: what was settled before is
    /// replaced.
    pub fn restore(
        &self,
        key: &ClientKeyName,
        budget: &Budget,
        spent: Nanodollars,
        now: Timestamp,
    ) {
        self.purse(key).restore(budget, spent, now);
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger")
    }
}
