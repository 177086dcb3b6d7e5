//! The order of attempts of one request.
//!
//! A plan is worked out as far as it is needed: what a name stands for is opened when its turn comes, so
//! a request that is served at once costs the same however long its combo is. Who may not be tried is
//! taken out before a strategy sees the candidates, and the rule that took it out is noted.
//!
//! Order: everyone who is ready, in the order of the strategies; then those who failed lately; then,
//! after a wait, those who are busy. Fallback chains come last among each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::Route;
use super::choice::{Choice, Entry, Via};
use super::record::{Considered, Removal};
use crate::error::Error;
use crate::ids::{AccountId, ProviderId};
use crate::snapshot::{Account, Group, Node, Snapshot, Target};
use crate::state::{Admission, Busy, Gate, TRIAL};
use crate::verdict::Next;

/// What routing knows of a request besides the model's name.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Tokens the call is expected to take.
    pub tokens: u64,
    /// The seed of all chance in the plan.
    pub seed: u64,
    /// The account that served the same session last.
    pub last_account: Option<AccountId>,
    /// Providers that may not be used.
    pub blocked_providers: Arc<[ProviderId]>,
}

/// What remains to be tried of a request.
#[derive(Debug)]
pub struct Plan {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) facts: Facts,
    pub(super) rng: SmallRng,
    /// Whether turns are only looked at, not taken.
    pub(super) is_preview: bool,
    asked: Arc<str>,
    /// What has not been opened yet.
    pub(super) ahead: VecDeque<Ahead>,
    /// Ready choices of what has been opened.
    pub(super) ready: VecDeque<Choice>,
    /// Choices that failed lately.
    pub(super) behind: VecDeque<Choice>,
    /// Choices that are busy.
    busy: Vec<Choice>,
    /// What verdicts ruled out.
    ruled_out: Vec<RuledOut>,
    tried: Vec<Choice>,
    pub(super) considered: Vec<Considered>,
    attempts: usize,
}

/// What has not been opened yet.
#[derive(Debug)]
pub(super) enum Ahead {
    /// One of the things that the name stands for.
    Node(Node),
    /// Members of a group, in the order of its strategy.
    Members {
        group: Arc<Group>,
        order: std::vec::IntoIter<usize>,
        /// Through which groups this one was reached.
        up: Option<Arc<Via>>,
    },
}

#[derive(Debug)]
enum RuledOut {
    Everyone,
    Account(AccountId),
    Model(Target),
    WindowUpTo(u64),
}

/// What to do next.
#[derive(Debug)]
pub enum Pick {
    /// Try this one.
    Try(Choice),
    /// Everyone who may still be tried is busy: wait for a while, or until something has ended.
    Wait {
        /// When somebody is free again; `None` if that depends on a running call.
        left: Option<Duration>,
        /// The limit that is reached.
        limit: &'static str,
        /// Whether the wait is for what somebody else's call comes to, not for room.
        for_outcome: bool,
    },
    /// Nobody is left.
    Nobody(Exhausted),
}

/// Why nobody is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Everyone has been tried, or may not be.
    Candidates,
    /// The request has had as many attempts as it may have.
    Attempts,
    /// Whoever is left takes no second attempts now.
    RetryBudget,
}

impl Plan {
    /// Makes the plan of a request.
    pub fn new(route: &Route, snapshot: &Arc<Snapshot>, facts: Facts) -> Self {
        let nodes = std::iter::once(&route.root).chain(&route.fallbacks);
        Self {
            snapshot: Arc::clone(snapshot),
            rng: SmallRng::seed_from_u64(facts.seed),
            facts,
            is_preview: false,
            asked: Arc::clone(&route.asked),
            ahead: nodes.map(|node| Ahead::Node(node.clone())).collect(),
            ready: VecDeque::new(),
            behind: VecDeque::new(),
            busy: Vec::new(),
            ruled_out: Vec::new(),
            tried: Vec::new(),
            considered: Vec::new(),
            attempts: 0,
        }
    }

    /// Makes a plan that takes no turns and counts nothing, for `explain`.
    pub fn preview(route: &Route, snapshot: &Arc<Snapshot>, facts: Facts) -> Self {
        Self { is_preview: true, ..Self::new(route, snapshot, facts) }
    }

