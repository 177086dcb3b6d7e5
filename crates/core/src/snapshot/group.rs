//! What model names stand for: targets, and groups of them.

use std::sync::Arc;

use super::{Provider, Way};
use crate::state::PoolState;
use crate::strategy::Named;

/// A provider and a model, ready to be tried.
#[derive(Clone, Debug)]
pub struct Target {
    /// The provider.
    pub provider: Arc<Provider>,
    /// The model by the provider's name for it.
    pub model: Arc<str>,
}

impl Target {
    /// Makes the target of a model by the name clients use at this provider.
    pub fn new(provider: &Arc<Provider>, model: &str) -> Self {
        let upstream = provider.models.get(model).and_then(|known| known.upstream.as_deref());
        Self { provider: Arc::clone(provider), model: upstream.unwrap_or(model).into() }
    }

    /// Tells whether both ask the same of the same provider.
    pub fn is_same(&self, other: &Self) -> bool {
        self.provider.id == other.provider.id && self.model == other.model
    }
}

/// What a name leads to.
#[derive(Clone, Debug)]
pub enum Node {
    /// One model of one provider.
    Target(Target),
    /// A combo or a fallback chain.
    Group(Arc<Group>),
}

/// What kind of list a group is in the YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `combos`: a strategy decides the order.
    Combo,
    /// `fallback_chains`: the order is fixed, and each member's failure leads to the next ones,
    /// however the member was asked for.
    Chain,
}

impl GroupKind {
    /// Returns the word for `explain` and the model list.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Combo => "combo",
            Self::Chain => "fallback chain",
        }
    }
}

/// A named list of models.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: Box<str>,
    /// Combo or chain.
    pub kind: GroupKind,
    /// How its members are ordered.
    pub strategy: Named,
    /// Its members, in the operator's order.
    pub members: Vec<Member>,
    /// Whose turn it is.
    pub pool: Arc<PoolState>,
    /// What is tried when no member can serve: what follows the members in fallback chains.
    pub fallbacks: Vec<Node>,
    /// How calls leave that go through the combo; `None`: it says nothing. Chains say nothing.
    pub tunnel: Option<Way>,
}

/// One entry of a group.
#[derive(Debug)]
pub struct Member {
    /// As it is written.
    pub name: Box<str>,
    /// What it leads to.
    pub node: Node,
    /// Its share, for the strategy `weighted`.
    pub weight: u32,
}

impl Group {
    /// Says what the group holds, for `explain`.
    pub fn summary(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|member| &*member.name).collect();
        format!("{} ({})", names.join(", "), self.strategy.name)
    }
}
