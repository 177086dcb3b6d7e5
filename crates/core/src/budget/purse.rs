//! What one client key has spent, and what is reserved for its running calls.
//!
//! What is reserved counts in every window: a call that begins before midnight and ends after it is
//! settled in the new window, in which it has held its place from the first moment. So neither window can be
//! overrun, and each dollar counts in exactly one.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::handover::Lent;
use super::{Budget, Period, Reservation, Told, Window};
use crate::money::Nanodollars;
use crate::sync::{Mutex, MutexGuard};

/// What one client key has spent. Shared by all snapshots that have the key.
#[derive(Debug, Default)]
pub struct Purse {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// For running calls, in all windows.
    here: Nanodollars,
    /// What a process holds back that this one took over from.
    pub(super) elsewhere: Told,
    /// Whether another process has the purse now.
    pub(super) lent: Option<Lent>,
    /// One for each kind of window that a budget of the key was ever over.
    pub(super) totals: Vec<Total>,
    /// What calls cost beyond what was reserved for them.
    overrun: Nanodollars,
}

/// What was spent in one kind of window.
#[derive(Debug)]
pub(super) struct Total {
    pub(super) budget: Budget,
    pub(super) window: Window,
    pub(super) spent: Nanodollars,
    /// The highest threshold that was warned of in this window, in thousandths.
    pub(super) warned: u16,
}

/// Why a call may not be made: a budget has no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// The budget's windows.
    pub period: Period,
    /// How much may be spent in one.
    pub limit: Nanodollars,
    /// How much was.
    pub spent: Nanodollars,
    /// How much is reserved for running calls.
    pub reserved: Nanodollars,
    /// The most that the call can cost.
    pub wanted: Nanodollars,
    /// When the next window begins.
    pub resets_at: Timestamp,
    /// Whether another process has the purse, and would perhaps find room.
    pub is_elsewhere: bool,
}

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much was spent in the current window.
    pub spent: Nanodollars,
    /// How much is reserved for running calls.
    pub reserved: Nanodollars,
    /// The highest threshold that was reached in it, in thousandths; 0 if none.
    pub reached: u16,
    /// The window.
    pub window: Window,
}

/// A threshold that a budget has reached for the first time in its window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The budget.
    pub budget: Budget,
    /// The threshold in thousandths of the limit.
    pub reached: u16,
    /// How much was spent.
    pub spent: Nanodollars,
    /// When the next window begins.
    pub resets_at: Timestamp,
}

impl Purse {
    /// Reserves an amount in all budgets, or in none.
    ///
    /// A call that costs nothing finds room in a budget that is spent.
    ///
    /// # Errors
    ///
    /// The budget without room; of several the one that has none for the longest time.
    pub fn reserve(
        self: &Arc<Self>,
        budgets: &Arc<[Budget]>,
        amount: Nanodollars,
        now: Timestamp,
    ) -> Result<Reservation, NoRoom> {
        self.lock().hold(budgets, amount, now)?;
        Ok(Reservation::new(Arc::clone(self), Arc::clone(budgets), amount))
    }

    /// Returns how a budget stands.
    pub fn standing(&self, budget: &Budget, now: Timestamp) -> Standing {
        let mut inner = self.lock();
        let reserved = inner.reserved();
        let total = inner.total(budget, now);
        let reached = budget.reached(total.spent);
        Standing { spent: total.spent, reserved, reached, window: total.window }
    }

    /// Lets calls count for a budget from now on. Returns its window if it is new to the purse: what was
    /// spent in it before is then for the caller to find and [`Purse::add_earlier`].
    pub fn begin(&self, budget: &Budget, now: Timestamp) -> Option<Window> {
        let mut inner = self.lock();
        let is_known = inner.totals.iter().any(|total| total.budget.is_over_same(budget));
        let window = inner.total(budget, now).window;
        (!is_known).then_some(window)
    }

    /// Adds what was spent in the current window of a budget before it began to count. Thresholds that
    /// this reaches give no warning.
    pub fn add_earlier(&self, budget: &Budget, spent: Nanodollars, now: Timestamp) {
        let mut inner = self.lock();
        let total = inner.total(budget, now);
        total.spent = total.spent.plus(spent);
        total.warned = total.warned.max(budget.reached(total.spent));
    }

    /// Returns what calls cost beyond what was reserved for them.
    pub fn overrun(&self) -> Nanodollars {
        self.lock().overrun
    }

