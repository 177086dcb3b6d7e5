//! The sockets the gateway listens on: bound here, or brought by whoever started the process.
//!
//! Pingora takes them as descriptors. A second handle of each stays here, so that they can be given to the
//! process that takes over, and so that closing them is one call.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{IntoRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use listenfd::ListenFd;

use crate::app::StartError;

/// Listening sockets, by the address they are bound to.
#[derive(Default)]
pub struct Sockets {
    open: Mutex<Vec<(SocketAddr, TcpListener)>>,
}

impl Sockets {
    /// Opens one socket for each address: one that was brought, if it fits, else a new one. Those that
    /// nothing asks for are closed. All are held until the last is open, so that two that overlap are found.
    ///
    /// # Errors
    ///
    /// Why an address cannot be listened on, and what to do about it.
    pub fn open(asked: &[SocketAddr], brought: Vec<TcpListener>) -> Result<Self, StartError> {
        let mut brought: Vec<(SocketAddr, TcpListener)> = brought
            .into_iter()
            .filter_map(|listener| Some((listener.local_addr().ok()?, listener)))
            .collect();
        let mut open = Vec::with_capacity(asked.len());
        for address in asked {
            let found = brought.iter().position(|(bound, _)| fits(*address, *bound));
            let socket = match found {
                Some(index) => brought.swap_remove(index),
                None => bind(*address)?,
            };
            socket.1.set_nonblocking(true).map_err(|error| refused(*address, &error))?;
            open.push(socket);
        }
        for (address, _) in brought {
            tracing::warn!(%address, "a socket that was brought is closed: server.listen does not name it");
        }
        Ok(Self { open: Mutex::new(open) })
    }

    /// Returns the addresses, in the order in which they were asked for.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.lock().iter().map(|(address, _)| *address).collect()
    }

    /// Returns a descriptor of its own for a socket, which whoever takes it has to close.
    pub fn descriptor(&self, address: &str) -> Option<RawFd> {
        let open = self.lock();
        let (_, listener) = open.iter().find(|(bound, _)| bound.to_string() == address)?;
        listener.try_clone().ok().map(IntoRawFd::into_raw_fd)
    }

    /// Returns a handle of each.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn handles(&self) -> io::Result<Vec<TcpListener>> {
        self.lock().iter().map(|(_, listener)| listener.try_clone()).collect()
    }

    /// Closes what is held here.
    pub fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(SocketAddr, TcpListener)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the sockets that the service manager opened for this process (`LISTEN_FDS`).
pub fn activated() -> Vec<TcpListener> {
    let mut given = ListenFd::from_env();
    let count = given.len();
    let mut listener = |index| {
        given.take_tcp_listener(index).unwrap_or_else(|error| {
            tracing::warn!(%error, "a socket of the service manager is not used");
            None
        })
    };
    (0..count).filter_map(&mut listener).collect()
}

/// Tells whether a socket is what an address asks for; port 0 is any.
fn fits(asked: SocketAddr, bound: SocketAddr) -> bool {
    asked.ip() == bound.ip() && (asked.port() == bound.port() || asked.port() == 0)
}

fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), StartError> {
    let listener = TcpListener::bind(address).map_err(|error| refused(address, &error))?;
    let bound = listener.local_addr().map_err(|error| refused(address, &error))?;
    Ok((bound, listener))
}

fn refused(address: SocketAddr, error: &io::Error) -> StartError {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there; end it, or choose another port with --port"
        }
        ErrorKind::PermissionDenied => "this user may not; choose a port above 1023 with --port",
        ErrorKind::AddrNotAvailable => "this machine has no such address; correct server.listen",
        _ => "correct server.listen",
    };
    StartError::Refused(format!("cannot listen on {address}: {error}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[test]
    fn what_is_brought_is_used_and_the_rest_is_bound_or_closed() {
        let (first, second) =
            (TcpListener::bind(any()).unwrap(), TcpListener::bind(any()).unwrap());
        let (kept, unclaimed) = (first.local_addr().unwrap(), second.local_addr().unwrap());

        let sockets = Sockets::open(&[kept, any()], vec![first, second]).unwrap();

        assert_eq!(sockets.addresses()[0], kept);
        // Port 0 takes what is left of the same address.
        assert_eq!(sockets.addresses()[1], unclaimed);
        let again = Sockets::open(&[kept], sockets.handles().unwrap()).unwrap();
        sockets.close();
        assert_eq!(again.addresses(), [kept], "a handle outlives the one it was made of");
        assert!(TcpListener::bind(unclaimed).is_ok(), "what nobody asks for is closed");
        assert!(TcpListener::bind(kept).is_err());
    }

    #[test]
    fn an_address_that_is_taken_is_said_with_what_to_do() {
        let taken = TcpListener::bind(any()).unwrap().local_addr().unwrap();
        let _held = TcpListener::bind(taken).unwrap();

        let error = Sockets::open(&[taken], Vec::new()).err().unwrap().to_string();

        assert!(error.contains(&taken.to_string()) && error.contains("--port"), "{error}");
    }
}
