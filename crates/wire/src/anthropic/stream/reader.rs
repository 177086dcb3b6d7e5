//! Turns the bytes of one stream into events.
//!
//! The finish is held back until the end is certain: an error after `message_delta` would otherwise
//! come behind a finish that can no longer be taken back.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::frame::{self, Delta, Frame, Message};
use crate::anthropic::block::{Block, delta_event, server};
use crate::anthropic::reply::StopDetails;
use crate::anthropic::words::StopSaid;
use crate::anthropic::{cite, error, reply, usage};
use crate::api_error::UpstreamError;
use crate::chat::{Opaque, OpaqueKind, Vendor};
use crate::codec::EventReader;
use crate::event::{Event, PartHead, ReasoningKind, Usage};
use crate::like_last::LikeLast;
use crate::sse::{self, Splitter};

/// What stands before the text of a `text_delta`.
const TEXT_MARK: &[u8] = b"\"text\":\"";

/// Reader of one stream.
#[derive(Debug, Default)]
pub(in crate::anthropic) struct Reader {
    splitter: Splitter,
    fold: Fold,
}

impl EventReader for Reader {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let fold = &mut self.fold;
        if !fold.closed {
            self.splitter.push(bytes, |piece| fold.take(&piece, Tail::Open, out));
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        let fold = &mut self.fold;
        if !fold.closed {
            self.splitter.finish(|piece| fold.take(&piece, Tail::Cut, out));
            fold.end_of_body(out);
        }
    }
}

/// Whether more bytes can come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Open,
    /// The body ended: what is unreadable now was cut off.
    Cut,
}

/// What has been understood of the stream so far.
#[derive(Debug, Default)]
struct Fold {
    /// The message's id, once it began.
    started: Option<String>,
    closed: bool,
    blocks: Vec<OpenBlock>,
    next_part: u32,
    has_calls: bool,
    stop: StopSaid,
    usage: Usage,
    like_last: LikeLast,
    /// Lines that are no fields of an event stream: usually a reply or error without framing.
    stray: Vec<u8>,
}

#[derive(Debug)]
struct OpenBlock {
    /// The provider's number.
    index: u64,
    /// Ours.
    part: u32,
    head: PartHead,
    /// Arguments that came with the start of the block; they count only if no fragments follow. Of a call
    /// of the provider's own tools the fragments.
    announced: String,
    has_arguments: bool,
}

impl Fold {
    fn take(&mut self, piece: &sse::Frame<'_>, tail: Tail, out: &mut Vec<Event>) {
        if self.closed {
            return;
        }
        match piece {
            sse::Frame::Event { data, .. } => self.take_data(data, tail, out),
            sse::Frame::Stray(line) => self.take_stray(line, out),
            sse::Frame::Comment => {}
            sse::Frame::TooLarge => {
                let limit = sse::MAX_EVENT_BYTES;
                let message = format!("the upstream sent an event over {limit} bytes");
                self.fail(UpstreamError::truncated(message), out);
            }
        }
    }

    fn take_data(&mut self, data: &[u8], tail: Tail, out: &mut Vec<Event>) {
        let trimmed = data.trim_ascii();
        if trimmed.is_empty() || trimmed == b"[DONE]" {
            return;
        }
        if self.like_last.take(b"", trimmed, out) {
            return;
        }
        let before = out.len();
        let parsed = trimmed.starts_with(b"{")
            && frame::parse(trimmed, |frame| self.take_frame(frame, out)).is_ok();
        self.like_last.note(TEXT_MARK, b"", trimmed, &out[before..]);
        // At the end of the body an unreadable event was cut off; what came before it decides.
        if !parsed && tail == Tail::Open {
            let message = "the upstream sent an event that is not valid JSON";
            self.fail(UpstreamError::truncated(message), out);
        }
    }

    fn take_stray(&mut self, line: &[u8], out: &mut Vec<Event>) {
        if self.stray.is_empty() && line.trim_ascii_start().starts_with(b"<") {
            self.fail(reply::no_reply(line), out);
            return;
        }
        // One that grows over the limit of an event is no error body.
        if self.stray.len() + line.len() < sse::MAX_EVENT_BYTES {
            self.stray.extend_from_slice(line);
            self.stray.push(b'\n');
        }
    }

