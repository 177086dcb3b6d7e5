//! Turns events into the bytes that the official library and Codex accept.
//!
//! The library's helper fails unless `response.created` comes first, every delta's item and part were
//! announced, and the end repeats the items under their ids; Codex waits for `response.completed` or
//! `response.failed`. So the grammar is written in full, whatever the provider left out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frames::Frames;
use super::items::Items;
use super::text::TextKind;
use crate::api_error::ApiError;
use crate::chat::{CallKind, Opaque};
use crate::codec::{EventWriter, Passed, ReplyContext};
use crate::event::{Event, Finish, PartHead, ReasoningKind, Usage};
use crate::json;
use crate::openai_chat::error;
use crate::openai_responses::finish;
use crate::openai_responses::namespace::Namespaces;
use crate::openai_responses::output::{Call, Status};
use crate::openai_responses::response::{Response, State};
use crate::openai_responses::settings::Settings;
use crate::part_queue::{OneAtATime, PartQueue};

/// Writer of one stream.
#[derive(Debug)]
pub(in crate::openai_responses) struct Writer {
    response: Response,
    names: Namespaces,
    items: Items,
    started: bool,
    closed: bool,
    /// The part that is written live.
    live: Option<Live>,
    queue: PartQueue,
    /// Tokens whose text has not come yet; `None` if the client has not asked for them.
    tokens: Option<Vec<Value>>,
    usage: Usage,
    finish: Option<Finish>,
}

/// The part that is written live.
#[derive(Debug)]
struct Live {
    part: u32,
    shape: Shape,
    /// Whether it stands on the wire. A part begins with its first content: an empty one leaves nothing,
    /// and a call must come after the reasoning it carries.
    has_begun: bool,
    /// Vendor data that came when the part had begun, and so must follow it.
    trailing: Vec<Opaque>,
}

#[derive(Debug)]
enum Shape {
    Text(TextKind),
    Reasoning(ReasoningKind),
    Call(Call),
    /// An item that came whole.
    Whole,
    /// Nothing this format has a place for.
    Dropped,
}

impl Writer {
    /// Makes a writer.
    pub(in crate::openai_responses) fn new(context: &ReplyContext) -> Self {
        let settings = Settings::of(&context.asked);
        let seal = settings.encrypted_reasoning.then(|| context.seal.clone());
        Self {
            response: Response::new(context, settings.echo),
            names: settings.names,
            items: Items::new(seal),
            started: false,
            closed: false,
            live: None,
            queue: PartQueue::default(),
            tokens: settings.logprobs.then(Vec::new),
            usage: Usage::default(),
            finish: None,
        }
    }
}

/// Returns the response object with which the stream of these events would end.
pub(in crate::openai_responses) fn last_response(
    events: &[Event],
    context: &ReplyContext,
) -> Vec<u8> {
    let (mut writer, mut stream) = (Writer::new(context), Vec::new());
    for event in events.iter().filter(|event| **event != Event::End) {
        writer.write(event, &mut stream);
        stream.clear();
    }
    writer.end_parts(&mut stream);
    let finish = writer.finish.unwrap_or(Finish::Stop);
    let (status, reason) = writer.settle(finish, &mut stream);
    let mut out = Vec::new();
    writer.response.write(&writer.state(status, reason, None), &mut out);
    out
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
            Event::Start { id, model, created } => self.start(id, model, *created, out),
            Event::PartStart { choice: 0, part, head } => {
                self.start("", "", None, out);
                self.take_head(*part, head, out);
            }
            Event::PartEnd { choice: 0, part } => self.take_end(*part, out),
            Event::Logprobs { choice: 0, tokens } => {
                if let Some(waiting) = &mut self.tokens {
                    waiting.extend_from_slice(tokens);
                }
            }
            Event::Usage(usage) => self.usage.merge(usage),
            Event::Finish { choice: 0, reason, .. } => {
                self.finish = Some(*reason);
            }
            Event::Ping => self.ping(out),
            Event::Error(fault) => self.fail(&error::write_upstream(fault), out),
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
            out.extend_from_slice(b": keep-alive\n\n");
        }
    }

    fn resume(&mut self, passed: &Passed<'_>) {
        if !self.started {
            self.started = true;
            self.response.resume(passed.id, passed.model);
            self.items.frames().resume(passed.next);
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if !self.closed {
            self.fail(&error::write(error), out);
        }
    }
}

