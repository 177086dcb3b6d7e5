//! What a client key uses of its limits.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::limiter::{Busy, Counted, Limiter};
use crate::resilience::Limits;
use crate::sync::{Mutex, MutexGuard};

/// What a client key uses of its limits. Shared by all snapshots that have the key.
#[derive(Debug, Default)]
pub struct ClientState {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    limiter: Limiter,
    running: u32,
}

/// A request of a client key that has been let in. Dropping it ends the request.
pub struct ClientPass {
    client: Arc<ClientState>,
    counted: Mutex<Option<Counted>>,
}

/// What is left of a limit over a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The limit.
    pub limit: u64,
    /// What is left of it.
    pub left: u64,
    /// Until all of it is there again.
    pub full_in: Duration,
}

impl ClientState {
    /// Lets a request in, as far as `rpm` and `concurrent` go.
    ///
    /// # Errors
    ///
    /// The limit that is reached.
    pub fn enter(self: &Arc<Self>, limits: &Limits, now: Instant) -> Result<ClientPass, Busy> {
        let limits = Limits { tpm: 0, min_gap: Duration::ZERO, ..*limits };
        let mut inner = self.lock();
        let running = inner.running;
        if let Some(busy) = inner.limiter.busy(&limits, running, 0, now) {
            return Err(busy);
        }
        inner.limiter.begin(&limits, 0, now);
        inner.running += 1;
        Ok(ClientPass { client: Arc::clone(self), counted: Mutex::default() })
    }

    /// Returns what is left of `rpm` and `tpm`, where they are limited.
    pub fn allowances(&self, limits: &Limits, now: Instant) -> [Option<Allowance>; 2] {
        let mut inner = self.lock();
        let (requests, tokens) = inner.limiter.used(now);
        let [requests_in, tokens_in] = inner.limiter.unused_in(now);
        let allowance = |limit: u64, used: u64, full_in| {
            (limit > 0).then_some(Allowance { limit, left: limit.saturating_sub(used), full_in })
        };
        [
            allowance(limits.rpm.into(), requests, requests_in),
            allowance(limits.tpm, tokens, tokens_in),
        ]
    }

    /// Returns the number of running requests.
    pub fn running(&self) -> u32 {
        self.lock().running
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientPass {
    /// Counts a call of about `tokens` against `tpm`.
    ///
    /// # Errors
    ///
    /// That it is reached.
    pub fn call(&self, limits: &Limits, tokens: u64, now: Instant) -> Result<(), Busy> {
        let limits = Limits { tpm: limits.tpm, ..Limits::default() };
        let mut inner = self.client.lock();
        if let Some(busy) = inner.limiter.busy(&limits, 0, tokens, now) {
            return Err(busy);
        }
        let counted = inner.limiter.begin(&limits, tokens, now);
        drop(inner);
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
        Ok(())
    }

    /// Corrects the tokens of the call, once they are known.
    pub fn took(&self, tokens: u64) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = &mut *counted {
            self.client.lock().limiter.correct(counted, tokens);
        }
    }
}

impl Drop for ClientPass {
    fn drop(&mut self) {
        let mut inner = self.client.lock();
        inner.running = inner.running.saturating_sub(1);
    }
}

impl fmt::Debug for ClientPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientPass")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_key_has_no_more_than_its_limits() {
        let (client, clock) = (Arc::<ClientState>::default(), Clock::manual(0));
        let limits = Limits { rpm: 3, tpm: 100, concurrent: 2, ..Limits::default() };
        let enter = || client.enter(&limits, clock.now());

        let (first, second) = (enter().unwrap(), enter().unwrap());
        assert_eq!(enter().unwrap_err(), Busy { limit: "concurrent", left: None });
        first.call(&limits, 60, clock.now()).unwrap();
        let busy = second.call(&limits, 60, clock.now()).unwrap_err();
        assert_eq!(busy, Busy { limit: "tpm", left: Some(Duration::from_secs(60)) });
        first.took(40);
        second.call(&limits, 60, clock.now()).unwrap();
        drop(first);

        clock.advance(Duration::from_secs(20));
        let third = enter().unwrap();
        drop((second, third));
        let left = Duration::from_secs(40);
        assert_eq!(enter().unwrap_err(), Busy { limit: "rpm", left: Some(left) });
        let [requests, tokens] = client.allowances(&limits, clock.now());
        let full_in = Duration::from_secs(60);
        assert_eq!(requests, Some(Allowance { limit: 3, left: 0, full_in }));
        assert_eq!(tokens, Some(Allowance { limit: 100, left: 0, full_in: left }));
        assert_eq!(client.running(), 0);

        clock.advance(Duration::from_secs(40));
        enter().unwrap();
    }
}
