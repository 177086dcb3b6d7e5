//! `GET /api/usage/history`: everything that was ever used, in the existing product's words.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use omniroute_core::money::Nanodollars;
use serde::Serialize;

use super::asked::ms;
use super::folded::{ACCOUNT, KEY, Leaf, OfModel, PROVIDER, by_model, by_part};
use super::{everything, view};
use crate::admin::problem::Problem;
use crate::admin::usd::Usd;
use crate::admin::{Parts, time};
use crate::store::usage::{Filter, Question, Span, Sums, ask};

/// Minutes that are shown one by one.
const MINUTES: u64 = 10;
const MINUTE_MS: u64 = 60_000;

/// Everything that was used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct History {
    total_requests: u64,
    total_prompt_tokens: u64,
    total_completion_tokens: u64,
    total_cost: Usd,
    by_provider: BTreeMap<String, Leaf>,
    by_model: BTreeMap<String, OfModel>,
    by_account: BTreeMap<String, Leaf>,
    by_api_key: BTreeMap<String, Leaf>,
    last10_minutes: Vec<Minute>,
    pending: Pending,
    active_requests: Vec<Active>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Minute {
    /// When it begins.
    time: String,
    #[serde(flatten)]
    sums: Leaf,
}

/// Calls that run now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PendingCalls)]
struct Pending {
    by_account: BTreeMap<String, u32>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ActiveCalls)]
struct Active {
    provider: String,
    account: String,
    count: u32,
}

/// Shows everything that was ever used, in the existing product's words.
#[utoipa::path(get, path = "/api/usage/history", responses((status = 200, body = History)))]
pub(in crate::admin) async fn show(State(parts): State<Parts>) -> Result<Json<History>, Problem> {
    let now = ms(parts.clock.timestamp());
    let all = Span { from: 0, until: now.saturating_add(1) };
    let answer = everything(&parts, (all, Filter::default()), (None, 0)).await?;
    let active = active(&parts);
    let pending = active.iter().map(|active| (active.account.clone(), active.count));
    let total = answer.total;
    Ok(Json(History {
        total_requests: total.calls,
        total_prompt_tokens: total.tokens.input_total(),
        total_completion_tokens: total.tokens.output,
        total_cost: Usd(Nanodollars::new(total.cost_nanodollars)),
        by_provider: by_part(&answer, PROVIDER),
        by_model: by_model(&answer),
        by_account: by_part(&answer, ACCOUNT),
        by_api_key: by_part(&answer, KEY),
        last10_minutes: minutes(&parts, now).await?,
        pending: Pending { by_account: pending.collect() },
        active_requests: active,
    }))
}

/// Returns the calls that run now, by account.
fn active(parts: &Parts) -> Vec<Active> {
    let snapshot = parts.live.load();
    let mut active: Vec<Active> = snapshot
        .accounts
        .values()
        .flatten()
        .map(|account| Active {
            provider: account.provider.id.to_string(),
            account: account.id.to_string(),
            count: account.state.running(),
        })
        .filter(|active| active.count > 0)
        .collect();
    active.sort_by(|a, b| a.account.cmp(&b.account));
    active
}

/// Adds up the last minutes, the running one included.
async fn minutes(parts: &Parts, now: u64) -> Result<Vec<Minute>, Problem> {
    let running = now / MINUTE_MS;
    let starts: Vec<u64> =
        (0..MINUTES).rev().map(|ago| running.saturating_sub(ago) * MINUTE_MS).collect();
    let asked = starts.clone();
    let sums = view(parts, move |tx| {
        let of_minute = |start: u64| {
            let span = Span { from: start, until: start + MINUTE_MS };
            let filter = Filter::default();
            let question = Question { span, filter, by: Vec::new(), step: None, offset_minutes: 0 };
            ask(tx, &question).map(|answer| answer.total)
        };
        asked.into_iter().map(of_minute).collect::<Result<Vec<Sums>, _>>()
    });
    let minutes = starts.into_iter().zip(sums.await?);
    Ok(minutes
        .map(|(start, sums)| Minute { time: time::of_ms(start), sums: Leaf::from(&sums) })
        .collect())
}
