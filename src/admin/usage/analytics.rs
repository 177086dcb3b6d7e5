//! `GET /api/usage/analytics?range=…`: the usage screen's numbers, in the existing product's words.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::asked::{Asked, ms, zone};
use super::folded::{
    ACCOUNT, KEY, Leaf, MODEL, OfModel, PROVIDER, by, by_model, by_part, different,
};
use super::{everything, view};
use crate::admin::Parts;
use crate::admin::given::FromQuery;
use crate::admin::problem::Problem;
use crate::store::usage::{Answer, Filter, Question, Span, Step, ask};

/// Days of the map of activity.
const ACTIVE_DAYS: u64 = 365;
const DAY_MS: u64 = 24 * 3_600_000;

/// The numbers of a range.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Analytics {
    summary: Summary,
    daily_trend: Vec<Day>,
    /// Tokens of each model, day by day.
    daily_by_model: Vec<DayByModel>,
    model_names: Vec<String>,
    by_model: BTreeMap<String, OfModel>,
    by_account: BTreeMap<String, Leaf>,
    by_provider: BTreeMap<String, Leaf>,
    by_api_key: BTreeMap<String, Leaf>,
    /// Tokens of each day of the last year that had any.
    #[schema(value_type = BTreeMap<String, u64>)]
    activity_map: BTreeMap<Date, u64>,
    weekly_pattern: Vec<DayOfWeek>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AnalyticsSummary)]
