//! Says that the gateway serves, once it does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use tokio::sync::Mutex;

use super::{Hearing, near};
use crate::handover::{Offer, Predecessor, manager};
use crate::listen::Certificates;
use crate::login::Login;
use crate::proxy::Shared;

/// How often the listener is tried until it answers.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Says that the gateway serves.
pub struct Announce {
    /// The addresses listened on.
    pub listen: Vec<SocketAddr>,
    /// The address of the administration, if it has one of its own.
    pub admin: Option<SocketAddr>,
    /// The certificate that the command line has to expect.
    pub certificates: Arc<Certificates>,
    /// What lets the command line in from then on.
    pub login: Arc<Login>,
    /// The process whose place this one takes, and the offer to take this one's, each until it is used.
    pub places: Mutex<(Option<Predecessor>, Option<Offer>)>,
    /// What the process before this one tells.
    pub shared: Arc<Shared>,
    /// Signals have to be heard before: an end on the spot waits for nothing that runs.
    pub hearing: Arc<Hearing>,
    /// What is printed on standard output then, given the first address.
    pub words: Option<fn(SocketAddr) -> String>,
}

#[async_trait]
impl BackgroundService for Announce {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let Some(first) = self.listen.first().copied() else { return };
        self.hearing.complete().await;
        let (predecessor, offer) = std::mem::take(&mut *self.places.lock().await);
        if let Some(predecessor) = predecessor {
            relieve(predecessor, Arc::clone(&self.shared)).await;
        }
        let near = near::reachable(first);
        while !near::answers(near).await {
            tokio::select! {
                _ = shutdown.changed() => return,
                () = tokio::time::sleep(BETWEEN_TRIES) => {}
            }
        }
        if let Some(Err(error)) = offer.map(Offer::begin) {
            tracing::warn!(%error, "no other process can take over: the data directory holds no socket");
        }
        let listen: Vec<String> = self.listen.iter().map(ToString::to_string).collect();
        tracing::info!(listen = listen.join(", "), "omniroute serves");
        let administration = self.admin.map_or(near, near::reachable);
        let certificate = self.certificates.fingerprint();
        if let Err(error) = self.login.console.open(administration, certificate) {
            tracing::warn!(%error, "the command line cannot be let in: the data directory cannot be written");
        }
        manager::ready(&format!("serving on {}", listen.join(", ")));
        if let Some(words) = self.words {
            print(&words(near));
        }
    }
}

/// Has the process before this one stop to take connections, and follows what it finishes.
async fn relieve(mut predecessor: Predecessor, shared: Arc<Shared>) {
    let relieved = tokio::task::spawn_blocking(move || {
        predecessor.relieve();
        predecessor.follow(shared)
    });
    if let Ok(Err(error)) = relieved.await {
        tracing::warn!(%error, "what the gateway before this one finishes is not followed");
    }
}

#[expect(clippy::print_stdout, reason = "what `demo` is asked to print")]
fn print(text: &str) {
    println!("{text}");
}
