//! Pingora's per-request context: how far a request has come.

use std::time::Instant;

use omniroute_core::clock::Clock;
use omniroute_core::context::RequestContext;
use omniroute_core::error::ErrorCode;

use super::exchange::{Parcel, SharedExchange};
use super::load::Running;
use crate::metrics::InFlight;

/// How far a request has come.
pub enum Flight {
    /// Its head has not been looked at.
    Fresh(Fresh),
    /// It is answered here, without a provider.
    Local(Box<Local>),
    /// It is being forwarded, or was.
    Forwarding(Box<Forward>),
}

impl Flight {
    /// Returns when a request came in that nobody has looked at.
    pub fn started(&self, clock: &Clock) -> Instant {
        match self {
            Self::Fresh(fresh) => fresh.started,
            _ => clock.now(),
        }
    }
}

/// A request nobody has looked at.
pub struct Fresh {
    /// When it came in.
    pub started: Instant,
}

/// A request that is answered here.
pub struct Local {
    /// The request; `None` while nothing but a probe.
    pub cx: Option<RequestContext>,
    /// The status sent.
    pub status: u16,
    /// Our error, if that was the answer.
    pub error: Option<ErrorCode>,
}

/// A request that is being forwarded.
pub struct Forward {
    /// Its plan and progress.
    pub exchange: SharedExchange,
    /// What is to be written once the attempts have ended in an error.
    pub last_words: Option<Parcel>,
    /// Addresses that could not be reached.
    pub unreachable: Vec<std::net::SocketAddr>,
    /// Counts the request as running, among all and among calls.
    pub running: (InFlight, Running),
}
