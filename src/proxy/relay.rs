//! Writing an answer that another request is getting, as it comes.

use http::header::TRANSFER_ENCODING;
use omniroute_core::context::RequestContext;
use omniroute_core::error::Error;
use omniroute_core::filter::Relay;
use omniroute_core::replay::Cut;
use pingora_proxy::Session;

use super::flight::{Flight, Local};
use super::head::Head;
use super::{Shared, fault, unread};
use crate::leaving::Cut as End;

/// Writes the answer. Returns that it has been written.
///
/// # Errors
///
/// Pingora's, if the client left, or to have the connection closed where the answer broke off.
pub async fn relay(
    (shared, session): (&Shared, &mut Session),
    flight: &mut Flight,
    mut cx: RequestContext,
    relayed: Relay,
) -> pingora::Result<bool> {
    let status = relayed.status.as_u16();
    let written = write((shared, session), &mut cx, relayed).await;
    let error = match &written {
        // What the client has is a piece of an answer, which the closed connection tells.
        Err(fault) if *fault.etype() == fault::CUT => Some(Error::Internal.code()),
        _ => None,
    };
    let status = if written.is_err() && error.is_none() { 0 } else { status };
    *flight = Flight::Local(Box::new(Local { cx: Some(cx), status, error }));
    written.map(|()| true)
}

async fn write(
    (shared, session): (&Shared, &mut Session),
    cx: &mut RequestContext,
    relayed: Relay,
) -> pingora::Result<()> {
    let Relay { status, headers, mut body } = relayed;
    let mut head = Head::new(status.as_u16(), cx).with(headers).build()?;
    if session.req_header().version == http::Version::HTTP_11 {
        head.insert_header(TRANSFER_ENCODING, "chunked")?;
    }
    tracing::debug!(request_id = %cx.request_id, "follows another request's answer");
    session.downstream_session.write_response_header(head).await?;
    let mut end = End::default();
    loop {
        let piece = tokio::select! {
            biased;
            piece = body.piece() => piece,
            Err(left) = session.downstream_session.read_body_or_idle(true) => return Err(left),
        };
        match piece {
            Ok(Some(piece)) => {
                cx.attached.log_answer(&piece);
                let write = session.downstream_session.write_response_body(piece, false);
                unread::in_time(write, (&shared.leaving, &mut end)).await?;
            }
            Ok(None) => break,
            Err(Cut) => return Err(fault::cut()),
        }
    }
    session.downstream_session.finish_body().await
}
