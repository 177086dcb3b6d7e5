//! Opening what a plan has ahead: members of groups and accounts of targets, in the order of their
//! strategies.

use std::sync::Arc;
use std::time::Instant;

use super::choice::{Choice, Entry, Via, admission};
use super::plan::{Ahead, Plan};
use super::record::{Considered, Removal};
use crate::snapshot::{Account, Group, Node, Target};
use crate::state::{Admission, PoolState};
use crate::strategy::{Candidate, Strategy, Turn};

impl Plan {
    pub(super) fn open(&mut self, ahead: Ahead, now: Instant) {
        match ahead {
            Ahead::Node(node) => self.open_node(&node, None, now),
            Ahead::Members { group, mut order, up } => {
                let Some(member) = order.next() else { return };
                let via = Via { group: Arc::clone(&group), member, up: up.clone() };
                if order.len() > 0 {
                    let rest = Ahead::Members { group: Arc::clone(&group), order, up };
                    self.ahead.push_front(rest);
                }
                self.open_node(&group.members[member].node, Some(Arc::new(via)), now);
            }
        }
    }

    fn open_node(&mut self, node: &Node, via: Option<Arc<Via>>, now: Instant) {
        match node {
            Node::Group(group) => self.open_group(group, via, now),
            Node::Target(target) => self.open_target(target, via.as_ref(), now),
        }
    }

    /// Puts the members of a group in order: those that can serve, then those that failed lately, then
    /// the others, for the record.
    fn open_group(&mut self, group: &Arc<Group>, up: Option<Arc<Via>>, now: Instant) {
        let mut tiers: [Vec<usize>; 3] = Default::default();
        for (index, member) in group.members.iter().enumerate() {
            tiers[self.tier(&member.node, now)].push(index);
        }
        let [mut order, mut behind, out] = tiers;
        self.order_members(group, &mut order, now);
        self.order_members(group, &mut behind, now);
        order.extend(behind.into_iter().chain(out));
        self.ahead.push_front(Ahead::Members {
            group: Arc::clone(group),
            order: order.into_iter(),
            up,
        });
    }

    /// Puts members of one tier, which come in the operator's order, in that of the strategy.
    fn order_members(&mut self, group: &Group, members: &mut [usize], now: Instant) {
        let strategy = group.strategy.strategy;
        if members.len() < 2 || strategy.is_operators_order() {
            return;
        }
        let candidates: Vec<Candidate> =
            members.iter().map(|&index| self.member(group, index, now)).collect();
        let mut order = self.order(strategy, &candidates, &group.pool);
        self.keep_session(&mut order, |place| {
            self.leads_to_last(&group.members[members[place]].node)
        });
        for place in &mut order {
            *place = members[*place];
        }
        members.copy_from_slice(&order);
    }

    fn member(&self, group: &Group, index: usize, now: Instant) -> Candidate {
        let (member, strategy) = (&group.members[index], group.strategy.strategy);
        let (recent_calls, last_used) =
            if strategy.looks_at_use() { group.pool.uses(&member.name, now) } else { (0, 0) };
        let price = match &member.node {
            Node::Target(target) if strategy.looks_at_price() => {
                self.snapshot.prices.of(target).map(|price| price.base.input.get())
            }
            Node::Target(_) | Node::Group(_) => None,
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
            if self.is_removed(&choice) {
                continue;
            }
            match self.entry(&choice, now) {
                Entry::Account(Admission::Ready) => tiers[0].push(choice),
                Entry::Account(Admission::Behind(_)) => tiers[1].push(choice),
                entry => self.set_aside(choice, entry),
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
        let strategy = self.snapshot.routing.account_strategy.strategy;
        // The snapshot keeps accounts in the operator's order.
        if choices.len() < 2 || strategy.is_operators_order() {
            return choices;
        }
        let candidate = |choice: &Choice| account(&choice.account, strategy, now);
        let candidates: Vec<Candidate> = choices.iter().map(candidate).collect();
        let mut order = self.order(strategy, &candidates, &target.provider.state.accounts);
        self.keep_session(&mut order, |place| self.is_last(&choices[place].account));
        let mut choices: Vec<Option<Choice>> = choices.into_iter().map(Some).collect();
        order.into_iter().filter_map(|place| choices[place].take()).collect()
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
                let call = (self.facts.tokens, self.is_retry());
                best(accounts.iter().map(|account| {
                    if self.removal_of(target, account).is_some() {
                        return 2;
                    }
                    match admission(target, account, call, now) {
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
