//! Answers that the process cannot finish because it ends.

use omniroute_core::error::Error;
use omniroute_core::verdict::{Reason, Verdict};

use super::exchange::{Exchange, Step};

impl Exchange {
    /// Ends the answer because the process ends: with the error event of the client's format if it has
    /// begun, else with an error that says to try again. No account is at fault.
    pub fn stopped(&mut self) -> Step {
        let verdict = Verdict::on_own_end(Reason::Stopping);
        if self.has_begun() {
            return Step::Write(self.cut_off(&Error::Draining, &verdict));
        }
        if let Some(mut attempt) = self.attempt.take() {
            self.note_unfinished(&mut attempt);
            self.close_failed(&mut attempt, &verdict);
        }
        self.give_up(Error::Draining)
    }
}
