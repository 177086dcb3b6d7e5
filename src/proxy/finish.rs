//! The end of a request: metrics, filters, one line in the access log.

use std::time::Duration;

use omniroute_core::context::{AttemptRecord, Outcome, RequestContext};
use omniroute_core::routing::Decision;
use omniroute_wire::Usage;

use super::exchange::Exchange;
use super::flight::Local;
use super::{Shared, usage};
use crate::otel::Ended;

/// Status of a request whose client left before it was answered (nginx's convention).
const CLIENT_GONE: u16 = 499;

/// Records a forwarded request.
pub fn forwarded(exchange: &mut Exchange, shared: &Shared) {
    if exchange.attempt.is_some() {
        exchange.client_gone();
    }
    let delivered = &exchange.delivered;
    let left = exchange.client_left
        || exchange.records.last().is_some_and(|record| {
            record.failure == Some(omniroute_core::verdict::Reason::ClientGone)
        });
    let status = if left { CLIENT_GONE } else { delivered.status.unwrap_or(CLIENT_GONE) };
    let outcome = Outcome {
        status,
        error: delivered.error,
        interrupted: delivered.interrupted,
        first_byte: delivered
            .first_byte
            .map(|at| at.saturating_duration_since(exchange.cx.started)),
        duration: since(&exchange.cx, shared),
        usage: delivered.usage,
        charge: delivered.charge,
        dropped: delivered.dropped.clone(),
    };
    land(&exchange.cx, &outcome, &exchange.records, shared);
    let combo = exchange.planned.combo();
    shared.otel.ended(&Ended {
        cx: &exchange.cx,
        outcome: &outcome,
        attempts: &exchange.records,
        finish: exchange.delivered.finish,
        combo,
    });
    let record = usage::record(&mut exchange.cx, &outcome, &exchange.records, (combo, shared));
    let attempts = std::mem::take(&mut exchange.records);
    let error = outcome.error.map(|code| code.name);
    let decision = exchange.planned.decision(&exchange.cx);
    shared.explained.keep(Decision { record, attempts, error, ..decision });
}

/// Records a request that was answered here.
pub fn local(local: &mut Local, shared: &Shared) {
    let Some(cx) = &mut local.cx else { return };
    let outcome = Outcome {
        status: if local.status == 0 { CLIENT_GONE } else { local.status },
        error: local.error,
        interrupted: false,
        first_byte: None,
        duration: since(cx, shared),
        usage: Usage::default(),
        charge: None,
        dropped: Box::default(),
    };
    land(cx, &outcome, &[], shared);
    shared.otel.ended(&Ended { cx, outcome: &outcome, attempts: &[], finish: None, combo: None });
    usage::record(cx, &outcome, &[], (None, shared));
}

fn land(cx: &RequestContext, outcome: &Outcome, records: &[AttemptRecord], shared: &Shared) {
    let served = records.last().filter(|_| outcome.error.is_none() || outcome.interrupted);
    shared.metrics.request(cx.format.name(), outcome, served, &cx.snapshot);
    cx.snapshot.filters.on_done(cx, outcome);
    shared.access_log.write(cx, outcome, records);
}

fn since(cx: &RequestContext, shared: &Shared) -> Duration {
    shared.clock.now().saturating_duration_since(cx.started)
}
