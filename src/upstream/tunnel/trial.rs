//! Testing a tunnel: each step with its time, and what failed where.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use omniroute_core::clock::{Clock, millis};
use omniroute_core::snapshot::Tunnel;
use serde::Serialize;
use tokio::time::timeout;

use super::failure::{Failure, Part};
use super::open::{self, Target};

/// What a test came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// The steps that were made, in their order; only the last can have failed.
    pub steps: Vec<Step>,
}

/// One step of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which one.
    pub part: Part,
    /// How long it took. Being let in and being connected on are one exchange with the tunnel, so where
    /// the latter is there, its time holds both.
    pub took_ms: u64,
    /// What went wrong, if anything did.
    pub failure: Option<&'static str>,
    /// The status of an HTTP proxy that refused.
    pub status: Option<u16>,
}

/// Goes through a tunnel to a target, says nothing there and leaves. `limit` is for each step.
pub async fn test(tunnel: &Tunnel, target: Target<'_>, limit: Duration, clock: &Clock) -> Trial {
    let mut trial = Trial { steps: Vec::new() };
    // The failure is in the steps.
    let _told = go(&mut trial, tunnel, target, (limit, clock)).await;
    trial
}

async fn go(
    trial: &mut Trial,
    tunnel: &Tunnel,
    target: Target<'_>,
    (limit, clock): (Duration, &Clock),
) -> Result<(), Failure> {
    let begun = clock.now();
    let mut begun_at = begun;
    let mut note = |part: Part, failure: Option<Failure>| {
        let now = clock.now();
        let took = now.saturating_duration_since(std::mem::replace(&mut begun_at, now));
        trial.steps.push(Step {
            part: failure.map_or(part, |failure| failure.part),
            took_ms: millis(took),
            failure: failure.map(|failure| failure.what),
            status: failure.and_then(|failure| failure.status),
        });
    };
    let addresses = resolve(tunnel, limit).await;
    note(Part::Resolve, addresses.as_ref().err().copied());
    let connected = connect(&addresses?, limit).await;
    note(Part::Connect, connected.as_ref().err().copied());
    let reached = open::ask(connected?, tunnel, target, limit).await;
    note(Part::Reach, reached.as_ref().err().copied());
    reached.map(drop)
}

async fn resolve(tunnel: &Tunnel, limit: Duration) -> Result<Vec<SocketAddr>, Failure> {
    let looked_up = timeout(limit, tokio::net::lookup_host((&*tunnel.host, tunnel.port))).await;
    let addresses: Vec<SocketAddr> = match looked_up {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) | Err(_) => return Err(Failure::UNRESOLVED),
    };
    if addresses.is_empty() { Err(Failure::UNRESOLVED) } else { Ok(addresses) }
}

/// Connects to the first address that answers.
async fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<tokio::net::TcpStream, Failure> {
    let mut last = Failure::UNRESOLVED;
    for address in addresses {
        match open::connect(*address, limit).await {
            Ok(stream) => return Ok(stream),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

impl Trial {
    /// Tells whether the target was reached.
    pub fn is_passed(&self) -> bool {
        self.steps.iter().all(|step| step.failure.is_none())
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{:<26} {:>6} ms  ", step.part.name(), step.took_ms)?;
            match step.failure {
                None => f.write_str("fine")?,
                Some(what) => write!(f, "failed: {what}")?,
            }
            if let Some(status) = step.status {
                write!(f, " (status {status})")?;
            }
        }
        Ok(())
    }
}
