//! Why a request goes where it goes, in words and as JSON.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

use super::{Step, resolve};
use crate::snapshot::Snapshot;
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
    let mut last = Vec::new();
    let mut out = Vec::new();
    for target in &route.targets {
        let accounts = snapshot.accounts_of(&target.provider.id);
        let candidate = |account: Option<&str>, why: String| Candidate {
            order: None,
            provider: target.provider.id.to_string(),
            model: target.model.to_string(),
            account: account.map(ToOwned::to_owned),
            why,
        };
        if accounts.is_empty() {
            out.push(candidate(None, "no enabled account".to_owned()));
        }
        for account in accounts {
            let id = Some(account.id.as_str());
            let priority = account.priority;
            match state.account(account).standing(now) {
                Standing::Ready => explanation
                    .candidates
                    .push(candidate(id, format!("ready, priority {priority}"))),
                Standing::Behind(wait) => last.push(candidate(
                    id,
                    format!("failed lately, goes last for {} s", wait.as_secs().max(1)),
                )),
                Standing::Away(wait) => {
                    out.push(candidate(id, format!("rests for {} s more", wait.as_secs().max(1))))
                }
            }
        }
    }
    explanation.candidates.append(&mut last);
    for (index, candidate) in explanation.candidates.iter_mut().enumerate() {
        candidate.order = Some(index + 1);
    }
    if let Err(error) = super::plan(&route, snapshot, state, now) {
        explanation.error = Some(error.to_string());
    }
    explanation.candidates.append(&mut out);
    explanation.steps = route.steps;
    explanation
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
