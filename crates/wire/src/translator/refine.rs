//! Makes of a reader's events what the client may have: what the request put off is done, free text
//! becomes an input the client knows, and an end nobody can use becomes an error.

use super::free_text::FreeText;
use super::usable::make_usable;
use crate::WireFormat;
use crate::aftercare::{Aftercare, Mender};
use crate::event::Event;

/// The stages of one reply between its reader and its writer.
#[derive(Debug)]
pub(super) struct Refine {
    client: WireFormat,
    mender: Option<Mender>,
    free_text: Option<FreeText>,
    /// Room for mended events; empty between calls.
    mended: Vec<Event>,
}

impl Refine {
    /// Makes the stages for a client of a format.
    pub(super) fn new(client: WireFormat, aftercare: &Aftercare) -> Self {
        Self {
            client,
            mender: Mender::new(aftercare),
            free_text: FreeText::new(client),
            mended: Vec::new(),
        }
    }

    /// Takes the next events and leaves what becomes of them.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) {
        if let Some(mender) = &mut self.mender {
            events.drain(..).for_each(|event| mender.mend(event, &mut self.mended));
            std::mem::swap(events, &mut self.mended);
        }
        if let Some(free_text) = &mut self.free_text {
            *events = free_text.change(std::mem::take(events));
        }
        events.iter_mut().for_each(|event| make_usable(event, self.client));
    }

    /// Tells whether the answer was cut at a stop sequence, so that the provider need not go on.
    pub(super) fn is_cut(&self) -> bool {
        self.mender.as_ref().is_some_and(Mender::is_cut)
    }
}
