//! Takes over a new certificate: when its files change, on SIGHUP, and when the configuration is reloaded.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use omniroute_core::config::Tls;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;

use crate::listen::Certificates;
use crate::live::{LiveConfig, Watch};
use crate::login::Login;

/// Takes over new certificates.
pub struct Certify {
    /// Knows which files.
    pub live: Arc<LiveConfig>,
    /// What is in force.
    pub certificates: Arc<Certificates>,
    /// Has to tell the command line which certificate to expect.
    pub login: Arc<Login>,
}

#[async_trait]
impl BackgroundService for Certify {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let mut watched = Watched::default();
        loop {
            let Some(files) = self.live.load().server.tls.clone() else {
                // Taken out of the file: what is served now is served until the restart.
                tokio::select! {
                    _ = shutdown.changed() => return,
                    () = self.live.reloaded().notified() => continue,
                }
            };
            watched.turn_to(&files);
            tokio::select! {
                _ = shutdown.changed() => return,
                () = self.live.reloaded().notified() => {}
                () = changed(&mut watched.cert) => {}
                () = changed(&mut watched.key) => {}
            }
            let Some(files) = self.live.load().server.tls.clone() else { continue };
            let certificates = Arc::clone(&self.certificates);
            let loading = tokio::task::spawn_blocking(move || certificates.load(&files));
            match loading.await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => self.say_so().await,
                Ok(Err(fault)) => {
                    tracing::error!(%fault, "the certificate was not replaced; the old one stays");
                }
                Err(error) => tracing::error!(%error, "the certificate could not be read"),
            }
        }
    }
}

impl Certify {
    async fn say_so(&self) {
        let certificate = self.certificates.fingerprint();
        tracing::info!(sha256 = certificate, "a new certificate is in force");
        let login = Arc::clone(&self.login);
        let renewed = tokio::task::spawn_blocking(move || login.console.renew(certificate)).await;
        if let Ok(Err(error)) = renewed {
            tracing::warn!(%error, "the command line cannot be told of the new certificate");
        }
    }
}

/// The files that are watched.
#[derive(Default)]
struct Watched {
    files: Option<Tls>,
    cert: Option<Watch>,
    key: Option<Watch>,
}

impl Watched {
    /// Watches these files, if it does not yet.
    fn turn_to(&mut self, files: &Tls) {
        if self.files.as_ref() != Some(files) {
            (self.cert, self.key) = (watch(&files.cert), watch(&files.key));
            self.files = Some(files.clone());
        }
    }
}

fn watch(file: &Path) -> Option<Watch> {
    let watch = Watch::begin(file);
    watch
        .inspect_err(|error| {
            tracing::warn!(%error, file = %file.display(), "the file cannot be watched; take a new certificate over with SIGHUP");
        })
        .ok()
}

async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
