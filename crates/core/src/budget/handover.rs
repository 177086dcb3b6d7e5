//! Budgets while one process takes over from another: two purses for one key, and never more than the limit
//! is spent out of both.
//!
//! The old process *gives*: it tells what was spent and what it holds back, which is what its running calls
//! have reserved and an allowance for calls that still come over its old connections. From then on it
//! reserves out of the allowance only. The new process counts what is held back there as reserved, until
//! the old one tells that it is settled or free again. What is told late is only ever too careful.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::purse::Inner;
use super::{Budget, Period, Purse};
use crate::money::Nanodollars;

/// The part of what is left that the old process keeps for calls over its old connections.
const ALLOWANCE: u64 = 4;

/// What the old process tells of one purse when it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What was spent.
    pub totals: Vec<GivenTotal>,
    /// What it holds back, in nanodollars.
    pub held: u64,
}

/// What was spent in one kind of window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenTotal {
    /// How long a window is: `daily`, `weekly`, `monthly`.
    pub period: String,
    /// The time zone's name.
    pub zone: String,
    /// The end of the window.
    pub ends_at: Timestamp,
    /// How much, in nanodollars.
    pub spent: u64,
    /// The highest threshold that was warned of, in thousandths.
    pub warned: u16,
}

/// What the old process tells of one purse after it gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What it still holds back, in nanodollars.
    pub held: u64,
    /// What its calls have cost since it gave, in nanodollars.
    pub spent: u64,
}

/// A purse of which another process has the rest.
#[derive(Debug, Default)]
pub(super) struct Lent {
    /// What may still be reserved.
    allowance: Nanodollars,
    /// The most it may be.
    most: Nanodollars,
    /// What was settled since.
    spent: Nanodollars,
}

impl Lent {
    /// Takes an amount out of the allowance, or nothing.
    pub(super) fn take(&mut self, amount: Nanodollars) -> bool {
        let has_room = amount <= self.allowance;
        if has_room {
            self.allowance = self.allowance.minus(amount);
        }
        has_room
    }

    /// Puts what a call has left of its reservation back, and notes what it cost.
    pub(super) fn settle(&mut self, held: Nanodollars, cost: Nanodollars) {
        self.spent = self.spent.plus(cost);
        self.allowance = self.allowance.plus(held.minus(cost)).min(self.most);
    }
}

impl Purse {
    /// Gives the purse to another process. `budgets` are those of its key now.
    pub fn give(&self, budgets: &[Budget], now: Timestamp) -> Given {
        let mut inner = self.lock();
        let most = Nanodollars::new(inner.left(budgets, now).get() / ALLOWANCE);
        inner.lent = Some(Lent { allowance: most, most, spent: Nanodollars::ZERO });
        let totals = inner.totals.iter().map(|total| GivenTotal {
            period: total.budget.period.name().to_owned(),
            zone: total.budget.zone_name().to_owned(),
            ends_at: total.window.end,
            spent: total.spent.get(),
            warned: total.warned,
        });
        Given { totals: totals.collect(), held: inner.held_back().get() }
    }

    /// Takes the purse back that no other process wanted after all.
    pub fn take_back(&self) {
        self.lock().lent = None;
    }

    /// Tells how a purse that was given stands; `last`: as it will stay, since no more calls come.
    pub fn told(&self, last: bool) -> Option<Told> {
        let mut inner = self.lock();
        if last && let Some(lent) = &mut inner.lent {
            (lent.allowance, lent.most) = (Nanodollars::ZERO, Nanodollars::ZERO);
        }
        let (held, spent) = (inner.held_back(), inner.lent.as_ref()?.spent);
        Some(Told { held: held.get(), spent: spent.get() })
    }

    /// Takes over what another process gives.
    pub fn take(&self, given: &Given, now: Timestamp) {
        let mut inner = self.lock();
        for known in &given.totals {
            let period = Period::ALL.into_iter().find(|period| period.name() == known.period);
            let (Some(period), Ok(zone)) = (period, TimeZone::get(&known.zone)) else { continue };
            let budget = Budget { period, zone, limit: Nanodollars::ZERO, warn_at: Box::default() };
            let total = inner.total(&budget, now);
            // A window that ended meanwhile begins with nothing.
            if total.window.end == known.ends_at {
                total.spent = Nanodollars::new(known.spent);
                total.warned = known.warned;
            }
        }
        inner.elsewhere = Told { held: given.held, spent: 0 };
    }

