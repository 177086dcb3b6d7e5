//! Requests to the administration: their bodies handed on whole, their answers whole or in pieces.

use std::future::ready;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{Request, Response};
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::{Flow, Reply};
use pingora_proxy::Session;

use super::Shared;
use super::intake::{self, Allowance, BodyLimit};

/// How long a body may be silent.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What is waited for.
type Coming<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How many bytes a request's body may have, or the answer to one that is refused.
pub type Admitted = Result<usize, Response<Bytes>>;

/// What answers requests to the administration. The address of the client stands in the request's
/// extensions, as [`ClientAddress`].
pub struct Administration {
    /// Says of a request's head how many bytes its body may have, or refuses it before any is read.
    pub admit: Box<dyn Fn(Request<()>) -> Coming<Admitted> + Send + Sync>,
    /// Answers.
    pub answer: Box<dyn Fn(Request<Bytes>) -> Coming<Response<AnswerBody>> + Send + Sync>,
}

/// The body of an answer.
pub enum AnswerBody {
    /// At once.
    Whole(Bytes),
    /// Piece by piece; an error breaks the answer off. The headers say how long it is.
    Pieces(Pieces),
}

/// Pieces of a body.
pub type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

impl AnswerBody {
    /// Returns the body piece by piece.
    pub fn into_pieces(self) -> Pieces {
        match self {
            Self::Whole(bytes) => Box::pin(stream::once(ready(Ok(bytes)))),
            Self::Pieces(pieces) => pieces,
        }
    }
}

/// The address of the client's end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

/// Hands a request on.
///
/// # Errors
///
/// What a filter says, or what is wrong with the body.
pub async fn administer(
    shared: &Shared,
    session: &mut Session,
    cx: &mut RequestContext,
) -> Result<Response<AnswerBody>, Error> {
    let (snapshot, administration) = (Arc::clone(&cx.snapshot), &shared.administration);
    if let Flow::Answer(answer) = snapshot.filters.on_administration(cx)? {
        return Ok(whole(answer));
    }
    let limit = match (administration.admit)(head(cx)?).await {
        Ok(limit) => limit,
        Err(refusal) => {
            if !intake::is_small_rest(session) {
                session.set_keepalive(None);
            }
            return Ok(refusal.map(AnswerBody::Whole));
        }
    };
    let allowed = Allowance {
        size: BodyLimit { bytes: limit, set_by: "fixed for this path" },
        between: BODY_TIME,
        in_all: snapshot.limits.body_time,
        // Whoever mends an overload is not kept out by it.
        room: shared.load.room(usize::MAX),
    };
    let body = intake::body(session, allowed).await?;
    Ok((administration.answer)(head(cx)?.map(|()| body)).await)
}

fn head(cx: &RequestContext) -> Result<Request<()>, Error> {
    let head = &cx.head;
    let target = if head.query.is_empty() {
        head.path.to_string()
    } else {
        format!("{}?{}", head.path, head.query)
    };
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = target.parse().map_err(|_| Error::BadRequest {
        what: "the path cannot be read; write it plainly".to_owned(),
    })?;
    *request.headers_mut() = head.headers.clone();
    request.extensions_mut().insert(ClientAddress(head.peer));
    Ok(request)
}

fn whole(reply: Reply) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::Whole(reply.body));
    *answer.status_mut() = reply.status;
    *answer.headers_mut() = reply.headers;
    answer
}