    /// Returns what to do next.
    pub fn next(&mut self, now: Instant) -> Pick {
        if !self.is_preview && self.attempts >= self.snapshot.routing.max_attempts {
            return Pick::Nobody(Exhausted::Attempts);
        }
        loop {
            if let Some(choice) = self.ready.pop_front() {
                if let Some(choice) = self.sort(choice, false, now) {
                    return self.take(choice);
                }
            } else if let Some(ahead) = self.ahead.pop_front() {
                self.open(ahead, now);
            } else if let Some(choice) = self.behind.pop_front() {
                if let Some(choice) = self.sort(choice, true, now) {
                    return self.take(choice);
                }
            } else {
                break;
            }
        }
        self.next_busy(now)
    }

    fn take(&mut self, choice: Choice) -> Pick {
        self.attempts += 1;
        self.tried.push(choice.clone());
        Pick::Try(choice)
    }

    /// Looks at the busy ones again: some may be free by now.
    fn next_busy(&mut self, now: Instant) -> Pick {
        let mut free = None;
        let mut soonest: Option<Busy> = None;
        for choice in std::mem::take(&mut self.busy) {
            if self.removal(&choice).is_some() {
                continue;
            }
            let busy = match self.entry(&choice, now) {
                Entry::Account(Admission::Ready | Admission::Behind(_)) if free.is_none() => {
                    free = Some(choice);
                    continue;
                }
                // It has its turn when the first free one has failed.
                Entry::Account(Admission::Ready | Admission::Behind(_)) => None,
                Entry::Account(Admission::Busy(busy)) => Some(busy),
                Entry::Breaker(Gate::Probing) => Some(Busy { limit: PROBE, left: None }),
                entry => {
                    self.remove(&choice, Removal::of(entry));
                    continue;
                }
            };
            soonest =
                busy.map(|busy| soonest.map_or(busy, |known| sooner(known, busy))).or(soonest);
            self.busy.push(choice);
        }
        match (free, soonest) {
            (Some(choice), _) => self.take(choice),
            (None, Some(Busy { left, limit })) => {
                Pick::Wait { left, limit, for_outcome: limit == PROBE || limit == TRIAL }
            }
            (None, None) => Pick::Nobody(self.exhausted()),
        }
    }

    /// Takes out everyone who is busy: there is no time to wait for them.
    pub fn wait_no_more(&mut self, now: Instant) {
        for choice in std::mem::take(&mut self.busy) {
            if self.removal(&choice).is_none() {
                let entry = self.entry(&choice, now);
                self.remove(&choice, Removal::of(entry));
            }
        }
    }

    fn exhausted(&self) -> Exhausted {
        let spent = |considered: &Considered| considered.removal == Removal::RetryBudget;
        if self.considered.iter().any(spent) {
            Exhausted::RetryBudget
        } else {
            Exhausted::Candidates
        }
    }

    /// Tells whether a choice may be tried now; puts it where it belongs if not.
    fn sort(&mut self, choice: Choice, may_be_behind: bool, now: Instant) -> Option<Choice> {
        if self.is_removed(&choice) {
            return None;
        }
        match self.entry(&choice, now) {
            Entry::Account(Admission::Ready) => return Some(choice),
            Entry::Account(Admission::Behind(_)) if may_be_behind => return Some(choice),
            Entry::Account(Admission::Behind(_)) => self.behind.push_back(choice),
            entry => self.set_aside(choice, entry),
        }
        None
    }

    /// Keeps a choice that cannot be tried now for later, or takes it out.
    pub(super) fn set_aside(&mut self, choice: Choice, entry: Entry) {
        match entry {
            Entry::Account(Admission::Busy(_)) | Entry::Breaker(Gate::Probing) => {
                self.busy.push(choice);
            }
            entry => self.remove(&choice, Removal::of(entry)),
        }
    }

    /// Tells whether a choice may be tried now, as far as its account and provider say.
    pub(super) fn entry(&self, choice: &Choice, now: Instant) -> Entry {
        choice.admission(self.facts.tokens, self.is_retry(), now)
    }

    /// Tells whether a choice is out whatever its account's state, and notes a verdict that took it out.
    pub(super) fn is_removed(&mut self, choice: &Choice) -> bool {
        let removal = self.removal(choice);
        if removal == Some(Removal::Verdict) {
            self.remove(choice, Removal::Verdict);
        }
        removal.is_some()
    }

    /// Takes back a choice that somebody else took in the meantime.
    pub fn put_back(&mut self, choice: Choice) {
        self.attempts = self.attempts.saturating_sub(1);
        self.tried.retain(|tried| !tried.is_of(&choice.target, &choice.account));
        self.busy.push(choice);
    }