struct Summary {
    #[serde(flatten)]
    sums: Leaf,
    total_requests: u64,
    unique_models: usize,
    unique_accounts: usize,
    unique_api_keys: usize,
    /// Days in a row, up to today or yesterday, with calls.
    streak: u64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Day {
    #[schema(value_type = String)]
    date: Date,
    #[serde(flatten)]
    sums: Leaf,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DayByModel {
    #[schema(value_type = String)]
    date: Date,
    #[serde(flatten)]
    tokens: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct DayOfWeek {
    day: &'static str,
    total_tokens: u64,
    /// Of the days of this name that had calls, rounded down.
    avg_tokens: u64,
}

/// Shows the usage screen's numbers, in the existing product's words.
#[utoipa::path(get, path = "/api/usage/analytics", params(Asked), responses((status = 200, body = Analytics)))]
pub(in crate::admin) async fn show(
    State(parts): State<Parts>,
    FromQuery(asked): FromQuery<Asked>,
) -> Result<Json<Analytics>, Problem> {
    let (span, filter) = (asked.span_of_sums(&parts)?, asked.filter());
    let offset = asked.offset_minutes;
    let days = Days::of(offset)?;
    let answer = everything(&parts, (span, filter.clone()), (Some(Step::Day), offset)).await?;
    let year = year(&parts, filter, offset).await?;
    let activity = year.groups.iter().filter_map(|group| {
        Some((days.date(group.start?)?, Leaf::from(&group.sums).total_tokens()))
    });
    let activity_map: BTreeMap<Date, u64> = activity.collect();
    let trend = by(&answer, |group| group.start.and_then(|start| days.date(start)));
    let daily_trend: Vec<Day> = trend
        .iter()
        .filter_map(|(date, sums)| Some(Day { date: (*date)?, sums: Leaf::from(sums) }))
        .collect();
    let daily_by_model = daily_by_model(&answer, &days);
    let names: BTreeSet<String> =
        daily_by_model.iter().flat_map(|day| day.tokens.keys().cloned()).collect();
    let total = Leaf::from(&answer.total);
    Ok(Json(Analytics {
        summary: Summary {
            sums: total,
            total_requests: answer.total.calls,
            unique_models: different(&answer, MODEL),
            unique_accounts: different(&answer, ACCOUNT),
            unique_api_keys: different(&answer, KEY),
            streak: streak(&activity_map, days.date(ms(parts.clock.timestamp()))),
        },
        weekly_pattern: weekly_pattern(&daily_trend),
        daily_trend,
        daily_by_model,
        model_names: names.into_iter().collect(),
        by_model: by_model(&answer),
        by_account: by_part(&answer, ACCOUNT),
        by_provider: by_part(&answer, PROVIDER),
        by_api_key: by_part(&answer, KEY),
        activity_map,
    }))
}

/// Adds up each day of the last year.
async fn year(parts: &Parts, filter: Filter, offset_minutes: i32) -> Result<Answer, Problem> {
    let now = ms(parts.clock.timestamp());
    // Whole days of UTC, so that sums are enough whatever the zone.
    let from = now.saturating_sub(ACTIVE_DAYS * DAY_MS) / DAY_MS * DAY_MS;
    let span = Span { from, until: now.saturating_add(1) };
    let question = Question { span, filter, by: Vec::new(), step: Some(Step::Day), offset_minutes };
    view(parts, move |tx| ask(tx, &question)).await
}

fn daily_by_model(answer: &Answer, days: &Days) -> Vec<DayByModel> {
    let mut by_day = BTreeMap::<Date, BTreeMap<String, u64>>::new();
    for group in &answer.groups {
        let Some(date) = group.start.and_then(|start| days.date(start)) else { continue };
        let model = group.names.get(MODEL).map_or_else(String::new, |name| name.to_string());
        let tokens = Leaf::from(&group.sums).total_tokens();
        *by_day.entry(date).or_default().entry(model).or_default() += tokens;
    }
    by_day.into_iter().map(|(date, tokens)| DayByModel { date, tokens }).collect()
}

fn weekly_pattern(trend: &[Day]) -> Vec<DayOfWeek> {
    let week = [
        (Weekday::Sunday, "Sun"),
        (Weekday::Monday, "Mon"),
        (Weekday::Tuesday, "Tue"),
        (Weekday::Wednesday, "Wed"),
        (Weekday::Thursday, "Thu"),
        (Weekday::Friday, "Fri"),
        (Weekday::Saturday, "Sat"),
    ];
    let of_day = |(weekday, day): (Weekday, &'static str)| {
        let tokens = trend.iter().filter(|day| day.date.weekday() == weekday);
        let tokens: Vec<u64> = tokens.map(|day| day.sums.total_tokens()).collect();
        let total_tokens = tokens.iter().sum();
        let avg_tokens = total_tokens / (tokens.len() as u64).max(1);
        DayOfWeek { day, total_tokens, avg_tokens }
    };
    week.map(of_day).into()
}

/// Counts the days in a row with calls; today need not have any yet.
fn streak(active: &BTreeMap<Date, u64>, today: Option<Date>) -> u64 {
    let Some(today) = today else { return 0 };
    let mut day = if active.contains_key(&today) { Some(today) } else { today.yesterday().ok() };
    let mut length = 0;
    while let Some(date) = day.filter(|date| active.contains_key(date)) {
        length += 1;
        day = date.yesterday().ok();
    }
    length
}

/// The days of a time zone.
struct Days(TimeZone);

impl Days {
    fn of(offset_minutes: i32) -> Result<Self, Problem> {
        let zone = zone(offset_minutes).map(Self);
        zone.ok_or_else(|| Problem::field("offset_minutes", "there is no such time zone"))
    }

    fn date(&self, unix_ms: u64) -> Option<Date> {
        let time = Timestamp::from_millisecond(i64::try_from(unix_ms).ok()?).ok()?;
        Some(self.0.to_datetime(time).date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streak_ends_with_the_first_day_without_calls() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let active = ["2027-01-31", "2027-02-01", "2027-02-02", "2027-01-29"];
        let active: BTreeMap<Date, u64> = active.map(|day| (date(day), 1)).into();
        for (today, expected) in
            [("2027-02-02", 3), ("2027-02-03", 3), ("2027-02-04", 0), ("2027-01-29", 1)]
        {
            assert_eq!(streak(&active, Some(date(today))), expected, "{today}");
        }
    }
}
