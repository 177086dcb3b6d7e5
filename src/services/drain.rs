//! How a stopping process ends: what it began is finished, nothing new is begun.
//!
//! After SIGTERM new requests get a 503 that says to try again, and the process leaves as soon as the
//! last answer is complete, or when `server.drain` is over. SIGINT, and a second SIGTERM, end it at
//! once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::proxy::Shared;

/// How often it is looked whether the last answer is complete.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Ends the process in an orderly way.
pub struct Drain {
    /// Knows what is running.
    pub shared: Arc<Shared>,
    /// How long to wait for it.
    pub patience: Duration,
}

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        let (Some(mut terminate), Some(mut interrupt), Some(mut quit)) = (
            listen(SignalKind::terminate()),
            listen(SignalKind::interrupt()),
            listen(SignalKind::quit()),
        ) else {
            return ShutdownSignal::FastShutdown;
        };
        tokio::select! {
            _ = interrupt.recv() => return ShutdownSignal::FastShutdown,
            _ = quit.recv() => return ShutdownSignal::FastShutdown,
            _ = terminate.recv() => {}
        }
        self.shared.drain();
        let running = self.shared.metrics.in_flight();
        tracing::info!(running, "stopping: finishing what is running");
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = self.idle() => {}
            () = tokio::time::sleep(self.patience) => {
                let cut = self.shared.metrics.in_flight();
                tracing::warn!(cut, "server.drain is over; cutting what is still running");
            }
        }
        ShutdownSignal::FastShutdown
    }
}

impl Drain {
    async fn idle(&self) {
        while self.shared.metrics.in_flight() > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

fn listen(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| tracing::error!(%error, "a signal cannot be received")).ok()
}
