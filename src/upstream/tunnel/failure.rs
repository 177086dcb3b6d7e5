//! What can fail in a tunnel, in words without addresses, users and passwords.

use std::io;

use serde::Serialize;
use thiserror::Error;

/// The steps of going through a tunnel, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Looking up the tunnel's host name.
    Resolve,
    /// Connecting to the tunnel.
    Connect,
    /// Being let in.
    Authenticate,
    /// Having the tunnel connect to the target.
    Reach,
}

/// Why a tunnel does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct Failure {
    /// Which step failed.
    pub part: Part,
    /// What happened.
    pub what: &'static str,
    /// The status of an HTTP proxy that refused.
    pub status: Option<u16>,
}

impl Part {
    /// Returns the step in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve the tunnel's name",
            Self::Connect => "connect to the tunnel",
            Self::Authenticate => "authenticate",
            Self::Reach => "reach the target",
        }
    }
}

impl Failure {
    /// The tunnel's host name has no address.
    pub const UNRESOLVED: Self =
        Self::of(Part::Resolve, "the tunnel's host name could not be resolved");
    /// The tunnel's host does not answer.
    pub(super) const SILENT_HOST: Self =
        Self::of(Part::Connect, "connecting to the tunnel took too long");
    /// The tunnel wants to know who asks.
    pub(super) const WANTS_LOGIN: Self =
        Self::of(Part::Authenticate, "the tunnel wants a user and a password");
    /// The tunnel does not let us in.
    pub(super) const LOGIN_REFUSED: Self =
        Self::of(Part::Authenticate, "the tunnel refused the user or the password");
    /// The tunnel's rules are against the target.
    pub(super) const FORBIDDEN: Self =
        Self::of(Part::Reach, "the tunnel does not allow calls to the target");
    /// The tunnel tried and failed.
    pub(super) const UNREACHED: Self =
        Self::of(Part::Reach, "the tunnel could not reach the target");
    /// The target does not listen.
    pub(super) const TARGET_REFUSED: Self =
        Self::of(Part::Reach, "the target refused the tunnel's connection");
    /// The tunnel cannot do what is asked.
    pub(super) const NOT_DONE: Self =
        Self::of(Part::Reach, "the tunnel does not do what was asked of it");
    /// The tunnel says nothing.
    pub(super) const SILENT: Self = Self::of(Part::Reach, "the tunnel did not answer in time");
    /// The tunnel left.
    pub(super) const CLOSED: Self =
        Self::of(Part::Reach, "the tunnel closed the connection before the target was reached");
    /// Something else listens there.
    pub(super) const NO_HTTP_PROXY: Self =
        Self::of(Part::Reach, "what answers at the tunnel's address is no HTTP proxy");
    /// Something else listens there.
    pub(super) const NO_SOCKS5_PROXY: Self =
        Self::of(Part::Reach, "what answers at the tunnel's address is no SOCKS5 proxy");
    /// The target cannot be named to the tunnel.
    pub(super) const UNNAMEABLE: Self =
        Self::of(Part::Reach, "the target's host name is too long for the tunnel");

    const fn of(part: Part, what: &'static str) -> Self {
        Self { part, what, status: None }
    }

    /// Adds the status an HTTP proxy answered with.
    pub(super) const fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Says why connecting to the tunnel failed.
    pub(super) fn connecting(error: &io::Error) -> Self {
        let what = match error.kind() {
            io::ErrorKind::ConnectionRefused => "the tunnel refused the connection",
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                "there is no route to the tunnel"
            }
            io::ErrorKind::TimedOut => return Self::SILENT_HOST,
            _ => "no connection to the tunnel could be made",
        };
        Self::of(Part::Connect, what)
    }
}
