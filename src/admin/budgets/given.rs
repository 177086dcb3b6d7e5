//! What a request says of budgets, in either of the two forms.

use omniroute_core::budget::Period;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::admin::problem::Problem;
use crate::admin::usd::{self, Given};

/// What is set: the guide's `{"keyId", "limit", "period"}`, or the existing product's
/// `{"apiKeyId", "dailyLimitUsd", …}`. Budgets that are not named stay; `null` takes one away.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = WantedBudgets)]
pub(super) struct Wanted {
    /// The key's name.
    #[serde(alias = "apiKeyId")]
    pub(super) key_id: String,
    #[serde(default, deserialize_with = "there")]
    #[schema(schema_with = usd::schema)]
    limit: Option<Box<RawValue>>,
    period: Option<String>,
    #[serde(default, deserialize_with = "there")]
    #[schema(schema_with = usd::schema)]
    daily_limit_usd: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "there")]
    #[schema(schema_with = usd::schema)]
    weekly_limit_usd: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "there")]
    #[schema(schema_with = usd::schema)]
    monthly_limit_usd: Option<Box<RawValue>>,
    /// The share of the limit that is worth a warning.
    #[schema(value_type = Option<f64>)]
    warning_threshold: Option<Value>,
    /// Several of them.
    #[schema(value_type = Option<Vec<f64>>)]
    warn_at: Option<Vec<Value>>,
    /// Where the calendar is read; UTC unless a budget of the period says otherwise.
    timezone: Option<String>,
}

/// Tells `null` from a field that is not there.
fn there<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(reader).map(Some)
}

impl Wanted {
    /// Lists what is set, by period.
    ///
    /// # Errors
    ///
    /// What is wrong with it; that nothing is set.
    fn limits(&self) -> Result<Vec<(Period, Given)>, Problem> {
        let mut limits = Vec::new();
        if let Some(raw) = &self.limit {
            let word = self.period.as_deref().unwrap_or_default();
            let Some(period) = period(word) else {
                return Err(Problem::field("period", "write daily, weekly or monthly"));
            };
            limits.push((period, usd::above_zero("limit", usd::read("limit", raw)?)?));
        } else if self.period.is_some() {
            return Err(Problem::field("limit", "it is missing; write dollars, such as 50.00"));
        }
        for (field, period, raw) in [
            ("dailyLimitUsd", Period::Daily, &self.daily_limit_usd),
            ("weeklyLimitUsd", Period::Weekly, &self.weekly_limit_usd),
            ("monthlyLimitUsd", Period::Monthly, &self.monthly_limit_usd),
        ] {
            let Some(raw) = raw else { continue };
            if limits.iter().any(|(other, _)| *other == period) {
                return Err(Problem::field(field, "`limit` and `period` say the same already"));
            }
            limits.push((period, usd::above_zero(field, usd::read(field, raw)?)?));
        }
        if limits.is_empty() {
            let what = "it is missing; write `limit` and `period`, or `dailyLimitUsd`, \
                        `weeklyLimitUsd`, `monthlyLimitUsd`";
            return Err(Problem::field("limit", what));
        }
        Ok(limits)
    }

    /// Returns a key's budgets with what is set, in the form of the configuration.
    ///
    /// # Errors
    ///
    /// What is wrong with the request.
    pub(super) fn over(&self, mut budgets: Vec<Value>) -> Result<Vec<Value>, Problem> {
        for (period, limit) in self.limits()? {
            let of_period = matching(&budgets, period, self.timezone.as_deref());
            let at = match of_period.as_slice() {
                [] => None,
                [at] => Some(*at),
                _ => {
                    let what = format!(
                        "there are several {} budgets; say which one is meant",
                        period.name()
                    );
                    return Err(Problem::field("timezone", what));
                }
            };
            let Given::Amount(limit) = limit else {
                if let Some(at) = at {
                    budgets.remove(at);
                }
                continue;
            };
            let mut budget = at.map_or_else(|| json!({}), |at| budgets[at].clone());
            budget["limit"] = json!(limit);
            budget["period"] = json!(period.name());
            if let Some(zone) = &self.timezone {
                budget["timezone"] = json!(zone);
            }
            if let Some(shares) = self.warn_at()? {
                budget["warn_at"] = json!(shares);
            }
            match at {
                Some(at) => budgets[at] = budget,
                None => budgets.push(budget),
            }
        }
        Ok(budgets)
    }

    fn warn_at(&self) -> Result<Option<Vec<Value>>, Problem> {
        match (&self.warning_threshold, &self.warn_at) {
            (Some(_), Some(_)) => {
                Err(Problem::field("warnAt", "`warningThreshold` says it already"))
            }
            (Some(one), None) => Ok(Some(vec![one.clone()])),
            (None, many) => Ok(many.clone()),
        }
    }
}

/// Finds a period by its name.
pub(super) fn period(word: &str) -> Option<Period> {
    Period::ALL.into_iter().find(|period| period.name() == word)
}

/// Returns where the budgets of a period stand, and of a time zone if one is named.
pub(super) fn matching(budgets: &[Value], period: Period, zone: Option<&str>) -> Vec<usize> {
    let fits = |budget: &Value| {
        let zone_of = budget.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
        budget["period"] == period.name() && zone.is_none_or(|zone| zone == zone_of)
    };
    budgets.iter().enumerate().filter(|(_, budget)| fits(budget)).map(|(at, _)| at).collect()
}
