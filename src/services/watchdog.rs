//! Tells the service manager that the gateway lives, as long as it does: as long as its own listener
//! answers.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;

use super::near;
use crate::handover::manager;
use crate::proxy::Shared;

/// Tells the service manager that the gateway lives.
pub struct Watchdog {
    /// Knows whether the gateway is leaving: its listener may be another's by then.
    pub shared: Arc<Shared>,
    /// Where it listens.
    pub listen: Option<SocketAddr>,
}

#[async_trait]
impl BackgroundService for Watchdog {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let (Some(limit), Some(listen)) = (manager::watchdog(), self.listen) else { return };
        let near = near::reachable(listen);
        loop {
            if self.shared.leaving.is_leaving() || near::answers(near).await {
                manager::alive();
            } else {
                tracing::error!(
                    "the gateway does not answer itself; the service manager is not told that it lives"
                );
            }
            tokio::select! {
                _ = shutdown.changed() => return,
                () = tokio::time::sleep(limit / 2) => {}
            }
        }
    }
}
