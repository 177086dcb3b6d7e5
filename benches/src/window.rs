//! One measured window: what a subject, the provider behind it and the load used while requests ran.

use std::time::Duration;

use crate::bed::{Bed, Subject};
use crate::cpu::{CpuReading, CpuUse};
use crate::failure::Failure;
use crate::load::Manner;
use crate::loader::Loader;
use crate::orders::{Aim, Ran};
use crate::process::Process;

/// Load before the measured window: fills pools, caches and branch predictors.
const WARM_UP: Duration = Duration::from_millis(300);

/// How one window is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) manner: Manner,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
}

/// What was seen in one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) ran: Ran,
    pub(crate) subject: CpuUse,
    pub(crate) provider: CpuUse,
    pub(crate) load: CpuUse,
}

impl Window {
    /// Returns microseconds of processor time of `used` per request.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(crate) fn per_request_us(&self, used: fn(&Self) -> CpuUse) -> f64 {
        used(self).total.as_secs_f64() * 1e6 / self.ran.requests.max(1) as f64
    }

    /// Returns answers per second.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(crate) fn per_second(&self) -> f64 {
        self.ran.requests as f64 / self.ran.elapsed.as_secs_f64()
    }
}

/// Measures a subject of the test bed once, after a short warm-up on the same connections.
///
/// # Errors
///
/// At the first wrong answer, or if a process has ended.
pub(crate) async fn measure(
    bed: &Bed,
    load: &mut Loader,
    subject: Subject,
    aim: &Aim,
    fill: Fill,
) -> Result<Window, Failure> {
    let gone = || Failure::Process(format!("{} is gone", subject.title()));
    let processes = [bed.process(subject).ok_or_else(gone)?, bed.upstream()];
    let named = |failure| Failure::of(subject.title(), failure);
    let (window, requests) = one(processes, load, aim, fill).await.map_err(named)?;
    bed.settle(subject, requests).await?;
    Ok(window)
}

/// Measures a process, and the provider behind it. Returns how many requests there were with the warm-up.
///
/// # Errors
///
/// As [`measure`].
pub(crate) async fn one(
    processes: [&Process; 2],
    load: &mut Loader,
    aim: &Aim,
    fill: Fill,
) -> Result<(Window, usize), Failure> {
    load.aim(aim, fill.connections).await?;
    let warm_up = load.run(fill.manner, WARM_UP).await?;
    // Between the two runs nothing is under way, so the processor time belongs to whole requests.
    let before = readings(processes, load)?;
    let ran = load.run(fill.manner, fill.time).await?;
    let after = readings(processes, load)?;
    let [subject, provider, load] = [0, 1, 2].map(|which| after[which].since(&before[which]));
    Ok((Window { ran, subject, provider, load }, warm_up.requests + ran.requests))
}

fn readings([subject, provider]: [&Process; 2], load: &Loader) -> Result<[CpuReading; 3], Failure> {
    Ok([subject.cpu()?, provider.cpu()?, load.cpu()?])
}
