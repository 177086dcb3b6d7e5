//! Requests to the administration: handed on whole, answered whole.

use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{Flow, Reply};
use pingora_proxy::Session;

use super::intake;

/// Largest body of a request to the administration.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How long such a body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What answers requests to the administration. The address of the client stands in the request's
/// extensions, as [`ClientAddress`].
pub type Administration = Box<
    dyn Fn(Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Bytes>> + Send>> + Send + Sync,
>;

/// The address of the client's end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

/// Hands a request on.
///
/// # Errors
///
/// What a filter says, or what is wrong with the body.
pub async fn administer(
    administration: &Administration,
    session: &mut Session,
    cx: &mut RequestContext,
) -> Result<Reply, Error> {
    let snapshot = std::sync::Arc::clone(&cx.snapshot);
    if let Flow::Answer(answer) = snapshot.filters.on_administration(cx)? {
        return Ok(answer);
    }
    let body = intake::body(session, MAX_BODY_BYTES, BODY_TIME).await?;
    let head = &cx.head;
    let target = if head.query.is_empty() {
        head.path.to_string()
    } else {
        format!("{}?{}", head.path, head.query)
    };
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = target.parse().map_err(|_| Error::BadRequest {
        what: "the path cannot be read; write it plainly".to_owned(),
    })?;
    *request.headers_mut() = head.headers.clone();
    request.extensions_mut().insert(ClientAddress(head.peer));
    let (parts, body) = administration(request).await.into_parts();
    Ok(Reply { status: parts.status, headers: parts.headers, body })
}