impl OneAtATime for Writer {
    fn waiting(&mut self) -> &mut PartQueue {
        &mut self.queue
    }

    fn live_part(&self) -> Option<u32> {
        self.live.as_ref().map(|live| live.part)
    }

    /// Items that come whole are written at once.
    fn begin(&mut self, part: u32, head: &PartHead, out: &mut Vec<u8>) {
        let shape = match head {
            PartHead::Text => Shape::Text(TextKind::Answer),
            PartHead::Refusal => Shape::Text(TextKind::Refusal),
            PartHead::Reasoning(kind) => Shape::Reasoning(*kind),
            PartHead::ToolCall { id, name, kind } => Shape::Call(self.call(id, name, *kind)),
            PartHead::Media { mime, data } if mime.starts_with("image/") => {
                self.items.image(mime, data, out);
                Shape::Whole
            }
            PartHead::Server { query: Some(query), .. } => {
                self.items.web_search(query, out);
                Shape::Whole
            }
            PartHead::Media { .. } | PartHead::Server { .. } => Shape::Dropped,
        };
        let has_begun = matches!(shape, Shape::Whole);
        self.live = Some(Live { part, shape, has_begun, trailing: Vec::new() });
    }

    fn write_piece(&mut self, piece: &Event, out: &mut Vec<u8>) {
        let Some(live) = &mut self.live else { return };
        match (piece, &live.shape) {
            (Event::Text { delta, .. }, Shape::Text(_)) if !delta.is_empty() => {
                live.ensure(&mut self.items, out);
                let tokens = self.tokens.as_mut().map(std::mem::take).unwrap_or_default();
                self.items.text(delta, &tokens, out);
            }
            (Event::Reasoning { delta, .. }, Shape::Reasoning(_)) if !delta.is_empty() => {
                live.ensure(&mut self.items, out);
                self.items.reasoning(delta, out);
            }
            (Event::Arguments { delta, .. }, Shape::Call(_)) if !delta.is_empty() => {
                live.ensure(&mut self.items, out);
                self.items.input(delta, out);
            }
            (Event::Cite { citation, .. }, Shape::Text(_)) => {
                live.ensure(&mut self.items, out);
                self.items.cite(citation, out);
            }
            (Event::Opaque { opaque, .. }, _) if self.items.takes_data() => {
                live.data(opaque, &mut self.items, out);
            }
            _ => {}
        }
    }

    /// The part's item stays open.
    fn end_live(&mut self, out: &mut Vec<u8>) {
        let Some(mut live) = self.live.take() else { return };
        match &live.shape {
            Shape::Text(_) if live.has_begun => {
                let tokens = self.tokens.as_mut().map(std::mem::take).unwrap_or_default();
                if !tokens.is_empty() {
                    self.items.text("", &tokens, out);
                }
                self.items.end_content(out);
            }
            Shape::Reasoning(_) if live.has_begun => self.items.end_content(out),
            Shape::Call(_) => {
                live.ensure(&mut self.items, out);
                self.items.end_input(out);
            }
            Shape::Text(_) | Shape::Reasoning(_) | Shape::Whole | Shape::Dropped => {}
        }
        if !live.trailing.is_empty() {
            self.items.data_after(live.trailing, out);
        }
    }
}

impl Writer {
    fn start(&mut self, id: &str, model: &str, created: Option<u64>, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        self.response.start(id, model, created);
        self.items.seed(self.response.id());
        self.lifecycle("response.created", "in_progress", None, None, out);
        self.lifecycle("response.in_progress", "in_progress", None, None, out);
    }