    /// Reserves more, or nothing.
    pub(super) fn hold_more(
        &self,
        budgets: &[Budget],
        more: Nanodollars,
        now: Timestamp,
    ) -> Result<(), NoRoom> {
        self.lock().hold(budgets, more, now)
    }

    /// Puts what a call cost in the place of what was reserved for it.
    pub(super) fn settle(
        &self,
        (budgets, held): (&[Budget], Nanodollars),
        cost: Nanodollars,
        now: Timestamp,
    ) -> Vec<Warning> {
        let mut inner = self.lock();
        inner.free(held, cost);
        inner.overrun = inner.overrun.plus(cost.minus(held));
        if cost == Nanodollars::ZERO {
            return Vec::new();
        }
        for total in &mut inner.totals {
            total.roll(now);
            total.spent = total.spent.plus(cost);
        }
        budgets.iter().filter_map(|budget| inner.total(budget, now).warn(budget)).collect()
    }

    /// Gives back what was reserved.
    pub(super) fn release(&self, held: Nanodollars) {
        self.lock().free(held, Nanodollars::ZERO);
    }

    pub(super) fn restore(&self, budget: &Budget, spent: Nanodollars, now: Timestamp) {
        let mut inner = self.lock();
        let total = inner.total(budget, now);
        total.spent = spent;
        total.warned = budget.reached(spent);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn hold(
        &mut self,
        budgets: &[Budget],
        amount: Nanodollars,
        now: Timestamp,
    ) -> Result<(), NoRoom> {
        let reserved = self.reserved();
        let is_elsewhere = self.lent.is_some();
        let has_allowance = self.lent.as_mut().is_none_or(|lent| lent.take(amount));
        let without_room = budgets.iter().filter_map(|budget| {
            let total = self.total(budget, now);
            let after = total.spent.checked_add(reserved).and_then(|used| used.checked_add(amount));
            // What costs nothing is let through even if the limit was lowered below what is spent.
            let has_room = match is_elsewhere {
                true => has_allowance,
                false => after.is_some_and(|after| after <= budget.limit),
            };
            (!has_room && amount != Nanodollars::ZERO).then_some(NoRoom {
                period: budget.period,
                limit: budget.limit,
                spent: total.spent,
                reserved,
                wanted: amount,
                resets_at: total.window.end,
                is_elsewhere,
            })
        });
        if let Some(longest) = without_room.max_by_key(|no_room| no_room.resets_at) {
            return Err(longest);
        }
        self.here = self.here.plus(amount);
        Ok(())
    }

    /// Returns what running calls may cost, here and where this purse came from.
    pub(super) fn reserved(&self) -> Nanodollars {
        self.here.plus(Nanodollars::new(self.elsewhere.held))
    }

    /// Ends a reservation.
    fn free(&mut self, held: Nanodollars, cost: Nanodollars) {
        self.here = self.here.minus(held);
        if let Some(lent) = &mut self.lent {
            lent.settle(held, cost);
        }
    }

    pub(super) fn total(&mut self, budget: &Budget, now: Timestamp) -> &mut Total {
        let known = self.totals.iter().position(|total| total.budget.is_over_same(budget));
        let index = known.unwrap_or_else(|| {
            self.totals.push(Total::new(budget.clone(), now));
            self.totals.len() - 1
        });
        let total = &mut self.totals[index];
        total.roll(now);
        total
    }
}

impl Total {
    fn new(budget: Budget, now: Timestamp) -> Self {
        let window = budget.period.window(&budget.zone, now);
        Self { budget, window, spent: Nanodollars::ZERO, warned: 0 }
    }

    /// Begins the window that `now` is in, if the last one is over. A wall clock that is put back opens no
    /// window again: nobody gets a spent budget twice.
    pub(super) fn roll(&mut self, now: Timestamp) {
        if now >= self.window.end {
            self.window = self.budget.period.window(&self.budget.zone, now);
            self.spent = Nanodollars::ZERO;
            self.warned = 0;
        }
    }

    fn warn(&mut self, budget: &Budget) -> Option<Warning> {
        let reached = budget.reached(self.spent);
        if reached <= self.warned {
            return None;
        }
        self.warned = reached;
        let (budget, resets_at) = (budget.clone(), self.window.end);
        Some(Warning { budget, reached, spent: self.spent, resets_at })
    }
}
