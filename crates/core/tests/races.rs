//! Breakers, limits and budgets under the concurrency checker: thousands of orders in which threads may run.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use omniroute_core::budget::{Budget, Ledger, Period};
use omniroute_core::clock::Clock;
use omniroute_core::ids::ClientKeyName;
use omniroute_core::money::Nanodollars;
use omniroute_core::resilience::{Limits, Profile};
use omniroute_core::state::{AccountState, Admission, Asked, Breaker, Failure, Freed, Gate};
use omniroute_core::verdict::{Reason, Rest};

/// Orders that are tried.
const ORDERS: usize = 5_000;

const PROFILE: Profile = Profile {
    failure_threshold: 2,
    open_for: Duration::from_secs(30),
    cool_down: Duration::from_secs(3),
    max_cool_down: Duration::from_secs(60),
    backoff: 2.0,
};

fn opened(now: Instant) -> Arc<Breaker> {
    let breaker = Arc::new(Breaker::default());
    for _ in 0..2 {
        breaker.enter(now).unwrap().failed(true, &PROFILE, now);
    }
    assert!(matches!(breaker.gate(now), Gate::Open(_)));
    breaker
}

fn each_of(threads: usize, work: impl Fn(usize) + Send + Sync + 'static) {
    let work = Arc::new(work);
    let running: Vec<_> = (0..threads)
        .map(|number| {
            let work = Arc::clone(&work);
            shuttle::thread::spawn(move || work(number))
        })
        .collect();
    for thread in running {
        thread.join().unwrap();
    }
}

#[test]
fn never_two_probes_at_once() {
    shuttle::check_random(
        || {
            let clock = Clock::manual(0);
            let breaker = opened(clock.now());
            clock.advance(Duration::from_secs(30));
            let (now, probes) = (clock.now(), Arc::new(AtomicUsize::new(0)));
            let shared = Arc::clone(&breaker);
            each_of(4, move |number| {
                for _ in 0..2 {
                    let Some(mut pass) = shared.enter(now) else { continue };
                    if !pass.is_probe() {
                        continue;
                    }
                    assert_eq!(probes.fetch_add(1, Ordering::SeqCst), 0, "two probes at once");
                    shuttle::thread::yield_now();
                    probes.fetch_sub(1, Ordering::SeqCst);
                    match number {
                        0 => pass.answered(now),
                        1 => pass.failed(true, &PROFILE, now),
                        _ => {}
                    }
                }
            });
            // Whatever happened, a provider that works gets back to closed.
            clock.advance(Duration::from_secs(600));
            breaker.enter(clock.now()).unwrap().answered(clock.now());
            assert_eq!(breaker.gate(clock.now()), Gate::Closed);
        },
        ORDERS,
    );
}

#[test]
fn an_open_breaker_lets_nobody_through() {
    shuttle::check_random(
        || {
            let clock = Clock::manual(0);
            let (now, breaker) = (clock.now(), Arc::new(Breaker::default()));
            let shared = Arc::clone(&breaker);
            each_of(4, move |_| {
                if let Some(mut pass) = shared.enter(now) {
                    pass.failed(true, &PROFILE, now);
                }
            });
            assert!(matches!(breaker.gate(now), Gate::Open(_)), "four failures are enough");
            assert!(breaker.enter(now).is_none());
        },
        ORDERS,
    );
}

#[test]
fn never_more_calls_than_an_account_takes() {
    shuttle::check_random(
        || {
            let now = Clock::manual(0).now();
            let account = Arc::new(AccountState::new(Arc::new(Freed::default())));
            let limits = Limits { concurrent: 2, rpm: 5, ..Limits::default() };
            let (running, begun) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (shared, counted) = (Arc::clone(&account), Arc::clone(&begun));
            each_of(4, move |_| {
                for _ in 0..2 {
                    let asked = Asked { model: "m", limits: &limits, tokens: 0, is_retry: false };
                    let Ok(mut permit) = shared.begin(&asked, now) else { continue };
                    assert!(running.fetch_add(1, Ordering::SeqCst) < 2, "three at once");
                    counted.fetch_add(1, Ordering::SeqCst);
                    shuttle::thread::yield_now();
                    permit.answered("m", now);
                    running.fetch_sub(1, Ordering::SeqCst);
                }
            });
            assert!(begun.load(Ordering::SeqCst) <= 5, "six in a minute");
            assert_eq!(account.running(), 0, "every call has ended");
        },
        ORDERS,
    );
}

