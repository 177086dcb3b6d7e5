//! What a call holds of its key's budgets, and why.

use jiff::Timestamp;
use omniroute_wire::ModelFacts;

use super::{NoRoom, Reservation, Sketch};
use crate::money::{Price, most};

/// What a call holds of its key's budgets, and what that was worked out from.
#[derive(Debug)]
pub struct Hold {
    /// The money.
    pub reservation: Reservation,
    /// What the client's request can take.
    pub sketch: Sketch,
}

impl Hold {
    /// Holds enough for a request that is written with so many bytes for one model. A translation may be
    /// longer than what the client sent, for instance by instructions or remembered reasoning.
    ///
    /// # Errors
    ///
    /// The budget without room for more.
    pub fn cover(
        &self,
        bytes: u64,
        (facts, price): (&ModelFacts, &Price),
        now: Timestamp,
    ) -> Result<(), NoRoom> {
        if bytes <= self.sketch.bytes {
            // What is held is enough for the dearest model that the client's own bytes may reach.
            return Ok(());
        }
        let demand = self.sketch.with_bytes(bytes).demand(facts);
        self.reservation.raise(most(&demand, price), now)
    }

    /// Holds enough for one more request of so many bytes within the same call.
    ///
    /// # Errors
    ///
    /// The budget without room for it.
    pub fn cover_another(
        &self,
        bytes: u64,
        (facts, price): (&ModelFacts, &Price),
        now: Timestamp,
    ) -> Result<(), NoRoom> {
        let demand = self.sketch.with_bytes(bytes).demand(facts);
        let so_far = self.reservation.held();
        self.reservation.raise(so_far.plus(most(&demand, price)), now)
    }
}
