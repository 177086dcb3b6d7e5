//! From a request's head to its plan: dispatch, filters, body, model name, order of attempts.
//!
//! Whatever ends a request before a provider is asked is answered here.

use std::sync::Arc;
use std::time::Duration;

use omniroute_core::attached::Attached;
use omniroute_core::context::{Call, Operation, RequestContext, RequestHead};
use omniroute_core::error::Error;
use omniroute_core::filter::{Flow, Relay, Reply};
use omniroute_core::ids::ProviderId;
use omniroute_core::snapshot::Snapshot;
use omniroute_wire::openai_chat::LegacyCompletions;
use omniroute_wire::{Codec, PathModel};
use pingora_proxy::Session;

use super::administer::{AnswerBody, administer};
use super::dispatch::{Surface, dispatch};
use super::exchange::{Exchange, SharedExchange};
use super::flight::{Flight, Forward, Local};
use super::intake::{self, Allowance, BodyLimit};
use super::load::Running;
use super::planning::Planned;
use super::session::stand_between;
use super::side::Side;
use super::{Shared, relay, reply, traced};
use crate::metrics::InFlight;
use crate::{local, telemetry};

/// Receives a request. Returns whether it has been answered.
///
/// # Errors
///
/// Pingora's, if the client went while being answered.
pub async fn receive(
    (shared, side): (&Arc<Shared>, Side),
    session: &mut Session,
    flight: &mut Flight,
) -> pingora::Result<bool> {
    let started = flight.started(&shared.clock);
    let (in_flight, snapshot) = (shared.metrics.enter(), shared.live.load());
    let admitted = intake::admit(session, &snapshot.limits);
    if shared.leaving.is_leaving() {
        session.set_keepalive(None);
    }
    let head = intake::head(session);
    let seen = dispatch(&head.method, &head.path, &head.query, &head.headers);
    let seen = side.narrow(seen, (&head.method, &head.path));
    if let (Ok(()), Ok(surface @ (Surface::Live | Surface::Ready | Surface::Metrics))) =
        (&admitted, &seen.surface)
    {
        return probe((shared, &snapshot), session, flight, (surface, &head)).await;
    }
    let mut cx = RequestContext {
        request_id: telemetry::request_id(head.headers.get("x-request-id"), &shared.clock),
        snapshot,
        head,
        format: seen.format,
        caller: None,
        call: None,
        provider: seen.provider.map(ProviderId::new),
        pass: None,
        hold: None,
        trace: None,
        started,
        body_took: Duration::ZERO,
        attached: Attached::default(),
    };
    let surface = admitted.and_then(|()| {
        seen.surface.map_err(|refusal| refusal.into_error(&cx.head.method, &cx.head.path))
    });
    let surface = match surface {
        Ok(surface) => surface,
        Err(error) => return refuse((shared, session), flight, cx, error).await,
    };
    if surface == Surface::Administration {
        return administered(shared, session, flight, cx).await;
    }
    if let Err(error) = admit(shared, session, &cx) {
        return refuse((shared, session), flight, cx, error).await;
    }
    cx.trace = traced::begin(&cx, shared);
    match steps(shared, session, &mut cx, surface).await {
        Ok(Next::Forward(running)) => {
            forward(shared, session, flight, (cx, (in_flight, running))).await
        }
        Ok(Next::Answer(answer)) => whole(session, flight, cx, answer).await,
        Ok(Next::Follow(relayed, _running)) => {
            relay::relay((shared, session), flight, cx, relayed).await
        }
        Ok(Next::Left(error)) => {
            *flight = Flight::Local(Box::new(Local { cx: Some(cx), status: 0, error: None }));
            Err(error)
        }
        Err(error) => refuse((shared, session), flight, cx, error).await,
    }
}

