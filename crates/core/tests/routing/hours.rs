//! A simulated day with outages: what must hold at every moment, and what must come back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use omniroute_core::routing::{Pick, Ticket};
use omniroute_core::state::{Admission, Asked, Failure, Gate};
use omniroute_core::verdict::{self, Signal};
use omniroute_wire::UpstreamError;
use omniroute_wire::api_error::ErrorKind;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::kit::{World, of};

const ACCOUNTS: usize = 9;
const HOURS: u64 = 8;

/// Seconds until other accounts are out.
const TURN: u64 = 300;

/// Three providers with three accounts each, the last of which has limits.
fn nine(strategy: &str) -> World {
    let mut text = String::from("providers:\n");
    let mut accounts = String::from("accounts:\n");
    for provider in 0..3 {
        text.push_str(&format!(
            "  p{provider}: {{ wire: openai_chat, base_url: 'http://127.0.0.1:1', auth: {{ kind: static_key, header: x-key }} }}\n"
        ));
        for account in 0..3 {
            let limits = if account == 2 { ", limits: { rpm: 30, concurrent: 4 }" } else { "" };
            accounts.push_str(&format!(
                "  - {{ id: p{provider}-{account}, provider: p{provider}, key: some-key, priority: {account}{limits} }}\n"
            ));
        }
    }
    of(&format!(
        "{text}{accounts}combos: {{ all: {{ strategy: {strategy}, targets: [p0/m, p1/m, p2/m] }} }}\nrouting: {{ account_strategy: round_robin, max_attempts: 16 }}\n"
    ))
}

/// What each account does: `None` answers, else the status it refuses with.
struct Weather {
    rng: SmallRng,
    faults: [Option<u16>; ACCOUNTS],
}

impl Weather {
    /// Every five minutes: who is out, and how. Somebody always works.
    fn turn(&mut self) {
        for fault in &mut self.faults {
            let kinds = [None, None, Some(500), Some(503), Some(429), Some(401), Some(402)];
            *fault = kinds[self.rng.random_range(0..kinds.len())];
        }
        if self.faults.iter().all(Option::is_some) {
            // One without limits, which can take everything.
            self.faults[3 * self.rng.random_range(0..3)] = None;
        }
    }

    fn of(&self, account: &str) -> Option<u16> {
        let digits: Vec<usize> =
            account.chars().filter_map(|c| c.to_digit(10)).map(|digit| digit as usize).collect();
        self.faults[3 * digits[0] + digits[1]]
    }
}

fn error(status: u16) -> UpstreamError {
    let kind = match status {
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Quota,
        429 => ErrorKind::RateLimit,
        503 => ErrorKind::Overloaded,
        _ => ErrorKind::Server,
    };
    let retry_after = (status == 429).then_some(Duration::from_secs(20));
    UpstreamError { kind, retry_after, ..UpstreamError::server(status, "out") }
}

/// Makes one request; returns how many calls it took, or `None` if nobody could serve it.
fn request(
    world: &World,
    weather: &Weather,
    running: &mut VecDeque<(Instant, String, Ticket)>,
) -> Option<usize> {
    let now = world.clock.now();
    let mut plan = world.plan("all");
    for calls in 1.. {
        let Pick::Try(choice) = plan.next(now) else { return None };
        let mut ticket = choice.begin(0, calls > 1, now).unwrap();
        let id = choice.account.id.to_string();
        let Some(status) = weather.of(&id) else {
            ticket.answered(now);
            running.push_back((now + Duration::from_secs(5), id, ticket));
            return Some(calls);
        };
        let error = error(status);
        let verdict = verdict::judge(Signal::Refused { error: &error, header_wait: None }, None);
        let failure =
            Failure { rest: verdict.rest, reason: verdict.reason, model: None, chance: 0.5 };
        choice.account.state.rest(failure, &choice.target.provider.profile, now);
        let others = world.snapshot.accounts_of(&choice.target.provider.id);
        ticket.failed(verdict.reason, others, now);
        drop(ticket);
        plan.narrow(&choice, verdict.next);
    }
    None
}

/// A request may only fail while everyone who works rests, is full or is spared; and, for the seconds that
/// second attempts count, while those who failed just now have had their share of them.
fn nobody_who_works_may_be_asked(world: &World, weather: &Weather, has_just_turned: bool) {
    let now = world.clock.now();
    let works = |id: &str| weather.of(id).is_none();
    for account in world.snapshot.accounts.values().flatten() {
        if !works(account.id.as_str()) || account.provider.state.breaker.gate(now) != Gate::Closed {
            continue;
        }
        let asked = Asked { model: "m", limits: &account.limits, tokens: 0, is_retry: true };
        let admission = account.state.admission(&asked, now);
        let may_not = matches!(admission, Admission::Away(..) | Admission::Busy(_))
            || (has_just_turned && admission == Admission::RetryBudget);
        assert!(may_not, "{} was not asked: {admission:?}", account.id);
    }
}

#[test]
fn hours_of_outages_keep_every_promise() {
    for strategy in ["priority", "round_robin", "random", "weighted", "least_used"] {
        let mut world = nine(strategy);
        let mut weather = Weather { rng: SmallRng::seed_from_u64(7), faults: [None; ACCOUNTS] };
        let mut running: VecDeque<(Instant, String, Ticket)> = VecDeque::new();
        let (mut requests, mut calls, mut unserved) = (0_usize, 0_usize, 0_usize);
        let mut begun: Vec<VecDeque<Instant>> = vec![VecDeque::new(); 3];
        for second in 0..HOURS * 3600 {
            if second % TURN == 0 {
                weather.turn();
            }
            world.pass(1);
            world.facts.seed = second;
            let now = world.clock.now();
            while running.front().is_some_and(|(until, ..)| *until <= now) {
                running.pop_front();
            }
            requests += 1;
            match request(&world, &weather, &mut running) {
                Some(taken) => calls += taken,
                None => {
                    unserved += 1;
                    nobody_who_works_may_be_asked(&world, &weather, second % TURN < 10);
                }
            }
            for provider in 0..3 {
                let id = format!("p{provider}-2");
                let served_now = running.back().is_some_and(|(until, served, _)| {
                    *served == id && *until == now + Duration::from_secs(5)
                });
                let begun = &mut begun[provider];
                begun.extend(served_now.then_some(now));
                while begun.front().is_some_and(|at| now - *at >= Duration::from_secs(60)) {
                    begun.pop_front();
                }
                assert!(begun.len() <= 30, "{strategy}: {id} took more than its minute has");
                assert!(world.account(&id).state.running() <= 4, "{strategy}: {id} is full");
            }
        }
        // A minute of rest is the longest that hides somebody who works again.
        assert!(unserved * 10 <= requests, "{strategy}: {unserved} of {requests} not served");
        assert!(calls * 10 <= requests * 15, "{strategy}: {calls} calls for {requests} requests");

        weather.faults = [None; ACCOUNTS];
        running.clear();
        for second in 0..1200 {
            world.pass(1);
            world.facts.seed = second;
            assert!(request(&world, &weather, &mut running).is_some(), "{strategy}");
            let now = world.clock.now();
            running.retain(|(until, ..)| *until > now);
        }
        for account in world.snapshot.accounts.values().flatten() {
            let gate = account.provider.state.breaker.gate(world.clock.now());
            let is_back = match gate {
                Gate::Closed => true,
                // Nobody asked: in order the first provider serves everything.
                Gate::HalfOpen => strategy == "priority",
                Gate::Open(_) | Gate::Probing => false,
            };
            assert!(is_back, "{strategy}: {} is {gate:?}", account.provider.id);
        }
    }
}
