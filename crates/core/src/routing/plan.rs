//! The order of attempts of one request.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Route, Target};
use crate::error::Error;
use crate::snapshot::{Account, Snapshot};
use crate::state::{AccountState, SharedState, Standing};
use crate::verdict::Next;

/// One target with one account.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What to ask for, and where.
    pub target: Target,
    /// With which identity.
    pub account: Arc<Account>,
    /// How that account is.
    pub state: Arc<AccountState>,
}

/// What remains to be tried of a request.
#[derive(Debug)]
pub struct Plan {
    remaining: VecDeque<Choice>,
    attempts_left: usize,
}

/// Puts the choices of a route in the order in which to try them.
///
/// Targets keep the route's order; the accounts of a target go by priority (fill first). Accounts that
/// are away are left out; those that are behind go last, in the same order among themselves.
///
/// # Errors
///
/// [`Error::NoAccount`] if nobody has an account for any target, [`Error::NoneAvailable`] with the
/// shortest wait if all who have one are away.
pub fn plan(
    route: &Route,
    snapshot: &Snapshot,
    state: &SharedState,
    now: Instant,
) -> Result<Plan, Error> {
    let mut ready = VecDeque::new();
    let mut behind = VecDeque::new();
    let mut shortest_wait: Option<Duration> = None;
    for target in &route.targets {
        for account in snapshot.accounts_of(&target.provider.id) {
            let standing_state = state.account(account);
            let standing = standing_state.standing(now);
            let choice = Choice {
                target: target.clone(),
                account: Arc::clone(account),
                state: standing_state,
            };
            match standing {
                Standing::Ready => ready.push_back(choice),
                Standing::Behind(_) => behind.push_back(choice),
                Standing::Away(wait) => {
                    shortest_wait = Some(shortest_wait.map_or(wait, |known| known.min(wait)));
                }
            }
        }
    }
    ready.append(&mut behind);
    if ready.is_empty() {
        return Err(nobody(route, shortest_wait));
    }
    Ok(Plan { remaining: ready, attempts_left: snapshot.routing.max_attempts })
}

fn nobody(route: &Route, shortest_wait: Option<Duration>) -> Error {
    let model = route.asked.to_string();
    if let Some(retry_after) = shortest_wait {
        return Error::NoneAvailable { model, retry_after };
    }
    let mut providers: Vec<&str> =
        route.targets.iter().map(|target| target.provider.id.as_str()).collect();
    providers.dedup();
    Error::NoAccount { model, providers: providers.join(" or ") }
}

impl Plan {
    /// Iterates over what remains, in order.
    pub fn choices(&self) -> impl Iterator<Item = &Choice> {
        self.remaining.iter()
    }

    /// Takes the next choice, skipping accounts that have been sent away since the plan was made.
    pub fn next(&mut self, now: Instant) -> Option<Choice> {
        if self.attempts_left == 0 {
            return None;
        }
        self.drop_absent(now);
        let choice = self.remaining.pop_front()?;
        self.attempts_left -= 1;
        Some(choice)
    }

    /// Tells whether [`Plan::next`] would give a choice.
    pub fn has_next(&mut self, now: Instant) -> bool {
        self.drop_absent(now);
        self.attempts_left > 0 && !self.remaining.is_empty()
    }

    /// Takes out what a verdict on `failed` rules out.
    pub fn narrow(&mut self, failed: &Choice, next: Next) {
        match next {
            Next::Nobody => self.remaining.clear(),
            Next::Anyone => {}
            Next::OtherAccount => {
                self.remaining.retain(|choice| choice.account.id != failed.account.id);
            }
            Next::OtherModel => self.remaining.retain(|choice| {
                choice.target.provider.id != failed.target.provider.id
                    || choice.target.model != failed.target.model
            }),
        }
    }

    fn drop_absent(&mut self, now: Instant) {
        while let Some(choice) = self.remaining.front() {
            if !matches!(choice.state.standing(now), Standing::Away(_)) {
                return;
            }
            self.remaining.pop_front();
        }
    }
}