    /// Hears how a purse stands that another process gave.
    pub fn hear(&self, told: Told, now: Timestamp) {
        let mut inner = self.lock();
        let since = Nanodollars::new(told.spent.saturating_sub(inner.elsewhere.spent));
        inner.elsewhere = told;
        inner.spend(since, now);
    }

    /// Counts what another process held back as spent: it ended without a word.
    pub fn write_off(&self, now: Timestamp) {
        let mut inner = self.lock();
        let lost = Nanodollars::new(std::mem::take(&mut inner.elsewhere).held);
        inner.spend(lost, now);
    }
}

impl Inner {
    /// Returns what nobody else may reserve.
    fn held_back(&self) -> Nanodollars {
        let allowance = self.lent.as_ref().map_or(Nanodollars::ZERO, |lent| lent.allowance);
        self.reserved().plus(allowance)
    }

    /// Counts what another process spent.
    fn spend(&mut self, amount: Nanodollars, now: Timestamp) {
        if amount == Nanodollars::ZERO {
            return;
        }
        for total in &mut self.totals {
            total.roll(now);
            total.spent = total.spent.plus(amount);
        }
        // Whoever took the purse over from here hears of it.
        if let Some(lent) = &mut self.lent {
            lent.spent = lent.spent.plus(amount);
        }
    }