    fn take_frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        let Frame { kind, index, delta, content_block, message, usage, error } = frame;
        match &*kind {
            "content_block_delta" => {
                if let Some(delta) = delta {
                    self.take_delta(index, delta, out);
                }
            }
            "message_start" => self.start(message, out),
            "content_block_start" => self.start_block(index, content_block, out),
            "content_block_stop" => self.stop_block(index, out),
            "message_delta" => {
                self.ensure_started(out);
                self.take_usage(usage, out);
                if let Some(delta) = delta {
                    self.note_stop(delta);
                }
            }
            "message_stop" => self.end(out),
            "ping" => out.push(Event::Ping),
            kind if kind == "error" || error.is_some() => {
                let inner = error.map_or("null", RawValue::get);
                let inner: Value = serde_json::from_str(inner).unwrap_or_default();
                self.fail(error::in_band(&json!({ "error": inner })), out);
            }
            // New kinds of events may come any day.
            _ => {}
        }
    }

    fn start(&mut self, message: Option<Message<'_>>, out: &mut Vec<Event>) {
        let (id, model, usage) = match message {
            Some(message) => (message.id, message.model, message.usage),
            None => (None, None, None),
        };
        let id = id.unwrap_or_default();
        match &self.started {
            // Some providers repeat the start; another id means that they began anew.
            Some(known) if *known != id => {
                let message = "the upstream began a second message in the middle of the first";
                self.fail(UpstreamError::truncated(message), out);
            }
            Some(_) => {}
            None => {
                self.started = Some(id.clone());
                let model = model.unwrap_or_default();
                out.push(Event::Start { id, model, created: None });
                self.take_usage(usage, out);
            }
        }
    }

    fn ensure_started(&mut self, out: &mut Vec<Event>) {
        if self.started.is_none() {
            self.start(None, out);
        }
    }

    fn take_usage(&mut self, raw: Option<&RawValue>, out: &mut Vec<Event>) {
        let Some(raw) = raw else { return };
        let mut merged = self.usage;
        merged.merge(&usage::read(raw));
        if merged != self.usage {
            self.usage = merged;
            out.push(Event::Usage(merged));
        }
    }

    fn note_stop(&mut self, delta: Delta<'_>) {
        let explanation = delta.stop_details.and_then(StopDetails::into_text);
        self.stop.reason = delta.stop_reason.or(self.stop.reason.take());
        self.stop.sequence = delta.stop_sequence.or(self.stop.sequence.take());
        self.stop.explanation = explanation.or(self.stop.explanation.take());
    }

    fn start_block(&mut self, index: Option<u64>, block: Option<&RawValue>, out: &mut Vec<Event>) {
        self.ensure_started(out);
        let index = index.unwrap_or(u64::from(self.next_part));
        if let Some(place) = self.place(Some(index)) {
            self.close(place, out);
        }
        match block.map(Block::read) {
            Some(Ok(block)) => self.open(index, block, out),
            None | Some(Err(_)) => {
                let message = "the upstream began a content block that cannot be understood";
                self.fail(UpstreamError::truncated(message), out);
            }
        }
    }

    fn open(&mut self, index: u64, block: Block, out: &mut Vec<Event>) {
        let Block { head, text, opaque, citations } = block;
        let part = self.next_part;
        self.next_part += 1;
        self.has_calls |= matches!(head, PartHead::ToolCall { .. });
        if !is_filled_later(&head) {
            out.push(Event::PartStart { choice: 0, part, head: head.clone() });
        }
        let mut announced = String::new();
        if matches!(head, PartHead::ToolCall { .. }) {
            announced = text;
        } else if !text.is_empty() {
            out.extend(delta_event(&head, part, text));
        }
        if let Some(opaque) = opaque {
            out.push(Event::Opaque { choice: 0, part, opaque });
        }
        out.extend(citations.into_iter().map(|citation| Event::Cite { choice: 0, part, citation }));
        if self.blocks.is_empty() {
            // Blocks come one after the other.
            self.blocks.reserve_exact(1);
        }
        self.blocks.push(OpenBlock { index, part, head, announced, has_arguments: false });
    }

    /// Finds an open block by the provider's number; without one it is the newest.
    fn place(&self, index: Option<u64>) -> Option<usize> {
        match index {
            Some(index) => self.blocks.iter().position(|block| block.index == index),
            None => self.blocks.len().checked_sub(1),
        }
    }

    fn take_delta(&mut self, index: Option<u64>, delta: Delta<'_>, out: &mut Vec<Event>) {
        match &*delta.kind {
            "text_delta" => {
                self.add(index, PartHead::Text, delta.text.unwrap_or_default(), out);
            }
            "thinking_delta" => {
                self.add(
                    index,
                    PartHead::Reasoning(ReasoningKind::Summary),
                    delta.thinking.unwrap_or_default(),
                    out,
                );
            }
            "input_json_delta" => {
                let Some(place) = self.place(index) else { return };
                let block = &mut self.blocks[place];
                let delta = delta.partial_json.unwrap_or_default();
                if is_filled_later(&block.head) {
                    block.announced.push_str(&delta);
                } else if matches!(block.head, PartHead::ToolCall { .. }) && !delta.is_empty() {
                    block.has_arguments = true;
                    out.push(Event::Arguments { choice: 0, part: block.part, delta });
                }
            }
            "signature_delta" => {
                let Some(place) = self.place(index) else { return };
                let block = &self.blocks[place];
                let data = delta.signature.unwrap_or_default();
                if matches!(block.head, PartHead::Reasoning(_)) && !data.is_empty() {
                    let kind = OpaqueKind::Signature;
                    let opaque = Opaque::new(Vendor::Anthropic, kind, data);
                    out.push(Event::Opaque { choice: 0, part: block.part, opaque });
                }
            }
            "citations_delta" => {
                let (Some(place), Some(raw)) = (self.place(index), delta.citation) else { return };
                let block = &self.blocks[place];
                if block.head == PartHead::Text {
                    let (part, citation) = (block.part, cite::read(raw));
                    out.push(Event::Cite { choice: 0, part, citation });
                }
            }
            // Compactions and what comes next have no place in our form.
            _ => {}
        }
    }

    /// Adds to a text or reasoning block; begins one where the provider forgot to, or where the block
    /// of that number is of the other kind.
    fn add(&mut self, index: Option<u64>, head: PartHead, delta: String, out: &mut Vec<Event>) {
        if delta.is_empty() {
            return;
        }
        let place = self.place(index);
        if let Some(place) = place {
            let known = &self.blocks[place];
            if known.head == head {
                out.extend(delta_event(&head, known.part, delta));
                return;
            }
            if matches!(known.head, PartHead::Server { .. }) {
                return;
            }
            self.close(place, out);
        }
        self.ensure_started(out);
        let index = index.unwrap_or(u64::from(self.next_part));
        self.open(index, Block::plain(head, delta), out);
    }

    fn stop_block(&mut self, index: Option<u64>, out: &mut Vec<Event>) {
        if let Some(place) = self.place(index) {
            self.close(place, out);
        }
    }

    fn close(&mut self, place: usize, out: &mut Vec<Event>) {
        let block = self.blocks.remove(place);
        let part = block.part;
        if is_filled_later(&block.head) {
            let head = filled(block.head, &block.announced);
            out.push(Event::PartStart { choice: 0, part, head });
            out.push(Event::PartEnd { choice: 0, part });
            return;
        }
        if matches!(block.head, PartHead::ToolCall { .. }) && !block.has_arguments {
            // A call without arguments has no fragments; its input is what the start said.
            let delta = if block.announced.is_empty() { "{}".to_owned() } else { block.announced };
            out.push(Event::Arguments { choice: 0, part, delta });
        }
        out.push(Event::PartEnd { choice: 0, part });
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if !self.closed {
            self.closed = true;
            out.push(Event::Error(error));
        }
    }

    /// Ends the reply at its marker.
    fn end(&mut self, out: &mut Vec<Event>) {
        if self.stop.reason.is_none() && self.next_part == 0 {
            let message = "the upstream ended its reply without any content";
            self.fail(UpstreamError::truncated(message), out);
            return;
        }
        self.complete(out);
    }

    fn complete(&mut self, out: &mut Vec<Event>) {
        self.ensure_started(out);
        while !self.blocks.is_empty() {
            self.close(0, out);
        }
        out.push(std::mem::take(&mut self.stop).into_event(self.has_calls));
        out.push(Event::End);
        self.closed = true;
    }

    /// Decides what a body that ended without `message_stop` was.
    fn end_of_body(&mut self, out: &mut Vec<Event>) {
        if self.closed {
            return;
        }
        let stray = std::mem::take(&mut self.stray);
        let is_json = stray.trim_ascii_start().starts_with(b"{")
            || stray.trim_ascii_start().starts_with(b"[");
        if is_json && self.started.is_none() {
            self.closed = true;
            out.extend(reply::read(&stray));
            return;
        }
        if is_json
            && let Ok(value) = serde_json::from_slice::<Value>(&stray)
            && error::is_error_body(&value)
        {
            self.fail(error::in_band(&value), out);
            return;
        }
        if self.stop.reason.is_some() {
            self.complete(out);
            return;
        }
        let message = if self.started.is_some() {
            "the upstream closed the stream before it was complete"
        } else {
            "the upstream closed the stream before it began"
        };
        self.fail(UpstreamError::truncated(message), out);
    }
}

/// Tells whether a part is a call of the provider's own tools: it is told whole, when its input is known.
fn is_filled_later(head: &PartHead) -> bool {
    matches!(head, PartHead::Server { raw, .. } if raw["input"].is_object())
}

/// Puts the input that came in fragments into a call of the provider's own tools.
fn filled(head: PartHead, input: &str) -> PartHead {
    match (head, serde_json::from_str::<Value>(input)) {
        (PartHead::Server { mut raw, .. }, Ok(input)) => {
            raw["input"] = input;
            server(raw)
        }
        (head, _) => head,
    }
}
