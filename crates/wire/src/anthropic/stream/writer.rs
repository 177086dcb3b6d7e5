//! Turns events into the bytes the official libraries accept.
//!
//! They fail on a missing `event:` line, on a gap between block numbers and on a `message_delta`
//! without usage, and take a stream that simply ends for a message: so blocks are numbered from 0,
//! one is open at a time, and everything about the end is written only when the end is certain.

use super::{END_MARKER, pieces};
use crate::anthropic::words::write_stop_reason;
use crate::anthropic::{cite, error, reply, sealed, search};
use crate::api_error::ApiError;
use crate::chat::{Opaque, OpaqueKind};
use crate::codec::{EventWriter, ReplyContext};
use crate::collect::CollectedFinish;
use crate::envelope::Seal;
use crate::event::{Citation, Event, PartHead, Usage};
use crate::json;
use crate::part_queue::{OneAtATime, PartQueue};

/// Writer of one stream.
#[derive(Debug)]
pub(in crate::anthropic) struct Writer {
    id: String,
    model: String,
    seal: Seal,
    started: bool,
    closed: bool,
    /// The part that is written live.
    open: Option<Open>,
    /// Whether a thinking block stands open whose part has ended: what signs it may come with the call
    /// behind it.
    unsigned: bool,
    queue: PartQueue,
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
    /// A call whose block has not begun: what signs it stands before it.
    call: Option<(String, String)>,
    /// Other vendors' data of the part.
    foreign: Vec<Opaque>,
    /// Sources that came before their text.
    sources: Vec<Citation>,
    is_reasoning: bool,
    /// Whether a signature has been written.
    signed: bool,
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
            seal: context.seal.clone(),
            started: false,
            closed: false,
            open: None,
            unsigned: false,
            queue: PartQueue::default(),
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
            Event::Text { choice: 0, part, .. }
            | Event::Reasoning { choice: 0, part, .. }
            | Event::Arguments { choice: 0, part, .. }
            | Event::Opaque { choice: 0, part, .. }
            | Event::Cite { choice: 0, part, .. } => self.take_piece(*part, event, out),
            Event::Start { id, model, .. } => self.start(id, model, out),
            Event::PartStart { choice: 0, part, head } => {
                self.start("", "", out);
                self.take_head(*part, head, out);
            }
            Event::PartEnd { choice: 0, part } => self.take_end(*part, out),
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

impl OneAtATime for Writer {
    fn waiting(&mut self) -> &mut PartQueue {
        &mut self.queue
    }

    fn live_part(&self) -> Option<u32> {
        self.open.as_ref().map(|open| open.part)
    }

    /// Blocks that come whole are written at once.
    fn begin(&mut self, part: u32, head: &PartHead, out: &mut Vec<u8>) {
        let is_reasoning = matches!(head, PartHead::Reasoning(_));
        if !matches!(head, PartHead::ToolCall { .. }) {
            self.sign(&[], out);
        }
        self.open = Some(Open {
            part,
            block: None,
            call: None,
            foreign: Vec::new(),
            sources: Vec::new(),
            is_reasoning,
            signed: false,
        });
        match head {
            PartHead::Text | PartHead::Refusal | PartHead::Reasoning(_) => {}
            PartHead::ToolCall { id, name, .. } => {
                self.has_calls = true;
                if let Some(open) = &mut self.open {
                    open.call = Some((id.clone(), name.clone()));
                }
            }
            PartHead::Media { mime, .. } => {
                self.write_text(Shape::Text, &reply::media_note(mime), out);
            }
            PartHead::Server { raw, query } => {
                for block in reply::server_blocks(raw, query.as_deref(), &self.id) {
                    self.block_start(block.to_string().as_bytes(), out);
                    self.block_stop(out);
                }
            }
        }
    }

    fn write_piece(&mut self, piece: &Event, out: &mut Vec<u8>) {
        match piece {
            Event::Text { delta, .. } => self.write_text(Shape::Text, delta, out),
            Event::Reasoning { delta, .. } => self.write_text(Shape::Thinking, delta, out),
            Event::Arguments { delta, .. } => self.write_text(Shape::Call, delta, out),
            Event::Opaque { opaque, .. } => self.write_opaque(opaque, out),
            Event::Cite { citation, .. } => self.write_citation(citation, out),
            _ => {}
        }
    }

