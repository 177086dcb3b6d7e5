//! Collects a stream for a client that wants a whole answer, because its provider was asked for one.

use super::whole::{WholeReply, WholeTurn};
use super::{Codec, Event, EventReader, ReplyContext};
use crate::api_error::UpstreamError;

/// Collects streams: one, or several where the provider paused.
pub struct Collector {
    reader: Box<dyn EventReader>,
    client: &'static dyn Codec,
    context: ReplyContext,
    turn: WholeTurn,
    /// Room for what was just read; empty between calls.
    newest: Vec<Event>,
    /// Bytes that may still come.
    room: usize,
    is_too_large: bool,
}

impl Collector {
    /// Makes a collector of streams of at most so many bytes together.
    pub fn new(
        upstream: &dyn Codec,
        client: &'static dyn Codec,
        context: ReplyContext,
        most_bytes: usize,
    ) -> Self {
        Self {
            reader: upstream.event_reader(),
            client,
            turn: WholeTurn::new(upstream, client, &context),
            context,
            newest: Vec::new(),
            room: most_bytes,
            is_too_large: false,
        }
    }

    /// Takes the next bytes of the provider's body.
    pub fn push(&mut self, bytes: &[u8]) {
        match self.room.checked_sub(bytes.len()) {
            Some(room) => {
                self.room = room;
                self.reader.push(bytes, &mut self.newest);
                self.turn.take(&mut self.newest);
            }
            None => self.is_too_large = true,
        }
    }

    /// Says that the provider's body ended properly. Returns the request that has the provider go on, as
    /// [`WholeTurn::continued`] does; unless it is asked, the answer is to be finished.
    pub fn end_body(&mut self, upstream: &dyn Codec, body: &[u8]) -> Option<Vec<u8>> {
        self.read_rest();
        self.turn.continued(upstream, body)
    }

    /// Expects the stream that goes on where the provider paused.
    pub fn go_on(&mut self, upstream: &dyn Codec) {
        self.reader = upstream.event_reader();
        self.turn.go_on();
    }

    /// Tells whether the provider has paused and was asked to go on.
    pub fn is_continued(&self) -> bool {
        self.turn.is_continued()
    }

    /// Says that the provider's body ended properly, and returns the whole answer.
    pub fn finish(mut self) -> WholeReply {
        self.read_rest();
        self.so_far()
    }

    /// Returns what was said so far as the whole answer, for a provider that does not go on.
    pub fn so_far(self) -> WholeReply {
        self.turn.written(self.client, &self.context)
    }

    fn read_rest(&mut self) {
        if self.turn.is_complete() {
            return;
        }
        if self.is_too_large {
            let error = UpstreamError::server(502, "the upstream's stream is too large to collect");
            self.newest.push(Event::Error(error));
        } else {
            self.reader.finish(&mut self.newest);
        }
        self.turn.take(&mut self.newest);
    }
}
