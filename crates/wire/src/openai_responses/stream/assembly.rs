//! Turns the events of a stream, or one whole reply, into canonical events.
//!
//! Items are known by `output_index`: ids change from event to event at some providers. The last event
//! repeats the whole output, which fills what was never streamed and ends what was never done.

use serde_json::Value;

use super::item::{Emit, Item, ItemKind, TextKind};
use super::wire::{Response, Wire, string, value};
use crate::api_error::UpstreamError;
use crate::event::{Event, Usage};
use crate::feed::Reply;
use crate::openai_chat::error;
use crate::openai_responses::finish::{self, Left};
use crate::openai_responses::usage;
use crate::text::{Text, characters};

/// State of one reply.
#[derive(Debug, Default)]
pub(in crate::openai_responses) struct Assembly {
    started: bool,
    closed: bool,
    items: Vec<Item>,
    next_part: u32,
}

impl Reply for Assembly {
    // Every event has a number of its own.
    const TEXT_MARK: Option<&'static [u8]> = None;

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn is_started(&self) -> bool {
        self.started
    }

    fn object(
        &mut self,
        name: &[u8],
        json: &[u8],
        out: &mut Vec<Event>,
    ) -> Result<(), serde_json::Error> {
        let wire: Wire<'_> = crate::json::read(json)?;
        self.take(&wire, name, json, out);
        Ok(())
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if !self.closed {
            self.closed = true;
            out.push(Event::Error(error));
        }
    }

    fn end_marked(&mut self, _: &mut Vec<Event>) {
        // No mark of this format; a router sends it after the last event, which has ended the reply.
    }

    fn end_whole(&mut self, out: &mut Vec<Event>) {
        self.fail(UpstreamError::truncated("the upstream's reply holds no answer"), out);
    }

    fn end_body(&mut self, out: &mut Vec<Event>) {
        let message = if self.started {
            "the upstream closed the stream before it was complete"
        } else {
            "the upstream's reply holds no answer"
        };
        self.fail(UpstreamError::truncated(message), out);
    }
}

impl Assembly {
    fn take(&mut self, wire: &Wire<'_>, name: &[u8], json: &[u8], out: &mut Vec<Event>) {
        let kind = match Text::or_empty(wire.kind.as_ref()) {
            "" => std::str::from_utf8(name).unwrap_or(""),
            kind => kind,
        };
        let Some(step) = kind.strip_prefix("response.") else {
            self.take_other(kind, wire, json, out);
            return;
        };
        match step {
            "created" | "in_progress" | "queued" if self.started => {}
            "created" | "in_progress" | "queued" => {
                self.start(&Response::of(wire.response), out);
            }
            "completed" | "incomplete" | "failed" | "cancelled" | "done" => {
                self.end(&Response::of(wire.response), step, out);
            }
            _ => {
                self.start(&Response::default(), out);
                self.take_step(step, wire, out);
            }
        }
    }

    /// Takes what is no event of a response: an error, a whole reply, a sign of life.
    fn take_other(&mut self, kind: &str, wire: &Wire<'_>, json: &[u8], out: &mut Vec<Event>) {
        let has =
            |raw: Option<&serde_json::value::RawValue>| raw.is_some_and(|r| r.get() != "null");
        let reply: Response = serde_json::from_slice(json).unwrap_or_default();
        let is_error = kind == "error" || reply.fault().is_some() || has(wire.detail);
        if is_error || (has(wire.message) && !reply.output.is_array()) {
            if reply.id.is_string() && reply.status.is_string() {
                self.start(&reply, out);
                take_usage(&reply, out);
            }
            self.fail(fault(json), out);
        } else if reply.is_one() {
            self.end(&reply, "", out);
        } else {
            out.push(Event::Ping);
        }
    }

