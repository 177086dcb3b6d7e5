//! Reloads the configuration when its file is saved and on SIGHUP.

use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

use super::Hearing;
use crate::handover::manager;
use crate::live::Watch;
use crate::proxy::Shared;

/// Reloads the configuration.
pub struct Reload {
    /// Has the configuration in force.
    pub shared: Arc<Shared>,
    /// The file, watched since before it was first read, so that no edit is missed.
    pub watch: Mutex<Option<Watch>>,
    /// Learns that SIGHUP is heard.
    pub hearing: Arc<Hearing>,
}

#[async_trait]
impl BackgroundService for Reload {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let hangup = signal(SignalKind::hangup());
        self.hearing.begins();
        let mut hangup = match hangup {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be received; the configuration will not be reloaded");
                return;
            }
        };
        let mut watch = self.watch.lock().await.take();
        loop {
            tokio::select! {
                _ = shutdown.changed() => return,
                _ = hangup.recv() => {}
                () = saved(&mut watch) => {}
            }
            if self.shared.leaving.is_leaving() {
                continue;
            }
            let live = Arc::clone(&self.shared.live);
            // Compiling reads files; a worker must not wait for a disk.
            manager::reloading();
            let reloaded = tokio::task::spawn_blocking(move || live.reload()).await;
            manager::ready(match reloaded {
                Ok(Ok(_)) => "serving with the configuration as it was read last",
                // The log says why.
                _ => "serving with an older configuration: the file was refused",
            });
        }
    }
}

async fn saved(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
