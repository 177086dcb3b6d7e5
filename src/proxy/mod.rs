//! The life of a request, as Pingora's phases: each method is one call into the file that does it.
//!
//! `request_filter` receives: dispatch, filters, body, plan. `upstream_peer` begins an attempt, and
//! begins the next one each time an error says so. What a provider sends does not pass through
//! Pingora's response filters but through the session of our own ([`session`]), because those filters
//! do not see every end a reply can have. `logging` records.

mod administer;
mod answer;
mod attempt;
mod begin;
mod billing;
mod blame;
mod budget;
mod count;
mod dispatch;
mod exchange;
mod fault;
mod finish;
mod flight;
#[cfg(test)]
mod footprint;
mod head;
mod incoming;
mod intake;
mod load;
mod outbound;
mod patience;
mod pause;
mod planning;
mod prepare;
mod recall;
mod receive;
mod relay;
mod renewal;
mod reply;
mod sending;
mod session;
mod side;
mod stopping;
mod strict;
mod traced;
pub mod trial;
mod unread;
mod usage;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use omniroute_core::affinity::Affinity;
use omniroute_core::clock::Clock;
use omniroute_core::seeds::Seeds;
use omniroute_core::state::SharedState;
use omniroute_core::usage::Recorder;
use pingora::http::RequestHeader;
use pingora::upstreams::peer::{HttpPeer, Peer};
use pingora::{Error, Result};
use pingora_core::protocols::Digest;
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

pub use self::administer::{Administration, AnswerBody, ClientAddress};
use self::begin::NotNow;
use self::flight::{Flight, Forward, Fresh};
pub use self::load::Load;
pub use self::side::Side;
use crate::access_log::AccessLog;
use crate::explained::Explained;
use crate::leaving::{Cut, Leaving};
use crate::listen::{Caps, Certificates, Conn};
use crate::live::LiveConfig;
use crate::metrics::Metrics;
use crate::otel::Otel;
use crate::store::Store;
use crate::upstream::{Endpoints, Unreachable};

/// The long-lived parts every request uses.
pub struct Shared {
    /// The configuration in force.
    pub live: Arc<LiveConfig>,
    /// How the accounts are.
    pub state: Arc<SharedState>,
    /// Addresses of providers.
    pub endpoints: Arc<Endpoints>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// One line per request.
    pub access_log: AccessLog,
    /// What is told over OTLP.
    pub otel: Otel,
    /// Takes a record of every call.
    pub recorder: Arc<dyn Recorder>,
    /// What is kept, for metrics of it; nothing here waits for it.
    pub store: Option<Store>,
    /// Makes and opens envelopes round vendors' opaque data.
    pub envelope_key: Arc<[u8]>,
    /// Which account served a conversation last.
    pub affinity: Affinity,
    /// Why the latest requests went where they went.
    pub explained: Arc<Explained>,
    /// Counts calls and what they hold.
    pub load: Arc<Load>,
    /// Counts connections.
    pub caps: Arc<Caps>,
    /// The listeners' certificate.
    pub certificates: Arc<Certificates>,
    /// Answers requests to the administration.
    pub administration: Administration,
    /// Chance.
    pub seeds: Seeds,
    /// The time.
    pub clock: Clock,
    /// Whether the process is stopping, or another takes its place.
    pub(crate) leaving: Leaving,
}

impl Shared {
    /// Returns all metrics as Prometheus text, with accounts and providers as they are now.
    pub fn metrics_text(&self) -> Vec<u8> {
        self.observe();
        self.metrics.text()
    }

    /// Has the metrics take over what is only looked at when somebody asks.
    pub fn observe(&self) {
        self.metrics.observe(&self.live.load(), &self.state, &self.clock);
        self.metrics.load(self.caps.connections(), self.load.body_bytes());
        self.metrics.observe_store(self.store.as_ref().map(Store::health).as_ref());
        self.metrics.observe_log(self.access_log.dropped());
        self.metrics.observe_certificate(self.certificates.problem().is_some());
    }

    /// Tells whether the process is stopping.
    pub fn is_draining(&self) -> bool {
        self.leaving.is_draining()
    }
}

/// The gateway as Pingora runs it.
pub struct Gateway {
    shared: Arc<Shared>,
    side: Side,
}

impl Gateway {
    /// Makes a gateway of its parts, for a listener.
    pub const fn new(shared: Arc<Shared>, side: Side) -> Self {
        Self { shared, side }
    }

