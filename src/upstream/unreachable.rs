//! Why no connection could be made, without addresses.

use pingora_core::{Error, ErrorType};

use super::tunnel::{Failure, Part};

/// Whose fault it is that there is no connection, and what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The provider's.
    Provider(&'static str),
    /// The tunnel's on the way.
    Tunnel(Failure),
}

impl Unreachable {
    /// The provider's host name has no address.
    pub const UNRESOLVED: Self = Self::Provider("its host name could not be resolved");

    /// The provider's host name leads to an address that it may not lead to.
    pub const NOT_PUBLIC: Self = Self::Provider(
        "its host name leads to an address that is not public; only the file may name such, or a provider with \
         `allow_private: true`",
    );

    /// Reads Pingora's error.
    pub fn of(error: &Error) -> Self {
        if let Some(failure) = failure(error) {
            return Self::Tunnel(failure);
        }
        Self::Provider(match error.root_etype() {
            ErrorType::ConnectTimedout => "connecting took too long (server.timeouts.connect)",
            ErrorType::ConnectRefused => "the connection was refused",
            ErrorType::ConnectNoRoute => "there is no route to it",
            ErrorType::InvalidCert => "its certificate is not trusted or not for its host name",
            ErrorType::TLSHandshakeFailure | ErrorType::TLSHandshakeTimedout => {
                "the TLS handshake failed"
            }
            _ => "no connection could be made",
        })
    }

    /// Says what happened.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Provider(what) => what,
            Self::Tunnel(failure) => failure.what,
        }
    }

    /// Tells whether the address that was connected to does not answer.
    pub const fn is_addresses_fault(self) -> bool {
        match self {
            Self::Provider(_) => true,
            Self::Tunnel(failure) => matches!(failure.part, Part::Connect),
        }
    }
}

/// Finds a tunnel's failure under what Pingora wrapped round it.
fn failure(error: &Error) -> Option<Failure> {
    let cause = error.cause.as_ref()?;
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(*failure);
    }
    failure(cause.downcast_ref::<Box<Error>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnels_failure_is_found_however_deep_it_is() {
        let inner = Error::because(ErrorType::ConnectError, "tunnel", Failure::UNRESOLVED);
        let outer = inner.more_context("connecting").more_context("again");
        assert_eq!(Unreachable::of(&outer), Unreachable::Tunnel(Failure::UNRESOLVED));

        let other = Error::explain(ErrorType::ConnectRefused, "no").more_context("connecting");
        assert_eq!(Unreachable::of(&other), Unreachable::Provider("the connection was refused"));
    }
}
