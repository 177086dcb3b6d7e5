//! What changes while serving: how accounts are, and what is remembered for clients.
//!
//! Kept apart from the snapshot, by id, so that an edit of the configuration forgets nothing about the
//! accounts that remain. Lost at a restart, by intent.

mod account;
mod recall;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

pub use account::{AccountState, Permit, Standing};
pub use recall::{Recall, RecallLimits};

use crate::ids::AccountId;
use crate::snapshot::{Account, Snapshot};

/// The state of all accounts, and the memory of reasoning.
#[derive(Debug, Default)]
pub struct SharedState {
    /// Reasoning behind calls of tools.
    pub recall: Recall,
    accounts: RwLock<HashMap<AccountId, Arc<AccountState>>>,
}

impl SharedState {
    /// Returns an account's state; a fresh one if the account is not known yet.
    pub fn account(&self, account: &Account) -> Arc<AccountState> {
        let known = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = known.get(&account.id) {
            return Arc::clone(state);
        }
        drop(known);
        let mut known = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(account.id.clone()).or_default())
    }

    /// Keeps the state of the accounts a new snapshot still has and forgets the others.
    ///
    /// An account whose key or endpoint changed begins afresh: what it did with the old one says
    /// nothing about the new.
    pub fn reconcile(&self, old: &Snapshot, new: &Snapshot) {
        let mut known = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| match (find(old, id), find(new, id)) {
            (Some(old), Some(new)) => is_same_identity(old, new),
            _ => false,
        });
    }
}

fn find<'a>(snapshot: &'a Snapshot, id: &AccountId) -> Option<&'a Arc<Account>> {
    snapshot.accounts.values().flatten().find(|account| account.id == *id)
}

fn is_same_identity(old: &Account, new: &Account) -> bool {
    let key = |account: &Account| account.key.as_ref().map(|key| key.expose().to_owned());
    old.provider.id == new.provider.id && old.endpoint() == new.endpoint() && key(old) == key(new)
}
