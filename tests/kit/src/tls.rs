//! TLS in front of a simulator, with an authority of the test's own.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, select_next_proto};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_openssl::SslStream;

/// A TLS server for one host name that passes everything on in the clear; dropping it ends it.
///
/// It prefers HTTP/2; what is behind it has to know that from the first bytes.
pub struct TlsFront {
    address: SocketAddr,
    authority_pem: String,
    accepting: JoinHandle<()>,
}

impl TlsFront {
    /// Starts one whose certificate is for this name.
    ///
    /// # Panics
    ///
    /// If loopback cannot be listened on, or OpenSSL refuses.
    pub async fn start(name: &str, behind: SocketAddr) -> Self {
        let (acceptor, authority_pem) = acceptor(name).expect("OpenSSL makes certificates");
        let acceptor = Arc::new(acceptor);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("loopback can be listened on");
        let address = listener.local_addr().expect("a listener has an address");
        let accepting = crate::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = Arc::clone(&acceptor);
                crate::spawn(async move {
                    let ssl = Ssl::new(acceptor.context()).expect("OpenSSL has memory");
                    let mut stream = SslStream::new(ssl, stream).expect("OpenSSL has memory");
                    // A client that does not trust us leaves here.
                    if Pin::new(&mut stream).accept().await.is_err() {
                        return;
                    }
                    if let Ok(mut onward) = TcpStream::connect(behind).await {
                        drop(copy_bidirectional(&mut stream, &mut onward).await);
                    }
                });
            }
        });
        Self { address, authority_pem, accepting }
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificate of the authority that vouches for it.
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn acceptor(host: &str) -> Result<(SslAcceptor, String), ErrorStack> {
    let (authority_key, key) = (key()?, key()?);
    let authority_name = name("test authority")?;
    let mut authority = certificate(&authority_name, &authority_name, &authority_key, 1)?;
    authority.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    authority.sign(&authority_key, MessageDigest::sha256())?;

    let host_name = name(host)?;
    let mut leaf = certificate(&host_name, &authority_name, &key, 2)?;
    let names = SubjectAlternativeName::new().dns(host).build(&leaf.x509v3_context(None, None))?;
    leaf.append_extension(names)?;
    leaf.sign(&authority_key, MessageDigest::sha256())?;

    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    acceptor.set_private_key(&key)?;
    acceptor.set_certificate(&leaf.build())?;
    acceptor.set_alpn_select_callback(|_, offered| {
        select_next_proto(b"\x02h2\x08http/1.1", offered).ok_or(AlpnError::NOACK)
    });
    let pem = authority.build().to_pem()?;
    Ok((acceptor.build(), String::from_utf8_lossy(&pem).into_owned()))
}

fn key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common)?;
    Ok(name.build())
}

/// Begins a certificate that is good for a day.
fn certificate(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    serial: u32,
) -> Result<X509Builder, ErrorStack> {
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(&*BigNum::from_u32(serial)?.to_asn1_integer()?)?;
    certificate.set_subject_name(subject)?;
    certificate.set_issuer_name(issuer)?;
    certificate.set_pubkey(key)?;
    certificate.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    certificate.set_not_after(&*Asn1Time::days_from_now(1)?)?;
    Ok(certificate)
}
