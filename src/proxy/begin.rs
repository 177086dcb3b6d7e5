//! The beginning of an attempt: whom to ask, with what, or why nobody is asked now.

use std::sync::Arc;
use std::time::Duration;

use omniroute_core::error::Error;
use omniroute_core::snapshot::Account;
use omniroute_core::verdict::Next;
use omniroute_wire::WireError;

use super::attempt::Attempt;
use super::exchange::{Exchange, Step};
use super::incoming::Incoming;
use super::planning::Upcoming;
use super::prepare::Prepared;
use crate::upstream::Destination;

/// Why no attempt is made now.
pub enum NotNow {
    /// The request is over, and this is to be written.
    Over(Step),
    /// This account's credential may be another by now: look, say so with [`Exchange::renewed`], and ask again.
    Renew(Arc<Account>),
    /// Everyone is busy: ask again after at most this long, or when something has ended.
    Wait(Duration),
}

/// Why there is no next attempt.
enum NoAttempt {
    Over(Error),
    Wait(Duration),
}

impl From<Error> for NoAttempt {
    fn from(error: Error) -> Self {
        Self::Over(error)
    }
}

impl Exchange {
    /// Begins the next attempt, or the same one again on a fresh connection, and says where it goes.
    ///
    /// # Errors
    ///
    /// What the client is to be told when there is nobody left to try, or nobody who need be asked; or a
    /// wait for somebody to be free.
    pub fn begin_attempt(&mut self) -> Result<Destination, NotNow> {
        if let Some(account) = self.to_renew() {
            return Err(NotNow::Renew(account));
        }
        if !std::mem::take(&mut self.again) {
            match self.next_attempt() {
                Ok(attempt) => {
                    self.own_words = None;
                    self.announce(&attempt);
                    self.attempt = Some(attempt);
                }
                Err(NoAttempt::Wait(at_most)) => return Err(NotNow::Wait(at_most)),
                Err(NoAttempt::Over(error)) => return Err(NotNow::Over(self.give_up(error))),
            }
        }
        match &self.attempt {
            Some(attempt) => {
                if let Some(since) = self.working_since.take() {
                    let spent = self.shared.clock.now().saturating_duration_since(since);
                    self.own_work += spent.saturating_sub(attempt.waited);
                }
                Ok(self.destination(attempt))
            }
            None => Err(NotNow::Over(self.give_up(Error::Internal))),
        }
    }

    fn next_attempt(&mut self) -> Result<Attempt, NoAttempt> {
        loop {
            let now = self.shared.clock.now();
            if !self.records.is_empty() && self.is_past_deadline(now) {
                return Err(self.last_error.take().map_or(Error::Internal, |last| *last).into());
            }
            let (choice, ticket, waited) = match self.planned.next(now) {
                Upcoming::Ask(choice, ticket, waited) => (choice, ticket, waited),
                Upcoming::Wait(at_most) => return Err(NoAttempt::Wait(at_most)),
                // Who is only at a limit can be asked later, which the client should hear.
                Upcoming::Nobody(error @ Error::Busy { .. }) if !self.planned.is_spent() => {
                    return Err(error.into());
                }
                Upcoming::Nobody(error) => {
                    return Err(self.last_error.take().map_or(error, |last| *last).into());
                }
            };
            self.can_count(&choice)?;
            match self.prepare(&choice) {
                Ok(Prepared { codec, mut outbound, passage, notes, care }) => {
                    self.cover(&choice, outbound.body.len())?;
                    let span = self.trace_attempt(&choice, &mut outbound, now);
                    return Ok(Attempt {
                        choice,
                        codec,
                        asked: outbound.body.clone(),
                        outbound: Some(Box::new(outbound)),
                        is_handed_on: false,
                        passage,
                        notes,
                        care,
                        incoming: Incoming::Awaited,
                        begun: now,
                        waited,
                        span: span.map(Box::new),
                        paused: None,
                        last_sign: now,
                        kept_alive: false,
                        is_sent: false,
                        stale_connections: 0,
                        status: None,
                        ticket,
                    });
                }
                Err(error @ Error::Wire(WireError::Unsupported { .. })) => {
                    // Another target may speak a format that can carry it.
                    self.planned.plan().was_not_asked();
                    self.planned.plan().narrow(&choice, Next::OtherModel);
                    self.last_error = Some(Box::new(error));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
