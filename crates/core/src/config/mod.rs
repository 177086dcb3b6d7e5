//! What people write: the YAML of the operator and of the catalogue, read with positions.
//!
//! [`document`] reads a whole file section by section into types that hold only what is there;
//! `snapshot::compile` joins them with the catalogue, the environment and the command line. A text
//! becomes a tree in [`yaml`], a tree becomes values through [`section`] and [`scalars`], and every
//! fault goes to one [`report`] with its place. [`Server`] is the part that outlives reading.

pub(crate) mod accounts;
mod address;
pub(crate) mod admin;
pub(crate) mod bounds;
mod budgets;
pub(crate) mod catalogue;
pub(crate) mod client_keys;
pub(crate) mod document;
pub(crate) mod expand;
pub(crate) mod filters;
pub(crate) mod limits;
mod models;
pub(crate) mod names;
pub(crate) mod nearest;
pub(crate) mod node;
pub(crate) mod pricing;
pub(crate) mod providers;
pub(crate) mod report;
pub(crate) mod resilience;
pub(crate) mod routing;
mod rules;
mod scalars;
pub(crate) mod secret_text;
pub(crate) mod section;
pub(crate) mod server;
pub(crate) mod telemetry;
pub(crate) mod tunnel;
mod units;
pub(crate) mod yaml;

pub use self::bounds::Bounds;
pub use self::units::{DURATION_FORM, SIZE_FORM, duration, size};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Port of the gateway unless the operator names another.
const DEFAULT_PORT: u16 = 20128;
/// Largest body of a request unless the operator names another, in bytes.
const DEFAULT_MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// Listeners, limits and timeouts (`server`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Addresses for clients; at least one. Default `127.0.0.1:20128`.
    pub listen: Vec<SocketAddr>,
    /// The certificate of `listen` and `admin_listen`; `None`, the default: they are plain.
    pub tls: Option<Tls>,
    /// Address of the administration alone; `None`, the default: it is on `listen`.
    pub admin_listen: Option<SocketAddr>,
    /// Address of `/metrics` alone; `None`, the default: it is where the administration is.
    pub metrics_listen: Option<SocketAddr>,
    /// Worker threads; 0, the default: one per core.
    pub threads: usize,
    /// Where secrets and state are kept. Default `~/.omniroute`; a compiled configuration has `~`
    /// replaced by `HOME`.
    pub data_dir: PathBuf,
    /// Largest body of a request in bytes; larger ones get 413. Default 32 MiB.
    pub max_body_bytes: usize,
    /// How long a stopping process finishes what it began. Default 30 s.
    pub drain: Duration,
    /// Bounds of waiting.
    pub timeouts: Timeouts,
}

/// The files of a certificate (`server.tls`). What is in them is read by the program, which also notices
/// when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and after it the chain to its authority, PEM.
    pub cert: PathBuf,
    /// The private key, PEM, without a passphrase.
    pub key: PathBuf,
}

/// Bounds of waiting (`server.timeouts`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect to a provider, TLS included. Default 5 s.
    pub connect: Duration,
    /// From the request sent to the first byte of the answer. Default 120 s.
    pub first_byte: Duration,
    /// Between two pieces of an answer. Default 120 s.
    pub idle: Duration,
    /// For one request as a whole. Default 30 min.
    pub total: Duration,
    /// For the client to send its body. Default 30 s.
    pub client_body: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))],
            tls: None,
            admin_listen: None,
            metrics_listen: None,
            threads: 0,
            data_dir: PathBuf::from("~/.omniroute"),
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            drain: Duration::from_secs(30),
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(30 * 60),
            client_body: Duration::from_secs(30),
        }
    }
}

impl Server {
    /// Returns where somebody at this machine reaches the administration.
    pub fn administration(&self) -> Option<SocketAddr> {
        self.admin_listen.or_else(|| self.listen.first().copied())
    }

    /// Names what differs from the running configuration and only a restart can apply, as paths in
    /// the file. Everything else applies to the next request.
    pub fn restart_required(&self, running: &Self) -> Vec<&'static str> {
        [
            ("server.listen", self.listen != running.listen),
            // Other files are taken over; whether there is TLS at all is the listener's business.
            ("server.tls", self.tls.is_some() != running.tls.is_some()),
            ("server.admin_listen", self.admin_listen != running.admin_listen),
            ("server.metrics_listen", self.metrics_listen != running.metrics_listen),
            ("server.threads", self.threads != running.threads),
            ("server.data_dir", self.data_dir != running.data_dir),
            ("server.drain", self.drain != running.drain),
        ]
        .into_iter()
        .filter_map(|(path, differs)| differs.then_some(path))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_change_while_running_asks_for_a_restart() {
        let running = Server::default();
        let mut edited = running.clone();
        edited.max_body_bytes += 1;
        edited.timeouts.idle += Duration::from_secs(1);
        assert!(edited.restart_required(&running).is_empty());

        edited.threads = 3;
        edited.listen.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
        assert_eq!(edited.restart_required(&running), ["server.listen", "server.threads"]);
    }
}