/// Gives an answer that no provider had to be asked for.
async fn whole(
    session: &mut Session,
    flight: &mut Flight,
    mut cx: RequestContext,
    answer: Reply,
) -> pingora::Result<bool> {
    cx.attached.log_answer(&answer.body);
    let written = reply::whole(session, &cx, answer).await;
    // 0: the client left; what it asked for is recorded all the same.
    let status = *written.as_ref().unwrap_or(&0);
    *flight = Flight::Local(Box::new(Local { cx: Some(cx), status, error: None }));
    written.map(|_| true)
}

/// What is done with a request that was received.
enum Next {
    /// The call is ready to be planned.
    Forward(Running),
    /// It ends with this answer.
    Answer(Reply),
    /// It ends with the answer that another request is getting.
    Follow(Relay, Running),
    /// Its client has left.
    Left(Box<pingora::Error>),
}

/// Lets a call in, unless there are too many already: better now than behind its body.
fn admit(shared: &Shared, session: &Session, cx: &RequestContext) -> Result<(), Error> {
    if intake::is_reserve(session) {
        return Err(Error::Overloaded { limit: "connections" });
    }
    begin(shared, cx).map(drop)
}

/// Begins a call, unless there are too many.
fn begin(shared: &Shared, cx: &RequestContext) -> Result<Running, Error> {
    let running = shared.load.begin(cx.snapshot.limits.requests);
    running.ok_or(Error::Overloaded { limit: "requests" })
}

