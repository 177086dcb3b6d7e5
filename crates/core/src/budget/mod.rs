//! Budgets of client keys: money is reserved before a call and settled after it, so that none is overrun.
//!
//! A key may have several budgets at once, each over a calendar window ([`Period`]) of a time zone. Before
//! a call the most that it can cost ([`Sketch`]) is reserved in all of them under one lock; what it did
//! cost takes its place afterwards. So at every moment *spent + reserved ≤ limit*, as long as no call
//! costs more than what was reserved for it; one that does is charged in full all the same and counted
//! as an overrun.
//!
//! What a key has spent outlives snapshots: an edit of a limit forgets nothing. It is lost at a restart
//! unless somebody calls [`Ledger::restore`].

mod handover;
mod hold;
mod ledger;
#[cfg(test)]
mod outlines;
mod period;
mod purse;
mod reservation;
mod sketch;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;

pub use handover::{Given, GivenTotal, Told};
pub use hold::Hold;
pub use ledger::Ledger;
pub use period::{Period, Window};
pub use purse::{NoRoom, Purse, Standing, Warning};
pub use reservation::Reservation;
pub use sketch::Sketch;

use crate::money::Nanodollars;

/// How much a key may spend in a window of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How long a window is.
    pub period: Period,
    /// Where the calendar is read.
    pub zone: TimeZone,
    /// How much.
    pub limit: Nanodollars,
    /// Thousandths of the limit that are worth a warning, the lowest first.
    pub warn_at: Box<[u16]>,
}

impl Budget {
    /// Tells whether both are over the same windows.
    pub fn is_over_same(&self, other: &Self) -> bool {
        self.period == other.period && self.zone == other.zone
    }

    /// Returns the name of the time zone.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Returns the highest threshold that this amount has reached, in thousandths; 0 if none.
    pub(crate) fn reached(&self, spent: Nanodollars) -> u16 {
        let is_reached = |thousandths: &&u16| {
            let of_limit = u128::from(self.limit.get()) * u128::from(**thousandths);
            u128::from(spent.get()) * 1000 >= of_limit
        };
        self.warn_at.iter().filter(is_reached).copied().max().unwrap_or(0)
    }
}
