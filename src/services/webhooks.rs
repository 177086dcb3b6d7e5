//! Sends notices to webhooks, one after the other, a few times if need be.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request, header};
use omniroute_core::hex;
use omniroute_core::webhook::{Notice, Notices, Webhook};
use pingora_core::server::ShutdownWatch;
use pingora_core::services::background::BackgroundService;
use sha2::Sha256;

use crate::upstream::{Destination, Fetch};

/// Time for one try.
const LIMIT: Duration = Duration::from_secs(10);

/// Waits before the second try, the third, and so on.
const WAITS: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// The header of a notice's signature: `sha256=` and the HMAC of the body in hexadecimal.
const SIGNATURE: &str = "x-omniroute-signature";

/// Sends what waits.
pub struct Webhooks {
    /// The queue.
    pub notices: Arc<Notices>,
    /// Makes the requests.
    pub fetch: Arc<Fetch>,
}

#[async_trait]
impl BackgroundService for Webhooks {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let Some(mut waiting) = self.notices.take() else { return };
        loop {
            tokio::select! {
                _ = shutdown.changed() => return,
                notice = waiting.recv() => match notice {
                    None => return,
                    Some(notice) => tokio::select! {
                        _ = shutdown.changed() => return,
                        () = self.deliver(&notice) => {}
                    },
                },
            }
        }
    }
}

impl Webhooks {
    async fn deliver(&self, notice: &Notice) {
        let host = &notice.webhook.endpoint.host;
        for wait in WAITS.into_iter().map(Some).chain([None]) {
            let why = match self.send(notice).await {
                Ok(()) => return,
                Err(why) => why,
            };
            match wait {
                Some(wait) => {
                    tracing::debug!(%host, why, "a webhook did not take a notice; it is tried again");
                    tokio::time::sleep(wait).await;
                }
                None => {
                    tracing::warn!(%host, why, "a webhook did not take a notice; it is dropped")
                }
            }
        }
    }

    async fn send(&self, notice: &Notice) -> Result<(), String> {
        let Notice { webhook, body } = notice;
        let body = Bytes::from(body.to_string());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(webhook.target.expose())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("omniroute/", env!("CARGO_PKG_VERSION")));
        if let Some(signature) = signature(webhook, &body) {
            request = request.header(SIGNATURE, signature);
        }
        // The address may hold a token; it is not repeated.
        let request = request.body(body).map_err(|_| "its address cannot be written".to_owned())?;
        let answer = self.fetch.send(&destination(webhook), request, LIMIT).await;
        let status = answer.map_err(|error| error.to_string())?.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

fn signature(webhook: &Webhook, body: &[u8]) -> Option<String> {
    let secret = webhook.secret.as_ref()?;
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(body);
    Some(format!("sha256={}", hex::encode(&mac.finalize().into_bytes())))
}

fn destination(webhook: &Webhook) -> Destination {
    Destination {
        endpoint: webhook.endpoint.clone(),
        tunnel: None,
        is_fresh: false,
        connect: LIMIT,
    }
}
