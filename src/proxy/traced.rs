//! A request's part of a trace: begun with the request, told to each provider that is asked.

use std::time::Instant;

use omniroute_core::context::RequestContext;
use omniroute_core::routing::Choice;
use omniroute_core::trace::{AttemptSpan, Trace};
use rand::RngExt;

use super::Shared;
use super::exchange::Exchange;
use super::outbound::Outbound;

/// Begins a request's part of a trace; `None` if no traces are told, or this one is not ours to change.
pub fn begin(cx: &RequestContext, shared: &Shared) -> Option<Box<Trace>> {
    let telemetry = cx.snapshot.telemetry.as_ref().filter(|told| told.traces.is_some())?;
    let ids = (rand::rng().random(), rand::rng().random());
    let began = shared.clock.wall();
    Trace::begin(&cx.head.headers, &telemetry.sampler, ids, began).map(Box::new)
}

impl Exchange {
    /// Makes the provider's part of the trace a child of the attempt's own span, which is returned if it is
    /// recorded.
    pub(super) fn trace_attempt(
        &self,
        choice: &Choice,
        outbound: &mut Outbound,
        began: Instant,
    ) -> Option<AttemptSpan> {
        let trace = self.cx.trace.as_ref()?;
        let id = rand::rng().random();
        outbound.set_trace(trace, id);
        trace.is_sampled.then(|| {
            let endpoint = choice.account.endpoint();
            AttemptSpan { id, began, host: endpoint.host.clone(), port: endpoint.port }
        })
    }
}
