//! Runs the simulated providers of `demo` beside the gateway.

use async_trait::async_trait;
use omniroute_sim::Running;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use tokio::sync::Mutex;

/// Keeps a simulator running until shutdown.
pub struct Simulated {
    /// The simulator; dropped at the end.
    pub running: Mutex<Option<Running>>,
}

#[async_trait]
impl BackgroundService for Simulated {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let _ended = shutdown.changed().await;
        self.running.lock().await.take();
    }
}
