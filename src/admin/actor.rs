//! Who administrates.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts as Head;
use omniroute_core::hex;
use omniroute_core::ids::ClientKeyName;

use super::problem::Problem;
use crate::login::SessionHash;
use crate::proxy::ClientAddress;

/// Bytes of a session's hash that tell it apart in the audit log.
const NAME_BYTES: usize = 3;

/// Whoever may do what the request asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// A script with a client key of the scope `admin`.
    Key(ClientKeyName),
    /// A person who logged in.
    Session(SessionHash),
    /// Somebody at this machine who may read the data directory.
    Console,
    /// Somebody at this machine, where the login is switched off.
    Local,
}

/// The actor and where the request came from, for the audit log.
#[derive(Clone, Debug)]
pub(super) struct Author {
    /// Who.
    pub(super) by: String,
    /// From which address.
    pub(super) from: Option<String>,
    /// Whether it is known who: not of a local user while the login is switched off.
    pub(super) is_known: bool,
}

impl Author {
    /// Does what [`Actor::is_known`] does.
    ///
    /// # Errors
    ///
    /// For a local user.
    pub(super) fn is_known(&self) -> Result<(), Problem> {
        if self.is_known { Ok(()) } else { Err(needs_login()) }
    }
}

fn needs_login() -> Problem {
    let what = "this needs a login or an admin key even while the login is switched off";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", what)
}

impl Actor {
    /// The actor's name in the audit log. Sessions are told apart by the beginning of their hash.
    fn name(&self) -> String {
        match self {
            Self::Key(name) => format!("key {name}"),
            Self::Session(hash) => format!("session {}", hex::encode(&hash[..NAME_BYTES])),
            Self::Console => "command line".to_owned(),
            Self::Local => "local user (login off)".to_owned(),
        }
    }

    /// Refuses what needs a login even where the login is switched off: what hands out or takes over
    /// everything at once, and what has to do with credentials.
    ///
    /// # Errors
    ///
    /// For a local user.
    pub(super) fn is_known(&self) -> Result<(), Problem> {
        match self {
            Self::Key(_) | Self::Session(_) | Self::Console => Ok(()),
            Self::Local => Err(needs_login()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        head.extensions.get().cloned().ok_or_else(Problem::internal)
    }
}

impl<S: Sync> FromRequestParts<S> for Author {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        let actor: &Actor = head.extensions.get().ok_or_else(Problem::internal)?;
        let address = head.extensions.get::<ClientAddress>().and_then(|client| client.0);
        let from = address.map(|address| address.to_string());
        Ok(Self { by: actor.name(), from, is_known: actor.is_known().is_ok() })
    }
}
