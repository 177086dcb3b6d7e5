//! Turns events into the bytes the official libraries accept.
//!
//! They fail on a missing `event:` line, on a gap between block numbers and on a `message_delta`
//! without usage, and take a stream that simply ends for a message: so blocks are numbered from 0,
//! one is open at a time, and everything about the end is written only when the end is certain.

use super::queue::{Piece, Queue};
use crate::anthropic::words::{StopWords, write_stop_reason};
use crate::anthropic::{error, reply, usage};
use crate::api_error::ApiError;
use crate::chat::{Opaque, OpaqueKind, Vendor};
use crate::codec::{EventWriter, ReplyContext};
use crate::collect::CollectedFinish;
use crate::event::{Event, PartHead, Usage};
use crate::json;

/// Writer of one stream.
#[derive(Debug)]
pub(in crate::anthropic) struct Writer {
    id: String,
    model: String,
    started: bool,
    closed: bool,
    /// The part that is written live.
    open: Option<Open>,
    queue: Queue,
    next_index: u64,
    has_calls: bool,
    usage: Usage,
    finish: Option<CollectedFinish>,
}

/// The part that is written live. Its block begins with its first content: empty blocks, stored and
/// sent back by clients, are refused by the API.
#[derive(Debug)]
struct Open {
    part: u32,
    block: Option<Shape>,
}

/// What block stands open on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Thinking,
    Redacted,
    Call,
}

impl Writer {
    /// Makes a writer.
    pub(in crate::anthropic) fn new(context: &ReplyContext) -> Self {
        Self {
            id: context.id.clone(),
            model: context.model.clone(),
            started: false,
            closed: false,
            open: None,
            queue: Queue::default(),
            next_index: 0,
            has_calls: false,
            usage: Usage::default(),
            finish: None,
        }
    }
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.closed {
            return;
        }
        match event {
            Event::Text { choice: 0, part, delta } => self.text(*part, Shape::Text, delta, out),
            Event::Reasoning { choice: 0, part, delta } => {
                self.text(*part, Shape::Thinking, delta, out);
            }
            Event::Arguments { choice: 0, part, delta } => {
                self.text(*part, Shape::Call, delta, out);
            }
            Event::Start { id, model, .. } => self.start(id, model, out),
            Event::PartStart { choice: 0, part, head } => self.part_start(*part, head, out),
            Event::Opaque { choice: 0, part, opaque } => self.opaque(*part, opaque, out),
            Event::PartEnd { choice: 0, part } => self.part_end(*part, out),
            Event::Usage(usage) => self.usage.merge(usage),
            Event::Finish { choice: 0, reason, native, stop_sequence, detail } => {
                self.finish = Some(CollectedFinish {
                    reason: *reason,
                    native: native.clone(),
                    stop_sequence: stop_sequence.clone(),
                    detail: detail.clone(),
                });
            }
            Event::Ping => self.ping(out),
            Event::Error(fault) => {
                self.closed = true;
                error::write_upstream_event(fault, out);
            }
            Event::End => self.end(out),
            // This format has one answer.
            Event::PartStart { .. }
            | Event::Text { .. }
            | Event::Reasoning { .. }
            | Event::Arguments { .. }
            | Event::Opaque { .. }
            | Event::PartEnd { .. }
            | Event::Cite { .. }
            | Event::Logprobs { .. }
            | Event::Finish { .. } => {}
        }
    }

    fn ping(&mut self, out: &mut Vec<u8>) {
        if !self.closed {
            out.extend_from_slice(b"event: ping\ndata: {\"type\": \"ping\"}\n\n");
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if !self.closed {
            self.closed = true;
            error::write_event(error, out);
        }
    }
}

