use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::ids::ClientKeyName;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const fn usd(dollars: u64) -> Nanodollars {
    Nanodollars::dollars(dollars)
}

fn budget(period: Period, dollars: u64) -> Budget {
    Budget { period, zone: TimeZone::UTC, limit: usd(dollars), warn_at: [800, 950].into() }
}

fn window(period: Period, name: &str, now: &str) -> (String, String) {
    let window = period.window(&zone(name), at(now));
    (window.start.to_string(), window.end.to_string())
}

#[test]
fn windows_are_those_of_the_calendar_in_their_zone() {
    let check = |period, name: &str, now: &str, start: &str, end: &str| {
        let expected = (start.to_owned(), end.to_owned());
        assert_eq!(window(period, name, now), expected, "{period:?} {name} {now}");
    };
    use Period::{Daily, Monthly, Weekly};
    check(Daily, "UTC", "2026-11-29T02:00:00Z", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z");
    // 29 November 2026 is a Sunday: the last day of its week.
    check(Weekly, "UTC", "2026-11-29T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
    check(Weekly, "UTC", "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z");
    check(Monthly, "UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
    check(Monthly, "UTC", "2026-12-31T23:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
    // The same moment is in the next month in Tokyo, and in the one before in Honolulu.
    check(
        Monthly,
        "Asia/Tokyo",
        "2026-12-31T23:00:00Z",
        "2026-12-31T15:00:00Z",
        "2027-01-31T15:00:00Z",
    );
    check(
        Monthly,
        "Pacific/Honolulu",
        "2027-01-01T05:00:00Z",
        "2026-12-01T10:00:00Z",
        "2027-01-01T10:00:00Z",
    );
}

#[test]
fn days_on_which_clocks_change_are_shorter_and_longer() {
    let hours = |name: &str, now: &str| {
        let window = Period::Daily.window(&zone(name), at(now));
        assert!(window.start <= at(now) && at(now) < window.end);
        window.end.duration_since(window.start).as_hours()
    };
    assert_eq!(hours("Europe/Berlin", "2026-03-29T12:00:00Z"), 23);
    assert_eq!(hours("Europe/Berlin", "2026-10-25T12:00:00Z"), 25);
    assert_eq!(hours("Europe/Berlin", "2026-10-26T12:00:00Z"), 24);
    // Clocks that jump at midnight itself: the day begins at one; the day that has midnight twice.
    assert_eq!(hours("Asia/Beirut", "2026-03-29T12:00:00Z"), 23);
    assert_eq!(hours("America/Havana", "2025-11-02T12:00:00Z"), 25);
    // The day that Samoa left out.
    assert_eq!(hours("Pacific/Apia", "2011-12-29T12:00:00Z"), 24);
}

#[test]
fn a_key_cannot_spend_more_than_the_narrowest_of_its_budgets() {
    let purse = Arc::<Purse>::default();
    let budgets: Arc<[Budget]> = [budget(Period::Daily, 10), budget(Period::Monthly, 15)].into();
    let monday = at("2026-11-23T10:00:00Z");
    let first = purse.reserve(&budgets, usd(6), monday).unwrap();
    let no_room = purse.reserve(&budgets, usd(5), monday).unwrap_err();
    assert_eq!((no_room.period, no_room.spent, no_room.reserved), (Period::Daily, usd(0), usd(6)));
    assert_eq!(no_room.resets_at, at("2026-11-24T00:00:00Z"));

    first.settle(usd(4), monday);
    purse.reserve(&budgets, usd(6), monday).unwrap().settle(usd(6), monday);

    assert_eq!(purse.standing(&budgets[0], monday).spent, usd(10));
    // The next day has room again, as far as the month has.
    let tuesday = at("2026-11-24T00:00:00Z");
    assert_eq!(purse.standing(&budgets[0], tuesday).spent, usd(0));
    let no_room = purse.reserve(&budgets, usd(6), tuesday).unwrap_err();
    assert_eq!((no_room.period, no_room.spent), (Period::Monthly, usd(10)));
    assert_eq!(no_room.resets_at, at("2026-12-01T00:00:00Z"));
    purse.reserve(&budgets, usd(5), tuesday).unwrap();
}

#[test]
fn a_call_over_midnight_holds_its_place_in_the_new_day() {
    let purse = Arc::<Purse>::default();
    let budgets: Arc<[Budget]> = [budget(Period::Daily, 10)].into();
    let (evening, morning) = (at("2026-11-23T23:59:59Z"), at("2026-11-24T00:00:01Z"));
    let running = purse.reserve(&budgets, usd(7), evening).unwrap();

    assert!(purse.reserve(&budgets, usd(4), morning).is_err(), "7 are held");
    running.settle(usd(5), morning);

    assert_eq!(purse.standing(&budgets[0], morning).spent, usd(5));
    let next = purse.reserve(&budgets, usd(5), morning).unwrap();
    drop(next);
    assert_eq!(purse.standing(&budgets[0], morning).reserved, usd(0), "given back");
}

#[test]
fn an_edit_of_limits_forgets_nothing() {
    let ledger = Ledger::default();
    let key = ClientKeyName::new("ci");
    let now = at("2026-11-23T10:00:00Z");
    let before: Arc<[Budget]> = [budget(Period::Daily, 10)].into();
    let running = ledger.purse(&key).reserve(&before, usd(8), now).unwrap();

    let after: Arc<[Budget]> = [budget(Period::Daily, 5), budget(Period::Weekly, 100)].into();
    assert!(ledger.purse(&key).reserve(&after, usd(1), now).is_err());
    // What is free is not refused, nor is what was admitted before.
    ledger.purse(&key).reserve(&after, usd(0), now).unwrap();
    running.settle(usd(7), now);

    assert_eq!(ledger.purse(&key).standing(&after[0], now).spent, usd(7));
    assert_eq!(ledger.purse(&key).standing(&after[1], now).spent, usd(7));
    // Another zone is another window, which begins empty.
    let berlin = Budget { zone: zone("Europe/Berlin"), ..after[0].clone() };
    assert_eq!(ledger.purse(&key).standing(&berlin, now).spent, usd(0));
}

#[test]
fn a_clock_that_is_put_back_opens_no_window_again() {
    let purse = Arc::<Purse>::default();
    let budgets: Arc<[Budget]> = [budget(Period::Daily, 10)].into();
    let today = at("2026-11-24T10:00:00Z");
    purse.reserve(&budgets, usd(10), today).unwrap().settle(usd(10), today);

    assert!(purse.reserve(&budgets, usd(1), at("2026-11-23T10:00:00Z")).is_err());
}

#[test]
fn each_threshold_warns_once_in_a_window() {
    let purse = Arc::<Purse>::default();
    let budgets: Arc<[Budget]> = [budget(Period::Daily, 100)].into();
    let spend = |dollars, now| {
        let warnings =
            purse.reserve(&budgets, usd(dollars), now).unwrap().settle(usd(dollars), now);
        warnings.iter().map(|warning| (warning.reached, warning.spent)).collect::<Vec<_>>()
    };
    let (today, tomorrow) = (at("2026-11-24T10:00:00Z"), at("2026-11-25T10:00:00Z"));
    assert_eq!(spend(79, today), []);
    assert_eq!(spend(1, today), [(800, usd(80))]);
    assert_eq!(spend(10, today), []);
    assert_eq!(spend(10, today), [(950, usd(100))]);
    assert_eq!(spend(99, tomorrow), [(950, usd(99))], "both at once give the higher");
}

#[test]
fn what_outlived_a_restart_counts() {
    let ledger = Ledger::default();
    let key = ClientKeyName::new("ci");
    let now = at("2026-11-24T10:00:00Z");
    let budgets: Arc<[Budget]> = [budget(Period::Daily, 100)].into();
    ledger.restore(&key, &budgets[0], usd(90), now);

    let purse = ledger.purse(&key);
    assert!(purse.reserve(&budgets, usd(11), now).is_err());
    let warnings = purse.reserve(&budgets, usd(4), now).unwrap().settle(usd(4), now);
    assert!(warnings.is_empty(), "80 % was warned of before");
}

#[test]
fn a_call_that_costs_more_than_was_held_is_charged_in_full() {
    let purse = Arc::<Purse>::default();
    let budgets: Arc<[Budget]> = [budget(Period::Daily, 10)].into();
    let now = at("2026-11-24T10:00:00Z");
    let running = purse.reserve(&budgets, usd(4), now).unwrap();
    running.raise(usd(6), now).unwrap();
    running.raise(usd(5), now).unwrap();
    assert_eq!(running.held(), usd(6));
    assert!(running.raise(usd(11), now).is_err());
    assert_eq!(running.held(), usd(6));

    running.settle(usd(9), now);
    running.settle(usd(9), now);

    let standing = purse.standing(&budgets[0], now);
    assert_eq!((standing.spent, standing.reserved, purse.overrun()), (usd(9), usd(0), usd(3)));
}

/// What happens to a purse.
#[derive(Clone, Debug)]
enum Act {
    Reserve(u64),
    /// Settle one of the running calls at this share of what it holds, in hundredths.
    Settle(usize, u64),
    Drop(usize),
    Raise(usize, u64),
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..400_u64).prop_map(Act::Reserve),
        3 => (any::<usize>(), 0..=100_u64).prop_map(|(which, share)| Act::Settle(which, share)),
        1 => any::<usize>().prop_map(Act::Drop),
        1 => (any::<usize>(), 0..400_u64).prop_map(|(which, to)| Act::Raise(which, to)),
        1 => (0..200_000_i64).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Against a list of what was settled when: windows are never overrun, and hold exactly that.
    #[test]
    fn spent_and_reserved_never_exceed_a_limit(
        acts in proptest::collection::vec(act(), 1..120),
        begin in 1_700_000_000..1_900_000_000_i64,
    ) {
        let purse = Arc::<Purse>::default();
        let place = |period, name: &str, limit| Budget {
            zone: zone(name), limit: Nanodollars::new(limit), ..budget(period, 0)
        };
        let budgets: Arc<[Budget]> = [
            place(Period::Daily, "Europe/Berlin", 1_000),
            place(Period::Weekly, "America/Havana", 2_500),
            place(Period::Monthly, "UTC", 6_000),
        ].into();
        let mut now = Timestamp::from_second(begin).unwrap();
        let mut running: Vec<Reservation> = Vec::new();
        let mut settled: Vec<(Timestamp, u64)> = Vec::new();
        for act in acts {
            let len = running.len().max(1);
            match act {
                Act::Reserve(amount) => {
                    running.extend(purse.reserve(&budgets, Nanodollars::new(amount), now));
                }
                Act::Settle(which, share) if !running.is_empty() => {
                    let call = running.swap_remove(which % len);
                    let cost = call.held().get() * share / 100;
                    call.settle(Nanodollars::new(cost), now);
                    settled.push((now, cost));
                }
                Act::Drop(which) if !running.is_empty() => drop(running.swap_remove(which % len)),
                Act::Raise(which, to) if !running.is_empty() => {
                    let _may_find_no_room = running[which % len].raise(Nanodollars::new(to), now);
                }
                Act::Wait(seconds) => now = Timestamp::from_second(now.as_second() + seconds).unwrap(),
                _ => {}
            }
            let held: Nanodollars = running.iter().map(Reservation::held).sum();
            for budget in budgets.iter() {
                let standing = purse.standing(budget, now);
                prop_assert_eq!(standing.reserved, held);
                prop_assert!(standing.spent.plus(standing.reserved) <= budget.limit);
                let window = budget.period.window(&budget.zone, now);
                let exact: u64 = settled.iter()
                    .filter(|(when, _)| (window.start..window.end).contains(when))
                    .map(|(_, cost)| cost)
                    .sum();
                prop_assert_eq!(standing.spent.get(), exact);
            }
        }
        prop_assert_eq!(purse.overrun(), Nanodollars::ZERO);
    }
}

#[test]
fn a_new_budget_counts_from_its_beginning_and_takes_over_what_came_before() {
    let (purse, now) = (Arc::new(Purse::default()), at("2026-11-29T12:00:00Z"));
    let (daily, monthly) = (budget(Period::Daily, 10), budget(Period::Monthly, 100));
    assert!(purse.begin(&daily, now).is_some());
    let call = purse.reserve(&[daily.clone()].into(), usd(3), now).unwrap();

    let window = purse.begin(&monthly, now).unwrap();
    drop(call.settle(usd(2), now));
    purse.add_earlier(&monthly, usd(90), now);

    assert_eq!(window.start, at("2026-11-01T00:00:00Z"));
    assert_eq!(purse.standing(&monthly, now).spent, usd(92), "the call that ran meanwhile, too");
    assert_eq!(purse.standing(&daily, now).spent, usd(2));
    assert_eq!(purse.begin(&monthly, now), None, "once");
    let next = purse.reserve(&[monthly].into(), usd(4), now).unwrap();
    assert_eq!(next.settle(usd(4), now).len(), 1, "95 of 100 is news, 80 was not");
}
