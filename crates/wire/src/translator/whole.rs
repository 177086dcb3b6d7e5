//! Whole replies: translated, or played as streams.

use bytes::Bytes;

use super::refine::Refine;
use super::usable::as_api_error;
use super::watch::Watch;
use super::{Codec, Event, Finish, ReplyContext, Usage, is_exact};
use crate::api_error::UpstreamError;
use crate::recall::Learned;
use crate::survey::Survey;

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
    /// Why the provider did not go on where it had paused; the body holds what was said before.
    pub broken_off: Option<UpstreamError>,
}

impl WholeReply {
    fn new(body: Bytes, watch: Watch) -> Self {
        Self {
            body,
            usage: watch.usage_or_estimate(false),
            finish: watch.finish.map(|(_, reason)| reason),
            learned: Vec::new(),
            error: watch.error,
            broken_off: None,
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
    if is_exact(upstream, client) {
        return pass_reply(upstream, body);
    }
    let mut turn = WholeTurn::new(upstream, client, context);
    turn.add(upstream.read_reply(body));
    turn.written(client, context)
}

/// Looks at a whole 2xx reply whose bytes are passed on to a client of the same format.
pub fn pass_reply(codec: &dyn Codec, body: &Bytes) -> WholeReply {
    surveyed(codec, body).unwrap_or_else(|| watched(codec, body))
}

/// Looks at a reply that is passed on without reading it in full. `None`: that is not enough to tell what it says, or nobody counted
/// the output, of which an estimate has to hear every word.
pub(super) fn surveyed(codec: &dyn Codec, body: &Bytes) -> Option<WholeReply> {
    let Survey { usage, finish } = codec.survey_reply(body)?;
    let usage = usage.plausible();
    usage.output?;
    Some(WholeReply { body: body.clone(), usage, finish: Some(finish), ..WholeReply::default() })
}

/// Reads a reply that is passed on in full.
pub(super) fn watched(codec: &dyn Codec, body: &Bytes) -> WholeReply {
    let mut watch = Watch::default();
    codec.read_reply(body).iter().for_each(|event| watch.see(event));
    WholeReply::new(body.clone(), watch)
}

/// An answer that is written when it is whole: of one reply, or of several where its provider paused.
#[derive(Debug)]
pub struct WholeTurn {
    refine: Refine,
    events: Vec<Event>,
    broken_off: Option<UpstreamError>,
}

impl WholeTurn {
    /// Begins an answer.
    pub fn new(upstream: &dyn Codec, client: &dyn Codec, context: &ReplyContext) -> Self {
        let refine = Refine::new(upstream, client, context);
        Self { refine, events: Vec::new(), broken_off: None }
    }

    /// Takes the next events of the newest reply.
    pub fn add(&mut self, mut events: Vec<Event>) {
        self.take(&mut events);
    }

    /// Takes the next events, leaving the list empty.
    pub(super) fn take(&mut self, events: &mut Vec<Event>) {
        self.refine.take(events);
        for event in events.drain(..) {
            match event {
                // What was said before the pause is still an answer.
                Event::Error(error) if self.is_continued() => self.broken_off = Some(error),
                // A long answer is not kept word by word.
                event => {
                    if !self.events.last_mut().is_some_and(|last| last.absorb(&event)) {
                        self.events.push(event);
                    }
                }
            }
        }
    }

    /// Returns the request that has the provider go on, if it paused in the middle of its turn and the
    /// client does not know that; `body` is the one that asked for the answer.
    pub fn continued(&self, upstream: &dyn Codec, body: &[u8]) -> Option<Vec<u8>> {
        self.refine.continued(upstream, body)
    }

    /// Expects the reply that goes on where the provider paused.
    pub fn go_on(&mut self) {
        self.refine.go_on();
    }

    /// Tells whether the provider has paused and was asked to go on.
    pub fn is_continued(&self) -> bool {
        self.refine.is_continued()
    }

    /// Tells whether the answer has its end.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.events.last(), Some(Event::End | Event::Error(_)))
    }

    /// Writes the answer. One that has no end yet ends where it stands.
    pub fn written(self, client: &dyn Codec, context: &ReplyContext) -> WholeReply {
        self.concluded(|events, watch| match &watch.error {
            Some(error) => client.write_error(&as_api_error(error)),
            None => client.write_reply(events, context),
        })
    }

    /// Writes the answer as a complete stream, for a provider that answers with one document although a
    /// stream was asked for. Nothing if it is an error or no reply.
    pub fn played(self, client: &dyn Codec, context: &ReplyContext) -> WholeReply {
        self.concluded(|events, watch| {
            let mut bytes = Vec::new();
            if watch.error.is_none() {
                let mut writer = client.event_writer(context);
                events.iter().for_each(|event| writer.write(event, &mut bytes));
            }
            bytes
        })
    }

    fn concluded(mut self, write: impl FnOnce(&[Event], &Watch) -> Vec<u8>) -> WholeReply {
        if !self.is_complete() {
            self.events.extend(self.refine.end());
        }
        let mut watch = Watch::default();
        self.events.iter().for_each(|event| watch.see(event));
        if self.events.last() == Some(&Event::End)
            && let Some(usage) = watch.uncounted(self.refine.client())
        {
            let usage = Event::Usage(usage);
            watch.see(&usage);
            self.events.insert(self.events.len() - 1, usage);
        }
        let body = write(&self.events, &watch).into();
        WholeReply {
            usage: watch.usage_or_estimate(self.refine.is_cut()),
            learned: self.refine.learned(),
            broken_off: self.broken_off,
            ..WholeReply::new(body, watch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aftercare::Aftercare;
    use crate::anthropic::Anthropic;
    use crate::openai_chat::OpenAiChat;

    fn paused(text: &str) -> String {
        format!(
            r#"{{"type":"message","id":"m","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"pause_turn","usage":{{"input_tokens":1,"output_tokens":2}}}}"#
        )
    }

    fn turn(replies: &[&str]) -> WholeTurn {
        let aftercare = Aftercare { server_tools: true, ..Aftercare::default() };
        let context = ReplyContext { aftercare, ..ReplyContext::default() };
        let mut turn = WholeTurn::new(&Anthropic, &OpenAiChat, &context);
        for (place, reply) in replies.iter().enumerate() {
            if place > 0 {
                turn.go_on();
            }
            turn.add(Anthropic.read_reply(reply.as_bytes()));
        }
        turn
    }

    fn written(turn: WholeTurn) -> (WholeReply, String) {
        let reply = turn.written(&OpenAiChat, &ReplyContext::default());
        let body = String::from_utf8(reply.body.to_vec()).unwrap();
        (reply, body)
    }

    #[test]
    fn an_answer_without_an_end_ends_where_it_stands() {
        let (reply, body) = written(turn(&[&paused("half")]));

        assert!(body.contains("\"content\":\"half\""), "{body}");
        assert!(body.contains("\"finish_reason\":\"stop\""), "{body}");
        assert_eq!((reply.finish, reply.usage.output), (Some(Finish::Pause), Some(2)));
    }

    #[test]
    fn an_error_after_a_pause_leaves_what_was_said() {
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;

        let (reply, body) = written(turn(&[&paused("half"), error]));

        assert!(body.contains("\"content\":\"half\""), "{body}");
        assert_eq!(reply.error, None);
        assert_eq!(reply.broken_off.map(|error| error.message).as_deref(), Some("busy"));
    }
}
