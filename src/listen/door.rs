//! What every connection of a client passes before HTTP is spoken.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use pingora::apps::ServerApp;
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;
use tokio::time::timeout;

use super::caps::Caps;
use super::certificates::Certificates;
use super::conn::Conn;
use crate::live::LiveConfig;
use crate::metrics::Metrics;

/// Stands before an application of Pingora.
pub struct Door<A> {
    /// What the connections are for.
    pub app: Arc<A>,
    /// Knows the limits in force.
    pub live: Arc<LiveConfig>,
    /// Counts who is in.
    pub caps: Arc<Caps>,
    /// Counts who is not let in.
    pub metrics: Arc<Metrics>,
    /// The certificate, if clients speak TLS here.
    pub certificates: Option<Arc<Certificates>>,
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for Door<A> {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let snapshot = self.live.load();
        let bounds = &snapshot.limits;
        let place = match self.caps.take(peer(&stream), bounds) {
            Ok(place) => place,
            Err(full) => {
                self.metrics.shed(full.name());
                return None;
            }
        };
        let stream = match &self.certificates {
            None => stream,
            Some(certificates) => {
                timeout(bounds.head_time, certificates.greet(stream, &place)).await.ok()??
            }
        };
        let conn = Box::new(Conn::new(stream, place, bounds));
        drop(snapshot);
        self.app.process_new(conn, shutdown).await
    }

    /// Is called when the listener has closed. To pass it on would close connections that wait for their next
    /// request, which is still answered, with a word that it is the last.
    async fn cleanup(&self) {}
}

fn peer(stream: &Stream) -> Option<IpAddr> {
    let digest = stream.get_socket_digest()?;
    digest.peer_addr()?.as_inet().map(|inet| inet.ip().to_canonical())
}
