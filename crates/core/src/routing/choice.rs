//! One target with one account, and what taking it means.

use std::sync::Arc;
use std::time::Instant;

use crate::snapshot::{Account, Group, Target};
use crate::state::{Admission, Asked, Gate, Pass, Permit};
use crate::verdict::Reason;

/// One target with one account.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What to ask for, and where.
    pub target: Target,
    /// With which identity.
    pub account: Arc<Account>,
    /// Through which groups it was reached.
    pub(super) via: Option<Arc<Via>>,
}

/// A member of a group through which a target was reached.
#[derive(Debug)]
pub(super) struct Via {
    pub(super) group: Arc<Group>,
    pub(super) member: usize,
    pub(super) up: Option<Arc<Via>>,
}

/// A call that has begun at an account. Dropping it ends the call; unless it was told what the call
/// came to, that says nothing about account and provider.
#[derive(Debug)]
pub struct Ticket {
    permit: Permit,
    pass: Pass,
    account: Arc<Account>,
    model: Arc<str>,
    has_answered: bool,
}

/// Why a choice may not be taken now, or that it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Its provider's breaker lets nothing through.
    Breaker(Gate),
    /// The account decides.
    Account(Admission),
}

impl Choice {
    /// Makes the choice of whoever has nothing to choose.
    pub const fn of(target: Target, account: Arc<Account>) -> Self {
        Self { target, account, via: None }
    }

    /// Tells whether the choice may be taken now.
    pub(super) fn admission(&self, tokens: u64, is_retry: bool, now: Instant) -> Entry {
        admission(&self.target, &self.account, (tokens, is_retry), now)
    }

    /// Begins a call.
    ///
    /// # Errors
    ///
    /// Why the choice may not be taken any more.
    pub fn begin(&self, tokens: u64, is_retry: bool, now: Instant) -> Result<Ticket, Entry> {
        let breaker = &self.target.provider.state.breaker;
        let pass = breaker.enter(now).ok_or_else(|| Entry::Breaker(breaker.gate(now)))?;
        let asked = asked(&self.target, &self.account, (tokens, is_retry));
        let permit = self.account.state.begin(&asked, now).map_err(Entry::Account)?;
        let number = self.account.state.last_used();
        let mut via = self.via.as_ref();
        while let Some(step) = via {
            step.group.pool.chosen(&step.group.members[step.member].name, number, now);
            via = step.up.as_ref();
        }
        let (account, model) = (Arc::clone(&self.account), Arc::clone(&self.target.model));
        Ok(Ticket { permit, pass, account, model, has_answered: false })
    }

    /// Tells whether this is the account with the target's model.
    pub(super) fn is_of(&self, target: &Target, account: &Account) -> bool {
        self.account.id == account.id && self.target.model == target.model
    }
}

/// Tells whether an account of a target may be chosen now.
pub(super) fn admission(
    target: &Target,
    account: &Account,
    call: (u64, bool),
    now: Instant,
) -> Entry {
    match target.provider.state.breaker.gate(now) {
        Gate::Closed | Gate::HalfOpen => {}
        shut => return Entry::Breaker(shut),
    }
    Entry::Account(account.state.admission(&asked(target, account, call), now))
}

fn asked<'a>(
    target: &'a Target,
    account: &'a Account,
    (tokens, is_retry): (u64, bool),
) -> Asked<'a> {
    Asked { model: &target.model, limits: &account.limits, tokens, is_retry }
}

impl Ticket {
    /// The first content has come. Only the first time counts.
    pub fn answered(&mut self, now: Instant) {
        if std::mem::replace(&mut self.has_answered, true) {
            return;
        }
        let after = self.permit.answered(&self.model, now);
        self.account.provider.state.latency.count(after, now);
        self.pass.answered(now);
    }

    /// The call failed. `others`: all accounts of the provider.
    ///
    /// A stream that breaks after it has begun does not feed the breaker: the provider did answer, and
    /// one restart of a machine in between cuts many streams at once while new calls work.
    pub fn failed(&mut self, reason: Reason, others: &[Arc<Account>], now: Instant) {
        let is_providers_fault = reason.is_providers_fault() && !self.has_answered;
        if reason.is_accounts_failure() {
            self.permit.failed(is_providers_fault, now);
        }
        let provider = &self.account.provider;
        if is_providers_fault {
            let works_nowhere = others.iter().all(|account| account.state.is_out(now));
            self.pass.failed(works_nowhere, &provider.profile, now);
        } else if reason.is_refusal() && !self.has_answered {
            self.pass.answered(now);
        }
    }

    /// The call took this many tokens.
    pub const fn took(&mut self, tokens: u64) {
        self.permit.took(tokens);
    }
}
