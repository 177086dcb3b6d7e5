//! Plug-ins on the path of a request: the trait, the chain, the register.
//!
//! Hooks run in the order of the YAML's `filters:` list and, for `on_done`, in reverse. A filter is
//! shared by all requests; it holds settings, never a request's data.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::clock::Clock;
use crate::context::{Outcome, RequestContext};
use crate::error::Error;
use crate::ids::ProviderId;
use crate::reach::Reach;
use crate::replay::{Answers, Flights, Follower};
use crate::routing::Route;
use crate::state::Lockouts;
use crate::webhook::Notices;

/// A plug-in. All hooks default to doing nothing.
#[async_trait]
pub trait Filter: Send + Sync + fmt::Debug + 'static {
    /// The head has been read, the body has not. For cheap refusals.
    ///
    /// # Errors
    ///
    /// An error ends the request; the client gets it in its own format.
    fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let _ = cx;
        Ok(Flow::Continue)
    }

    /// The call is parsed; no account is chosen. May change the call, wait, or answer.
    ///
    /// # Errors
    ///
    /// As [`Filter::on_request`].
    async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        let _ = cx;
        Ok(Flow::Continue)
    }

    /// It is known what the model's name stands for; nobody has been asked. The body is final.
    ///
    /// # Errors
    ///
    /// As [`Filter::on_request`].
    fn on_route(&self, cx: &mut RequestContext, route: &Route) -> Result<(), Error> {
        let _ = (cx, route);
        Ok(())
    }

    /// An answer's head is about to be sent: add headers.
    fn on_response(&self, cx: &RequestContext, headers: &mut HeaderMap) {
        let _ = (cx, headers);
    }

    /// The request is over, however it ended.
    fn on_done(&self, cx: &RequestContext, outcome: &Outcome) {
        let _ = (cx, outcome);
    }

    /// Whether [`Filter::on_request`] also guards the administration, which has keys of its own.
    fn guards_administration(&self) -> bool {
        false
    }

    /// Providers that may not be used, whoever asks.
    fn blocked_providers(&self) -> &[ProviderId] {
        &[]
    }

    /// How long bodies of requests are kept, if this is what keeps them.
    fn keeps_bodies(&self) -> Option<Duration> {
        None
    }

    /// Whether it has bodies of requests kept.
    fn logs_bodies(&self) -> bool {
        false
    }

    /// Whether [`Filter::on_call`] does anything, so that the chain can skip it.
    fn wants_call(&self) -> bool {
        false
    }

    /// Whether [`Filter::on_call`] does anything to this request. Asked first, without a future, so that a
    /// filter costs those next to nothing whom it does not concern.
    fn concerns(&self, cx: &RequestContext) -> bool {
        let _ = cx;
        true
    }
}

/// What a filter decided.
#[derive(Debug)]
pub enum Flow {
    /// The next filter's turn.
    Continue,
    /// The request ends with this answer.
    Answer(Reply),
    /// The request ends with an answer that another request is getting.
    Follow(Relay),
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers, without framing.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// An answer that another request is getting, from its head on.
#[derive(Debug)]
pub struct Relay {
    /// Status.
    pub status: StatusCode,
    /// Headers, without framing.
    pub headers: HeaderMap,
    /// Gives the body.
    pub body: Follower,
}

/// How long bodies of requests stay when no filter says it any more.
const ORPHANED_BODIES: Duration = Duration::from_secs(24 * 3600);

/// The filters of a snapshot, in order.
#[derive(Clone, Debug, Default)]
pub struct FilterChain {
    filters: Vec<Arc<dyn Filter>>,
    names: Vec<&'static str>,
    /// Those of the filters that want calls, in order.
    for_calls: Vec<(&'static str, Arc<dyn Filter>)>,
    blocked_providers: Arc<[ProviderId]>,
}

impl FilterChain {
    /// Appends a filter.
    pub fn push(&mut self, name: &'static str, filter: Arc<dyn Filter>) {
        if filter.wants_call() {
            self.for_calls.push((name, Arc::clone(&filter)));
        }
        let blocked = self.blocked_providers.iter().chain(filter.blocked_providers());
        self.blocked_providers = blocked.cloned().collect();
        self.names.push(name);
        self.filters.push(filter);
    }

