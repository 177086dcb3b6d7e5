//! Requests of the gateway's own, over the same stack as those of clients: webhooks, trials of accounts,
//! and the command line at a gateway that runs.

use std::sync::Arc;
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
    /// The answer is larger than 128 MiB.
    #[error("the answer is too long")]
    TooLong,
}

/// Makes requests.
pub struct Fetch {
    connector: Connector,
    endpoints: Arc<Endpoints>,
}

impl Fetch {
    /// Makes one that finds addresses in these.
    pub fn new(endpoints: Arc<Endpoints>) -> Self {
        Self { connector: Connector::new(None), endpoints }
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
        timeout(limit, self.exchange(destination, request))
            .await
            .unwrap_or(Err(FetchError::TimedOut))
    }

    async fn exchange(
        &self,
        destination: &Destination,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, FetchError> {
        let peer = destination.peer(&self.endpoints, &[]).await.map_err(FetchError::Unreachable)?;
        let connected = self.connector.get_http_session(&*peer).await;
        let (mut session, _) =
            connected.map_err(|error| FetchError::Unreachable(Unreachable::of(&error)))?;
        let answer = ask(&mut session, destination, request).await;
        match &answer {
            Ok(_) => self.connector.release_http_session(session, &*peer, None).await,
            Err(_) => session.shutdown().await,
        }
        answer
    }
}

async fn ask(
    session: &mut HttpSession,
    destination: &Destination,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, FetchError> {
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
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers.clone();
    let mut content = BytesMut::new();
    while let Some(piece) = session.read_response_body().await.map_err(broken)? {
        if content.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(FetchError::TooLong);
        }
        content.extend_from_slice(&piece);
    }
    *response.body_mut() = content.freeze();
    Ok(response)
}