/// Runs everything up to the plan.
async fn steps(
    shared: &Arc<Shared>,
    session: &mut Session,
    cx: &mut RequestContext,
    surface: Surface,
) -> Result<Next, Error> {
    if shared.is_draining() {
        return Err(Error::Draining);
    }
    let snapshot = Arc::clone(&cx.snapshot);
    if let Flow::Answer(answer) = snapshot.filters.on_request(cx)? {
        return Ok(Next::Answer(answer));
    }
    match surface {
        Surface::Models { one } => local::models(cx, one.as_deref()).map(Next::Answer),
        Surface::Chat { path } => {
            let asked = (cx.format.codec(), Operation::Chat);
            called((shared, session), cx, (asked, path)).await
        }
        Surface::CountTokens { path } => {
            let asked = (cx.format.codec(), Operation::CountTokens);
            called((shared, session), cx, (asked, path)).await
        }
        Surface::Completion => {
            let asked: (&'static dyn Codec, _) = (&LegacyCompletions, Operation::Chat);
            called((shared, session), cx, (asked, None)).await
        }
        Surface::Preflight => Err(Error::MethodNotAllowed {
            method: cx.head.method.to_string(),
            allowed: "GET, POST",
        }),
        Surface::Live | Surface::Ready | Surface::Metrics | Surface::Administration => {
            tracing::error!(path = %cx.head.path, "a probe reached the filters");
            Err(Error::Internal)
        }
    }
}

/// Hands a request to the administration, and its answer to the client.
async fn administered(
    shared: &Arc<Shared>,
    session: &mut Session,
    flight: &mut Flight,
    mut cx: RequestContext,
) -> pingora::Result<bool> {
    let answered = if shared.is_draining() {
        Err(Error::Draining)
    } else {
        administer(shared, session, &mut cx).await
    };
    let (head, body) = match answered {
        Ok(answer) => answer.into_parts(),
        Err(error) => return refuse((shared, session), flight, cx, error).await,
    };
    let (status, headers) = (head.status, head.headers);
    let status = match body {
        AnswerBody::Whole(body) => {
            reply::whole(session, &cx, Reply { status, headers, body }).await?
        }
        AnswerBody::Pieces(pieces) => {
            reply::pieces(session, &cx, (status, headers), pieces).await?
        }
    };
    *flight = Flight::Local(Box::new(Local { cx: Some(cx), status, error: None }));
    Ok(true)
}

/// Reads a model call and runs the filters that look at it.
async fn called(
    (shared, session): (&Shared, &mut Session),
    cx: &mut RequestContext,
    ((codec, operation), path): ((&'static dyn Codec, Operation), Option<PathModel>),
) -> Result<Next, Error> {
    let (server, limits) = (&cx.snapshot.server, &cx.snapshot.limits);
    let allowed = Allowance {
        size: BodyLimit { bytes: server.max_body_bytes, set_by: "server.max_body" },
        between: server.timeouts.client_body,
        in_all: limits.body_time,
        room: shared.load.room(limits.buffered_bodies),
    };
    let before = shared.clock.now();
    let body = intake::body(session, allowed).await?;
    cx.body_took = shared.clock.now().saturating_duration_since(before);
    // Not before: whoever drips bodies would take the places of those who call.
    let running = begin(shared, cx)?;
    let peek = codec.peek(&body, path.as_ref())?;
    cx.attached.log_request(&body);
    cx.call = Some(Call::new(operation, codec, peek, body));
    let snapshot = Arc::clone(&cx.snapshot);
    let decided = tokio::select! {
        biased;
        decided = snapshot.filters.on_call(cx) => decided?,
        // Looked at only if a filter waits.
        Err(left) = session.downstream_session.read_body_or_idle(true) => return Ok(Next::Left(left)),
    };
    Ok(match decided {
        Flow::Continue => Next::Forward(running),
        Flow::Answer(answer) => Next::Answer(answer),
        Flow::Follow(relayed) => Next::Follow(relayed, running),
    })
}

/// Plans a call and puts our session between Pingora and the client.
async fn forward(
    shared: &Arc<Shared>,
    session: &mut Session,
    flight: &mut Flight,
    (cx, running): (RequestContext, (InFlight, Running)),
) -> pingora::Result<bool> {
    match plan(shared, cx) {
        Ok(exchange) => {
            let exchange = SharedExchange::new(exchange);
            stand_between(session, exchange.clone());
            *flight = Flight::Forwarding(Box::new(Forward {
                exchange,
                last_words: None,
                unreachable: Vec::new(),
                running,
            }));
            Ok(false)
        }
        Err((cx, error)) => refuse((shared, session), flight, *cx, error).await,
    }
}

fn plan(
    shared: &Arc<Shared>,
    mut cx: RequestContext,
) -> Result<Exchange, (Box<RequestContext>, Error)> {
    let Some(call) = &cx.call else { return Err((Box::new(cx), Error::Internal)) };
    let client = call.codec;
    match Planned::of(shared, &mut cx) {
        Ok(planned) => Ok(Exchange::new(cx, Arc::clone(shared), client, planned)),
        Err(error) => Err((Box::new(cx), error)),
    }
}

async fn refuse(
    (shared, session): (&Shared, &mut Session),
    flight: &mut Flight,
    mut cx: RequestContext,
    error: Error,
) -> pingora::Result<bool> {
    if let Error::Overloaded { limit } = error {
        shared.metrics.shed(limit);
    }
    cx.attached.log_error(&error);
    let written = reply::error(session, &mut cx, &error).await;
    let (status, code) = match &written {
        Ok((status, code)) => (*status, *code),
        Err(_) => (0, error.code()),
    };
    *flight = Flight::Local(Box::new(Local { cx: Some(cx), status, error: Some(code) }));
    written.map(|_| true)
}

/// Answers a probe: no filters, no log line.
async fn probe(
    (shared, snapshot): (&Shared, &Snapshot),
    session: &mut Session,
    flight: &mut Flight,
    (surface, asked): (&Surface, &RequestHead),
) -> pingora::Result<bool> {
    let answer = match surface {
        Surface::Ready => local::ready(snapshot, shared),
        Surface::Metrics => local::metrics(shared, snapshot, asked),
        _ => local::live(),
    };
    let mut head = pingora::http::ResponseHeader::build(answer.status, Some(4))?;
    for (name, value) in &answer.headers {
        head.append_header(name, value)?;
    }
    head.insert_header(http::header::CONTENT_LENGTH, answer.body.len())?;
    let status = reply::write(session, Box::new(head), answer.body).await?;
    *flight = Flight::Local(Box::new(Local { cx: None, status, error: None }));
    Ok(true)
}
