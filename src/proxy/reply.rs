//! Writing an answer of our own, before or without forwarding.

use bytes::Bytes;
use futures_util::StreamExt;
use omniroute_core::context::RequestContext;
use omniroute_core::error::{Error, ErrorCode};
use omniroute_core::filter::Reply;
use pingora::http::ResponseHeader;
use pingora_proxy::Session;

use super::administer::Pieces;
use super::head::Head;
use super::intake;

/// Writes a whole answer. Returns the status that was sent.
///
/// # Errors
///
/// Pingora's, if the client has gone.
pub async fn write(
    session: &mut Session,
    head: Box<ResponseHeader>,
    body: Bytes,
) -> pingora::Result<u16> {
    let status = head.status.as_u16();
    let body = if session.req_header().method == http::Method::HEAD { Bytes::new() } else { body };
    session.downstream_session.write_response_header(head).await?;
    session.downstream_session.write_response_body(body, true).await?;
    Ok(status)
}

/// Writes a filter's or our own whole answer.
///
/// # Errors
///
/// Pingora's, if the client has gone.
pub async fn whole(
    session: &mut Session,
    cx: &RequestContext,
    reply: Reply,
) -> pingora::Result<u16> {
    let kind = reply.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("application/json").to_owned();
    let head = Head::new(reply.status.as_u16(), cx).with(reply.headers);
    let head = if reply.body.is_empty() { head } else { head.whole(&kind, reply.body.len()) };
    let mut head = head.build()?;
    if reply.body.is_empty() && reply.status != http::StatusCode::NO_CONTENT {
        head.insert_header(http::header::CONTENT_LENGTH, "0")?;
    }
    write(session, head, reply.body).await
}

/// Writes an answer whose body comes in pieces; its headers frame it. Returns the status that was sent.
///
/// # Errors
///
/// Pingora's, if the client has gone; or that the body ended early, which ends the connection.
pub async fn pieces(
    session: &mut Session,
    cx: &RequestContext,
    (status, headers): (http::StatusCode, http::HeaderMap),
    mut pieces: Pieces,
) -> pingora::Result<u16> {
    let head = Head::new(status.as_u16(), cx).with(headers).build()?;
    let downstream = &mut session.downstream_session;
    downstream.write_response_header(head).await?;
    if cx.head.method != http::Method::HEAD {
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| {
                tracing::warn!(%error, "an answer of the administration broke off");
                pingora::Error::because(
                    pingora::ErrorType::ReadError,
                    "the body ended early",
                    error,
                )
            })?;
            downstream.write_response_body(piece, false).await?;
        }
    }
    downstream.write_response_body(Bytes::new(), true).await?;
    Ok(status.as_u16())
}

/// Writes an error in the client's format.
///
/// When much of the request's body is still to come, the connection is closed after the answer.
///
/// # Errors
///
/// Pingora's, if the client has gone.
pub async fn error(
    session: &mut Session,
    cx: &mut RequestContext,
    error: &Error,
) -> pingora::Result<(u16, ErrorCode)> {
    let is_hopeless = matches!(error, Error::RequestTimeout { .. } | Error::HeadTooLarge { .. });
    // A client that waits for a `100 Continue` may send its body or not: nobody can tell what comes next.
    let is_waiting = session.response_written().is_none()
        && intake::expects_continue(&session.req_header().headers);
    if is_hopeless || is_waiting || !intake::is_small_rest(session) {
        session.set_keepalive(None);
    } else {
        session.set_close_on_response_before_downstream_finish(false);
    }
    let api = error.to_api(cx.format, &cx.request_id);
    let body = Bytes::from(cx.format.codec().write_error(&api));
    cx.attached.log_answer(&body);
    let head = Head::new(api.status, cx).error(error).whole("application/json", body.len());
    tracing::debug!(request_id = %cx.request_id, %error, "request refused");
    let status = write(session, head.build()?, body).await?;
    Ok((status, error.code()))
}
