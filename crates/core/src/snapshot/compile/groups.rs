//! Combos and chains with everything they refer to, built once, so that a request follows no names.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::{Graph, Lead};
use crate::config::names::ComboText;
use crate::ids::ProviderId;
use crate::snapshot::{Group, GroupKind, Member, Node, Target};
use crate::state::SharedState;
use crate::strategy::{Between, Named};

/// What follows a model in fallback chains.
pub(super) type Chains = HashMap<ProviderId, HashMap<Arc<str>, Vec<Node>>>;

/// Builds the groups of a document whose references all lead somewhere, in no circle.
pub(super) struct Builder<'g, 'd> {
    graph: &'g Graph<'d>,
    state: &'g SharedState,
    chains: Chains,
    built: HashMap<Box<str>, Arc<Group>>,
}

impl<'g, 'd> Builder<'g, 'd> {
    pub(super) fn new(graph: &'g Graph<'d>, state: &'g SharedState) -> Self {
        Self { graph, state, chains: Chains::new(), built: HashMap::new() }
    }

    /// Builds all groups: chains first, because they say what follows the members of the others.
    pub(super) fn build(mut self) -> (HashMap<Box<str>, Arc<Group>>, Chains) {
        let document = self.graph.document;
        let is_chain = |text: &&ComboText| text.kind == GroupKind::Chain;
        for text in document.combos.iter().filter(is_chain) {
            let members = self.members(text);
            self.follow(&members);
        }
        // Groups that were built on the way did not know all chains yet.
        self.built.clear();
        for text in &document.combos {
            self.group(text);
        }
        (self.built, self.chains)
    }

    fn group(&mut self, text: &ComboText) -> Arc<Group> {
        if let Some(known) = self.built.get(text.name.value.as_str()) {
            return Arc::clone(known);
        }
        let name: Box<str> = text.name.value.as_str().into();
        let members = self.members(text);
        let fallbacks = self.fallbacks(&members);
        let pool = self.state.combo(&name);
        let strategy = text.strategy.unwrap_or_else(|| self.default_strategy());
        let group = Arc::new(Group {
            name: name.clone(),
            kind: text.kind,
            strategy,
            members,
            pool,
            fallbacks,
            tunnel: text.tunnel.clone(),
        });
        self.built.insert(name, Arc::clone(&group));
        group
    }

    fn default_strategy(&self) -> Named {
        let written = self.graph.document.routing.combo_strategy;
        written.unwrap_or_else(|| Between::Targets.default_strategy())
    }

    fn members(&mut self, text: &ComboText) -> Vec<Member> {
        let members = text.targets.iter().filter_map(|target| {
            let name = target.reference.value.as_str();
            Some(Member { name: name.into(), node: self.node(name)?, weight: target.weight })
        });
        members.collect()
    }

    /// Follows a reference to its end.
    fn node(&mut self, name: &str) -> Option<Node> {
        let document = self.graph.document;
        match self.graph.lead(name) {
            Lead::Nowhere => None,
            Lead::Provider => {
                let (prefix, model) = name.split_once('/')?;
                let provider = self.graph.providers.by_prefix.get(prefix)?;
                Some(Node::Target(Target::new(provider, model)))
            }
            Lead::Named(index) => match document.combos.get(index) {
                Some(combo) => Some(Node::Group(self.group(combo))),
                None => {
                    let alias = document.aliases.get(index - document.combos.len())?;
                    self.node(&alias.target.value)
                }
            },
        }
    }

    /// Notes what follows each member of a chain.
    fn follow(&mut self, members: &[Member]) {
        for (index, member) in members.iter().enumerate() {
            let Node::Target(target) = &member.node else { continue };
            let next = members[index + 1..].iter().map(|member| member.node.clone());
            let of_provider = self.chains.entry(target.provider.id.clone()).or_default();
            of_provider.entry(Arc::clone(&target.model)).or_default().extend(next);
        }
    }

    /// Returns what follows the members of a group and is none of them itself.
    fn fallbacks(&self, members: &[Member]) -> Vec<Node> {
        let mut fallbacks = Vec::new();
        for member in members {
            match &member.node {
                Node::Group(group) => fallbacks.extend(group.fallbacks.iter().cloned()),
                Node::Target(target) => {
                    let after = self.chains.get(&target.provider.id);
                    let after = after.and_then(|models| models.get(&target.model));
                    fallbacks.extend(after.into_iter().flatten().cloned());
                }
            }
        }
        fallbacks
    }
}
