//! In the place of `certificates.rs` in a build whose TLS library Pingora cannot reload certificates with.

use std::sync::Arc;

use omniroute_core::config::Tls;
use pingora_core::protocols::Stream;

use super::caps::Place;
use super::fault::TlsFault;

/// The certificate in force; here there is never one.
#[derive(Default)]
pub struct Certificates(());

impl Certificates {
    /// Refuses.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn load(&self, _: &Tls) -> Result<bool, TlsFault> {
        let what = "server.tls: this program was built without TLS for listeners; build it with the feature `openssl`, or put a TLS proxy in front of it";
        Err(TlsFault::Given(what.to_owned()))
    }

    /// Says nothing.
    pub fn problem(&self) -> Option<Arc<str>> {
        None
    }

    /// Returns nothing.
    pub fn fingerprint(&self) -> Option<String> {
        None
    }

    /// Does no handshake.
    pub async fn greet(&self, _: Stream, _: &Place) -> Option<Stream> {
        None
    }
}
