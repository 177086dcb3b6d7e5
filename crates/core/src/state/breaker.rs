//! The circuit breaker of a provider: after real failures it spares the provider, and the clients'
//! time, until a single probe has shown that it is back.
//!
//! - *Closed*: everything goes through. It opens when, within the window, there were as many failures
//!   as the profile's threshold, at least half of all outcomes were failures, and none of the
//!   provider's accounts works any more. The threshold alone would open the breaker of a busy provider
//!   that fails once in a thousand calls; one broken account is that account's fault.
//! - *Open*: nothing goes through for the profile's `open_for`, doubled at each opening in a row up to its
//!   `max_cool_down`.
//! - *Half-open*: one probe at a time. Its success closes the breaker and forgets everything; its
//!   failure opens it again. A probe that comes to nothing (the client left) makes room for another.
//!
//! What counts is the provider's fault alone: client errors, spent quotas, rate limits and clients that
//! leave never do.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::window::Window;
use crate::resilience::Profile;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// How far back failures count. The threshold is of calls, so the window has to be long enough for a
/// small team to make that many.
const WINDOW: Duration = Duration::from_secs(60);

/// Share of failures from which on a provider counts as failing.
const FAILING_SHARE: f64 = 0.5;

/// Longest time that a breaker is believed to have been open for still after a restart: a wall clock that
/// was set back must not shut a provider out.
const MAX_RESTORED: Duration = Duration::from_secs(3600);

/// The breaker of one provider.
#[derive(Debug)]
pub struct Breaker {
    /// Whether the state is closed, to be read without the lock.
    is_closed: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    outcomes: Window,
    /// Openings since it was last closed.
    openings: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
    },
    /// A probe may begin.
    Awaiting,
    /// A probe is running.
    Probing,
}

/// What a breaker lets through now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everything.
    Closed,
    /// Nothing, for this long.
    Open(Duration),
    /// One probe.
    HalfOpen,
    /// Nothing until the running probe has come to something.
    Probing,
}

impl Gate {
    /// Returns the state's usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::HalfOpen | Self::Probing => "half_open",
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        let inner = Inner { state: State::Closed, outcomes: Window::new(WINDOW), openings: 0 };
        Self { is_closed: AtomicBool::new(true), inner: Mutex::new(inner) }
    }
}

impl Breaker {
    /// Returns what is let through.
    pub fn gate(&self, now: Instant) -> Gate {
        if self.is_closed.load(Ordering::Acquire) {
            return Gate::Closed;
        }
        self.lock().gate(now)
    }

    /// Lets one call through, if any. What it comes to is to be told to the pass.
    pub fn enter(self: &Arc<Self>, now: Instant) -> Option<Pass> {
        if self.is_closed.load(Ordering::Acquire) {
            return Some(Pass { breaker: Arc::clone(self), is_probe: false });
        }
        let mut inner = self.lock();
        let is_probe = match inner.gate(now) {
            Gate::Closed => false,
            Gate::HalfOpen => {
                inner.state = State::Probing;
                true
            }
            Gate::Open(_) | Gate::Probing => return None,
        };
        drop(inner);
        Some(Pass { breaker: Arc::clone(self), is_probe })
    }

    /// Returns for how long it is still open and how often it opened in a row; `None` while closed.
    /// A half-open breaker is open for no time.
    pub fn openings(&self, now: Instant) -> Option<(Duration, u32)> {
        let inner = self.lock();
        match inner.gate(now) {
            Gate::Closed => None,
            Gate::Open(left) => Some((left, inner.openings)),
            Gate::HalfOpen | Gate::Probing => Some((Duration::ZERO, inner.openings)),
        }
    }

    /// Opens it as it was before a restart.
    pub fn restore(&self, left: Duration, openings: u32, now: Instant) {
        let mut inner = self.lock();
        inner.openings = openings.max(1);
        inner.state = State::Open { until: now + left.min(MAX_RESTORED) };
        self.is_closed.store(false, Ordering::Release);
    }

    /// Closes it and forgets everything.
    pub fn reset(&self) {
        self.lock().close(self);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn gate(&self, now: Instant) -> Gate {
        match self.state {
            State::Closed => Gate::Closed,
            State::Awaiting => Gate::HalfOpen,
            State::Probing => Gate::Probing,
            State::Open { until } => match until.saturating_duration_since(now) {
                Duration::ZERO => Gate::HalfOpen,
                left => Gate::Open(left),
            },
        }
    }

    fn close(&mut self, breaker: &Breaker) {
        self.state = State::Closed;
        self.outcomes.clear();
        self.openings = 0;
        breaker.is_closed.store(true, Ordering::Release);
    }

    fn open(&mut self, breaker: &Breaker, profile: &Profile, now: Instant) {
        let doubled =
            2_u32.checked_pow(self.openings).and_then(|by| profile.open_for.checked_mul(by));
        let most = profile.max_cool_down.max(profile.open_for);
        let open_for = doubled.map_or(most, |doubled| doubled.min(most));
        self.openings = self.openings.saturating_add(1);
        self.state = State::Open { until: now + open_for };
        self.outcomes.clear();
        breaker.is_closed.store(false, Ordering::Release);
    }
}

/// A call that was let through. Dropping it without a word says nothing about the provider.
#[derive(Debug)]
pub struct Pass {
    breaker: Arc<Breaker>,
    is_probe: bool,
}

impl Pass {
    /// Tells whether this call is the probe of a half-open breaker.
    pub const fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// The provider answered: well, or with an error that is not its own fault.
    pub fn answered(&mut self, now: Instant) {
        let mut inner = self.breaker.lock();
        if std::mem::take(&mut self.is_probe) && inner.state == State::Probing {
            inner.close(&self.breaker);
        }
        if inner.state == State::Closed {
            inner.outcomes.count(true, now);
        }
    }

    /// The provider failed. `works_nowhere`: no account of it works any more.
    pub fn failed(&mut self, works_nowhere: bool, profile: &Profile, now: Instant) {
        let mut inner = self.breaker.lock();
        if std::mem::take(&mut self.is_probe) && inner.state == State::Probing {
            inner.open(&self.breaker, profile, now);
            return;
        }
        // A call that began before the breaker opened says nothing new.
        if inner.state != State::Closed {
            return;
        }
        inner.outcomes.count(false, now);
        let seen = inner.outcomes.counts(now);
        let is_failing = seen.share_of_bad() >= FAILING_SHARE;
        if works_nowhere && is_failing && seen.bad >= profile.failure_threshold {
            inner.open(&self.breaker, profile, now);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.is_probe {
            let mut inner = self.breaker.lock();
            if inner.state == State::Probing {
                inner.state = State::Awaiting;
            }
        }
    }
}
