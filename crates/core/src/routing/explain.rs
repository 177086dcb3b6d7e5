//! Why a request goes where it goes, in words and as JSON.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

use super::{Choice, Step, Target, resolve};
use crate::snapshot::{Account, Snapshot};
use crate::state::{SharedState, Standing};

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

/// Explains what a request for `model` would do now. Uses the same rules as the request itself.
pub fn explain(snapshot: &Snapshot, state: &SharedState, model: &str, now: Instant) -> Explanation {
    let mut explanation = Explanation {
        model: model.to_owned(),
        steps: Vec::new(),
        candidates: Vec::new(),
        error: None,
        max_attempts: snapshot.routing.max_attempts,
    };
    let route = match resolve(snapshot, model) {
        Ok(route) => route,
        Err(error) => {
            explanation.error = Some(error.to_string());
            return explanation;
        }
    };
    let candidate = |target: &Target, account: Option<&Account>, why: String| Candidate {
        order: None,
        provider: target.provider.id.to_string(),
        model: target.model.to_string(),
        account: account.map(|account| account.id.to_string()),
        why,
    };
    match super::plan(&route, snapshot, state, now) {
        Err(error) => explanation.error = Some(error.to_string()),
        Ok(plan) => {
            for (index, choice) in plan.choices().enumerate() {
                let why = why_tried(choice, now);
                let tried = candidate(&choice.target, Some(&choice.account), why);
                explanation.candidates.push(Candidate { order: Some(index + 1), ..tried });
            }
        }
    }
    for target in &route.targets {
        let accounts = snapshot.accounts_of(&target.provider.id);
        if accounts.is_empty() {
            let why = "no enabled account".to_owned();
            explanation.candidates.push(candidate(target, None, why));
        }
        for account in accounts {
            if let Standing::Away(wait) = state.account(account).standing(now) {
                let why = format!("rests for {} s more", wait.as_secs().max(1));
                explanation.candidates.push(candidate(target, Some(account), why));
            }
        }
    }
    explanation.steps = route.steps;
    explanation
}

fn why_tried(choice: &Choice, now: Instant) -> String {
    match choice.state.standing(now) {
        Standing::Behind(wait) => {
            format!("failed lately, goes last for {} s", wait.as_secs().max(1))
        }
        Standing::Ready | Standing::Away(_) => {
            format!("ready, priority {}", choice.account.priority)
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