    /// Takes an event about a text.
    fn take_step(&mut self, step: &str, wire: &Wire<'_>, out: &mut Vec<Event>) {
        let content = wire.content_index.unwrap_or(0);
        let summary = wire.summary_index.unwrap_or(0);
        let emit = &mut Emit { out, next_part: &mut self.next_part };
        let items = &mut self.items;
        match step {
            "output_text.delta" => {
                take_text(items, wire, TextKind::Text, emit);
                let tokens = value(wire.logprobs);
                let item = place(items, wire, "message");
                item.add_logprobs(content, tokens.as_array().map_or(&[], Vec::as_slice), emit);
            }
            "output_text.done" => {
                take_text(items, wire, TextKind::Text, emit);
                let tokens = value(wire.logprobs);
                let item = place(items, wire, "message");
                item.fill_logprobs(content, tokens.as_array().map_or(&[], Vec::as_slice), emit);
            }
            "refusal.delta" | "refusal.done" => take_text(items, wire, TextKind::Refusal, emit),
            "reasoning_summary_text.delta" | "reasoning_summary_text.done" => {
                take_text(items, wire, TextKind::Summary, emit);
            }
            "reasoning_text.delta"
            | "reasoning_text.done"
            | "reasoning.delta"
            | "reasoning.done" => take_text(items, wire, TextKind::Raw, emit),
            "output_text.annotation.added" => {
                place(items, wire, "message").cite(content, &value(wire.annotation), emit);
            }
            "content_part.done" => {
                let part = value(wire.part);
                let of =
                    if string(&part, "type") == "reasoning_text" { "reasoning" } else { "message" };
                let item = place(items, wire, of);
                item.fill_entry(content, &part, emit);
                item.complete_text(content);
            }
            "reasoning_summary_part.done" => {
                place(items, wire, "reasoning").fill_entry(summary, &value(wire.part), emit);
            }
            _ => self.take_item_step(step, wire, out),
        }
    }

    /// Takes an event about a call's input or a whole item; others are signs of life.
    fn take_item_step(&mut self, step: &str, wire: &Wire<'_>, out: &mut Vec<Event>) {
        let emit = &mut Emit { out, next_part: &mut self.next_part };
        let items = &mut self.items;
        match step {
            "function_call_arguments.delta" | "custom_tool_call_input.delta" => {
                if let ItemKind::Call(call) = &mut place(items, wire, call_type(step)).kind {
                    call.add(&characters(wire.delta), emit);
                }
            }
            "function_call_arguments.done" | "custom_tool_call_input.done" => {
                if let ItemKind::Call(call) = &mut place(items, wire, call_type(step)).kind {
                    call.fill(&characters(wire.arguments.or(wire.input)), emit);
                }
            }
            "output_item.added" => {
                let mut first = value(wire.item);
                let item = place_item(items, wire, &first);
                if let ItemKind::Call(call) = &mut item.kind {
                    call.announce(&first, emit);
                }
                if let Some(members) = first.as_object_mut() {
                    // Here it is not yet that of the whole reasoning.
                    members.remove("encrypted_content");
                }
                item.first = first;
            }
            "output_item.done" => {
                let whole = value(wire.item);
                place_item(items, wire, &whole).end(&whole, emit);
            }
            _ => emit.push(Event::Ping),
        }
    }

    fn start(&mut self, reply: &Response, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let created = reply.created_at.as_f64().filter(|seconds| *seconds > 0.0);
        out.push(Event::Start {
            id: text(&reply.id),
            model: text(&reply.model),
            created: created.and_then(|seconds| format!("{seconds:.0}").parse().ok()),
        });
    }

    /// Takes the last event, or a whole reply. Its own status counts more than the event's name, unless
    /// it was left at that of a reply under way.
    fn end(&mut self, reply: &Response, step: &str, out: &mut Vec<Event>) {
        let said = reply.status.as_str().unwrap_or("");
        let under_way = matches!(said, "" | "in_progress" | "queued");
        let status = match step {
            "" => said,
            "done" if under_way => "completed",
            step if under_way => step,
            _ => said,
        };
        self.start(reply, out);
        let error = reply.fault().map(|error| fault(error.to_string().as_bytes()));
        let failed = error.is_some() || status.eq_ignore_ascii_case("failed");
        if !failed {
            self.take_output(list_of(&reply.output), out);
        }
        take_usage(reply, out);
        let left = self.left();
        match finish::read(status, reply.reason(), left) {
            Some(reason) if !failed => {
                let native = if reply.reason().is_empty() { status } else { reply.reason() };
                out.push(Event::Finish {
                    choice: 0,
                    reason,
                    native: native.to_owned(),
                    stop_sequence: None,
                    detail: None,
                });
                self.closed = true;
                out.push(Event::End);
            }
            _ => {
                let unsaid = || UpstreamError::server(502, "the upstream's reply failed");
                self.fail(error.unwrap_or_else(unsaid), out);
            }
        }
    }

    fn left(&self) -> Left {
        if self.items.iter().any(|item| matches!(item.kind, ItemKind::Call(_))) {
            Left::Calls
        } else if self.items.iter().any(Item::is_refusal) {
            Left::Refusal
        } else {
            Left::Nothing
        }
    }