    /// Returns what the client sees of a call.
    fn call(&self, id: &str, name: &str, kind: CallKind) -> Call {
        let (namespace, name) = match self.names.split(name) {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, name),
        };
        let id = id.to_owned();
        Call { id, namespace, name: name.to_owned(), is_custom: kind == CallKind::Custom }
    }

    fn end_parts(&mut self, out: &mut Vec<u8>) {
        self.start("", "", None, out);
        self.end_all(out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.end_parts(out);
        let finish = self.finish.take().unwrap_or(Finish::Stop);
        let (status, reason) = self.settle(finish, out);
        let is_complete = status == "completed";
        let kind = if is_complete { "response.completed" } else { "response.incomplete" };
        self.lifecycle(kind, status, reason, None, out);
        self.closed = true;
    }

    /// Closes the last item and returns the status of the whole with its reason.
    fn settle(
        &mut self,
        finish: Finish,
        out: &mut Vec<u8>,
    ) -> (&'static str, Option<&'static str>) {
        let (status, reason) = finish::status(finish, self.items.has_refusal());
        let of_item = if status == "completed" { Status::Completed } else { Status::Incomplete };
        self.items.close(of_item, out);
        (status, reason)
    }

    /// Ends the stream with an error, given as this format's error body.
    fn fail(&mut self, body: &[u8], out: &mut Vec<u8>) {
        self.start("", "", None, out);
        self.items.close(Status::Incomplete, out);
        let fault = serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().error;
        self.items.frames().open("error", out);
        out.extend_from_slice(b",\"error\":");
        json::value(&fault, out);
        Frames::close(out);
        let code = fault.code.as_deref().unwrap_or(match fault.kind.as_str() {
            "invalid_request_error" => "invalid_prompt",
            _ => "server_error",
        });
        self.lifecycle("response.failed", "failed", None, Some((code, &fault.message)), out);
        self.closed = true;
    }

    fn lifecycle(
        &mut self,
        kind: &str,
        status: &str,
        reason: Option<&str>,
        error: Option<(&str, &str)>,
        out: &mut Vec<u8>,
    ) {
        self.items.frames().open(kind, out);
        out.extend_from_slice(b",\"response\":");
        self.response.write(&self.state(status, reason, error), out);
        Frames::close(out);
    }

    fn state<'a>(
        &'a self,
        status: &'a str,
        reason: Option<&'a str>,
        error: Option<(&'a str, &'a str)>,
    ) -> State<'a> {
        State { status, reason, error, output: self.items.done(), usage: &self.usage }
    }
}

impl Live {
    /// Makes sure that the part stands on the wire.
    fn ensure(&mut self, items: &mut Items, out: &mut Vec<u8>) {
        if self.has_begun {
            return;
        }
        self.has_begun = true;
        match &self.shape {
            Shape::Text(kind) => items.begin_text(*kind, out),
            Shape::Reasoning(kind) => items.begin_reasoning(*kind, None, out),
            Shape::Call(call) => items.begin_call(call.clone(), out),
            Shape::Whole | Shape::Dropped => {}
        }
    }

    /// Puts vendor data where the client keeps it: into the reasoning item it came on, or into one before
    /// the part it signs, or after that part if it has begun.
    fn data(&mut self, opaque: &Opaque, items: &mut Items, out: &mut Vec<u8>) {
        match &self.shape {
            Shape::Reasoning(kind) => {
                if !self.has_begun {
                    self.has_begun = true;
                    items.begin_reasoning(*kind, opaque.item.as_deref(), out);
                }
                items.add_data(opaque);
            }
            Shape::Dropped => {}
            Shape::Text(_) | Shape::Call(_) | Shape::Whole if self.has_begun => {
                self.trailing.push(Opaque { follows: true, ..opaque.clone() });
            }
            Shape::Text(_) | Shape::Call(_) | Shape::Whole => {
                items.data_before(opaque, out);
            }
        }
    }
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    error: Fault,
}

/// What went wrong, with its members in the order in which the vendor sends them.
#[derive(Default, Deserialize, Serialize)]
struct Fault {
    #[serde(rename = "type")]
    kind: String,
    code: Option<String>,
    message: String,
    param: Option<String>,
}

#[cfg(test)]
mod tests;
