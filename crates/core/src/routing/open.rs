//! Opening what a plan has ahead: members of groups and accounts of targets, in the order of their
//! strategies.

use std::sync::Arc;
use std::time::Instant;

use super::choice::{Choice, Entry, Via};
use super::plan::{Ahead, Plan};
use super::record::{Considered, Removal};
use crate::snapshot::{Account, Group, Node, Target};
use crate::state::{Admission, PoolState};
use crate::strategy::{Candidate, Strategy, Turn};

impl Plan {
    pub(super) fn open(&mut self, ahead: Ahead, now: Instant) {
        match ahead.node {
            Node::Group(group) => self.open_group(&group, ahead.via.as_ref(), now),
            Node::Target(target) => self.open_target(&target, ahead.via.as_ref(), now),
        }
    }

    /// Puts the members of a group in order: those that can serve, then those that failed lately, then
    /// the others, for the record.
    fn open_group(&mut self, group: &Arc<Group>, up: Option<&Arc<Via>>, now: Instant) {
        let mut tiers: [Vec<usize>; 3] = Default::default();
        for (index, member) in group.members.iter().enumerate() {
            tiers[self.tier(&member.node, now)].push(index);
        }
        let mut order = Vec::with_capacity(group.members.len());
        for tier in &tiers[..2] {
            let candidates: Vec<Candidate> =
                tier.iter().map(|&index| self.member(group, index, now)).collect();
            let strategy = group.strategy.strategy;
            let mut ordered = self.order(strategy, &candidates, &group.pool);
            if !strategy.is_operators_order() {
                self.keep_session(&mut ordered, |place| {
                    self.leads_to_last(&group.members[tier[place]].node)
                });
            }
            order.extend(ordered.into_iter().map(|place| tier[place]));
        }
        order.extend_from_slice(&tiers[2]);
        for &index in order.iter().rev() {
            let via = Via { group: Arc::clone(group), member: index, up: up.cloned() };
            let node = group.members[index].node.clone();
            self.ahead.push_front(Ahead { node, via: Some(Arc::new(via)) });
        }
    }

    fn member(&self, group: &Group, index: usize, now: Instant) -> Candidate {
        let member = &group.members[index];
        let (recent_calls, last_used) = if group.strategy.strategy.looks_at_use() {
            group.pool.uses(&member.name, now)
        } else {
            (0, 0)
        };
        let price = match &member.node {
            Node::Target(target) => self.snapshot.prices.of(target).map(|price| price.input),
            Node::Group(_) => None,
        };
        Candidate { weight: member.weight, price, recent_calls, last_used, ..Candidate::default() }
    }

    /// Puts the accounts of a target in order.
    fn open_target(&mut self, target: &Target, via: Option<&Arc<Via>>, now: Instant) {
        let out = |removal| Considered { target: target.clone(), account: None, removal };
        if self.facts.blocked_providers.contains(&target.provider.id) {
            self.considered.push(out(Removal::Blocked));
            return;
        }
        let snapshot = Arc::clone(&self.snapshot);
        let accounts = snapshot.accounts_of(&target.provider.id);
        if accounts.is_empty() {
            self.considered.push(out(Removal::NoAccount));
            return;
        }
        let mut tiers: [Vec<Choice>; 2] = Default::default();
        for account in accounts {
            let (target, account) = (target.clone(), Arc::clone(account));
            let choice = Choice { target, account, via: via.cloned() };
            if self.removal(&choice).is_some() {
                self.sort(choice, false, now);
                continue;
            }
            match choice.admission(self.facts.tokens, self.is_retry(), now) {
                Entry::Account(Admission::Ready) => tiers[0].push(choice),
                Entry::Account(Admission::Behind(_)) => tiers[1].push(choice),
                _ => {
                    self.sort(choice, false, now);
                }
            }
        }
        let [ready, behind] = tiers;
        let ready = self.order_accounts(target, ready, now);
        self.ready.extend(ready);
        let behind = self.order_accounts(target, behind, now);
        self.behind.extend(behind);
    }

    fn order_accounts(
        &mut self,
        target: &Target,
        choices: Vec<Choice>,
        now: Instant,
    ) -> Vec<Choice> {
        if choices.len() < 2 {
            return choices;
        }
        let strategy = self.snapshot.routing.account_strategy.strategy;
        let candidate = |choice: &Choice| account(&choice.account, strategy, now);
        let candidates: Vec<Candidate> = choices.iter().map(candidate).collect();
        let mut order = self.order(strategy, &candidates, &target.provider.state.accounts);
        if !strategy.is_operators_order() {
            self.keep_session(&mut order, |place| self.is_last(&choices[place].account));
        }
        order.into_iter().map(|place| choices[place].clone()).collect()
    }

    fn order(
        &mut self,
        strategy: &dyn Strategy,
        candidates: &[Candidate],
        pool: &PoolState,
    ) -> Vec<usize> {
        let is_preview = self.is_preview;
        let mut number = || if is_preview { pool.next_turn() } else { pool.take_turn() };
        let sticky = self.snapshot.routing.sticky_calls;
        strategy.order(candidates, &mut Turn { rng: &mut self.rng, number: &mut number, sticky })
    }

    /// Moves the one that served the session last to the front: its prompt cache is warm.
    fn keep_session(&self, order: &mut [usize], is_last: impl Fn(usize) -> bool) {
        if self.facts.last_account.is_none() {
            return;
        }
        if let Some(place) = order.iter().position(|&index| is_last(index)) {
            order[..=place].rotate_right(1);
        }
    }

    fn is_last(&self, account: &Account) -> bool {
        self.facts.last_account.as_ref() == Some(&account.id)
    }

    fn leads_to_last(&self, node: &Node) -> bool {
        match node {
            Node::Group(group) => {
                group.members.iter().any(|member| self.leads_to_last(&member.node))
            }
            Node::Target(target) => self
                .snapshot
                .accounts_of(&target.provider.id)
                .iter()
                .any(|account| self.is_last(account)),
        }
    }

    /// Returns 0 if something of a node is ready, 1 if something of it failed lately, 2 otherwise.
    fn tier(&self, node: &Node, now: Instant) -> usize {
        match node {
            Node::Group(group) => {
                let tiers = group.members.iter().map(|member| self.tier(&member.node, now));
                best(tiers)
            }
            Node::Target(target) => {
                if self.facts.blocked_providers.contains(&target.provider.id) {
                    return 2;
                }
                let accounts = self.snapshot.accounts_of(&target.provider.id);
                best(accounts.iter().map(|account| {
                    let (target, account) = (target.clone(), Arc::clone(account));
                    let choice = Choice { target, account, via: None };
                    if self.removal(&choice).is_some() {
                        return 2;
                    }
                    match choice.admission(self.facts.tokens, self.is_retry(), now) {
                        Entry::Account(Admission::Ready) => 0,
                        Entry::Account(Admission::Behind(_)) => 1,
                        _ => 2,
                    }
                }))
            }
        }
    }
}

fn best(tiers: impl Iterator<Item = usize>) -> usize {
    let mut best = 2;
    for tier in tiers {
        best = best.min(tier);
        if best == 0 {
            break;
        }
    }
    best
}

fn account(account: &Account, strategy: &dyn Strategy, now: Instant) -> Candidate {
    let (failing, latency) =
        if strategy.looks_at_health() { account.state.health(now) } else { (0.0, None) };
    Candidate {
        priority: account.priority,
        last_used: account.state.last_used(),
        in_flight: account.state.running(),
        failing,
        latency,
        ..Candidate::default()
    }
}
