//! Why a request goes where it goes, in words and as JSON.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::{Choice, Considered, Entry, Facts, Pick, Plan, Route, Step};
use crate::clock::{millis, seconds_to_wait};
use crate::context::AttemptRecord;
use crate::error::Error;
use crate::snapshot::{ClientKey, Node, Snapshot};
use crate::state::Admission;
use crate::usage::RecordId;
use crate::verdict::Reason;

/// What would be tried for a model name, or what was, in which order, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The request, if it has been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The name asked for.
    pub model: String,
    /// The rules that were applied to it.
    pub steps: Vec<Step>,
    /// Every account that was looked at, those that are tried first and in that order.
    pub candidates: Vec<Candidate>,
    /// What the attempts came to, if the request has been made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Why nobody would be tried, or the code of the error that the client got.
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
    /// The tunnel on the way there and who names it, without credentials; `None` for a direct call, and
    /// for a request that has been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
}

/// What one attempt came to.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// The provider.
    pub provider: String,
    /// The model by the provider's name.
    pub model: String,
    /// The account.
    pub account: String,
    /// `served`, or why it failed.
    pub outcome: &'static str,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// How long the request waited for the account, in milliseconds.
    pub waited_ms: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// For how long the account, or the model at it, rests because of it, in milliseconds.
    pub rest_ms: Option<u64>,
}

/// What is kept of a request, so that it can be explained later.
#[derive(Debug)]
pub struct Decision {
    /// The request.
    pub request_id: Arc<str>,
    /// Its record of usage; tells it from others with the same request id.
    pub record: Option<RecordId>,
    /// The name asked for.
    pub model: Arc<str>,
    /// The rules that were applied to it.
    pub steps: Vec<Step>,
    /// Who was not tried, and why.
    pub considered: Vec<Considered>,
    /// What was tried.
    pub attempts: Vec<AttemptRecord>,
    /// The code of the error that the client got.
    pub error: Option<&'static str>,
    /// Most attempts of one request.
    pub max_attempts: usize,
}

impl From<&Decision> for Explanation {
    fn from(decision: &Decision) -> Self {
        let tried = decision.attempts.iter().enumerate().map(|(index, record)| Candidate {
            order: Some(index + 1),
            provider: record.provider.to_string(),
            model: record.model.to_string(),
            account: Some(record.account.to_string()),
            why: record
                .failure
                .map_or_else(|| "served".to_owned(), |why| format!("failed: {}", why.name())),
            tunnel: None,
        });
        let removed = decision.considered.iter().map(Candidate::of_removed);
        Self {
            request_id: Some(decision.request_id.to_string()),
            model: decision.model.to_string(),
            steps: decision.steps.clone(),
            candidates: tried.chain(removed).collect(),
            attempts: decision.attempts.iter().map(Attempt::of).collect(),
            error: decision.error.map(ToOwned::to_owned),
            max_attempts: decision.max_attempts,
        }
    }
}

impl Attempt {
    fn of(record: &AttemptRecord) -> Self {
        Self {
            provider: record.provider.to_string(),
            model: record.model.to_string(),
            account: record.account.to_string(),
            outcome: record.failure.map_or("served", Reason::name),
            status: record.status,
            waited_ms: millis(record.waited),
            took_ms: millis(record.took),
            rest_ms: record.rest.map(millis),
        }
    }
}

/// Explains what a request for `model` would do now. Uses the same rules as the request itself, but
/// takes nobody's turn. `caller` is the client key, which may have a tunnel of its own.
pub fn explain(
    snapshot: &Arc<Snapshot>,
    (model, route): (&str, Result<Route, Error>),
    (caller, facts): (Option<&ClientKey>, Facts),
    now: Instant,
) -> Explanation {
    let mut explanation = Explanation {
        request_id: None,
        attempts: Vec::new(),
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
        let tunnel = choice
            .tunnel(caller, snapshot)
            .map(|(tunnel, level)| format!("{tunnel} ({})", level.name()));
        let candidate = Candidate::of_choice(&choice, order, why);
        explanation.candidates.push(Candidate { tunnel, ..candidate });
    }
    plan.wait_no_more(now);
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
            format!("failed lately, goes last for {} s", seconds_to_wait(left))
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
            tunnel: None,
        }
    }

    fn of_removed(considered: &Considered) -> Self {
        Self {
            order: None,
            provider: considered.target.provider.id.to_string(),
            model: considered.target.model.to_string(),
            account: considered.account.as_ref().map(ToString::to_string),
            why: considered.removal.to_string(),
            tunnel: None,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = &self.request_id {
            writeln!(f, "request {id}")?;
        }
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
            if let Some(tunnel) = &candidate.tunnel {
                writeln!(f, "     through {tunnel}")?;
            }
        }
        for (index, attempt) in self.attempts.iter().enumerate() {
            writeln!(f, "  attempt {}: {attempt}", index + 1)?;
        }
        if let Some(error) = &self.error {
            let failed = if self.request_id.is_some() { "failed" } else { "would fail" };
            writeln!(f, "  {failed}: {error}")?;
        } else {
            writeln!(f, "  at most {} attempts", self.max_attempts)?;
        }
        Ok(())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}, account {}: {}",
            self.model, self.provider, self.account, self.outcome
        )?;
        if let Some(status) = self.status {
            write!(f, ", status {status}")?;
        }
        write!(f, ", {} ms", self.took_ms)?;
        if self.waited_ms > 0 {
            write!(f, " after a wait of {} ms", self.waited_ms)?;
        }
        match self.rest_ms {
            Some(rest) => write!(f, ", then rests {rest} ms"),
            None => Ok(()),
        }
    }
}
