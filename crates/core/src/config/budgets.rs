//! Budgets of client keys as written.

use jiff::tz::TimeZone;

use super::node::{Content, Node, ScalarKind};
use super::report::Report;
use super::scalars;
use super::section::{Section, items};
use crate::budget::{Budget, Period};

/// Thousandths of a limit at which a budget warns unless it says otherwise.
const DEFAULT_WARN_AT: [u16; 2] = [800, 950];

/// Reads `budget` of a client key: one or a list of them.
pub(crate) fn read(node: &Node, report: &Report) -> Option<Vec<Budget>> {
    let written = match &node.content {
        Content::List(_) => items(node, report)?,
        _ => std::slice::from_ref(node),
    };
    let mut budgets: Vec<Budget> = Vec::new();
    for node in written {
        let budget = one(node, report)?;
        if budgets.iter().any(|other| other.is_over_same(&budget)) {
            let what = format!("there are two {} budgets", budget.period.name());
            report.add_with(&node.place, what, "keep the smaller one");
            return None;
        }
        budgets.push(budget);
    }
    Some(budgets)
}

fn one(node: &Node, report: &Report) -> Option<Budget> {
    let periods = Period::ALL.map(|period| (period.name(), period));
    let section = Section::open(node, &["limit", "period", "timezone", "warn_at"], report)?;
    let limit = section.require("limit", scalars::money);
    let period = section.require("period", |node, report| scalars::word(node, report, &periods));
    let zone = match section.get("timezone") {
        Some(_) => section.read("timezone", zone)?,
        None => TimeZone::UTC,
    };
    let warn_at = match section.get("warn_at") {
        Some(_) => section.read("warn_at", thresholds)?,
        None => DEFAULT_WARN_AT.into(),
    };
    Some(Budget { period: period?, zone, limit: limit?, warn_at })
}

fn zone(node: &Node, report: &Report) -> Option<TimeZone> {
    let name = scalars::text(node, report)?;
    let found = TimeZone::get(&name).ok();
    if found.is_none() {
        let what = format!("no time zone is named {}", node.quoted());
        report.add_with(&node.place, what, "write a name of the IANA list: `Europe/Berlin`, `UTC`");
    }
    found
}

/// Reads shares of a limit in thousandths, in order.
fn thresholds(node: &Node, report: &Report) -> Option<Box<[u16]>> {
    let shares = items(node, report)?.iter().map(|node| share(node, report));
    let mut shares = shares.collect::<Option<Vec<u16>>>()?;
    shares.sort_unstable();
    shares.dedup();
    Some(shares.into())
}

fn share(node: &Node, report: &Report) -> Option<u16> {
    let number = match &node.content {
        Content::Scalar(scalar) => match scalar.kind {
            ScalarKind::Whole(1) => Some(1.0),
            ScalarKind::Fraction(fraction) => Some(fraction),
            _ => None,
        },
        _ => None,
    };
    let found = number.map(|number| (number * 1000.0).round());
    let found = found.filter(|thousandths| (1.0..=1000.0).contains(thousandths));
    if found.is_none() {
        let what = format!("{} is no share of a limit", node.quoted());
        report.add_with(&node.place, what, "write a number above 0 and up to 1, such as 0.8");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1000")]
    found.map(|thousandths| thousandths as u16)
}