    async fn begin_attempt(&self, forward: &mut Forward) -> Result<Box<HttpPeer>> {
        let destination = loop {
            // Made before the look, so that nothing that ends in between is missed.
            let freed = self.shared.state.freed().wait();
            let begun = forward.exchange.lock().begin_attempt();
            match begun {
                Ok(destination) => break destination,
                Err(NotNow::Over(step)) => return Err(fault::concluded(forward, step)),
                Err(NotNow::Renew(account)) => {
                    let renewed = self.shared.live.renewed(&account).await;
                    forward.exchange.lock().renewed(renewed);
                }
                Err(NotNow::Wait(at_most)) => {
                    let mut cut = Cut::default();
                    tokio::select! {
                        // Whether it was the bell or the time: the next look tells.
                        _ = tokio::time::timeout(at_most, freed) => {}
                        () = cut.wait(&self.shared.leaving) => {
                            return Err(fault::settle(forward, fault::stopping()));
                        }
                    }
                }
            }
        };
        let peer = destination.peer(&self.shared.endpoints, &forward.unreachable).await;
        peer.map_err(|why| fault::unreachable(forward, why))
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Flight;

    fn new_ctx(&self) -> Flight {
        Flight::Fresh(Fresh { started: self.shared.clock.now() })
    }

    async fn request_filter(&self, session: &mut Session, flight: &mut Flight) -> Result<bool> {
        receive::receive((&self.shared, self.side), session, flight).await
    }

    async fn upstream_peer(&self, _: &mut Session, flight: &mut Flight) -> Result<Box<HttpPeer>> {
        match flight {
            Flight::Forwarding(forward) => self.begin_attempt(forward).await,
            _ => Err(fault::given_up()),
        }
    }

    async fn connected_to_upstream(
        &self,
        _: &mut Session,
        reused: bool,
        _: &HttpPeer,
        _: std::os::unix::io::RawFd,
        _: Option<&Digest>,
        flight: &mut Flight,
    ) -> Result<()> {
        if let Flight::Forwarding(forward) = flight {
            forward.exchange.lock().connected(reused);
        }
        Ok(())
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        head: &mut RequestHeader,
        flight: &mut Flight,
    ) -> Result<()> {
        let Flight::Forwarding(forward) = flight else { return Err(fault::given_up()) };
        let exchange = forward.exchange.lock();
        let outbound = exchange.attempt.as_ref().and_then(|attempt| attempt.outbound.as_ref());
        outbound.ok_or_else(fault::given_up)?.write_head(head);
        Ok(())
    }

    async fn request_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        flight: &mut Flight,
    ) -> Result<()> {
        let Flight::Forwarding(forward) = flight else { return Ok(()) };
        // What Pingora replays is a stand-in; the attempt's body takes its place at the end. Before
        // that an empty piece, because `None` would end the provider's request.
        let mut exchange = forward.exchange.lock();
        *body = match &mut exchange.attempt {
            Some(attempt) if end => {
                attempt.is_handed_on = true;
                attempt.outbound.as_ref().map(|outbound| outbound.body.clone())
            }
            None if end => None,
            _ => Some(Bytes::new()),
        };
        Ok(())
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        peer: &HttpPeer,
        flight: &mut Flight,
        error: Box<Error>,
    ) -> Box<Error> {
        let Flight::Forwarding(forward) = flight else { return error };
        let why = Unreachable::of(&error);
        if why.is_addresses_fault() {
            forward.unreachable.extend(peer.address().as_inet().copied());
        }
        tracing::debug!(%error, "no connection to a provider");
        fault::unreachable(forward, why)
    }

    fn error_while_proxy(
        &self,
        _: &HttpPeer,
        _: &mut Session,
        error: Box<Error>,
        flight: &mut Flight,
        _: bool,
    ) -> Box<Error> {
        let Flight::Forwarding(forward) = flight else { return error };
        fault::settle(forward, error)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        _: &Error,
        flight: &mut Flight,
    ) -> FailToProxy {
        let error_code = fault::say_last_words(session, flight).await;
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, flight: &mut Flight) {
        match flight {
            Flight::Fresh(_) => {}
            Flight::Local(local) => {
                finish::local(local, &self.shared);
            }
            Flight::Forwarding(forward) => {
                session::step_aside(session, &forward.exchange).await;
                let mut exchange = forward.exchange.lock();
                finish::forwarded(&mut exchange, &self.shared);
            }
        }
        if let Some(conn) = Conn::of(&session.downstream_session) {
            conn.awaits_head();
        }
    }

    fn suppress_error_log(&self, _: &Session, _: &Flight, _: &Error) -> bool {
        // Each failure is logged once, with our fields, where it is judged.
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _: &Session,
        _: &Flight,
        _: &Error,
        _: ProxyWarnLogContext,
    ) -> bool {
        true
    }
}
