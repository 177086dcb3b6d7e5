//! Numbers that say how patient the gateway is with accounts and providers.

use std::time::Duration;

/// How a provider's failures are answered (`resilience.profiles`).
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Failures within the breaker's window that open it, at least 1.
    pub failure_threshold: u32,
    /// How long an open breaker lets nothing through.
    pub open_for: Duration,
    /// First rest of an account when the provider names none.
    pub cool_down: Duration,
    /// Longest rest that doubling reaches.
    pub max_cool_down: Duration,
    /// Factor from one rest to the next, at least 1.
    pub backoff: f64,
}

/// What an account may be asked for at most (`accounts[].limits`), or a client key may ask for
/// (`client_keys[].limits`). 0 is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls begun within any 60 seconds.
    pub rpm: u32,
    /// Tokens within any 60 seconds: estimated when a call begins, corrected when it has ended.
    pub tpm: u64,
    /// Least time from the beginning of one call to that of the next.
    pub min_gap: Duration,
    /// Calls running at once, each until its stream has ended.
    pub concurrent: u32,
}

impl Limits {
    /// Tells whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}
