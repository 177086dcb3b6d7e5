//! The client's writer, made when it is first needed: a stream that is passed on seldom needs one, and
//! that of Responses reads the client's whole request.

use crate::codec::{Codec, EventWriter, ReplyContext};

/// The writer of one reply stream.
pub(super) struct LateWriter {
    client: &'static dyn Codec,
    context: ReplyContext,
    made: Option<Box<dyn EventWriter>>,
}

impl LateWriter {
    /// Says what is to be made.
    pub(super) const fn new(client: &'static dyn Codec, context: ReplyContext) -> Self {
        Self { client, context, made: None }
    }

    /// Returns the client's format.
    pub(super) const fn client(&self) -> &'static dyn Codec {
        self.client
    }

    /// Returns the writer.
    pub(super) fn get(&mut self) -> &mut dyn EventWriter {
        self.made.get_or_insert_with(|| self.client.event_writer(&self.context)).as_mut()
    }
}
