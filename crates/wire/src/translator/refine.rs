//! Makes of a reader's events what the client may have: pauses are bridged, calls get their ids, what the
//! request put off is done, free text becomes an input the client knows, and an end nobody can use becomes
//! an error.

use super::call_ids::CallIds;
use super::free_text::FreeText;
use super::turn::Turn;
use super::usable::make_usable;
use crate::WireFormat;
use crate::aftercare::Mender;
use crate::codec::{Codec, ReplyContext};
use crate::event::{Event, Finish};
use crate::recall::{Learned, Listener};

/// The stages of one answer between its reader and its writer.
#[derive(Debug)]
pub(super) struct Refine {
    client: WireFormat,
    /// Boxed like the mender: most replies need neither, and streams are many.
    turn: Option<Box<Turn>>,
    call_ids: CallIds,
    listener: Listener,
    mender: Option<Box<Mender>>,
    free_text: Option<FreeText>,
    /// Room for mended events; empty between calls.
    mended: Vec<Event>,
}

impl Refine {
    /// Makes the stages for what a provider says to a client.
    pub(super) fn new(upstream: &dyn Codec, client: &dyn Codec, context: &ReplyContext) -> Self {
        let format = client.format();
        Self {
            client: format,
            turn: Turn::new(upstream, client, &context.aftercare).map(Box::new),
            call_ids: CallIds::new(format, &context.id),
            listener: Listener::default(),
            mender: Mender::new(&context.aftercare).map(Box::new),
            free_text: FreeText::new(format),
            mended: Vec::new(),
        }
    }

    /// Returns the client's format.
    pub(super) const fn client(&self) -> WireFormat {
        self.client
    }

    /// Takes the next events and leaves what becomes of them.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) {
        if let Some(turn) = &mut self.turn {
            turn.take(events);
        }
        self.change(events);
    }

    /// Ends the answer where it stands and returns the last events.
    pub(super) fn end(&mut self) -> Vec<Event> {
        let pause = || Event::Finish {
            choice: 0,
            reason: Finish::Pause,
            native: String::new(),
            stop_sequence: None,
            detail: None,
        };
        let held = self.turn.as_mut().and_then(|turn| turn.end());
        let mut events = vec![held.unwrap_or_else(pause), Event::End];
        self.change(&mut events);
        events
    }

    fn change(&mut self, events: &mut Vec<Event>) {
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

    /// Returns the request that has the provider go on with what it paused; `body` asked for the answer.
    pub(super) fn continued(&self, upstream: &dyn Codec, body: &[u8]) -> Option<Vec<u8>> {
        let turn = self.turn.as_ref().filter(|_| !self.is_cut());
        turn.and_then(|turn| turn.continued(upstream, body))
    }

    /// Tells whether a pause of this provider is bridged for this client.
    pub(super) const fn bridges_pauses(&self) -> bool {
        self.turn.is_some()
    }

    /// Tells whether the newest reply ended in a pause that is bridged.
    pub(super) fn is_paused(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.is_paused())
    }

    /// Expects the reply that goes on.
    pub(super) fn go_on(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.go_on();
        }
    }

    /// Tells whether a reply that was paused is gone on from.
    pub(super) fn is_continued(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.is_continued())
    }

    /// Returns the reasoning behind calls that was heard since this was last asked.
    pub(super) fn learned(&mut self) -> Vec<Learned> {
        self.listener.take()
    }

    /// Tells whether the answer was cut at a stop sequence, so that the provider need not go on.
    pub(super) fn is_cut(&self) -> bool {
        self.mender.as_ref().is_some_and(|mender| mender.is_cut())
    }
}
