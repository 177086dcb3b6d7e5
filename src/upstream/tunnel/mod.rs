//! Tunnels on the wire: connecting through HTTP proxies and SOCKS5 proxies.
//!
//! [`Connector`] stands in for Pingora's own way to open a connection; [`test`] does the same step by
//! step for an operator who wants to know what fails. Both share what [`open`] does, so a tunnel that
//! passes the test is one that serves.

mod connector;
mod failure;
mod http_connect;
mod open;
mod socks5;
mod trial;

pub use connector::Connector;
pub use failure::{Failure, Part};
pub use open::Target;
pub use trial::{Step, Trial, test};
