//! The purses of all client keys.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::{Budget, Given, Purse, Told};
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

    /// Gives all purses to another process; `budgets` finds those of a key.
    pub fn give(
        &self,
        budgets: &dyn Fn(&ClientKeyName) -> Arc<[Budget]>,
        now: Timestamp,
    ) -> BTreeMap<String, Given> {
        self.each(|key, purse| Some(purse.give(&budgets(key), now)))
    }

    /// Takes all purses back.
    pub fn take_back(&self) {
        self.each(|_, purse| {
            purse.take_back();
            None::<()>
        });
    }

    /// Takes over what another process gives.
    pub fn take(&self, given: &BTreeMap<String, Given>, now: Timestamp) {
        for (key, given) in given {
            self.purse(&ClientKeyName::new(key.as_str())).take(given, now);
        }
    }

    /// Tells how the purses stand that were given; `last`: as they will stay.
    pub fn told(&self, last: bool) -> BTreeMap<String, Told> {
        self.each(|_, purse| purse.told(last))
    }

    /// Hears how purses stand that another process gave.
    pub fn hear(&self, told: &BTreeMap<String, Told>, now: Timestamp) {
        for (key, told) in told {
            self.purse(&ClientKeyName::new(key.as_str())).hear(*told, now);
        }
    }

    /// Counts as spent what a process held back that ended without a word.
    pub fn write_off(&self, now: Timestamp) {
        self.each(|_, purse| {
            purse.write_off(now);
            None::<()>
        });
    }

    fn each<T>(&self, look: impl Fn(&ClientKeyName, &Purse) -> Option<T>) -> BTreeMap<String, T> {
        let purses = self.purses.lock().unwrap_or_else(PoisonError::into_inner);
        let seen =
            purses.iter().filter_map(|(key, purse)| Some((key.to_string(), look(key, purse)?)));
        seen.collect()
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger")
    }
}
