//! What changes while serving: how accounts, providers and combos are, and what is remembered for
//! clients.
//!
//! A snapshot's accounts, providers and combos carry a handle of their state, so a request looks
//! nothing up by name. The states themselves outlive snapshots: an edit of the configuration forgets
//! nothing about what remains. All is lost at a restart, by intent, but for open breakers.

mod account;
mod bans;
mod breaker;
mod client;
mod freed;
mod health;
mod latency;
mod limiter;
mod lockouts;
mod minute;
mod pool;
mod recall;
mod rest;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

pub use account::{AccountState, Admission, Asked, Permit, TRIAL};
pub use bans::Ban;
pub use breaker::{Breaker, Gate, Pass};
pub use client::{Allowance, ClientPass, ClientState};
pub use freed::Freed;
pub use latency::Latencies;
pub use limiter::Busy;
pub use lockouts::Lockouts;
pub use pool::PoolState;
pub use recall::{Recall, RecallCounts, RecallLimits};
pub use rest::{Failure, Standing};

use crate::budget::Ledger;
use crate::ids::{AccountId, ClientKeyName, ProviderId};
use crate::replay::{Answers, Flights};
use crate::webhook::Notices;

/// The states of all accounts, providers and combos, and the memory of reasoning.
#[derive(Debug, Default)]
pub struct SharedState {
    /// Reasoning behind calls of tools.
    pub recall: Recall,
    /// Addresses that sent wrong keys; filters have it too.
    pub lockouts: Arc<Lockouts>,
    /// Calls by the ids their clients gave them; filters have them too.
    pub flights: Arc<Flights>,
    /// Answers that are given again; filters have them too.
    pub answers: Arc<Answers>,
    /// What is to be told to webhooks.
    pub notices: Arc<Notices>,
    /// What client keys have spent.
    pub ledger: Ledger,
    hasher: RandomState,
    freed: Arc<Freed>,
    accounts: Mutex<HashMap<(AccountId, u64), Arc<AccountState>>>,
    providers: Mutex<HashMap<ProviderId, Arc<ProviderState>>>,
    combos: Mutex<HashMap<Box<str>, Arc<PoolState>>>,
    clients: Mutex<HashMap<ClientKeyName, Arc<ClientState>>>,
}

/// How one provider is.
#[derive(Debug, Default)]
pub struct ProviderState {
    /// Its circuit breaker.
    pub breaker: Arc<Breaker>,
    /// The choice between its accounts.
    pub accounts: PoolState,
    /// How fast it is.
    pub latency: Latencies,
}

impl SharedState {
    /// Returns an account's state; a fresh one if the account is not known yet.
    ///
    /// An account whose `identity` (provider, endpoint, key) changed begins afresh: what it did as
    /// another says nothing about it.
    pub fn account(&self, id: &AccountId, identity: impl Hash) -> Arc<AccountState> {
        let key = (id.clone(), self.hasher.hash_one(identity));
        let fresh = || Arc::new(AccountState::new(Arc::clone(&self.freed)));
        Arc::clone(locked(&self.accounts).entry(key).or_insert_with(fresh))
    }

    /// Returns a provider's state; a fresh one if the provider is not known yet.
    pub fn provider(&self, id: &ProviderId) -> Arc<ProviderState> {
        Arc::clone(locked(&self.providers).entry(id.clone()).or_default())
    }

    /// Returns the state of a combo; a fresh one if the combo is not known yet.
    pub fn combo(&self, name: &str) -> Arc<PoolState> {
        Arc::clone(locked(&self.combos).entry(name.into()).or_default())
    }

    /// Returns what a client key uses of its limits; nothing yet if the key is not known yet.
    pub fn client(&self, name: &ClientKeyName) -> Arc<ClientState> {
        Arc::clone(locked(&self.clients).entry(name.clone()).or_default())
    }

    /// Forgets what no snapshot and no running request has any more.
    pub fn tidy(&self) {
        locked(&self.accounts).retain(|_, state| Arc::strong_count(state) > 1);
        locked(&self.providers).retain(|_, state| Arc::strong_count(state) > 1);
        locked(&self.clients).retain(|_, state| Arc::strong_count(state) > 1);
        locked(&self.combos).retain(|_, state| Arc::strong_count(state) > 1);
    }

    /// Returns the bell that rings when something has ended.
    pub const fn freed(&self) -> &Arc<Freed> {
        &self.freed
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
