//! Whole replies: translated, played as streams, collected from streams.

use bytes::Bytes;

use super::refine::Refine;
use super::usable::as_api_error;
use super::watch::Watch;
use super::{Codec, Event, EventReader, Finish, ReplyContext, Usage, is_exact};
use crate::api_error::UpstreamError;
use crate::recall::Learned;

/// A whole reply as the client gets it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WholeReply {
    /// The body; an error body of the client's format if `error` is set and the formats differ.
    pub body: Bytes,
    /// Token counts.
    pub usage: Usage,
    /// Why the first answer ended.
    pub finish: Option<Finish>,
    /// The reasoning behind its calls. Nothing of a reply whose bytes are passed on.
    pub learned: Vec<Learned>,
    /// Set if the body was an error or no reply at all. The caller chooses the status.
    pub error: Option<UpstreamError>,
}

impl WholeReply {
    fn new(body: Bytes, watch: Watch, mut refine: Option<Refine>) -> Self {
        Self {
            body,
            usage: watch.usage_or_estimate(refine.as_ref().is_some_and(Refine::is_cut)),
            finish: watch.finish.map(|(_, reason)| reason),
            learned: refine.as_mut().map(Refine::learned).unwrap_or_default(),
            error: watch.error,
        }
    }
}

/// Translates a whole 2xx reply. Between equal formats the body stays the same bytes.
pub fn translate_reply(
    upstream: &dyn Codec,
    client: &dyn Codec,
    body: &Bytes,
    context: &ReplyContext,
) -> WholeReply {
    let events = upstream.read_reply(body);
    if is_exact(upstream, client) {
        let mut watch = Watch::default();
        events.iter().for_each(|event| watch.see(event));
        return WholeReply::new(body.clone(), watch, None);
    }
    written(events, client, context)
}

/// Turns a whole 2xx reply into the bytes of a complete stream in the client's format.
///
/// For providers that answer with one document although a stream was asked for. When the body is an
/// error or no reply, `error` is set and the body is empty.
pub fn play_reply(
    upstream: &dyn Codec,
    client: &dyn Codec,
    body: &[u8],
    context: &ReplyContext,
) -> WholeReply {
    let (events, refine) = refined(upstream.read_reply(body), client, context);
    let (mut writer, mut watch) = (client.event_writer(context), Watch::default());
    let mut bytes = Vec::new();
    for event in &events {
        watch.see(event);
        writer.write(event, &mut bytes);
    }
    let body = if watch.error.is_some() { Bytes::new() } else { bytes.into() };
    WholeReply::new(body, watch, Some(refine))
}

/// Collects a stream for a client that wants a whole answer, because its provider was asked for one.
pub struct Collector {
    reader: Box<dyn EventReader>,
    client: &'static dyn Codec,
    context: ReplyContext,
    events: Vec<Event>,
    /// Room for what was just read; empty between calls.
    newest: Vec<Event>,
    /// Bytes of the stream that may still come.
    room: usize,
    is_too_large: bool,
}

impl Collector {
    /// Makes a collector of a stream of at most so many bytes.
    pub fn new(
        upstream: &dyn Codec,
        client: &'static dyn Codec,
        context: ReplyContext,
        most_bytes: usize,
    ) -> Self {
        Self {
            reader: upstream.event_reader(),
            client,
            context,
            events: Vec::new(),
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
                // A long answer is not kept word by word.
                for event in self.newest.drain(..) {
                    if !self.events.last_mut().is_some_and(|last| last.absorb(&event)) {
                        self.events.push(event);
                    }
                }
            }
            None => self.is_too_large = true,
        }
    }

    /// Says that the body ended properly, and returns the whole answer.
    pub fn finish(mut self) -> WholeReply {
        if self.is_too_large {
            let error = UpstreamError::server(502, "the upstream's stream is too large to collect");
            self.events.push(Event::Error(error));
        } else {
            self.reader.finish(&mut self.events);
        }
        written(self.events, self.client, &self.context)
    }
}

fn written(events: Vec<Event>, client: &dyn Codec, context: &ReplyContext) -> WholeReply {
    let (events, refine) = refined(events, client, context);
    let mut watch = Watch::default();
    events.iter().for_each(|event| watch.see(event));
    let body = match &watch.error {
        Some(error) => client.write_error(&as_api_error(error)),
        None => client.write_reply(&events, context),
    };
    WholeReply::new(body.into(), watch, Some(refine))
}

/// Returns the events as the client may have them, and the stages that made them so.
fn refined(
    mut events: Vec<Event>,
    client: &dyn Codec,
    context: &ReplyContext,
) -> (Vec<Event>, Refine) {
    let mut refine = Refine::new(client.format(), context);
    refine.take(&mut events);
    (events, refine)
}
