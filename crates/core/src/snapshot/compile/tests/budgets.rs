//! Limits and budgets of client keys.

use super::*;
use crate::budget::Period;
use crate::money::Nanodollars;
use crate::resilience::Limits;

fn key(more: &str) -> String {
    format!("client_keys:\n  - {{ name: ci, key: ci-key-0123456789, {more} }}\n")
}

#[test]
fn a_key_may_have_limits_and_several_budgets() {
    let snapshot = file(&key(
        "limits: { rpm: 120, tpm: 0, concurrent: 10 }, budget: [{ limit: $50, period: monthly },
        { limit: $2.50, period: daily, timezone: Europe/Berlin, warn_at: [0.9, 0.5, 1] }]",
    ))
    .snapshot();
    let key = snapshot.client_keys.named("ci").unwrap();
    assert_eq!(key.limits, Limits { rpm: 120, concurrent: 10, ..Limits::default() });
    let [monthly, daily] = &*key.budgets else { panic!("{:?}", key.budgets) };
    assert_eq!((monthly.period, monthly.limit), (Period::Monthly, Nanodollars::dollars(50)));
    assert_eq!((monthly.zone_name(), &*monthly.warn_at), ("UTC", &[800, 950][..]));
    assert_eq!((daily.zone_name(), &*daily.warn_at), ("Europe/Berlin", &[500, 900, 1000][..]));
}

#[test]
fn one_budget_needs_no_list_and_none_is_none() {
    let budgets = |more: &str| {
        let snapshot = file(&key(more)).snapshot();
        snapshot.client_keys.named("ci").unwrap().budgets.len()
    };
    assert_eq!(budgets("budget: { limit: $1, period: weekly }"), 1);
    assert_eq!(budgets("budget: []"), 0);
    assert_eq!(budgets("budget: null"), 0);
}

#[test]
fn bad_budgets_are_named() {
    let check = |more: &str, expected: &str| {
        let problems = file(&key(more)).problems().join("\n");
        assert!(problems.contains(expected), "{more}: {problems}");
    };
    check("budget: { limit: 50, period: monthly }", "`50` is not an amount of money");
    check("budget: { limit: $50 }", "`period` is missing");
    check("budget: { limit: $50, period: yearly }", "`yearly` is not known here");
    check(
        "budget: { limit: $50, period: daily, timezone: Berlin }",
        "no time zone is named `Berlin`",
    );
    check("budget: { limit: $50, period: daily, warn_at: [80] }", "`80` is no share of a limit");
    check("budget: { limit: $50, period: daily, reset: 1 }", "unknown key `reset`");
    check(
        "budget: [{ limit: $1, period: daily }, { limit: $2, period: daily }]",
        "there are two daily budgets",
    );
    check("limits: { rpm: -1 }", "`-1` is not a whole number");
    check("limits: { min_gap: 1s }", "unknown key `min_gap`");
}

#[test]
fn what_no_filter_keeps_is_refused() {
    let check = |more: &str, filters: &str, expected: &[&str]| {
        let text = format!("{}filters: {filters}\n", key(more));
        let problems = file(&text).problems();
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.contains(expected), "{problem}");
        }
    };
    let budget = "budget: { limit: $1, period: daily }";
    check(
        budget,
        "[api_key]",
        &["client_keys[0].budget: `budget` has no effect: `filters` lacks `budget`"],
    );
    check("limits: { rpm: 1 }", "[api_key]", &["`filters` lacks `client_limits`"]);
    check(budget, "[budget]", &["`filters` lacks `api_key`"]);
    check(
        "limits: { rpm: 1 }",
        "[client_limits, api_key]",
        &["`client_limits` stands before `api_key`"],
    );
    file(&format!("{}filters: [api_key]\n", key("limits: { rpm: 0 }, budget: []"))).snapshot();
}
