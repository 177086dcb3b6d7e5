//! A client that sees every byte: hyper for HTTP/1.1 and h2c, a bare socket for what hyper would not
//! send.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use openssl::ssl::{self, SslConnector, SslMethod, SslVersion};
use openssl::x509::X509;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// How the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS.
    H2c,
}

/// Whom a TLS client trusts, and what it speaks.
pub struct Trust<'a> {
    /// The certificate of the authority, PEM.
    pub authority: &'a str,
    /// The name that the certificate must be for.
    pub name: &'a str,
    /// What is offered by ALPN, in its own form; nothing if empty.
    pub alpn: &'a [u8],
    /// The newest version of TLS it speaks.
    pub newest: SslVersion,
}

impl<'a> Trust<'a> {
    /// Trusts an authority for a name, and speaks HTTP/2 and HTTP/1.1.
    pub const fn of(authority: &'a str, name: &'a str) -> Self {
        Self { authority, name, alpn: b"\x02h2\x08http/1.1", newest: SslVersion::TLS1_3 }
    }

    /// Connects and does the handshake.
    ///
    /// # Errors
    ///
    /// What the handshake says.
    ///
    /// # Panics
    ///
    /// If nobody accepts.
    pub async fn greet(&self, address: SocketAddr) -> Result<SslStream<TcpStream>, ssl::Error> {
        let mut connector = SslConnector::builder(SslMethod::tls_client())?;
        let authority = X509::from_pem(self.authority.as_bytes())?;
        connector.cert_store_mut().add_cert(authority)?;
        connector.set_min_proto_version(Some(SslVersion::TLS1))?;
        connector.set_max_proto_version(Some(self.newest))?;
        if !self.alpn.is_empty() {
            connector.set_alpn_protos(self.alpn)?;
        }
        let ssl = connector.build().configure()?.into_ssl(self.name)?;
        let stream = TcpStream::connect(address).await.expect("the gateway accepts");
        let mut stream = SslStream::new(ssl, stream)?;
        Pin::new(&mut stream).connect().await?;
        Ok(stream)
    }
}

/// One connection to a gateway.
pub struct Client {
    sender: Sender,
}

enum Sender {
    Http1(http1::SendRequest<Pieces>),
    H2c(http2::SendRequest<Pieces>),
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the body ended properly.
    pub complete: bool,
}

impl Answer {
    /// Returns a header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    ///
    /// If it is none; the message holds the body.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request body in pieces, with or without a length.
pub struct Pieces {
    pieces: std::vec::IntoIter<Bytes>,
    length: Option<u64>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.pieces.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.length.map_or_else(Default::default, hyper::body::SizeHint::with_exact)
    }
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    ///
    /// If the gateway does not accept.
    pub async fn connect(address: SocketAddr, protocol: Protocol) -> Self {
        let stream = TcpStream::connect(address).await.expect("the gateway accepts");
        Self::over(stream, protocol).await
    }

    /// Connects over TLS; ALPN decides between HTTP/1.1 and HTTP/2.
    ///
    /// # Errors
    ///
    /// What the handshake says, above all that the certificate is not trusted.
    ///
    /// # Panics
    ///
    /// If the gateway does not accept.
    pub async fn connect_tls(address: SocketAddr, trust: &Trust<'_>) -> Result<Self, ssl::Error> {
        let stream = trust.greet(address).await?;
        let is_h2 = stream.ssl().selected_alpn_protocol() == Some(b"h2");
        Ok(Self::over(stream, if is_h2 { Protocol::H2c } else { Protocol::Http1 }).await)
    }

