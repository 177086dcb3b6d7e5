//! What a request costs while every connection is busy: the workloads, and who gets them.

use std::time::Duration;

use crate::bed::{Bed, Subject};
use crate::failure::Failure;
use crate::load::Manner;
use crate::loader::Loader;
use crate::of_bare::Most;
use crate::probe::Kind;
use crate::request::Delivery;
use crate::turns::{self, Turn};
use crate::window::Fill;

/// One kind of request.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    kind: Kind,
    /// Who gets it, the reference first.
    subjects: &'static [Subject],
    /// `None`: no target is set.
    pub(crate) most: Option<Most>,
}

/// All kinds of requests.
pub(crate) const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "2 KB, whole answer",
        kind: Kind { body_bytes: 2_048, delivery: Delivery::Whole, tokens: 8 },
        subjects: &[
            Subject::BarePingora,
            Subject::SameFormat,
            Subject::Translated,
            Subject::NoAccessLog,
            Subject::KeyOnly,
            Subject::Nginx,
        ],
        most: Some(Most::ALLOWED),
    },
    Workload {
        name: "2 KB, 200 events",
        kind: Kind { body_bytes: 2_048, delivery: Delivery::Stream, tokens: 200 },
        subjects: &[Subject::BarePingora, Subject::SameFormat, Subject::Translated],
        most: Some(Most::ALLOWED),
    },
    Workload {
        name: "100 KB, whole answer",
        kind: Kind { body_bytes: 102_400, delivery: Delivery::Whole, tokens: 8 },
        subjects: &[Subject::BarePingora, Subject::SameFormat, Subject::Translated],
        most: None,
    },
];

/// How long and how hard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// Length of one measured window.
    pub(crate) window: Duration,
    pub(crate) connections: usize,
}

/// All rounds of one subject with one workload.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) workload: &'static Workload,
    pub(crate) turn: Turn,
}

/// Asks everyone once and compares the answers, then measures round by round. `told` hears of every round.
///
/// # Errors
///
/// At the first wrong answer.
pub(crate) async fn measure(
    bed: &Bed,
    load: &mut Loader,
    effort: Effort,
    mut told: impl FnMut(usize),
) -> Result<Vec<Series>, Failure> {
    let mut all = Vec::new();
    for workload in &WORKLOADS {
        let turns = turns::line_up(bed, workload.subjects, workload.kind).await?;
        all.extend(turns.into_iter().map(|turn| Series { workload, turn }));
    }
    let fill = Fill { manner: Manner::Busy, connections: effort.connections, time: effort.window };
    for round in 1..=effort.rounds {
        told(round);
        turns::take(bed, load, fill, all.iter_mut().map(|series| &mut series.turn)).await?;
    }
    Ok(all)
}