    /// Returns what is left in the budget that has least.
    fn left(&mut self, budgets: &[Budget], now: Timestamp) -> Nanodollars {
        let reserved = self.reserved();
        let left = budgets.iter().map(|budget| {
            let used = self.total(budget, now).spent.plus(reserved);
            budget.limit.minus(used)
        });
        left.min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::budget::Reservation;

    const LIMIT: u64 = 100;

    fn now() -> Timestamp {
        "2026-11-29T10:00:00Z".parse().unwrap()
    }

    fn budgets() -> Arc<[Budget]> {
        let budget = |period, limit| {
            let limit = Nanodollars::new(limit);
            Budget { period, zone: TimeZone::UTC, limit, warn_at: [800].into() }
        };
        [budget(Period::Daily, LIMIT), budget(Period::Monthly, LIMIT + 5)].into()
    }

    fn reserve(purse: &Arc<Purse>, amount: u64) -> Option<Reservation> {
        purse.reserve(&budgets(), Nanodollars::new(amount), now()).ok()
    }

    #[test]
    fn what_is_given_counts_until_it_is_told_to_be_free() {
        let (old, new) = (Arc::new(Purse::default()), Arc::new(Purse::default()));
        reserve(&old, 20).unwrap().settle(Nanodollars::new(20), now());
        let running = reserve(&old, 40).unwrap();

        new.take(&old.give(&budgets(), now()), now());

        // 100 - 20 - 40 are left, a quarter of that to the old one.
        assert!(reserve(&new, 31).is_none());
        assert!(reserve(&new, 30).is_some());
        assert!(reserve(&old, 11).is_none());
        assert!(reserve(&old, 10).is_some());
        running.settle(Nanodollars::new(15), now());
        assert!(reserve(&new, 31).is_none(), "it has not heard");
        new.hear(old.told(true).unwrap(), now());
        assert!(reserve(&new, 65).is_some(), "100 - 20 - 15");
        assert!(reserve(&new, 66).is_none());
        assert!(reserve(&old, 1).is_none(), "it said that no more comes");
    }

    #[test]
    fn what_two_hand_overs_held_back_can_be_spent_again_to_the_last_nanodollar() {
        let [first, second, third]: [Arc<Purse>; 3] = Default::default();
        let early = reserve(&first, 30).unwrap();
        second.take(&first.give(&budgets(), now()), now());
        let late = reserve(&first, 10).unwrap();
        let between = reserve(&second, 20).unwrap();
        third.take(&second.give(&budgets(), now()), now());

        late.settle(Nanodollars::new(4), now());
        second.hear(first.told(false).unwrap(), now());
        drop(early);
        third.hear(second.told(false).unwrap(), now());
        second.hear(first.told(true).unwrap(), now());
        between.settle(Nanodollars::new(7), now());
        third.hear(second.told(true).unwrap(), now());
        // The line breaks after the last word.
        third.write_off(now());

        assert!(reserve(&third, LIMIT - 10).is_none());
        assert!(reserve(&third, LIMIT - 11).is_some());
    }

    #[test]
    fn a_window_that_ends_during_a_hand_over_takes_its_spending_along() {
        let tomorrow: Timestamp = "2026-11-30T00:00:01Z".parse().unwrap();
        let (old, new) = (Arc::new(Purse::default()), Arc::new(Purse::default()));
        reserve(&old, 50).unwrap().settle(Nanodollars::new(50), now());
        let running = reserve(&old, 20).unwrap();
        new.take(&old.give(&budgets(), now()), now());

        running.settle(Nanodollars::new(15), tomorrow);
        new.hear(old.told(true).unwrap(), tomorrow);

        let spent = |budget: &Budget| new.standing(budget, tomorrow).spent.get();
        assert_eq!(budgets().iter().map(spent).collect::<Vec<_>>(), [15, 65], "day, month");
        let reserve = |amount| new.reserve(&budgets(), Nanodollars::new(amount), tomorrow);
        assert!(reserve(LIMIT + 5 - 65 + 1).is_err());
        assert!(reserve(LIMIT + 5 - 65).is_ok());
    }

    #[test]
    fn what_a_process_held_that_ended_without_a_word_is_spent() {
        let (old, new) = (Arc::new(Purse::default()), Arc::new(Purse::default()));
        let _running = reserve(&old, 40).unwrap();
        new.take(&old.give(&budgets(), now()), now());

        new.write_off(now());

        let standing = new.standing(&budgets()[0], now());
        assert_eq!((standing.spent.get(), standing.reserved.get()), (55, 0));
    }

    #[test]
    fn a_purse_that_is_taken_back_is_whole() {
        let purse = Arc::new(Purse::default());
        purse.give(&budgets(), now());
        assert!(reserve(&purse, 50).is_none());

        purse.take_back();

        assert!(reserve(&purse, 100).is_some());
    }

    proptest! {
        #[test]
        fn three_processes_in_a_row_never_spend_more_than_the_limit(
            steps in prop::collection::vec((0..4_usize, 0..3_usize, 1..30_u64), 1..200),
        ) {
            let purses: Vec<_> = (0..3).map(|_| Arc::new(Purse::default())).collect();
            let (mut newest, mut spent) = (0, 0);
            let mut running: Vec<(u64, Reservation)> = Vec::new();
            for (what, which, amount) in steps {
                let which = which.min(newest);
                match what {
                    0 => running.extend(reserve(&purses[which], amount).map(|held| (amount, held))),
                    1 if !running.is_empty() => {
                        let (held, call) = running.swap_remove(which % running.len());
                        let cost = held.min(amount);
                        call.settle(Nanodollars::new(cost), now());
                        spent += cost;
                    }
                    2 if newest < 2 => {
                        let given = purses[newest].give(&budgets(), now());
                        newest += 1;
                        purses[newest].take(&given, now());
                    }
                    _ if which < newest => {
                        purses[which + 1].hear(purses[which].told(false).unwrap(), now());
                    }
                    _ => {}
                }
                let reserved: u64 = running.iter().map(|(held, _)| held).sum();
                prop_assert!(spent + reserved <= LIMIT, "{spent} + {reserved}");
            }
            drop(running);
            for which in 0..newest {
                purses[which + 1].hear(purses[which].told(true).unwrap(), now());
            }
            let standing = purses[newest].standing(&budgets()[0], now());
            prop_assert_eq!((standing.spent.get(), standing.reserved.get()), (spent, 0));
            prop_assert!(reserve(&purses[newest], LIMIT - spent).is_some(), "none of it is lost");
        }
    }
}
