//! TLS in front of a simulator, with an authority of the test's own.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, select_next_proto};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_openssl::SslStream;

use crate::authority::{Authority, Issued};

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
        let authority = Authority::new();
        let acceptor = acceptor(&authority.issue(name)).expect("OpenSSL takes its certificate");
        let (acceptor, authority_pem) = (Arc::new(acceptor), authority.pem());
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

fn acceptor(issued: &Issued) -> Result<SslAcceptor, ErrorStack> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    acceptor.set_private_key(&issued.key)?;
    acceptor.set_certificate(&issued.certificate)?;
    acceptor.set_alpn_select_callback(|_, offered| {
        select_next_proto(b"\x02h2\x08http/1.1", offered).ok_or(AlpnError::NOACK)
    });
    Ok(acceptor.build())
}
