//! Why a request goes where it goes, in words and as JSON.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::{Choice, Considered, Entry, Facts, Pick, Plan, Route, Step};
use crate::error::Error;
use crate::snapshot::{Node, Snapshot};
use crate::state::Admission;

/// What would be tried for a model name, in which order, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The name asked for.
    pub model: String,
    /// The rules that were applied to it.
    pub steps: Vec<Step>,
    /// Every account of every target, those that would be tried first and in that order.
    pub candidates: Vec<Candidate>,
    /// Why nobody would be tried, if so.
    pub error: Option<String>,
    /// Most attempts of one request.
    pub max_attempts: usize,
}

/// One account that could serve.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// Its place in the order from 1; `None` if it would not be tried.
    pub order: Option<usize>,
    /// The provider.
    pub provider: String,
    /// The model by the provider's name.
    pub model: String,
    /// The account; `None` if the provider has none.
    pub account: Option<String>,
    /// Why it stands where it stands.
    pub why: String,
}

/// Explains what a request for `model` would do now. Uses the same rules as the request itself, but
/// takes nobody's turn.
pub fn explain(
    snapshot: &Arc<Snapshot>,
    (model, route): (&str, Result<Route, Error>),
    facts: Facts,
    now: Instant,
) -> Explanation {
    let mut explanation = Explanation {
        model: model.to_owned(),
        steps: Vec::new(),
        candidates: Vec::new(),
        error: None,
        max_attempts: snapshot.routing.max_attempts,
    };
    let route = match route {
        Ok(route) => route,
        Err(error) => {
            explanation.error = Some(error.to_string());
            return explanation;
        }
    };
    let mut plan = Plan::preview(&route, snapshot, facts);
    let order = order(&route, snapshot);
    while let Pick::Try(choice) = plan.next(now) {
        let why = why_tried(&choice, plan.tokens(), &order, now);
        let order = Some(explanation.candidates.len() + 1);
        explanation.candidates.push(Candidate::of_choice(&choice, order, why));
    }
    if explanation.candidates.is_empty() {
        explanation.error = Some(plan.nobody().to_string());
    }
    explanation.candidates.extend(plan.considered().iter().map(Candidate::of_removed));
    explanation.steps = route.steps;
    explanation
}

/// Names what decides the order: the group's strategy, and that of accounts.
fn order(route: &Route, snapshot: &Snapshot) -> String {
    let accounts = snapshot.routing.account_strategy;
    match &route.root {
        Node::Group(group) => format!(
            "{} {}: {}; accounts {}: {}",
            group.kind.name(),
            group.strategy.name,
            group.strategy.strategy.why(),
            accounts.name,
            accounts.strategy.why()
        ),
        Node::Target(_) => format!("accounts {}: {}", accounts.name, accounts.strategy.why()),
    }
}

fn why_tried(choice: &Choice, tokens: u64, order: &str, now: Instant) -> String {
    match choice.admission(tokens, false, now) {
        Entry::Account(Admission::Behind(left)) => {
            format!("failed lately, goes last for {} s", left.as_secs().max(1))
        }
        _ => format!("ready, priority {}; {order}", choice.account.priority),
    }
}

impl Candidate {
    fn of_choice(choice: &Choice, order: Option<usize>, why: String) -> Self {
        Self {
            order,
            provider: choice.target.provider.id.to_string(),
            model: choice.target.model.to_string(),
            account: Some(choice.account.id.to_string()),
            why,
        }
    }

    fn of_removed(considered: &Considered) -> Self {
        Self {
            order: None,
            provider: considered.target.provider.id.to_string(),
            model: considered.target.model.to_string(),
            account: considered.account.as_ref().map(ToString::to_string),
            why: considered.removal.to_string(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "model {}", self.model)?;
        for step in &self.steps {
            writeln!(f, "  {} is a {}: {}", step.name, step.rule, step.became)?;
        }
        for candidate in &self.candidates {
            let order = candidate.order.map_or("  -".to_owned(), |order| format!("{order:3}"));
            let account = candidate.account.as_deref().unwrap_or("-");
            writeln!(
                f,
                "{order}. {} at {}, account {account}: {}",
                candidate.model, candidate.provider, candidate.why
            )?;
        }
        if let Some(error) = &self.error {
            writeln!(f, "  would fail: {error}")?;
        } else {
            writeln!(f, "  at most {} attempts", self.max_attempts)?;
        }
        Ok(())
    }
}
