//! Sums of calls, and the check that they are the calls' sums.

use axum::Json;
use axum::extract::State;
use omniroute_core::money::Nanodollars;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::view;
use crate::admin::given::FromQuery;
use crate::admin::problem::Problem;
use crate::admin::{Parts, time};
use crate::store::usage::{
    By, Fault, Question, Step, Sums, Who, ask, check as self_check, rows_from,
};

/// Most faults that a check names.
const MAX_FAULTS: usize = 100;

/// Milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

/// Names of what sums tell apart.
const BY: [(&str, By); 5] = [
    ("provider", By::Provider),
    ("account", By::Account),
    ("model", By::Model),
    ("key", By::ClientKey),
    ("combo", By::Combo),
];

/// The answer to a question.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Summary {
    from: String,
    until: String,
    /// From when on each call is known; before, only whole hours are.
    rows_from: Option<String>,
    total: Shown,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    /// When its hour or day begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    /// What it is of: `provider`, `model`, …
    #[serde(flatten)]
    names: Map<String, Value>,
    #[serde(flatten)]
    sums: Shown,
}

/// Sums as they are shown.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    sums: Sums,
    /// All input tokens: fresh, read from caches and written to them.
    input_total: u64,
    /// Dollars.
    cost: String,
}

impl From<Sums> for Shown {
    fn from(sums: Sums) -> Self {
        let cost = Nanodollars::new(sums.cost_nanodollars).in_digits();
        Self { input_total: sums.tokens.input_total(), cost, sums }
    }
}

/// Adds calls up, by whose they are and by hour or day.
#[utoipa::path(get, path = "/api/usage/summary", params(Asked))]
pub(in crate::admin) async fn show(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Summary>, Problem> {
    let span = asked.span_of_sums(&parts)?;
    let named = by(asked.by.as_deref().unwrap_or_default())?;
    let question = Question {
        span,
        filter: asked.filter(),
        by: named.iter().map(|(_, by)| *by).collect(),
        step: step(asked.step.as_deref())?,
        offset_minutes: asked.offset_minutes,
    };
    let is_total_only = named.is_empty() && question.step.is_none();
    let (answer, kept) = view(&parts, move |tx| Ok((ask(tx, &question)?, rows_from(tx)?))).await?;
    let groups = answer.groups.into_iter().filter(|_| !is_total_only).map(|group| Group {
        start: group.start.map(time::of_ms),
        names: named
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .zip(group.names.iter().map(|name| json!(name)))
            .collect(),
        sums: group.sums.into(),
    });
    Ok(Json(Summary {
        from: time::of_ms(span.from),
        until: time::of_ms(span.until),
        rows_from: (kept > 0).then(|| time::of_ms(kept)),
        total: answer.total.into(),
        groups: groups.collect(),
    }))
}

fn by(words: &str) -> Result<Vec<(&'static str, By)>, Problem> {
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    let mut found = Vec::new();
    for word in words {
        let known = BY.into_iter().find(|(name, _)| *name == word);
        let Some(known) = known.filter(|(_, by)| !found.iter().any(|(_, other)| other == by))
        else {
            let what = format!("there are, each once: {}", BY.map(|(name, _)| name).join(", "));
            return Err(Problem::field("by", what));
        };
        found.push(known);
    }
    Ok(found)
}

fn step(word: Option<&str>) -> Result<Option<Step>, Problem> {
    match word {
        None | Some("") => Ok(None),
        Some("hour") => Ok(Some(Step::Hour)),
        Some("day") => Ok(Some(Step::Day)),
        Some(_) => Err(Problem::field("step", "there are: hour, day")),
    }
}

/// Adds up every call that is kept and compares with the sums.
#[utoipa::path(get, path = "/api/usage/check")]
pub(in crate::admin) async fn check(State(parts): State<Parts>) -> Result<Json<Value>, Problem> {
    let found = view(&parts, self_check).await?;
    let faults: Vec<Value> = found.faults.iter().take(MAX_FAULTS).map(fault).collect();
    Ok(Json(json!({
        "ok": found.faults.is_empty(),
        "rows": found.rows,
        "hours": found.hours,
        "days": found.days,
        "faults": faults,
        "more_faults": found.faults.len() - faults.len(),
    })))
}

fn fault(fault: &Fault) -> Value {
    let Who { provider, account, model, client_key, combo } = &fault.who;
    json!({
        "time": time::of_ms(u64::from(fault.hour) * HOUR_MS),
        "provider": provider,
        "account": account,
        "model": model,
        "key": client_key,
        "combo": combo,
        "written": fault.written,
        "counted": fault.counted,
    })
}
