//! The certificate of the listeners, and how a new one takes its place while connections are open.
//!
//! A handshake uses what is in force when it begins; connections that are open go on with what they began
//! with. Files that are no certificate, or not each other's, change nothing: an authority's client often
//! writes the certificate a moment before the key.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use omniroute_core::config::Tls;
use omniroute_core::hex;
use pingora_core::protocols::Stream;
use pingora_core::protocols::l4::stream::Stream as Socket;
use pingora_core::protocols::tls::server::handshake;
use pingora_core::tls::error::ErrorStack;
use pingora_core::tls::hash::MessageDigest;
use pingora_core::tls::pkey::{PKey, Private};
use pingora_core::tls::ssl::{
    AlpnError, SslAcceptor, SslMethod, SslOptions, SslSessionCacheMode, select_next_proto,
};
use pingora_core::tls::x509::X509;

use super::caps::Place;
use super::fault::TlsFault;

/// What is offered by ALPN, the preferred one first.
const PROTOCOLS: &[u8] = b"\x02h2\x08http/1.1";

/// For connections of the reserve: what probes speak.
const PLAIN_PROTOCOLS: &[u8] = b"\x08http/1.1";

/// The certificate in force; none until one is read.
#[derive(Default)]
pub struct Certificates {
    current: ArcSwapOption<Loaded>,
    problem: Mutex<Option<Arc<str>>>,
}

struct Loaded {
    acceptor: SslAcceptor,
    /// For connections of the reserve.
    plain: SslAcceptor,
    /// SHA-256 of the certificate.
    fingerprint: [u8; 32],
}

impl Certificates {
    /// Reads a certificate and its key. Tells whether another certificate is in force now.
    ///
    /// # Errors
    ///
    /// Why they cannot be used. The old ones stay then, and [`Self::problem`] says so.
    pub fn load(&self, files: &Tls) -> Result<bool, TlsFault> {
        let loaded = load(files);
        *self.known_problem() = loaded.as_ref().err().map(|fault| fault.to_string().into());
        let loaded = loaded?;
        let old = self.current.swap(Some(Arc::new(loaded)));
        Ok(self.fingerprint() != old.map(|old| hex::encode(&old.fingerprint)))
    }

    /// Says why the files that are there now are not in force.
    pub fn problem(&self) -> Option<Arc<str>> {
        self.known_problem().clone()
    }

    /// Returns the SHA-256 of the certificate in force, hexadecimal.
    pub fn fingerprint(&self) -> Option<String> {
        self.current.load().as_ref().map(|loaded| hex::encode(&loaded.fingerprint))
    }

    /// Does the handshake with a client that has connected. `None` if it fails, which is the client's
    /// business: its own words say why.
    pub async fn greet(&self, stream: Stream, place: &Place) -> Option<Stream> {
        let socket = stream.into_any().downcast::<Socket>().ok()?;
        let loaded = self.current.load_full()?;
        let acceptor = if place.is_reserve() { &loaded.plain } else { &loaded.acceptor };
        match handshake(acceptor, *socket).await {
            Ok(stream) => Some(Box::new(stream)),
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
        }
    }

    fn known_problem(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(files: &Tls) -> Result<Loaded, TlsFault> {
    let chain = chain(&files.cert)?;
    let key = private_key(&files.key)?;
    let (cert_file, key_file) = (files.cert.display(), files.key.display());
    let Some((leaf, authorities)) = chain.split_first() else {
        return Err(no_certificate(&files.cert));
    };
    if !leaf.public_key().is_ok_and(|public| public.public_eq(&key)) {
        return Err(TlsFault::Given(format!(
            "server.tls: the key in {key_file} does not belong to the first certificate in {cert_file}; the server's own certificate comes first, the authority's after it"
        )));
    }
    let refused = |error: ErrorStack| {
        TlsFault::Given(format!("server.tls: {cert_file} and {key_file} are refused: {error}"))
    };
    let digest = leaf.digest(MessageDigest::sha256()).map_err(refused)?;
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(&digest);
    let made = |protocols| acceptor((leaf, authorities), &key, protocols).map_err(refused);
    Ok(Loaded { acceptor: made(PROTOCOLS)?, plain: made(PLAIN_PROTOCOLS)?, fingerprint })
}

/// Makes what answers handshakes: TLS 1.2 and 1.3 with the ciphers of Mozilla's intermediate profile,
/// version 5. Nothing is kept between the connections of a client but the ticket it holds itself.
fn acceptor(
    (leaf, authorities): (&X509, &[X509]),
    key: &PKey<Private>,
    protocols: &'static [u8],
) -> Result<SslAcceptor, ErrorStack> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    acceptor.set_certificate(leaf)?;
    for authority in authorities {
        acceptor.add_extra_chain_cert(authority.clone())?;
    }
    acceptor.set_private_key(key)?;
    acceptor.check_private_key()?;
    acceptor.set_options(SslOptions::NO_RENEGOTIATION);
    acceptor.set_session_cache_mode(SslSessionCacheMode::OFF);
    acceptor.set_alpn_select_callback(move |_, offered| {
        select_next_proto(protocols, offered).ok_or(AlpnError::NOACK)
    });
    Ok(acceptor.build())
}

fn chain(path: &Path) -> Result<Vec<X509>, TlsFault> {
    let pem = fs::read(path).map_err(|error| TlsFault::unreadable("cert", path, &error))?;
    X509::stack_from_pem(&pem).map_err(|_| no_certificate(path))
}

fn no_certificate(path: &Path) -> TlsFault {
    let file = path.display();
    TlsFault::Given(format!(
        "server.tls.cert: {file} holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)"
    ))
}

fn private_key(path: &Path) -> Result<PKey<Private>, TlsFault> {
    let pem = fs::read(path).map_err(|error| TlsFault::unreadable("key", path, &error))?;
    let mut is_locked = false;
    // Without an answer of ours OpenSSL would ask for the passphrase on the terminal.
    let read = PKey::private_key_from_pem_callback(&pem, |_| {
        is_locked = true;
        Ok(0)
    });
    let file = path.display();
    read.map_err(|_| {
        TlsFault::Given(if is_locked {
            format!(
                "server.tls.key: {file} has a passphrase; write it without one: `openssl pkey -in {file} -out …`"
            )
        } else {
            format!("server.tls.key: {file} holds no private key in PEM form (`-----BEGIN PRIVATE KEY-----`)")
        })
    })
}
