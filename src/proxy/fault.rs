//! Crossing the border between our verdicts and Pingora's errors.
//!
//! Pingora repeats a request when the error says so; what the error *is* stays in the exchange. No
//! text is ever parsed back.

use omniroute_core::verdict::Signal;
use pingora::{Error, ErrorSource, ErrorType};
use pingora_proxy::Session;

use super::exchange::{Exchange, Parcel, Step};
use super::flight::{Flight, Forward};
use super::session::step_aside;
use super::unread;
use crate::upstream::Unreachable;

/// The attempt was judged and another is to be made.
const TRY_NEXT: ErrorType = ErrorType::Custom("TryNext");

/// The provider was silent for too long.
const SILENT: ErrorType = ErrorType::Custom("ProviderSilent");

/// The process ends before the answer does.
const STOPPING: ErrorType = ErrorType::Custom("Stopping");

/// The answer that was followed broke off.
pub const CUT: ErrorType = ErrorType::Custom("Cut");

/// The exchange is over; the final answer waits to be written.
const GIVEN_UP: ErrorType = ErrorType::Custom("GivenUp");

/// Makes the error that has Pingora begin another attempt.
pub fn try_next() -> Box<Error> {
    let mut error = Error::new_up(TRY_NEXT);
    error.set_retry(true);
    error
}

/// Makes the error of a provider that was silent for too long.
pub fn silent_provider() -> Box<Error> {
    Error::new_up(SILENT)
}

/// Makes the error of a process that ends before the answer does.
pub fn stopping() -> Box<Error> {
    Error::new_in(STOPPING)
}

/// Makes the error of an answer that was followed and broke off.
pub fn cut() -> Box<Error> {
    Error::new_in(CUT)
}

/// Makes the error of a client that left before.
pub fn client_left() -> Box<Error> {
    Error::new_down(ErrorType::ConnectionClosed)
}

/// Makes the error that ends the attempts.
pub fn given_up() -> Box<Error> {
    let mut error = Error::new_in(GIVEN_UP);
    error.set_retry(false);
    error
}

/// Hands a connection's failure to the exchange.
pub fn provider_failed(exchange: &mut Exchange, error: &Error) -> Step {
    exchange.broken(signal(error))
}

fn signal(error: &Error) -> Signal<'static> {
    match &error.etype {
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => Signal::TimedOut,
        etype if *etype == SILENT => Signal::TimedOut,
        ErrorType::InvalidHTTPHeader | ErrorType::H2Downgrade | ErrorType::InvalidH2 => {
            Signal::Unusable
        }
        _ => Signal::Reset,
    }
}

/// Decides about an error while forwarding: another attempt, or the end.
pub fn settle(forward: &mut Forward, mut error: Box<Error>) -> Box<Error> {
    if error.etype == TRY_NEXT {
        return error;
    }
    let is_silence = error.etype == SILENT;
    let mut exchange = forward.exchange.lock();
    if error.etype == STOPPING {
        let step = exchange.stopped();
        drop(exchange);
        return concluded(forward, step);
    }
    if error.esource == ErrorSource::Downstream && !is_silence {
        exchange.client_gone();
        error.set_retry(false);
        return error;
    }
    let step = provider_failed(&mut exchange, &error);
    drop(exchange);
    concluded(forward, step)
}

/// Decides about a failure to connect.
pub fn unreachable(forward: &mut Forward, why: Unreachable) -> Box<Error> {
    let step = forward.exchange.lock().unreachable(why);
    concluded(forward, step)
}

/// Turns a step into the error that has Pingora go on, or end.
pub fn concluded(forward: &mut Forward, step: Step) -> Box<Error> {
    match step {
        // Failures never write something first.
        Step::TryNext | Step::GoOn(_) => try_next(),
        Step::Write(parcel) => {
            forward.last_words = Some(forward.exchange.lock().sending(parcel));
            given_up()
        }
    }
}

/// Writes what is left to say after the attempts have ended in an error.
///
/// Pingora closes the client's connection after this, so the head says so.
pub async fn say_last_words(session: &mut Session, flight: &mut Flight) -> u16 {
    let Flight::Forwarding(forward) = flight else { return 0 };
    let last_words = forward.last_words.take();
    step_aside(session, &forward.exchange).await;
    let Some(parcel) = last_words else { return 0 };
    session.set_keepalive(None);
    let status = parcel.head.as_ref().map_or(0, |head| head.status.as_u16());
    {
        let exchange = forward.exchange.lock();
        if exchange.client_left {
            return status;
        }
        if exchange.shared.leaving.is_cutting() {
            session.set_write_timeout(Some(unread::LAST_WORDS));
        }
    }
    if let Err(error) = write(session, parcel).await {
        tracing::debug!(%error, "the client left before its error was written");
    }
    status
}

async fn write(session: &mut Session, parcel: Parcel) -> pingora::Result<()> {
    if let Some(head) = parcel.head {
        session.downstream_session.write_response_header(head).await?;
    }
    for piece in parcel.pieces {
        session.downstream_session.write_response_body(piece, false).await?;
    }
    session.downstream_session.finish_body().await
}
