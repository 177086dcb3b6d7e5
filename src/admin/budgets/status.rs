//! How budgets stand now, as they are shown.

use jiff::Timestamp;
use omniroute_core::budget::{Budget, Period};
use omniroute_core::money::Nanodollars;
use omniroute_core::snapshot::ClientKey;
use omniroute_core::written::{Kind, Origin};
use serde::Serialize;

use crate::admin::Parts;
use crate::admin::objects::revision;
use crate::admin::problem::Problem;
use crate::admin::usage::{ms, view};
use crate::admin::usd::Usd;
use crate::live::Basis;
use crate::store::usage::{Filter, Question, Span, Sums, ask};

/// A key and its budgets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfKey {
    /// The key's name, which is its id.
    key_id: String,
    /// Who owns it.
    origin: &'static str,
    /// When the dashboard changed it last.
    revision: Option<u64>,
    budgets: Vec<BudgetNow>,
    /// What calls cost beyond what was reserved for them, since the start.
    overrun: String,
}

/// One budget now. Money is dollars as a text with all its digits, and whole nanodollars.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BudgetNow {
    period: &'static str,
    timezone: String,
    limit: String,
    limit_nanodollars: u64,
    spent: String,
    spent_nanodollars: u64,
    reserved: String,
    reserved_nanodollars: u64,
    left: String,
    left_nanodollars: u64,
    /// Shares of the limit that are worth a warning.
    warn_at: Vec<f64>,
    /// The highest of them that was reached in this window; 0 if none.
    reached: f64,
    window_start: String,
    resets_at: String,
}

/// The same in the existing product's words. Money is a number with all its digits.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InOldWords {
    daily_total: Usd,
    weekly_total: Usd,
    monthly_total: Usd,
    /// Calls of this month.
    total_entries: u64,
    budget: Option<OldBudget>,
    budget_check: OldCheck,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OldBudget {
    daily_limit_usd: Option<Usd>,
    weekly_limit_usd: Option<Usd>,
    monthly_limit_usd: Option<Usd>,
    warning_threshold: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OldCheck {
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    daily_used: Usd,
    daily_limit: Option<Usd>,
    warning_reached: bool,
}

impl OfKey {
    pub(super) fn of(key: &ClientKey, basis: &Basis, now: Timestamp) -> Self {
        let name = key.name.as_str();
        let revision = revision(basis, Kind::ClientKey, name);
        let origin = if revision.is_some() { Origin::Dashboard } else { Origin::File };
        Self {
            key_id: name.to_owned(),
            origin: origin.word(),
            revision,
            budgets: key.budgets.iter().map(|budget| BudgetNow::of(key, budget, now)).collect(),
            overrun: key.purse.overrun().in_digits(),
        }
    }
}

impl BudgetNow {
    fn of(key: &ClientKey, budget: &Budget, now: Timestamp) -> Self {
        let standing = key.purse.standing(budget, now);
        let left = budget.limit.minus(standing.spent).minus(standing.reserved);
        let share = |thousandths: u16| f64::from(thousandths) / 1000.0;
        Self {
            period: budget.period.name(),
            timezone: budget.zone_name().to_owned(),
            limit: budget.limit.in_digits(),
            limit_nanodollars: budget.limit.get(),
            spent: standing.spent.in_digits(),
            spent_nanodollars: standing.spent.get(),
            reserved: standing.reserved.in_digits(),
            reserved_nanodollars: standing.reserved.get(),
            left: left.in_digits(),
            left_nanodollars: left.get(),
            warn_at: budget.warn_at.iter().copied().map(share).collect(),
            reached: share(standing.reached),
            window_start: standing.window.start.to_string(),
            resets_at: standing.window.end.to_string(),
        }
    }
}

impl InOldWords {
    /// Reads what the key spent in the current day, week and month, whether or not it has budgets.
    ///
    /// # Errors
    ///
    /// Why the records cannot be read.
    pub(super) async fn of(
        key: &ClientKey,
        parts: &Parts,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let [daily, weekly, monthly] = match parts.store {
            Some(_) => spent(key, parts, now).await?,
            None => [Sums::default(); 3],
        };
        let total = |sums: &Sums| Usd(Nanodollars::new(sums.cost_nanodollars));
        let limit = |period: Period| {
            let budget = key.budgets.iter().find(|budget| budget.period == period);
            budget.map(|budget| Usd(budget.limit))
        };
        let budget = (!key.budgets.is_empty()).then(|| OldBudget {
            daily_limit_usd: limit(Period::Daily),
            weekly_limit_usd: limit(Period::Weekly),
            monthly_limit_usd: limit(Period::Monthly),
            warning_threshold: first_warning(key),
        });
        Ok(Self {
            daily_total: total(&daily),
            weekly_total: total(&weekly),
            monthly_total: total(&monthly),
            total_entries: monthly.calls,
            budget,
            budget_check: OldCheck::of(key, (total(&daily), limit(Period::Daily)), now),
        })
    }
}

impl OldCheck {
    fn of(key: &ClientKey, (used, limit): (Usd, Option<Usd>), now: Timestamp) -> Self {
        let standings = || {
            let budgets = key.budgets.iter();
            budgets.map(|budget| (budget, key.purse.standing(budget, now)))
        };
        let spent = standings()
            .find(|(budget, standing)| standing.spent.plus(standing.reserved) >= budget.limit);
        let reason = spent.map(|(budget, standing)| {
            let (period, limit) = (budget.period.name(), budget.limit);
            format!("{period} budget is spent: {} of {limit}", standing.spent)
        });
        let daily = standings().find(|(budget, _)| budget.period == Period::Daily);
        Self {
            allowed: reason.is_none(),
            reason,
            daily_used: daily.map_or(used, |(_, standing)| Usd(standing.spent)),
            daily_limit: limit,
            warning_reached: standings().any(|(_, standing)| standing.reached > 0),
        }
    }
}

fn first_warning(key: &ClientKey) -> Option<f64> {
    let thousandths = key.budgets.iter().flat_map(|budget| budget.warn_at.iter()).min()?;
    Some(f64::from(*thousandths) / 1000.0)
}

/// Returns what a key used in the current windows of every period, the calendar read where its budget of
/// the period reads it, else in UTC.
async fn spent(key: &ClientKey, parts: &Parts, now: Timestamp) -> Result<[Sums; 3], Problem> {
    let span = |period: Period| {
        let budget = key.budgets.iter().find(|budget| budget.period == period);
        let zone = budget.map_or(jiff::tz::TimeZone::UTC, |budget| budget.zone.clone());
        let window = period.window(&zone, now);
        Span { from: ms(window.start), until: ms(window.end) }
    };
    let filter = Filter { client_key: Some(key.name.as_str().into()), ..Filter::default() };
    let questions = Period::ALL.map(|period| Question {
        span: span(period),
        filter: filter.clone(),
        by: Vec::new(),
        step: None,
        offset_minutes: 0,
    });
    view(parts, move |tx| {
        let mut sums = [Sums::default(); 3];
        for (sums, question) in sums.iter_mut().zip(&questions) {
            *sums = ask(tx, question)?.total;
        }
        Ok(sums)
    })
    .await
}
