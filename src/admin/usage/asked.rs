//! Which calls a request asks for: the time, whose they are, and how they ended.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use omniroute_core::usage::RecordId;
use serde::Deserialize;

use crate::admin::Parts;
use crate::admin::problem::Problem;
use crate::store::usage::{Filter, Listing, Span};

/// Milliseconds of a day and of an hour.
const DAY_MS: u64 = 24 * HOUR_MS;
const HOUR_MS: u64 = 3_600_000;

/// The range of sums unless the request says otherwise, as the existing product has it.
const DEFAULT_RANGE: &str = "30d";

/// What stands behind the `?`.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct Asked {
    /// The first moment: RFC 3339, a date of UTC, or milliseconds since 1970.
    #[serde(alias = "since")]
    from: Option<String>,
    /// The first moment after; now if it is not given.
    until: Option<String>,
    /// In the place of both: `1d`, `7d`, `30d`, `90d`, `ytd` or `all`.
    range: Option<String>,
    provider: Option<String>,
    account: Option<String>,
    model: Option<String>,
    /// The client key's name.
    #[serde(alias = "keyId", alias = "apiKey", alias = "apiKeyId", alias = "client_key")]
    key: Option<String>,
    combo: Option<String>,
    /// `ok`, `error`, a status or a class of them: `429`, `4xx`.
    status: Option<String>,
    #[serde(alias = "requestId")]
    request_id: Option<String>,
    /// Part of a name or id; only of the old lists.
    pub(super) search: Option<String>,
    pub(super) limit: Option<usize>,
    /// Where the page begins: `next` of the page before.
    before: Option<String>,
    /// What sums tell apart, with commas: `provider`, `account`, `model`, `key`, `combo`.
    pub(super) by: Option<String>,
    /// `hour` or `day`: sums of each.
    pub(super) step: Option<String>,
    /// How far the days' time zone is east of UTC.
    #[serde(default)]
    pub(super) offset_minutes: i32,
    /// `csv` or `json`.
    pub(super) format: Option<String>,
}

impl Asked {
    /// Returns which calls are listed: all until now unless the request says otherwise.
    ///
    /// # Errors
    ///
    /// What is wrong with the request.
    pub(in crate::admin) fn listing(&self, parts: &Parts) -> Result<Listing, Problem> {
        let (good, status) = match self.status.as_deref() {
            None | Some("" | "all") => (None, None),
            Some("ok") => (Some(true), None),
            Some("error") => (Some(false), None),
            Some(word) => {
                let what = "write ok, error, a status such as 429, or 4xx";
                (None, Some(statuses(word).ok_or_else(|| Problem::field("status", what))?))
            }
        };
        Ok(Listing {
            span: self.span(parts, "all")?,
            filter: self.filter(),
            good,
            status,
            request_id: self.request_id.as_deref().map(Into::into),
        })
    }

    /// Returns the time of sums: the last 30 days unless the request says otherwise.
    ///
    /// # Errors
    ///
    /// What is wrong with the request.
    pub(super) fn span_of_sums(&self, parts: &Parts) -> Result<Span, Problem> {
        if self.status.is_some() || self.request_id.is_some() {
            let what = "sums are not kept by status or request; list the calls for that";
            let field = if self.status.is_some() { "status" } else { "request_id" };
            return Err(Problem::field(field, what));
        }
        self.span(parts, DEFAULT_RANGE)
    }

    /// Returns whose calls count.
    pub(super) fn filter(&self) -> Filter {
        let part = |part: &Option<String>| part.as_deref().map(Into::into);
        Filter {
            provider: part(&self.provider),
            account: part(&self.account),
            model: part(&self.model),
            client_key: part(&self.key),
            combo: part(&self.combo),
        }
    }