    /// Writes what is left of the live part, other vendors' data last.
    fn end_live(&mut self, out: &mut Vec<u8>) {
        self.begin_call(out);
        let shape = self.shape();
        let Some(open) = &mut self.open else { return };
        let foreign = std::mem::take(&mut open.foreign);
        let sources = std::mem::take(&mut open.sources);
        let (is_reasoning, signed) = (open.is_reasoning, open.signed);
        if is_reasoning && shape == Some(Shape::Thinking) && !signed && foreign.is_empty() {
            self.unsigned = true;
        } else if is_reasoning && shape == Some(Shape::Thinking) && !signed {
            self.signature(&sealed::envelope(&self.seal, &foreign, false), out);
            self.close_block(out);
        } else {
            self.close_block(out);
            for block in search::late(&sources, &self.id).iter().flatten() {
                self.block_start(block.to_string().as_bytes(), out);
                self.block_stop(out);
            }
            if is_reasoning && !signed && sealed::is_redacted(&foreign) {
                let mut block = Vec::new();
                reply::redacted_block(&sealed::envelope(&self.seal, &foreign, false), &mut block);
                self.block_start(&block, out);
                self.block_stop(out);
            } else if !foreign.is_empty() && !signed {
                self.sealed_block(&foreign, !is_reasoning, out);
            }
        }
        self.open = None;
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
        pieces::message_start(&self.id, &self.model, &self.usage, out);
        self.ping(out);
    }

    /// Begins the block of a call that has waited for what signs it.
    fn begin_call(&mut self, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        let Some((id, name)) = open.call.take() else { return };
        let foreign = std::mem::take(&mut open.foreign);
        if self.unsigned {
            self.sign(&foreign, out);
        } else if !foreign.is_empty() {
            self.sealed_block(&foreign, false, out);
        }
        let mut block = b"{\"type\":\"tool_use\",\"id\":".to_vec();
        json::string(&id, &mut block);
        block.extend_from_slice(b",\"name\":");
        json::string(&name, &mut block);
        block.extend_from_slice(b",\"input\":{}}");
        self.block_start(&block, out);
        self.set_shape(Some(Shape::Call));
        // As the vendor itself does: the first fragment is empty.
        self.delta(Shape::Call, "", out);
    }

    /// Signs and ends the thinking block that was left open.
    fn sign(&mut self, data: &[Opaque], out: &mut Vec<u8>) {
        if std::mem::take(&mut self.unsigned) {
            self.signature(&sealed::envelope(&self.seal, data, false), out);
            self.block_stop(out);
        }
    }

    fn write_text(&mut self, shape: Shape, delta: &str, out: &mut Vec<u8>) {
        if !delta.is_empty() {
            self.begin_call(out);
            self.ensure(shape, out);
            self.delta(shape, delta, out);
        }
    }

    /// Writes Anthropic's own data; that of others waits for the place where it goes out in an envelope.
    fn write_opaque(&mut self, opaque: &Opaque, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        if sealed::is_foreign(opaque) {
            open.foreign.push(opaque.clone());
            return;
        }
        if !open.is_reasoning {
            return;
        }
        open.signed = true;
        match opaque.kind {
            OpaqueKind::Signature => {
                self.ensure(Shape::Thinking, out);
                self.signature(&opaque.data, out);
            }
            OpaqueKind::Redacted => {
                self.close_block(out);
                let mut block = Vec::new();
                reply::redacted_block(&opaque.data, &mut block);
                self.block_start(&block, out);
                self.set_shape(Some(Shape::Redacted));
            }
        }
    }

    /// Writes a block without text that carries other vendors' data.
    fn sealed_block(&mut self, data: &[Opaque], follows: bool, out: &mut Vec<u8>) {
        self.ensure(Shape::Thinking, out);
        self.signature(&sealed::envelope(&self.seal, data, follows), out);
        self.close_block(out);
    }

    fn signature(&self, signature: &str, out: &mut Vec<u8>) {
        self.delta_head("signature_delta\",\"signature\":", out);
        json::string(signature, out);
        out.extend_from_slice(b"}}\n\n");
    }

    /// Writes a source of the text that stands open. A block without text is never begun for it: one that
    /// comes first waits.
    fn write_citation(&mut self, citation: &Citation, out: &mut Vec<u8>) {
        if self.shape() != Some(Shape::Text) {
            if let Some(open) = &mut self.open {
                open.sources.push(citation.clone());
            }
            return;
        }
        if let Some(citation) = cite::write(citation) {
            self.delta_head("citations_delta\",\"citation\":", out);
            out.extend_from_slice(citation.to_string().as_bytes());
            out.extend_from_slice(b"}}\n\n");
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.start("", "", out);
        self.end_all(out);
        self.sign(&[], out);
        self.closed = true;
        let stop = write_stop_reason(self.finish.as_ref(), self.has_calls);
        pieces::message_delta(&stop, &self.usage, out);
        out.extend_from_slice(END_MARKER);
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
        if shape == Shape::Text
            && let Some(open) = &mut self.open
        {
            for source in std::mem::take(&mut open.sources) {
                self.write_citation(&source, out);
            }
        }
    }

    fn close_block(&mut self, out: &mut Vec<u8>) {
        if self.shape().is_some() {
            self.block_stop(out);
            self.set_shape(None);
        }
    }

    fn block_start(&self, block: &[u8], out: &mut Vec<u8>) {
        pieces::block_start(self.next_index, block, out);
    }

    fn block_stop(&mut self, out: &mut Vec<u8>) {
        pieces::block_stop(self.next_index, out);
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
        pieces::delta_head(self.next_index, member, out);
    }
}