    /// Tells whether it speaks HTTP/2.
    pub const fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::H2c(_))
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        protocol: Protocol,
    ) -> Self {
        let io = TokioIo::new(stream);
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.expect("HTTP/1.1 begins");
                spawn(async move { drop(connection.await) });
                Sender::Http1(sender)
            }
            Protocol::H2c => {
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2 begins");
                spawn(async move { drop(connection.await) });
                Sender::H2c(sender)
            }
        };
        Self { sender }
    }

    /// Sends a request whose body goes out in one piece with its length.
    pub async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let body = Bytes::from(body.to_string());
        self.send(Method::POST, path, headers, whole(body)).await
    }

    /// Sends a request without a body.
    pub async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, whole(Bytes::new())).await
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Pieces,
    ) -> Answer {
        read(self.begin(method, path, headers, body).await).await
    }

    /// Posts JSON to a server that may go away meanwhile; `None` if no whole answer came.
    pub async fn try_post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Option<Answer> {
        let body = whole(Bytes::from(body.to_string()));
        self.try_send(Method::POST, path, headers, body).await
    }

    /// Sends a request to a server that may go away meanwhile; `None` if no whole answer came.
    pub async fn try_send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Pieces,
    ) -> Option<Answer> {
        let answer = read(self.try_begin(method, path, headers, body).await.ok()?).await;
        answer.complete.then_some(answer)
    }

    /// Sends a request and returns the answer as soon as its head is there.
    ///
    /// # Panics
    ///
    /// If there is no answer at all.
    pub async fn begin(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Pieces,
    ) -> Response<Incoming> {
        self.try_begin(method, path, headers, body).await.expect("there is an answer")
    }

    async fn try_begin(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Pieces,
    ) -> hyper::Result<Response<Incoming>> {
        let mut request = Request::builder().method(method);
        let names_host = headers.iter().any(|(name, _)| *name == "host");
        request = match &self.sender {
            Sender::Http1(_) if names_host => request.uri(path),
            Sender::Http1(_) => request.uri(path).header("host", "gateway.test"),
            Sender::H2c(_) => request.uri(format!("http://gateway.test{path}")),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("the test's request is a request");
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::H2c(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

/// Reads an answer to its end, or to where it breaks off.
async fn read(response: Response<Incoming>) -> Answer {
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut complete = true;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => {
                complete = false;
                break;
            }
        }
    }
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes.into(), complete }
}

/// Makes a body of one piece with a length.
pub fn whole(body: Bytes) -> Pieces {
    let length = Some(body.len() as u64);
    let pieces = if body.is_empty() { Vec::new() } else { vec![body] };
    Pieces { pieces: pieces.into_iter(), length }
}

/// Makes a body without a length, in pieces of this size.
pub fn chunked(body: &Bytes, size: usize) -> Pieces {
    let pieces: Vec<Bytes> =
        (0..body.len()).step_by(size).map(|at| body.slice(at..body.len().min(at + size))).collect();
    Pieces { pieces: pieces.into_iter(), length: None }
}

/// A socket for bytes that no library would send.
pub struct RawConnection {
    stream: TcpStream,
}

impl RawConnection {
    /// Connects.
    ///
    /// # Panics
    ///
    /// If the gateway does not accept.
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("the gateway accepts") }
    }

    /// Sends these bytes.
    ///
    /// # Panics
    ///
    /// If the gateway has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the connection is open");
    }

    /// Sends as many of these bytes as the gateway takes before it closes the connection.
    pub async fn try_send(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    /// Sends a piece now and then until the connection is closed; returns what came.
    pub async fn drip(&mut self, piece: &[u8], pause: Duration) -> String {
        let (mut seen, mut ticks) = (Vec::new(), tokio::time::interval(pause));
        loop {
            tokio::select! {
                read = self.stream.read_buf(&mut seen) => {
                    if read.unwrap_or(0) == 0 {
                        return String::from_utf8_lossy(&seen).into_owned();
                    }
                }
                _ = ticks.tick() => self.try_send(piece).await,
            }
        }
    }

    /// Reads until the connection is closed or `enough` says so; returns what came.
    pub async fn read_until(&mut self, enough: impl Fn(&str) -> bool) -> String {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if enough(&text) {
                return text;
            }
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return text,
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests drive their connections in their own runtime")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
