//! How an account rests.

use std::time::Duration;

use crate::clock::Clock;
use crate::resilience::Profile;
use crate::state::rest::{Failure, Rests, Standing};
use crate::verdict::{Reason, Rest};

const PROFILE: Profile = Profile {
    failure_threshold: 5,
    open_for: Duration::from_secs(30),
    cool_down: Duration::from_secs(2),
    max_cool_down: Duration::from_secs(5),
    backoff: 2.0,
};

const REASON: Reason = Reason::RateLimit;

fn failure(rest: Rest) -> Failure<'static> {
    Failure { rest, reason: REASON, model: None, chance: 0.0 }
}

fn away(seconds: u64) -> Rest {
    Rest::Away(Some(Duration::from_secs(seconds)))
}

#[test]
fn the_rest_doubles_until_its_maximum() {
    let (mut rests, clock) = (Rests::default(), Clock::manual(0));
    let mut fail = || rests.failed(failure(Rest::Away(None)), &PROFILE, clock.now());
    let waits: Vec<_> = (0..3).map(|_| fail().unwrap().as_secs()).collect();
    assert_eq!(waits, [2, 4, 5], "doubles, then stays");
}

#[test]
fn chance_takes_off_up_to_a_tenth_but_nothing_of_a_named_wait() {
    let clock = Clock::manual(0);
    let rested = |rest, chance| {
        let failure = Failure { chance, ..failure(rest) };
        Rests::default().failed(failure, &PROFILE, clock.now()).unwrap()
    };
    assert_eq!(rested(Rest::Behind, 1.0), Duration::from_millis(1800));
    assert_eq!(rested(Rest::Behind, 0.5), Duration::from_millis(1900));
    assert_eq!(rested(away(2), 1.0), Duration::from_secs(2));
}

#[test]
fn an_account_told_to_wait_is_away_until_then() {
    let (mut rests, clock) = (Rests::default(), Clock::manual(0));
    rests.failed(failure(away(30)), &PROFILE, clock.now());

    clock.advance(Duration::from_secs(29));
    let standing = rests.standing("m", clock.now());
    assert_eq!(standing, Standing::Away(Duration::from_secs(1), REASON));

    clock.advance(Duration::from_secs(1));
    assert_eq!(rests.standing("m", clock.now()), Standing::Ready);
}

#[test]
fn a_failure_without_a_named_wait_only_puts_the_account_behind() {
    let (mut rests, clock) = (Rests::default(), Clock::manual(0));
    rests.failed(failure(Rest::Behind), &PROFILE, clock.now());
    assert_eq!(rests.standing("m", clock.now()), Standing::Behind(Duration::from_secs(2)));

    rests.served("m");

    assert_eq!(rests.standing("m", clock.now()), Standing::Ready, "one success forgets it");
    let again = rests.failed(failure(Rest::Behind), &PROFILE, clock.now());
    assert_eq!(again, Some(Duration::from_secs(2)), "and the doubling begins anew");
}

#[test]
fn a_shorter_wait_does_not_shorten_a_longer_one() {
    let (mut rests, clock) = (Rests::default(), Clock::manual(0));
    rests.failed(failure(away(60)), &PROFILE, clock.now());
    rests.failed(failure(away(1)), &PROFILE, clock.now());
    let standing = rests.standing("m", clock.now());
    assert_eq!(standing, Standing::Away(Duration::from_secs(60), REASON));
}

#[test]
fn a_model_rests_alone_and_the_worse_of_two_rests_counts() {
    let (mut rests, clock) = (Rests::default(), Clock::manual(0));
    let of_model = Failure { model: Some("m"), ..failure(away(9)) };
    rests.failed(of_model, &PROFILE, clock.now());
    assert_eq!(rests.standing("other", clock.now()), Standing::Ready);
    rests.failed(failure(Rest::Behind), &PROFILE, clock.now());
    let nine = Standing::Away(Duration::from_secs(9), REASON);
    assert_eq!(rests.standing("m", clock.now()), nine);
    assert_eq!(rests.standing("other", clock.now()), Standing::Behind(Duration::from_secs(2)));
    assert_eq!(rests.of_models(clock.now()).collect::<Vec<_>>(), [("m", nine)]);
}

#[test]
fn names_that_clients_make_up_take_no_memory_without_end() {
    let (mut rests, clock) = (Rests::default(), Clock::manual(0));
    for number in 0..1000 {
        let name = format!("made-up-{number}");
        let of_model = Failure { model: Some(&name), ..failure(Rest::Behind) };
        rests.failed(of_model, &PROFILE, clock.now());
    }
    assert_eq!(rests.of_models(clock.now()).count(), 256);
}
