//! What an answer took and cost, also if it ended early.

use omniroute_core::context::Operation;
use omniroute_core::money::charge;
use omniroute_core::snapshot::Target;
use omniroute_wire::{Usage, estimate};

use super::attempt::Attempt;
use super::exchange::Exchange;
use super::incoming::Incoming;

impl Exchange {
    /// Takes note of what the answer took and cost. Where the provider has said nothing of the input,
    /// because it never does or because the answer ended early, the request is counted here.
    pub(super) fn bill(&mut self, mut usage: Usage, target: &Target) {
        if usage.input_total().is_none()
            && let Ok(request) = self.canonical()
        {
            usage.input = Some(estimate::of_request(&request));
            usage.estimated = true;
        }
        let price = self.cx.snapshot.prices.of(target);
        self.delivered.charge = price.map(|price| charge(&usage, price));
        self.delivered.usage = usage;
    }

    /// Takes note of what a stream took, and of what the call took of its account's limits.
    pub(super) fn note_usage(&mut self, attempt: &mut Attempt) {
        if let Incoming::Stream(stream) = &attempt.incoming {
            let usage = stream.translator.usage_or_estimate();
            self.delivered.finish = stream.translator.end_reason();
            self.bill(usage, &attempt.choice.target);
        }
        attempt.ticket.took(self.delivered.usage.total());
        self.note_dropped(attempt);
    }

    /// Takes note of what an answer took that the client did not wait for. The provider was asked, so
    /// the request is paid for, and what had come of the answer; leaving early is no way to get it free.
    pub(super) fn note_unfinished(&mut self, attempt: &mut Attempt) {
        attempt.reclaim();
        let is_paid = attempt.is_sent && self.operation() == Operation::Chat;
        let usage = match std::mem::replace(&mut attempt.incoming, Incoming::Awaited) {
            stream @ Incoming::Stream(_) => {
                attempt.incoming = stream;
                return self.note_usage(attempt);
            }
            Incoming::Refusal { .. } => None,
            Incoming::Collected { collector, .. } => Some(collector.so_far().usage),
            Incoming::Whole { turn: Some(turn), .. } => {
                let context = self.reply_context(&attempt.care);
                Some(self.composed(*turn, &context).0.usage)
            }
            Incoming::Whole { turn: None, .. } | Incoming::Awaited => Some(Usage::default()),
        };
        if let Some(usage) = usage.filter(|_| is_paid) {
            self.bill(usage, &attempt.choice.target);
        }
        self.note_usage(attempt);
    }
}