impl Writer {
    fn start(&mut self, id: &str, model: &str, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        if !id.is_empty() {
            id.clone_into(&mut self.id);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        out.extend_from_slice(
            b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":",
        );
        json::string(&self.id, out);
        out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
        json::string(&self.model, out);
        out.extend_from_slice(
            b",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":",
        );
        usage::write(&self.usage, out);
        out.extend_from_slice(b"}}\n\n");
        self.ping(out);
    }

    fn part_start(&mut self, part: u32, head: &PartHead, out: &mut Vec<u8>) {
        self.start("", "", out);
        if self.open.is_some() {
            self.queue.push(part, head.clone());
        } else {
            self.begin(part, head, out);
        }
    }

    /// Makes a part the live one; blocks that come whole are written at once.
    fn begin(&mut self, part: u32, head: &PartHead, out: &mut Vec<u8>) {
        self.open = Some(Open { part, block: None });
        match head {
            PartHead::Text | PartHead::Refusal | PartHead::Reasoning(_) => {}
            PartHead::ToolCall { id, name, .. } => self.begin_call(part, id, name, out),
            PartHead::Media { mime, .. } => {
                self.write_text(Shape::Text, &reply::media_note(mime), out);
            }
            PartHead::Server { raw, .. } => {
                if reply::is_own_block(raw) {
                    self.block_start(raw.to_string().as_bytes(), out);
                    self.block_stop(out);
                }
            }
        }
    }

    fn begin_call(&mut self, part: u32, id: &str, name: &str, out: &mut Vec<u8>) {
        self.has_calls = true;
        let place = usize::try_from(part).unwrap_or(usize::MAX);
        let id = reply::call_id(id, &self.id, place);
        let mut block = b"{\"type\":\"tool_use\",\"id\":".to_vec();
        json::string(&id, &mut block);
        block.extend_from_slice(b",\"name\":");
        json::string(name, &mut block);
        block.extend_from_slice(b",\"input\":{}}");
        self.block_start(&block, out);
        self.set_shape(Some(Shape::Call));
        // As the vendor itself does: the first fragment is empty.
        self.delta(Shape::Call, "", out);
    }

    fn text(&mut self, part: u32, shape: Shape, delta: &str, out: &mut Vec<u8>) {
        match &self.open {
            Some(open) if open.part == part => self.write_text(shape, delta, out),
            _ => self.queue.text(part, delta),
        }
    }

    fn write_text(&mut self, shape: Shape, delta: &str, out: &mut Vec<u8>) {
        if !delta.is_empty() {
            self.ensure(shape, out);
            self.delta(shape, delta, out);
        }
    }

    fn opaque(&mut self, part: u32, opaque: &Opaque, out: &mut Vec<u8>) {
        match &self.open {
            Some(open) if open.part == part => self.write_opaque(opaque, out),
            _ => self.queue.opaque(part, opaque),
        }
    }

    /// Writes Anthropic's own data; that of others has no place a client would send back safely.
    fn write_opaque(&mut self, opaque: &Opaque, out: &mut Vec<u8>) {
        if opaque.vendor != Vendor::Anthropic || self.shape() == Some(Shape::Call) {
            return;
        }
        match opaque.kind {
            OpaqueKind::Signature => {
                self.ensure(Shape::Thinking, out);
                self.delta_head("signature_delta\",\"signature\":", out);
                json::string(&opaque.data, out);
                out.extend_from_slice(b"}}\n\n");
            }
            OpaqueKind::Redacted => {
                self.close_block(out);
                let mut block = b"{\"type\":\"redacted_thinking\",\"data\":".to_vec();
                json::string(&opaque.data, &mut block);
                block.push(b'}');
                self.block_start(&block, out);
                self.set_shape(Some(Shape::Redacted));
            }
        }
    }

    fn part_end(&mut self, part: u32, out: &mut Vec<u8>) {
        match &self.open {
            Some(open) if open.part == part => {
                self.close_block(out);
                self.open = None;
                self.drain(out);
            }
            _ => self.queue.end(part),
        }
    }

    /// Writes what waited, up to the first part that is not complete: that one goes on live.
    fn drain(&mut self, out: &mut Vec<u8>) {
        while let Some(waiting) = self.queue.pop() {
            self.begin(waiting.part, &waiting.head, out);
            let shape = match waiting.head {
                PartHead::ToolCall { .. } => Shape::Call,
                PartHead::Reasoning(_) => Shape::Thinking,
                _ => Shape::Text,
            };
            for piece in &waiting.pieces {
                match piece {
                    Piece::Text(text) => self.write_text(shape, text, out),
                    Piece::Opaque(opaque) => self.write_opaque(opaque, out),
                }
            }
            if !waiting.ended {
                return;
            }
            self.close_block(out);
            self.open = None;
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.start("", "", out);
        while self.open.is_some() {
            self.close_block(out);
            self.open = None;
            self.drain(out);
        }
        self.closed = true;
        match write_stop_reason(self.finish.as_ref(), self.has_calls) {
            Some(stop) => message_delta(&stop, &self.usage, out),
            None => {
                let native = self.finish.as_ref().map_or("", |finish| &*finish.native);
                error::write_upstream_event(&reply::unusable_call(native), out);
                return;
            }
        }
        out.extend_from_slice(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }

    fn shape(&self) -> Option<Shape> {
        self.open.as_ref().and_then(|open| open.block)
    }

    fn set_shape(&mut self, shape: Option<Shape>) {
        if let Some(open) = &mut self.open {
            open.block = shape;
        }
    }

    /// Begins a block of this shape unless it stands open.
    fn ensure(&mut self, shape: Shape, out: &mut Vec<u8>) {
        if self.shape() == Some(shape) {
            return;
        }
        self.close_block(out);
        let block: &[u8] = match shape {
            Shape::Thinking => b"{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}",
            _ => b"{\"type\":\"text\",\"text\":\"\"}",
        };
        self.block_start(block, out);
        self.set_shape(Some(shape));
    }

    fn close_block(&mut self, out: &mut Vec<u8>) {
        if self.shape().is_some() {
            self.block_stop(out);
            self.set_shape(None);
        }
    }

    fn block_start(&self, block: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":",
        );
        json::number(self.next_index, out);
        out.extend_from_slice(b",\"content_block\":");
        out.extend_from_slice(block);
        out.extend_from_slice(b"}\n\n");
    }

    fn block_stop(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":",
        );
        json::number(self.next_index, out);
        out.extend_from_slice(b"}\n\n");
        self.next_index += 1;
    }

    fn delta(&self, shape: Shape, delta: &str, out: &mut Vec<u8>) {
        let member = match shape {
            Shape::Call => "input_json_delta\",\"partial_json\":",
            Shape::Thinking => "thinking_delta\",\"thinking\":",
            Shape::Text | Shape::Redacted => "text_delta\",\"text\":",
        };
        self.delta_head(member, out);
        json::string(delta, out);
        out.extend_from_slice(b"}}\n\n");
    }

    fn delta_head(&self, member: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
        );
        json::number(self.next_index, out);
        out.extend_from_slice(b",\"delta\":{\"type\":\"");
        out.extend_from_slice(member.as_bytes());
    }
}

fn message_delta(stop: &StopWords<'_>, usage: &Usage, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":",
    );
    json::string(stop.reason, out);
    out.extend_from_slice(b",\"stop_sequence\":");
    reply::optional(stop.sequence, out);
    if let Some(explanation) = stop.refusal {
        reply::refusal_details(explanation, out);
    }
    out.extend_from_slice(b"},\"usage\":");
    usage::write(usage, out);
    out.extend_from_slice(b"}\n\n");
}
