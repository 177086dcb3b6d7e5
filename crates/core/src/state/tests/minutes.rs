//! The tokens of a minute against a model that adds them up anew: exactly, but for the length of a moment.

use std::time::Duration;

use proptest::prelude::*;

use crate::clock::Clock;
use crate::resilience::Limits;
use crate::state::limiter::Limiter;
use crate::state::minute::MOMENT;

/// What happens to a limiter.
#[derive(Clone, Copy, Debug)]
enum Act {
    Begin(u64),
    /// A call begins while tokens are not limited.
    BeginUncounted,
    /// One of the calls so far is corrected.
    Correct(usize, u64),
    /// Time goes by.
    Wait(Duration),
}

fn act() -> impl Strategy<Value = Act> {
    let tokens = || prop_oneof![0..5_000_u64, Just(u64::MAX)];
    prop_oneof![
        tokens().prop_map(Act::Begin),
        Just(Act::BeginUncounted),
        (0..30_usize, tokens()).prop_map(|(call, tokens)| Act::Correct(call, tokens)),
        (0..40_u64).prop_map(|seconds| Act::Wait(Duration::from_secs(seconds))),
        (0..20_u64).prop_map(|millis| Act::Wait(Duration::from_millis(millis))),
    ]
}

proptest! {
    #[test]
    fn the_tokens_of_a_minute_are_those_of_its_calls(acts in prop::collection::vec(act(), 1..60)) {
        let limits = Limits { tpm: 10_000, ..Limits::default() };
        let (mut limiter, mut calls) = (Limiter::default(), Vec::new());
        let mut now = Clock::manual(0).now();
        for act in acts {
            match act {
                Act::Begin(tokens) => {
                    calls.push((limiter.begin(&limits, tokens, now), now, Some(tokens)));
                }
                Act::BeginUncounted => {
                    calls.push((limiter.begin(&Limits::default(), 7, now), now, None));
                }
                Act::Correct(call, tokens) => {
                    if let Some((counted, _, kept)) = calls.get_mut(call) {
                        limiter.correct(counted, tokens);
                        *kept = kept.map(|_| tokens);
                    }
                }
                Act::Wait(time) => now += time,
            }
            let sum = |minute: Duration| {
                let counts = calls.iter().filter(|(_, begun, _)| *begun + minute > now);
                counts.map(|(_, _, tokens)| u128::from(tokens.unwrap_or(0))).sum::<u128>()
            };
            let minute = Duration::from_secs(60);
            let (least, most) = (sum(minute), sum(minute + MOMENT));
            let whole = |sum| u64::try_from(sum).unwrap_or(u64::MAX);

            let used = limiter.used(now).1;
            prop_assert!((whole(least)..=whole(most)).contains(&used), "{least} {used} {most}");
            let is_busy = limiter.busy(&limits, 0, 0, now).is_some();
            prop_assert!(is_busy || least <= 10_000);
            prop_assert!(!is_busy || most > 10_000);
        }
    }
}
