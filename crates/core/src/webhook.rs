//! What is told to an address of the operator's when something happens that nobody looks at a screen for.
//!
//! Whoever notices puts a notice into a bounded queue and goes on; a background service sends it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc;
use url::Url;

use crate::reach::Reach;
use crate::secret::Secret;
use crate::snapshot::BaseUrl;

/// Notices that wait to be sent at most; more are dropped and logged.
const MAX_WAITING: usize = 256;

/// Where notices go.
#[derive(Clone)]
pub struct Webhook {
    /// The host.
    pub endpoint: BaseUrl,
    /// Path and query. They often hold a token, so they are never shown.
    pub target: Secret,
    /// What notices are signed with.
    pub secret: Option<Secret>,
}

/// Something to tell.
#[derive(Clone, Debug)]
pub struct Notice {
    /// To whom.
    pub webhook: Arc<Webhook>,
    /// What; a JSON object.
    pub body: Value,
}

/// Notices that wait to be sent.
#[derive(Debug)]
pub struct Notices {
    sender: mpsc::Sender<Notice>,
    receiver: Mutex<Option<mpsc::Receiver<Notice>>>,
}

impl Webhook {
    /// Reads an address. It may hold a token, so no message repeats it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str, secret: Option<Secret>, reach: Reach) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "this is not a URL")?;
        let endpoint = BaseUrl { reach, ..BaseUrl::of_host(&url)? };
        if !reach.allows_host(&endpoint.host) {
            return Err("the address is not public, so only the file may name it");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL must not hold a user or password; set `secret` to sign notices");
        }
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self { endpoint, target: Secret::new(target), secret })
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("host", &self.endpoint.host).finish_non_exhaustive()
    }
}

impl Default for Notices {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl Notices {
    /// Puts a notice into the queue. Never waits: a full queue drops it, and a log line says so.
    pub fn tell(&self, notice: Notice) {
        if let Err(error) = self.sender.try_send(notice) {
            let host = match &error {
                mpsc::error::TrySendError::Full(notice)
                | mpsc::error::TrySendError::Closed(notice) => &notice.webhook.endpoint.host,
            };
            tracing::warn!(%host, "a notice to a webhook is dropped: too many wait");
        }
    }

    /// Takes the end of the queue; `None` if somebody has it.
    pub fn take(&self) -> Option<mpsc::Receiver<Notice>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_its_token_is_not_shown() {
        let hook =
            Webhook::parse("https://hooks.example/T1/canary?sig=canary", None, Reach::Public);
        let hook = hook.unwrap();
        assert_eq!(
            (&*hook.endpoint.host, hook.endpoint.port, hook.endpoint.tls),
            ("hooks.example", 443, true)
        );
        assert_eq!(hook.target.expose(), "/T1/canary?sig=canary");
        assert!(!format!("{hook:?}").contains("canary"));
        for (wrong, what) in [
            ("hooks.example", "not a URL"),
            ("ftp://hooks.example/", "scheme"),
            ("https://user:canary@hooks.example/", "user"),
            ("http://169.254.169.254/canary", "not public"),
        ] {
            let said = Webhook::parse(wrong, None, Reach::Public).unwrap_err();
            assert!(said.contains(what) && !said.contains("canary"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_full_queue_drops_instead_of_waiting() {
        let notices = Notices::default();
        let webhook = Webhook::parse("http://127.0.0.1:9/", None, Reach::Anywhere);
        let webhook = Arc::new(webhook.unwrap());
        for number in 0..=MAX_WAITING {
            notices.tell(Notice { webhook: Arc::clone(&webhook), body: number.into() });
        }
        let mut receiver = notices.take().unwrap();
        let mut waiting = 0;
        while receiver.try_recv().is_ok() {
            waiting += 1;
        }
        assert_eq!(waiting, MAX_WAITING);
        assert!(notices.take().is_none());
    }
}
