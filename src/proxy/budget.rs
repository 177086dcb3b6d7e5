//! What is held of budgets follows what is sent.

use std::borrow::Cow;

use omniroute_core::error::Error;
use omniroute_core::money::Price;
use omniroute_core::routing::Choice;
use omniroute_core::snapshot::Target;
use omniroute_wire::ModelFacts;

use super::exchange::Exchange;

impl Exchange {
    /// Holds enough of the caller's budgets for a request of so many bytes.
    ///
    /// # Errors
    ///
    /// The budget without room for it.
    pub(super) fn cover(&self, choice: &Choice, bytes: usize) -> Result<(), Error> {
        let (Some(hold), Some(caller)) = (&self.cx.hold, &self.cx.caller) else { return Ok(()) };
        let Some((facts, price)) = self.terms(&choice.target) else { return Ok(()) };
        let now = self.shared.clock.timestamp();
        let covered = hold.cover(bytes as u64, (&*facts, price), now);
        covered.map_err(|no_room| Error::no_room(caller, no_room))
    }

    /// Holds more for a provider that is asked to go on, as far as there is room. It is asked in any case:
    /// half an answer has been paid for, and what its own tools bring in has no bound (ADR-0023).
    pub(super) fn cover_going_on(&self, bytes: usize) {
        let (Some(hold), Some(attempt)) = (&self.cx.hold, &self.attempt) else { return };
        let Some((facts, price)) = self.terms(&attempt.choice.target) else { return };
        let now = self.shared.clock.timestamp();
        if let Err(no_room) = hold.cover_another(bytes as u64, (&*facts, price), now) {
            tracing::debug!(request_id = %self.cx.request_id, ?no_room, "going on without room");
        }
    }

    /// What the most that a call can cost depends on; `None` if nobody knows the price.
    fn terms<'a>(&'a self, target: &'a Target) -> Option<(Cow<'a, ModelFacts>, &'a Price)> {
        let price = self.cx.snapshot.prices.of(target)?;
        Some((target.provider.facts(&target.model), price))
    }
}
