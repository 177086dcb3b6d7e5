//! Other gateways beside ours, at a rate that all of them carry.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::bed::{Bed, Subject};
use crate::failure::Failure;
use crate::load::Manner;
use crate::loader::Loader;
use crate::numbers::{Spread, micros};
use crate::peers::{self, Peer};
use crate::probe::{Kind, To, ask_first, probe};
use crate::process::Process;
use crate::request::Delivery;
use crate::table::table;
use crate::window::{self, Fill, Window};

/// How often everyone has a turn, and how long: few and long, because the rate is low.
const ROUNDS: usize = 3;
const WINDOW: Duration = Duration::from_secs(2);

/// Connections the requests are spread over.
const CONNECTIONS: usize = 16;

const KIND: Kind = Kind { body_bytes: 2_048, delivery: Delivery::Whole, tokens: 8 };

/// What the others know the only model as: what the simulator knows it as, too.
const MODEL: &str = "tokens?n=8";

/// Everyone's figures.
#[derive(Debug, Serialize)]
pub(crate) struct Peers {
    pub(crate) per_second: u32,
    pub(crate) rows: Vec<Row>,
    /// Who was not there.
    pub(crate) absent: Vec<String>,
}

/// One gateway: medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cpu_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Resident memory before the first request and after the last.
    pub(crate) idle_mb: f64,
    pub(crate) loaded_mb: f64,
}

struct Turn<'a> {
    name: String,
    process: &'a Process,
    aim: crate::orders::Aim,
    subject: Option<Subject>,
    idle: u64,
    rounds: Vec<Window>,
}

/// Starts who is in `folder`, and measures everyone in turns.
///
/// # Errors
///
/// If one does not start, or at the first wrong answer.
pub(crate) async fn measure(
    bed: &Bed,
    load: &mut Loader,
    folder: &Path,
    per_second: u32,
) -> Result<Peers, Failure> {
    let (mut there, mut absent) = (Vec::new(), Vec::new());
    let upstream = bed.upstream().address();
    for started in [
        peers::litellm(folder, bed.folder(), upstream, MODEL).await?,
        peers::portkey(folder, bed.folder(), upstream).await?,
    ] {
        match started {
            Ok(peer) => there.push(peer),
            Err(sentence) => absent.push(sentence),
        }
    }
    let mut turns = Vec::new();
    if !there.is_empty() {
        turns = all(bed, &there).await?;
    }
    let manner = Manner::Paced(per_second);
    let fill = Fill { manner, connections: CONNECTIONS, time: WINDOW };
    for _ in 0..ROUNDS {
        for Turn { name, process, aim, subject, rounds, .. } in &mut turns {
            let processes = [*process, bed.upstream()];
            let measured = window::one(processes, load, aim, fill).await;
            let (window, requests) = measured.map_err(|failure| Failure::of(name, failure))?;
            if let Some(subject) = subject {
                bed.settle(*subject, requests).await?;
            }
            rounds.push(window);
        }
    }
    let rows = turns.iter().map(Row::new).collect::<Result<_, _>>()?;
    Ok(Peers { per_second, rows, absent })
}

/// Asks everyone once: their answers must be the same.
async fn all<'a>(bed: &'a Bed, there: &'a [Peer]) -> Result<Vec<Turn<'a>>, Failure> {
    let (mut turns, mut reference) = (Vec::new(), None);
    for subject in [Subject::BarePingora, Subject::SameFormat] {
        let Some(process) = bed.process(subject) else { continue };
        let idle = process.resident_bytes()?;
        if let Some((aim, _)) = probe(bed, subject, KIND, &mut reference).await? {
            let (name, subject) = (subject.title().to_owned(), Some(subject));
            turns.push(Turn { name, process, aim, subject, idle, rounds: Vec::new() });
        }
    }
    for Peer { name, version, process, headers } in there {
        let idle = process.resident_bytes()?;
        let headers = headers.clone();
        let to = To { name, address: process.address(), model: MODEL.to_owned(), headers };
        let (aim, _) = ask_first(to, KIND, &mut reference).await?;
        let name = format!("{name} {version}");
        turns.push(Turn { name, process, aim, subject: None, idle, rounds: Vec::new() });
    }
    Ok(turns)
}

impl Row {
    fn new(turn: &Turn<'_>) -> Result<Self, Failure> {
        let median = |of: fn(&Window) -> f64| {
            Spread::of(&turn.rounds.iter().map(of).collect::<Vec<_>>()).median
        };
        Ok(Self {
            name: turn.name.clone(),
            cpu_us: median(|round| round.per_request_us(|round| round.subject)),
            p50_us: median(|round| micros(round.ran.p50)),
            p99_us: median(|round| micros(round.ran.p99)),
            idle_mb: megabytes(turn.idle),
            loaded_mb: megabytes(turn.process.resident_bytes()?),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl Peers {
    /// Writes the section.
    pub(crate) fn words(&self) -> String {
        let row = |row: &Row| {
            let numbers = [row.cpu_us, row.p50_us, row.p99_us, row.idle_mb, row.loaded_mb];
            let mut cells = vec![row.name.clone()];
            cells.extend(numbers.map(|number| format!("{number:.0}")));
            cells
        };
        let headings = ["gateway", "CPU µs", "p50 µs", "p99 µs", "first MB", "last MB"];
        let rows: Vec<Vec<String>> = self.rows.iter().map(row).collect();
        let absent: String = self.absent.iter().map(|line| format!("{line}\n")).collect();
        if rows.is_empty() {
            return format!("{absent}\n");
        }
        format!(
            "Other gateways from their packages, 2 KB, same format, {} requests per second, evenly.\n\n{}{absent}\n",
            self.per_second,
            table(&headings, 1, &rows),
        )
    }
}
