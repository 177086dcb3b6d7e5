//! What a client is told about a provider's failure.
//!
//! A provider's refusal of our own credential is never shown as the client's 401: its library would
//! tell the user that the user's key is wrong. A provider that repeats our credential in its error
//! text does not get it past here.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use omniroute_core::error::Error;
use omniroute_core::secret::Secret;
use omniroute_core::verdict::{Reason, Signal, Verdict};
use omniroute_wire::UpstreamError;

use super::exchange::Exchange;

/// Shorter keys are no secrets, and would blot out ordinary words.
const MIN_KEY_BYTES: usize = 4;

/// Longest error text of a provider that is passed on, in characters.
const MAX_MESSAGE_CHARS: usize = 4096;

impl Exchange {
    /// Returns what the client would be told about a refusal.
    pub(super) fn told(
        &self,
        mut error: UpstreamError,
        header_wait: Option<Duration>,
        verdict: &Verdict,
    ) -> Error {
        let Some(attempt) = &self.attempt else { return Error::Internal };
        let provider = attempt.choice.target.provider.id.to_string();
        error.message = redacted(&error.message, attempt.choice.account.key.as_ref());
        let about_us = matches!(verdict.reason, Reason::Credential | Reason::Permission)
            || matches!(error.status, 401..=403);
        if about_us {
            let account = attempt.choice.account.id.to_string();
            return Error::UpstreamCredential { provider, account, status: error.status };
        }
        if verdict.reason == Reason::Unusable {
            return Error::UpstreamUnusable { provider, what: error.message };
        }
        let retry_after = header_wait.or(error.retry_after);
        Error::Upstream { error: Box::new(error), retry_after }
    }

    /// Returns what the client would be told about a broken connection or a passed limit.
    pub(super) fn transport_error(&self, signal: Signal<'_>) -> Error {
        let Some(attempt) = &self.attempt else { return Error::Internal };
        let provider = attempt.choice.target.provider.id.to_string();
        match signal {
            Signal::TimedOut if self.has_begun() => Error::UpstreamTimeout {
                provider,
                what: "nothing more came (server.timeouts.idle)",
            },
            Signal::TimedOut => Error::UpstreamTimeout {
                provider,
                what: "no answer began in time (server.timeouts.first_byte)",
            },
            Signal::Unusable => {
                Error::UpstreamUnusable { provider, what: "the answer is no reply".to_owned() }
            }
            Signal::Reset
            | Signal::ConnectFailed
            | Signal::TunnelFailed { .. }
            | Signal::Refused { .. } => Error::UpstreamUnreachable {
                provider,
                what: "the connection broke before the answer was complete",
            },
        }
    }
}

/// Cuts a provider's text and blots out our own credential.
pub(super) fn redacted(text: &str, key: Option<&Secret>) -> String {
    // Blotted before it is cut: a key across the cut would leave its beginning.
    let blotted = match key.map(Secret::expose).filter(|key| key.len() >= MIN_KEY_BYTES) {
        Some(key) => Cow::Owned(text.replace(key, "***")),
        None => Cow::Borrowed(text),
    };
    blotted.chars().take(MAX_MESSAGE_CHARS).collect()
}

/// Blots out our own credential of a provider's body; almost always there is none.
pub(super) fn redacted_bytes(body: Bytes, key: Option<&Secret>) -> Bytes {
    let Some(key) = key.map(Secret::expose).filter(|key| key.len() >= MIN_KEY_BYTES) else {
        return body;
    };
    if memchr::memmem::find(&body, key.as_bytes()).is_none() {
        return body;
    }
    Bytes::from(String::from_utf8_lossy(&body).replace(key, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_credential_is_blotted_out_of_a_providers_text() {
        let key = Secret::new("sk-canary-1");
        let seen = redacted("Incorrect API key provided: sk-canary-1.", Some(&key));
        assert_eq!(seen, "Incorrect API key provided: ***.");
    }
}
