//! Pingora's listening services with sockets of ours, closed when we say so.
//!
//! Pingora closes a service's idle connections together with its listener. Here the listener closes first
//! and connections stay: what a client sends over one of them is still answered, with a word that it is the
//! last time.

use std::sync::Arc;

use async_trait::async_trait;
use pingora::apps::ServerApp;
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::Service;
use pingora_core::services::listening::Service as Listening;

use crate::handover::Sockets;

/// The sockets of listeners, and when they close.
#[derive(Clone)]
pub struct Openings {
    /// The sockets.
    pub sockets: Arc<Sockets>,
    /// When they close.
    pub closed: ShutdownWatch,
}

impl Openings {
    /// Has a service listen on them.
    pub fn of<A>(&self, service: Listening<A>) -> Opened<A> {
        Opened { service, on: self.clone() }
    }
}

/// A service that listens on sockets of ours.
pub struct Opened<A> {
    service: Listening<A>,
    on: Openings,
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> Service for Opened<A> {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        _: ShutdownWatch,
        listeners_per_fd: usize,
    ) {
        if let Some(fds) = &fds {
            let mut table = fds.lock();
            for address in self.service.listen_addresses().unwrap_or_default() {
                if let Some(descriptor) = self.on.sockets.descriptor(&address) {
                    table.add(address, descriptor);
                }
            }
        }
        self.service.start_service(fds, self.on.closed.clone(), listeners_per_fd).await;
    }

    fn name(&self) -> &str {
        self.service.name()
    }

    fn threads(&self) -> Option<usize> {
        self.service.threads()
    }

    fn listen_addresses(&self) -> Option<Vec<String>> {
        self.service.listen_addresses()
    }
}