#[test]
fn a_rest_is_seen_by_whoever_comes_after_it() {
    shuttle::check_random(
        || {
            let now = Clock::manual(0).now();
            let account = Arc::new(AccountState::new(Arc::new(Freed::default())));
            let limits = Limits::default();
            let shared = Arc::clone(&account);
            each_of(3, move |number| {
                let asked = Asked { model: "m", limits: &limits, tokens: 0, is_retry: false };
                let Ok(mut permit) = shared.begin(&asked, now) else { return };
                if number == 0 {
                    let failure = Failure {
                        rest: Rest::Away(Some(Duration::from_secs(9))),
                        reason: Reason::RateLimit,
                        model: None,
                        chance: 0.0,
                    };
                    shared.rest(failure, &PROFILE, now);
                } else {
                    permit.answered("m", now);
                }
            });
            let asked = Asked { model: "m", limits: &limits, tokens: 0, is_retry: false };
            let seen = account.admission(&asked, now);
            assert!(matches!(seen, Admission::Away(..)), "{seen:?}");
        },
        ORDERS,
    );
}

#[test]
fn a_budget_is_never_overrun() {
    shuttle::check_random(
        || {
            let (ledger, name) = (Ledger::default(), ClientKeyName::new("ci"));
            let budget = |period, limit| Budget {
                period,
                zone: jiff::tz::TimeZone::UTC,
                limit: Nanodollars::new(limit),
                warn_at: [500].into(),
            };
            let budgets: Arc<[Budget]> =
                [budget(Period::Daily, 10), budget(Period::Monthly, 11)].into();
            let now: jiff::Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
            let purse = ledger.purse(&name);
            let (settled, warnings) =
                (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (shared, limits) = (Arc::clone(&purse), Arc::clone(&budgets));
            let (sum, warned) = (Arc::clone(&settled), Arc::clone(&warnings));
            each_of(4, move |number| {
                for _ in 0..2 {
                    let Ok(call) = shared.reserve(&limits, Nanodollars::new(3), now) else {
                        continue;
                    };
                    shuttle::thread::yield_now();
                    for budget in limits.iter() {
                        let standing = shared.standing(budget, now);
                        assert!(standing.spent.plus(standing.reserved) <= budget.limit, "overrun");
                    }
                    match number {
                        // Given back.
                        0 => {}
                        1 => {
                            let to =
                                if call.raise(Nanodollars::new(5), now).is_ok() { 5 } else { 3 };
                            warned.fetch_add(
                                call.settle(Nanodollars::new(to), now).len(),
                                Ordering::SeqCst,
                            );
                            sum.fetch_add(usize::try_from(to).unwrap(), Ordering::SeqCst);
                        }
                        _ => {
                            warned.fetch_add(
                                call.settle(Nanodollars::new(2), now).len(),
                                Ordering::SeqCst,
                            );
                            sum.fetch_add(2, Ordering::SeqCst);
                        }
                    }
                }
            });
            let spent = settled.load(Ordering::SeqCst);
            for budget in budgets.iter() {
                let standing = purse.standing(budget, now);
                assert_eq!(standing.reserved, Nanodollars::ZERO, "nothing runs any more");
                assert_eq!(standing.spent, Nanodollars::new(u64::try_from(spent).unwrap()));
            }
            let reached = usize::from(spent >= 5) + usize::from(spent >= 6);
            assert_eq!(warnings.load(Ordering::SeqCst), reached, "each budget warns once");
            assert_eq!(purse.overrun(), Nanodollars::ZERO);
        },
        ORDERS,
    );
}