    /// Returns where the page begins.
    ///
    /// # Errors
    ///
    /// That it is no id of a call.
    pub(in crate::admin) fn before(&self) -> Result<Option<RecordId>, Problem> {
        let Some(text) = &self.before else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Problem::field("before", format!("{error}")))
    }

    fn span(&self, parts: &Parts, default_range: &str) -> Result<Span, Problem> {
        let now = parts.clock.timestamp();
        // What ended in this millisecond counts.
        let end = ms(now).saturating_add(1);
        if self.range.is_some() && (self.from.is_some() || self.until.is_some()) {
            return Err(Problem::field("range", "`from` and `until` say it already"));
        }
        let until = match &self.until {
            Some(text) => moment("until", text)?,
            None => end,
        };
        let from = match (&self.from, &self.range) {
            (Some(text), _) => moment("from", text)?,
            (None, range) => {
                let word = range.as_deref().unwrap_or(default_range);
                beginning(word, until.min(end), self.offset_minutes).ok_or_else(|| {
                    Problem::field("range", "there are: 1d, 7d, 30d, 90d, ytd, all")
                })?
            }
        };
        if from > until {
            return Err(Problem::field("from", "it is after `until`"));
        }
        Ok(Span { from, until })
    }
}

/// Reads a status or a class of them.
fn statuses(word: &str) -> Option<RangeInclusive<u16>> {
    if let Some(class) = word.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some(class * 100..=class * 100 + 99);
    }
    word.parse().ok().filter(|status| (100..=599).contains(status)).map(|status| status..=status)
}

/// Returns where a range begins that ends then: a whole hour, so that sums are enough to answer it.
fn beginning(range: &str, end: u64, offset_minutes: i32) -> Option<u64> {
    let days = match range {
        "all" => return Some(0),
        "ytd" => return new_year(end, offset_minutes),
        "1d" => 1,
        "7d" => 7,
        "30d" => 30,
        "90d" => 90,
        _ => return None,
    };
    let from = end.saturating_sub(days * DAY_MS);
    Some(from / HOUR_MS * HOUR_MS)
}

fn new_year(end: u64, offset_minutes: i32) -> Option<u64> {
    let zone = zone(offset_minutes)?;
    let end = Timestamp::from_millisecond(i64::try_from(end).ok()?).ok()?;
    let first = zone.to_datetime(end).date().first_of_year();
    Some(ms(first.to_zoned(zone).ok()?.timestamp()))
}

/// Returns the time zone so far east of UTC; `None` if there is none.
pub(super) fn zone(offset_minutes: i32) -> Option<TimeZone> {
    let ahead = Offset::from_seconds(offset_minutes.checked_mul(60)?).ok()?;
    Some(TimeZone::fixed(ahead))
}

fn moment(field: &str, text: &str) -> Result<u64, Problem> {
    if let Ok(ms) = text.parse::<u64>() {
        return Ok(ms);
    }
    let of_date = || {
        let date: Date = text.parse().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let read = text.parse::<Timestamp>().ok().or_else(of_date);
    read.map(ms).ok_or_else(|| {
        let what = "write a time such as 2027-01-01T00:00:00Z, a date, or milliseconds since 1970";
        Problem::field(field, what)
    })
}

/// Returns a time in milliseconds since 1970; 0 if it is before.
pub(in crate::admin) fn ms(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_and_ranges_begin_with_whole_hours() {
        let noon = 1_798_804_800_000;
        for text in ["2027-01-01T12:00:00Z", "2027-01-01T13:00:00+01:00", "1798804800000"] {
            assert_eq!(moment("from", text).ok(), Some(noon), "{text}");
        }
        assert_eq!(moment("from", "2027-01-01").ok(), Some(noon - DAY_MS / 2));
        assert!(moment("from", "tomorrow").is_err());
        assert_eq!(beginning("1d", noon + 59_000, 0), Some(noon - DAY_MS));
        assert_eq!(beginning("ytd", noon, 0), Some(noon - DAY_MS / 2));
        assert_eq!(beginning("ytd", noon, 60), Some(noon - DAY_MS / 2 - HOUR_MS));
        assert_eq!(beginning("1w", noon, 0), None);
    }
}
