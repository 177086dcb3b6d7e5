//! The addresses that the configuration asks for, and those that were bound for it.

use std::net::SocketAddr;

use omniroute_core::config::Server;

/// What is listened on.
pub struct Addresses {
    /// Those of calls, and of the administration unless that has one of its own.
    pub listen: Vec<SocketAddr>,
    /// That of the administration, if it has one of its own.
    pub admin: Option<SocketAddr>,
    /// That of the metrics, if they have one of their own.
    pub exposed: Option<SocketAddr>,
}

impl Addresses {
    /// Lists what the configuration asks for, those with an optional listener last.
    pub fn asked(settings: &Server) -> Vec<SocketAddr> {
        let more = settings.admin_listen.into_iter().chain(settings.metrics_listen);
        settings.listen.iter().copied().chain(more).collect()
    }

    /// Tells apart what was bound in the order in which it was asked for.
    pub fn of(settings: &Server, mut bound: Vec<SocketAddr>) -> Self {
        let mut more = bound.split_off(settings.listen.len()).into_iter();
        let admin = settings.admin_listen.and_then(|_| more.next());
        let exposed = settings.metrics_listen.and_then(|_| more.next());
        Self { listen: bound, admin, exposed }
    }
}