    /// Returns the names in order of execution.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Returns the providers that may not be used, whoever asks.
    pub fn blocked_providers(&self) -> Arc<[ProviderId]> {
        Arc::clone(&self.blocked_providers)
    }

    /// Returns how long bodies of requests are kept. Those of a filter that is gone stay for 24
    /// hours.
    pub fn keeps_bodies(&self) -> Duration {
        let said = self.filters.iter().find_map(|filter| filter.keeps_bodies());
        said.unwrap_or(ORPHANED_BODIES)
    }

    /// Tells whether bodies of requests are being kept.
    pub fn logs_bodies(&self) -> bool {
        self.filters.iter().any(|filter| filter.logs_bodies())
    }

    /// Runs [`Filter::on_request`] of those that guard the administration, until one answers or fails.
    ///
    /// # Errors
    ///
    /// The first filter's error.
    pub fn on_administration(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        for filter in self.filters.iter().filter(|filter| filter.guards_administration()) {
            if let Flow::Answer(reply) = filter.on_request(cx)? {
                return Ok(Flow::Answer(reply));
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs [`Filter::on_request`] until one answers or fails.
    ///
    /// # Errors
    ///
    /// The first filter's error.
    pub fn on_request(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        for filter in &self.filters {
            if let Flow::Answer(reply) = filter.on_request(cx)? {
                return Ok(Flow::Answer(reply));
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs [`Filter::on_call`] until one answers, which is taken note of, or fails.
    ///
    /// # Errors
    ///
    /// The first filter's error.
    pub async fn on_call(&self, cx: &mut RequestContext) -> Result<Flow, Error> {
        for (name, filter) in &self.for_calls {
            if !filter.concerns(cx) {
                continue;
            }
            match filter.on_call(cx).await? {
                Flow::Continue => {}
                decided => {
                    cx.attached.answered_by = Some(name);
                    return Ok(decided);
                }
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs [`Filter::on_route`] until one fails.
    ///
    /// # Errors
    ///
    /// The first filter's error.
    pub fn on_route(&self, cx: &mut RequestContext, route: &Route) -> Result<(), Error> {
        self.filters.iter().try_for_each(|filter| filter.on_route(cx, route))
    }

    /// Runs [`Filter::on_response`] of all filters.
    pub fn on_response(&self, cx: &RequestContext, headers: &mut HeaderMap) {
        for filter in &self.filters {
            filter.on_response(cx, headers);
        }
    }

    /// Runs [`Filter::on_done`] of all filters, last first.
    pub fn on_done(&self, cx: &RequestContext, outcome: &Outcome) {
        for filter in self.filters.iter().rev() {
            filter.on_done(cx, outcome);
        }
    }
}

/// What a filter may know of the world when it is built.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// Ids of all known providers.
    pub provider_ids: Vec<String>,
    /// The time.
    pub clock: Clock,
    /// Addresses that sent wrong keys.
    pub lockouts: Arc<Lockouts>,
    /// Calls by the ids their clients gave them.
    pub flights: Arc<Flights>,
    /// Answers that are given again.
    pub answers: Arc<Answers>,
    /// What is to be told to webhooks.
    pub notices: Arc<Notices>,
    /// Which addresses the settings may name.
    pub reach: Reach,
}

/// A fault in a filter's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterFault {
    /// Where, inside the filter's own settings, e.g. `allow[1]`; empty for the whole.
    pub path: String,
    /// What is wrong and how to fix it.
    pub what: String,
}

/// Builds one filter from its settings in the YAML (`null` when only its name stands there).
pub type BuildFilter = fn(Value, &BuildContext) -> Result<Arc<dyn Filter>, Vec<FilterFault>>;

/// The filters there are, by name.
#[derive(Clone, Debug, Default)]
pub struct FilterRegister {
    builders: BTreeMap<&'static str, BuildFilter>,
}

impl FilterRegister {
    /// Adds a filter under its name in the YAML.
    pub fn add(&mut self, name: &'static str, build: BuildFilter) {
        self.builders.insert(name, build);
    }

    /// Returns a filter's name (as a static string) and builder.
    pub fn find(&self, name: &str) -> Option<(&'static str, BuildFilter)> {
        self.builders.get_key_value(name).map(|(name, build)| (*name, *build))
    }

    /// Iterates over all names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.builders.keys().copied()
    }
}
