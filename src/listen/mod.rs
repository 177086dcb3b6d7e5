//! Listeners: who may connect, TLS, and how long a client may take.
//!
//! [`Door`] stands between Pingora's accept loop and its HTTP server. It counts connections ([`caps`]),
//! speaks TLS ([`certificates`]) and hands over a [`Conn`], which ends a connection that is too slow with
//! a head or idle for too long. Pingora waits for both without any deadline of its own.

mod addresses;
mod caps;
#[cfg(feature = "openssl")]
mod certificates;
#[cfg(not(feature = "openssl"))]
#[path = "no_certificates.rs"]
mod certificates;
mod conn;
mod door;
mod fault;
mod files;
mod sizes;

pub use addresses::Addresses;
pub use caps::{Caps, Full, Place};
pub use certificates::Certificates;
pub use conn::Conn;
pub use door::Door;
pub use fault::TlsFault;
pub use files::clients_allowed;
pub use sizes::{endpoint, h2_options, http_options};
