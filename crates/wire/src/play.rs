//! Plays a whole reply as the stream the client asked for.

use bytes::Bytes;

use crate::codec::{Codec, ReplyContext};
use crate::event::{Event, Usage};
use crate::translator::WholeReply;

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
    let mut writer = client.event_writer(context);
    let mut bytes = Vec::new();
    let mut usage = Usage::default();
    let (mut finish, mut error) = (None, None);
    for event in upstream.read_reply(body) {
        match &event {
            Event::Usage(newer) => usage.merge(newer),
            Event::Finish { choice: 0, reason, .. } => finish = Some(*reason),
            Event::Error(found) => error = Some(found.clone()),
            _ => {}
        }
        writer.write(&event, &mut bytes);
    }
    let body = if error.is_some() { Bytes::new() } else { bytes.into() };
    WholeReply { body, usage, finish, error }
}
