//! Makes of a reader's events what the client may have: what the request put off is done, free text
//! becomes an input the client knows, and an end nobody can use becomes an error.

use super::call_ids::CallIds;
use super::free_text::FreeText;
use super::usable::make_usable;
use crate::WireFormat;
use crate::aftercare::Mender;
use crate::codec::ReplyContext;
use crate::event::Event;
use crate::recall::{Learned, Listener};

/// The stages of one reply between its reader and its writer.
#[derive(Debug)]
pub(super) struct Refine {
    client: WireFormat,
    call_ids: CallIds,
    listener: Listener,
    mender: Option<Mender>,
    free_text: Option<FreeText>,
    /// Room for mended events; empty between calls.
    mended: Vec<Event>,
}

impl Refine {
    /// Makes the stages for a client of a format.
    pub(super) fn new(client: WireFormat, context: &ReplyContext) -> Self {
        Self {
            client,
            call_ids: CallIds::new(client, &context.id),
            listener: Listener::default(),
            mender: Mender::new(&context.aftercare),
            free_text: FreeText::new(client),
            mended: Vec::new(),
        }
    }

    /// Takes the next events and leaves what becomes of them.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) {
        for event in events.iter_mut() {
            self.call_ids.name(event);
            // Before anything is hidden: a signature is over the whole text.
            self.listener.hear(event);
        }
        if let Some(mender) = &mut self.mender {
            events.drain(..).for_each(|event| mender.mend(event, &mut self.mended));
            std::mem::swap(events, &mut self.mended);
        }
        if let Some(free_text) = &mut self.free_text {
            *events = free_text.change(std::mem::take(events));
        }
        events.iter_mut().for_each(|event| make_usable(event, self.client));
    }

    /// Returns the reasoning behind calls that was heard since this was last asked.
    pub(super) fn learned(&mut self) -> Vec<Learned> {
        self.listener.take()
    }

    /// Tells whether the answer was cut at a stop sequence, so that the provider need not go on.
    pub(super) fn is_cut(&self) -> bool {
        self.mender.as_ref().is_some_and(Mender::is_cut)
    }
}
