//! Requests of the gateway's own, over the same stack as those of clients: webhooks, trials of accounts,
//! and the command line at a gateway that runs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use pingora::http::RequestHeader;
use pingora_core::connectors::http::Connector;
use pingora_core::protocols::http::client::HttpSession;
use thiserror::Error;
use tokio::time::timeout;

use super::destination::Destination;
use super::endpoints::Endpoints;
use super::unreachable::Unreachable;

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 128 * 1024 * 1024;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FetchError {
    /// No connection could be made.
    #[error("{}", .0.what())]
    Unreachable(Unreachable),
    /// The connection broke, or what came is no HTTP.
    #[error("the connection broke before the answer was complete")]
    Broken,
    /// The time was over.
    #[error("no answer came in time")]
    TimedOut,
    /// Whoever answers has another certificate than the one that is expected.
    #[error("the certificate there is not the one that is expected")]
    Stranger,
    /// The answer is larger than 128 MiB.
    #[error("the answer is too long")]
    TooLong,
    /// Whoever takes the answer could not.
    #[error("the answer could not be kept")]
    NotTaken,
}

/// Takes an answer as it comes: its head first, then its body piece by piece.
pub trait Sink: Send {
    /// Takes the status and the headers.
    fn head(&mut self, head: &Response<()>);

    /// Takes a piece of the body.
    ///
    /// # Errors
    ///
    /// Why no more is taken.
    fn piece(&mut self, piece: Bytes) -> Result<(), FetchError>;
}

/// Collects an answer, up to 128 MiB.
#[derive(Default)]
pub struct Collected {
    head: Response<()>,
    body: BytesMut,
}

impl Collected {
    /// Returns the answer.
    pub fn into_response(self) -> Response<Bytes> {
        self.head.map(|()| self.body.freeze())
    }
}

impl Sink for Collected {
    fn head(&mut self, head: &Response<()>) {
        self.head = head.clone();
    }

    fn piece(&mut self, piece: Bytes) -> Result<(), FetchError> {
        if self.body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(FetchError::TooLong);
        }
        self.body.extend_from_slice(&piece);
        Ok(())
    }
}

/// Makes requests.
pub struct Fetch {
    /// Made when it is first needed: it reads the certificates that the system trusts, which takes memory and
    /// time.
    connector: OnceLock<Connector>,
    endpoints: Arc<Endpoints>,
    /// The one certificate that is taken, whoever vouches for it.
    certificate: Option<[u8; 32]>,
}

impl Fetch {
    /// Makes one that finds addresses in these.
    pub fn new(endpoints: Arc<Endpoints>) -> Self {
        Self { connector: OnceLock::new(), endpoints, certificate: None }
    }

    /// Takes one certificate, by its SHA-256, and no other. Names and authorities do not matter then.
    pub const fn that_expects(mut self, certificate: [u8; 32]) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Sends a request and reads the whole answer within `limit`. The request's URI is a path; the host
    /// is the destination's. No redirect is followed.
    ///
    /// # Errors
    ///
    /// Why there is no answer. Any status is one.
    pub async fn send(
        &self,
        destination: &Destination,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, FetchError> {
        let mut answer = Collected::default();
        self.send_into(destination, request, limit, &mut answer).await?;
        Ok(answer.into_response())
    }

    /// Sends a request as [`Fetch::send`] does and hands the answer on as it comes, whatever its size.
    ///
    /// # Errors
    ///
    /// Why there is no whole answer; a part may have been handed on.
    pub async fn send_into(
        &self,
        destination: &Destination,
        request: Request<Bytes>,
        limit: Duration,
        sink: &mut dyn Sink,
    ) -> Result<(), FetchError> {
        timeout(limit, self.exchange(destination, request, sink))
            .await
            .unwrap_or(Err(FetchError::TimedOut))
    }

    fn may_trust(&self, session: &HttpSession) -> bool {
        let Some(expected) = &self.certificate else { return true };
        let shown = session.digest().and_then(|digest| digest.ssl_digest.as_ref());
        shown.is_some_and(|shown| shown.cert_digest == expected)
    }

    async fn exchange(
        &self,
        destination: &Destination,
        request: Request<Bytes>,
        sink: &mut dyn Sink,
    ) -> Result<(), FetchError> {
        let peer = destination.peer(&self.endpoints, &[]).await;
        let mut peer = peer.map_err(FetchError::Unreachable)?;
        if self.certificate.is_some() {
            (peer.options.verify_cert, peer.options.verify_hostname) = (false, false);
        }
        let connector = self.connector.get_or_init(|| Connector::new(None));
        let connected = connector.get_http_session(&*peer).await;
        let (mut session, _) =
            connected.map_err(|error| FetchError::Unreachable(Unreachable::of(&error)))?;
        let answer = if self.may_trust(&session) {
            ask(&mut session, destination, request, sink).await
        } else {
            Err(FetchError::Stranger)
        };
        match &answer {
            Ok(()) => connector.release_http_session(session, &*peer, None).await,
            Err(_) => session.shutdown().await,
        }
        answer
    }
}

async fn ask(
    session: &mut HttpSession,
    destination: &Destination,
    request: Request<Bytes>,
    sink: &mut dyn Sink,
) -> Result<(), FetchError> {
    let broken = |error: Box<pingora::Error>| {
        tracing::debug!(%error, "a request of the gateway's own failed");
        FetchError::Broken
    };
    let (parts, body) = request.into_parts();
    let mut head = RequestHeader::from(parts);
    let authority = destination.endpoint.authority();
    head.insert_header(header::HOST, authority).map_err(broken)?;
    head.insert_header(header::CONTENT_LENGTH, body.len()).map_err(broken)?;
    session.write_request_header(Box::new(head)).await.map_err(broken)?;
    session.write_request_body(body, true).await.map_err(broken)?;
    session.finish_request_body().await.map_err(broken)?;
    session.read_response_header().await.map_err(broken)?;
    let head = session.response_header().ok_or(FetchError::Broken)?;
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers.clone();
    sink.head(&response);
    while let Some(piece) = session.read_response_body().await.map_err(broken)? {
        sink.piece(piece)?;
    }
    Ok(())
}