    /// Takes note that the choice taken last was never asked: the next one is no second attempt for it.
    pub const fn was_not_asked(&mut self) {
        self.attempts = self.attempts.saturating_sub(1);
    }

    /// Tells whether the next attempt is not the first.
    pub(super) const fn is_retry(&self) -> bool {
        !self.is_preview && self.attempts > 0
    }

    /// Tells whether the choice that was taken last was not the first.
    pub const fn has_tried(&self) -> bool {
        self.attempts > 1
    }

    /// Returns the name the client wrote.
    pub const fn asked(&self) -> &Arc<str> {
        &self.asked
    }

    /// Returns the longest wait for a free account.
    pub fn max_wait(&self) -> Duration {
        self.snapshot.routing.max_wait
    }

    /// Returns the tokens the call is expected to take.
    pub const fn tokens(&self) -> u64 {
        self.facts.tokens
    }

    /// Takes out what a verdict on `failed` rules out.
    pub fn narrow(&mut self, failed: &Choice, next: Next) {
        self.ruled_out.push(match next {
            Next::Anyone => return,
            Next::Nobody => RuledOut::Everyone,
            Next::OtherAccount => RuledOut::Account(failed.account.id.clone()),
            Next::OtherModel => RuledOut::Model(failed.target.clone()),
            Next::LargerWindow => {
                let known = failed.target.provider.facts(&failed.target.model).context_tokens;
                RuledOut::WindowUpTo(known.unwrap_or(self.facts.tokens))
            }
        });
    }

    /// Returns why a choice is out, whatever its account's state.
    fn removal(&self, choice: &Choice) -> Option<Removal> {
        self.removal_of(&choice.target, &choice.account)
    }

    /// The same for an account of a target.
    pub(super) fn removal_of(&self, target: &Target, account: &Account) -> Option<Removal> {
        if self.tried.iter().any(|tried| tried.is_of(target, account)) {
            return Some(Removal::Tried);
        }
        let is_out = |ruled_out: &RuledOut| match ruled_out {
            RuledOut::Everyone => true,
            RuledOut::Account(out) => account.id == *out,
            RuledOut::Model(out) => target.is_same(out),
            RuledOut::WindowUpTo(tokens) => {
                let facts = target.provider.facts(&target.model);
                facts.context_tokens.is_none_or(|window| window <= *tokens)
            }
        };
        self.ruled_out.iter().any(is_out).then_some(Removal::Verdict)
    }

    fn remove(&mut self, choice: &Choice, removal: Removal) {
        let account = Some(choice.account.id.clone());
        self.considered.push(Considered { target: choice.target.clone(), account, removal });
    }

    /// Gives away what was taken out, and by which rule.
    pub fn take_considered(&mut self) -> Vec<Considered> {
        std::mem::take(&mut self.considered)
    }

    /// Returns what was taken out so far, and by which rule.
    pub fn considered(&self) -> &[Considered] {
        &self.considered
    }

    /// Returns what the client is to be told when nobody could be tried at all.
    pub fn nobody(&self) -> Error {
        let model = self.asked.to_string();
        let waits = self.considered.iter().filter_map(|considered| considered.removal.left());
        if let Some(retry_after) = waits.min() {
            let only_breakers = self
                .considered
                .iter()
                .all(|c| matches!(c.removal, Removal::Breaker(_) | Removal::NoAccount));
            return if only_breakers {
                Error::ProvidersDown { model, retry_after }
            } else {
                Error::NoneAvailable { model, retry_after }
            };
        }
        let mut providers: Vec<&str> = self
            .considered
            .iter()
            .map(|considered| considered.target.provider.id.as_str())
            .collect();
        providers.sort_unstable();
        providers.dedup();
        let providers = providers.join(" or ");
        if self.considered.iter().any(|considered| considered.removal == Removal::Blocked) {
            let what = format!("model `{model}` is at {providers}, which the operator has blocked");
            return Error::Forbidden { what };
        }
        Error::NoAccount { model, providers }
    }
}

/// The name of the wait for a breaker's probe.
const PROBE: &str = "the breaker's probe";

fn sooner(a: Busy, b: Busy) -> Busy {
    match (a.left, b.left) {
        (Some(left), Some(other)) if other < left => b,
        (None, Some(_)) => b,
        _ => a,
    }
}
