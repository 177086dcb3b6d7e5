//! The subjects take turns, round by round, so that a machine that is faster or slower for a while is so
//! for all of them.

use crate::bed::{Bed, Subject};
use crate::cpu::CpuUse;
use crate::failure::Failure;
use crate::loader::Loader;
use crate::numbers::{Spread, Times, micros};
use crate::orders::Aim;
use crate::probe::{Kind, probe};
use crate::window::{self, Fill, Window};

/// One subject with one kind of request, and its rounds so far.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) subject: Subject,
    pub(crate) aim: Aim,
    /// Events of one answer; 0 for whole answers.
    pub(crate) events: usize,
    pub(crate) rounds: Vec<Window>,
}

impl Turn {
    /// Returns the median of a number over the rounds.
    pub(crate) fn median(&self, number: impl Fn(&Window) -> f64) -> f64 {
        Spread::of(&self.rounds.iter().map(number).collect::<Vec<_>>()).median
    }

    /// Returns the median of a process's time per request, in microseconds.
    pub(crate) fn per_request_us(&self, used: fn(&Window) -> CpuUse) -> f64 {
        self.median(|round| round.per_request_us(used))
    }

    /// Returns the subject's time per request as a multiple of another's in the same round.
    pub(crate) fn times_of(&self, reference: &Self) -> Spread {
        let subject_us = |round: &Window| round.per_request_us(|round| round.subject);
        Spread::paired(&self.rounds, &reference.rounds, |one, other| {
            subject_us(one) / subject_us(other)
        })
    }

    /// Returns median and 99th percentile of every round.
    pub(crate) fn times(&self) -> Vec<Times> {
        let times = |round: &Window| [round.ran.p50, round.ran.p99].map(micros);
        self.rounds.iter().map(times).collect()
    }
}

/// Asks everyone once, compares the answers, and returns who is there.
///
/// # Errors
///
/// At a wrong answer.
pub(crate) async fn line_up(
    bed: &Bed,
    subjects: &[Subject],
    kind: Kind,
) -> Result<Vec<Turn>, Failure> {
    let (mut all, mut reference) = (Vec::new(), None);
    for &subject in subjects {
        if let Some((aim, events)) = probe(bed, subject, kind, &mut reference).await? {
            all.push(Turn { subject, aim, events, rounds: Vec::new() });
        }
    }
    Ok(all)
}

/// Gives everyone a window.
///
/// # Errors
///
/// At the first wrong answer.
pub(crate) async fn take(
    bed: &Bed,
    load: &mut Loader,
    fill: Fill,
    turns: impl Iterator<Item = &mut Turn>,
) -> Result<(), Failure> {
    for Turn { subject, aim, rounds, .. } in turns {
        rounds.push(window::measure(bed, load, *subject, aim, fill).await?);
    }
    Ok(())
}
