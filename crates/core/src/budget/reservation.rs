//! Money that is kept for a running call.

use std::fmt;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::{Budget, NoRoom, Purse, Warning};
use crate::money::Nanodollars;
use crate::sync::Mutex;

/// Money that is kept for a running call. Dropping it gives it back.
pub struct Reservation {
    purse: Arc<Purse>,
    budgets: Arc<[Budget]>,
    /// `None` once the call is settled.
    held: Mutex<Option<Nanodollars>>,
}

impl Reservation {
    pub(super) fn new(purse: Arc<Purse>, budgets: Arc<[Budget]>, held: Nanodollars) -> Self {
        Self { purse, budgets, held: Mutex::new(Some(held)) }
    }

    /// Returns how much is kept; nothing once the call is settled.
    pub fn held(&self) -> Nanodollars {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
    }

    /// Keeps at least this much.
    ///
    /// # Errors
    ///
    /// The budget without room for more; what was kept stays.
    pub fn raise(&self, to: Nanodollars, now: Timestamp) -> Result<(), NoRoom> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(amount) = held.as_mut().filter(|amount| **amount < to) {
            self.purse.hold_more(&self.budgets, to.minus(*amount), now)?;
            *amount = to;
        }
        Ok(())
    }

    /// Ends the call at what it cost. Only the first time counts.
    pub fn settle(&self, cost: Nanodollars, now: Timestamp) -> Vec<Warning> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        let settled = held.map(|held| self.purse.settle((&self.budgets, held), cost, now));
        settled.unwrap_or_default()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.purse.release(held);
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reservation").field(&self.held()).finish()
    }
}
