//! In which order candidates are tried: one trait for the accounts of a provider and for the targets
//! of a combo.
//!
//! Whoever may not be tried at all is gone before a strategy sees the candidates, so none can get that
//! wrong. A strategy is pure: the same candidates and the same turn give the same order. To add one,
//! write its file and a line in [`STRATEGIES`].

mod cost_optimized;
mod in_order;
mod least_used;
mod power_of_two;
mod random;
mod round_robin;
#[cfg(test)]
mod tests;
mod weighted;

use std::fmt;
use std::time::Duration;

use rand::rngs::SmallRng;

/// What a strategy may look at. Candidates come in the operator's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// The operator's number: lower goes first. 0 for targets of a combo, whose order is their place.
    pub priority: u32,
    /// Share of the traffic; only targets of a combo have one.
    pub weight: u32,
    /// Price of a million input tokens in nanodollars, if known.
    pub price: Option<u64>,
    /// When it was last chosen, as a number that grows with every choice; 0 if never.
    pub last_used: u64,
    /// How often it was chosen of late, where that is counted (targets of a combo).
    pub recent_calls: u32,
    /// Calls running now.
    pub in_flight: u32,
    /// Share of its calls of late that failed, from 0 to 1.
    pub failing: f64,
    /// Usual time to the first content; `None` if it never answered.
    pub latency: Option<Duration>,
}

/// What a strategy may use besides the candidates: chance, and whose turn it is.
pub struct Turn<'a> {
    /// The source of chance, seeded per request.
    pub rng: &'a mut SmallRng,
    /// The number of this request among those that chose between the same candidates, from 0. Asking
    /// for it takes the turn, so only strategies that rotate ask.
    pub number: &'a mut dyn FnMut() -> u64,
    /// How many requests in a row stay with one candidate, at least 1.
    pub sticky: u64,
}

/// Puts candidates in the order in which to try them.
pub trait Strategy: fmt::Debug + Send + Sync + 'static {
    /// Returns the order as indexes into `candidates`, each once.
    fn order(&self, candidates: &[Candidate], turn: &mut Turn<'_>) -> Vec<usize>;

    /// Says, for `explain`, why candidates stand in the order they stand in.
    fn why(&self) -> &'static str;

    /// Whether health is looked at: it costs a lock per candidate, so it is left out otherwise.
    fn looks_at_health(&self) -> bool {
        false
    }

    /// Whether prices are looked at.
    fn looks_at_price(&self) -> bool {
        false
    }

    /// Whether use is looked at: that costs a lock per target too.
    fn looks_at_use(&self) -> bool {
        false
    }

    /// Whether the operator's own order decides alone. A session's last account does not go before it.
    fn is_operators_order(&self) -> bool {
        false
    }
}

/// A strategy by its name in the YAML.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// What it does.
    pub strategy: &'static dyn Strategy,
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Named {}

/// Between what a strategy chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// The accounts of one provider.
    Accounts,
    /// The targets of a combo.
    Targets,
}

/// All strategies, and between what each may be used (the configuration's contract).
const STRATEGIES: [(Named, &[Between]); 8] = {
    use Between::{Accounts, Targets};
    const fn named(name: &'static str, strategy: &'static dyn Strategy) -> Named {
        Named { name, strategy }
    }
    [
        (named("fill_first", &in_order::InOrder), &[Accounts]),
        (named("priority", &in_order::InOrder), &[Targets]),
        (named("round_robin", &round_robin::RoundRobin), &[Accounts, Targets]),
        (named("power_of_two", &power_of_two::PowerOfTwo), &[Accounts]),
        (named("random", &random::Random), &[Accounts, Targets]),
        (named("weighted", &weighted::Weighted), &[Targets]),
        (named("least_used", &least_used::LeastUsed), &[Accounts, Targets]),
        (named("cost_optimized", &cost_optimized::CostOptimized), &[Accounts, Targets]),
    ]
};

impl Between {
    /// Returns the strategies that choose between these, the default first.
    pub fn strategies(self) -> impl Iterator<Item = Named> {
        STRATEGIES
            .iter()
            .filter(move |(_, between)| between.contains(&self))
            .map(|(named, _)| *named)
    }

    /// Returns the strategy used when nothing else is said: the operator's order.
    pub const fn default_strategy(self) -> Named {
        match self {
            Self::Accounts => STRATEGIES[0].0,
            Self::Targets => STRATEGIES[1].0,
        }
    }
}
