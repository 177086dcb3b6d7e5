//! Memory of open streams: what a fresh process holds when it is idle, and with a thousand streams that
//! have begun and wait.

use serde::Serialize;

use crate::bed::Bed;
use crate::connection::Expected;
use crate::failure::Failure;
use crate::loader::Loader;
use crate::numbers::yes_or_no;
use crate::orders::Aim;
use crate::process::Process;
use crate::request::Delivery;
use crate::table::table;

/// Streams held open.
const STREAMS: u32 = 1_000;

/// Most memory per stream, in KiB (the project's target).
const TARGET_KIB: f64 = 64.0;

/// The memory of all processes.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) streams: u32,
    pub(crate) rows: Vec<Row>,
}

/// One process.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) process: &'static str,
    pub(crate) idle_mb: f64,
    pub(crate) open_mb: f64,
    /// The difference, divided by the streams.
    pub(crate) kib_per_stream: f64,
    /// Only the gateway has a target.
    pub(crate) is_reached: Option<bool>,
}

/// Starts each process anew, and opens the streams.
///
/// # Errors
///
/// If a stream is refused or does not begin.
pub(crate) async fn measure(bed: &Bed, load: &mut Loader) -> Result<Memory, Failure> {
    let mut rows = Vec::new();
    let bare = bed.fresh_bare().await?;
    rows.push(one("bare Pingora", &bare, "same", load).await?);
    drop(bare);
    for (name, prefix) in [("omniroute, same format", "same"), ("omniroute, translated", "anth")] {
        let gateway = bed.fresh_gateway(prefix).await?;
        let mut row = one(name, &gateway.process, prefix, load).await?;
        row.is_reached = Some(row.kib_per_stream <= TARGET_KIB);
        rows.push(row);
    }
    Ok(Memory { streams: STREAMS, rows })
}

async fn one(
    name: &'static str,
    process: &Process,
    prefix: &str,
    load: &mut Loader,
) -> Result<Row, Failure> {
    let aim = Aim {
        address: process.address(),
        model: format!("{prefix}/stall-after-8"),
        body_bytes: 2_048,
        delivery: Delivery::Stream,
        headers: Vec::new(),
        expected: Expected::Events(8),
    };
    let idle = process.resident_bytes()?;
    let held = load.hold(&aim, STREAMS as usize).await;
    held.map_err(|failure| Failure::of(name, failure))?;
    let open = process.resident_bytes()?;
    load.release().await?;
    let kib_per_stream = kib(open.saturating_sub(idle)) / f64::from(STREAMS);
    let (idle_mb, open_mb) = (kib(idle) * 1.024e-3, kib(open) * 1.024e-3);
    Ok(Row { process: name, idle_mb, open_mb, kib_per_stream, is_reached: None })
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1_024.0
}

impl Memory {
    /// Writes the section.
    pub(crate) fn words(&self) -> String {
        let row = |row: &Row| {
            vec![
                row.process.to_owned(),
                format!("{:.1}", row.idle_mb),
                format!("{:.1}", row.open_mb),
                format!("{:.1}", row.kib_per_stream),
                row.is_reached.map_or("-", yes_or_no).to_owned(),
            ]
        };
        let headings = ["process", "idle MB", "open MB", "KiB per stream", "≤ 64"];
        let rows: Vec<Vec<String>> = self.rows.iter().map(row).collect();
        format!(
            "Resident memory of fresh processes, idle and with {} streams open that have begun and wait.\n\n{}\n",
            self.streams,
            table(&headings, 1, &rows),
        )
    }

    /// Says which targets were missed.
    pub(crate) fn misses(&self) -> Vec<String> {
        let missed = self.rows.iter().filter(|row| row.is_reached == Some(false));
        let line = |row: &Row| {
            format!(
                "- memory per stream, {}: {:.1} KiB instead of {TARGET_KIB:.0}.",
                row.process, row.kib_per_stream
            )
        };
        missed.map(line).collect()
    }
}