    /// Takes the whole output and ends all items.
    fn take_output(&mut self, output: &[Value], out: &mut Vec<Event>) {
        let mut emit = Emit { out, next_part: &mut self.next_part };
        for (position, whole) in output.iter().enumerate() {
            let at = find(&self.items, position as u64, whole).unwrap_or_else(|| {
                self.items.push(Item::new(None, string(whole, "type")));
                self.items.len() - 1
            });
            let item = &mut self.items[at];
            item.claimed = true;
            item.end(whole, &mut emit);
        }
        for item in self.items.iter_mut().filter(|item| !item.claimed) {
            let first = std::mem::take(&mut item.first);
            item.end_as_it_is(&first, &mut emit);
        }
    }
}

/// Takes more of a text, or the whole of it.
fn take_text(items: &mut Vec<Item>, wire: &Wire<'_>, kind: TextKind, emit: &mut Emit<'_>) {
    let (of, index) = match kind {
        TextKind::Text | TextKind::Refusal => ("message", wire.content_index),
        TextKind::Summary => ("reasoning", wire.summary_index),
        TextKind::Raw => ("reasoning", wire.content_index),
    };
    let (item, index) = (place(items, wire, of), index.unwrap_or(0));
    if wire.delta.is_some() {
        item.add(kind, index, &characters(wire.delta), emit);
    } else {
        item.fill(kind, index, &characters(wire.text.or(wire.refusal)), emit);
    }
}

fn take_usage(reply: &Response, out: &mut Vec<Event>) {
    let mut read = usage::read(&reply.usage);
    let searches = reply.tool_usage.pointer("/web_search/num_requests").and_then(Value::as_u64);
    read.web_searches = read.web_searches.or(searches);
    if read != Usage::default() {
        out.push(Event::Usage(read));
    }
}

/// Reads an error; the type of its event is not that of the error.
fn fault(json: &[u8]) -> UpstreamError {
    let mut fault = error::in_band(&String::from_utf8_lossy(json));
    if fault.native_type == "error" {
        fault.native_type.clear();
    }
    fault
}

fn list_of(output: &Value) -> &[Value] {
    output.as_array().map_or(&[], Vec::as_slice)
}

fn call_type(step: &str) -> &'static str {
    if step.starts_with("custom") { "custom_tool_call" } else { "function_call" }
}

/// Returns the item an event is about: by its index, else by its id, else the newest of this type.
fn place<'i>(items: &'i mut Vec<Item>, wire: &Wire<'_>, kind: &str) -> &'i mut Item {
    let id = Text::or_empty(wire.item_id.as_ref());
    let newest = |items: &[Item]| {
        let fresh = serde_json::json!({ "type": kind });
        items.iter().rposition(|item| item.may_be(&fresh))
    };
    let found = match wire.output_index {
        Some(index) => items.iter().position(|item| item.index == Some(index)),
        None if !id.is_empty() => {
            items.iter().position(|item| item.id == id).or_else(|| newest(items))
        }
        None => newest(items),
    };
    let at = found.unwrap_or_else(|| {
        let mut item = Item::new(wire.output_index, kind);
        item.id.push_str(id);
        items.push(item);
        items.len() - 1
    });
    &mut items[at]
}

/// Returns the item that is added or done.
fn place_item<'i>(items: &'i mut Vec<Item>, wire: &Wire<'_>, whole: &Value) -> &'i mut Item {
    let id = string(whole, "id");
    let found = match wire.output_index {
        Some(index) => items.iter().position(|item| item.index == Some(index)),
        None => items.iter().position(|item| !id.is_empty() && item.id == id),
    };
    let at = found.unwrap_or_else(|| {
        items.push(Item::new(wire.output_index, string(whole, "type")));
        items.len() - 1
    });
    let item = &mut items[at];
    if item.id.is_empty() {
        item.id.push_str(id);
    }
    item
}

/// Finds the streamed item that the last event repeats: by id, by place, else the first of its type.
fn find(items: &[Item], position: u64, whole: &Value) -> Option<usize> {
    let id = string(whole, "id");
    let free = |item: &Item| !item.claimed && item.may_be(whole);
    let by_id = |item: &Item| free(item) && !id.is_empty() && item.id == id;
    let by_place = |item: &Item| free(item) && item.index == Some(position);
    items
        .iter()
        .position(by_id)
        .or_else(|| items.iter().position(by_place))
        .or_else(|| items.iter().position(free))
}
