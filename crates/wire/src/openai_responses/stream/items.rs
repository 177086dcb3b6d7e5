//! The output, item by item: one is open at a time, and stays so until the next one begins or the answer
//! ends, because only then it is known whether it was cut off.

use serde_json::Value;

use super::frames::{Frames, Place};
use super::text::{TextKind, TextPart};
use crate::chat::Opaque;
use crate::envelope::Seal;
use crate::event::{Citation, ReasoningKind};
use crate::openai_responses::encrypted;
use crate::openai_responses::output::{self, Call, Status};
use crate::{ids, json};

/// The output so far.
#[derive(Debug)]
pub(super) struct Items {
    /// What ids are made from.
    seed: String,
    /// Makes `encrypted_content`; `None` if the client has not asked for it.
    seal: Option<Seal>,
    frames: Frames,
    open: Option<Open>,
    /// The items that are done, with commas between.
    done: Vec<u8>,
    count: usize,
    /// Ids that providers gave to items.
    given_ids: Vec<String>,
    has_refusal: bool,
}

#[derive(Debug)]
struct Open {
    id: String,
    body: Body,
}

/// What the open item is.
#[derive(Debug)]
enum Body {
    Message {
        /// The parts that are done, with commas between.
        content: Vec<u8>,
        /// How many have begun.
        parts: usize,
        part: Option<TextPart>,
    },
    Reasoning {
        kind: ReasoningKind,
        text: String,
        is_streaming: bool,
        data: Vec<Opaque>,
    },
    Call {
        call: Call,
        input: String,
        is_streaming: bool,
    },
    WebSearch(String),
    Image {
        mime: String,
        data: String,
    },
}

impl Items {
    /// Makes an empty output.
    pub(super) fn new(seal: Option<Seal>) -> Self {
        Self {
            seed: String::new(),
            seal,
            frames: Frames::default(),
            open: None,
            done: Vec::new(),
            count: 0,
            given_ids: Vec::new(),
            has_refusal: false,
        }
    }

    /// Says from what ids are made: the reply's.
    pub(super) fn seed(&mut self, id: &str) {
        id.clone_into(&mut self.seed);
    }

    /// Returns what counts the events.
    pub(super) const fn frames(&mut self) -> &mut Frames {
        &mut self.frames
    }

    /// Returns the items that are done, with commas between.
    pub(super) fn done(&self) -> &[u8] {
        &self.done
    }

    /// Tells whether there was a refusal with text.
    pub(super) const fn has_refusal(&self) -> bool {
        self.has_refusal
    }

    /// Tells whether vendor data has a place.
    pub(super) const fn takes_data(&self) -> bool {
        self.seal.is_some()
    }

    /// Begins a part of a message, in the open one if there is one.
    pub(super) fn begin_text(&mut self, kind: TextKind, out: &mut Vec<u8>) {
        self.has_refusal |= kind == TextKind::Refusal;
        if !matches!(self.open, Some(Open { body: Body::Message { .. }, .. })) {
            let body = Body::Message { content: Vec::new(), parts: 0, part: None };
            self.begin(None, body, out);
        }
        self.end_content(out);
        let Self { frames, open, count, .. } = self;
        let Some(Open { id, body: Body::Message { parts, part, .. } }) = open else { return };
        *part = Some(TextPart::begin(kind, content(id, *count, *parts), frames, out));
        *parts += 1;
    }

    /// Writes more text into the open part of a message.
    pub(super) fn text(&mut self, delta: &str, tokens: &[Value], out: &mut Vec<u8>) {
        let Self { frames, open, count, .. } = self;
        let Some(Open { id, body: Body::Message { parts, part: Some(part), .. } }) = open else {
            return;
        };
        part.delta((delta, tokens), content(id, *count, *parts - 1), frames, out);
    }

    /// Writes a source of the open part of a message.
    pub(super) fn cite(&mut self, citation: &Citation, out: &mut Vec<u8>) {
        let Self { frames, open, count, .. } = self;
        let Some(Open { id, body: Body::Message { parts, part: Some(part), .. } }) = open else {
            return;
        };
        part.cite(citation, content(id, *count, *parts - 1), frames, out);
    }

    /// Begins a reasoning item, under its own id if it has one.
    pub(super) fn begin_reasoning(
        &mut self,
        kind: ReasoningKind,
        id: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        let is_new = |id: &&str| !self.given_ids.iter().any(|given| given == id);
        let id = id.filter(|id| id.starts_with("rs_")).filter(is_new).map(str::to_owned);
        self.given_ids.extend(id.clone());
        let body =
            Body::Reasoning { kind, text: String::new(), is_streaming: false, data: Vec::new() };
        self.begin(id, body, out);
    }

    /// Writes more reasoning into the open item.
    pub(super) fn reasoning(&mut self, delta: &str, out: &mut Vec<u8>) {
        let Self { frames, open, count, .. } = self;
        let Some(Open { id, body: Body::Reasoning { kind, text, is_streaming, .. } }) = open else {
            return;
        };
        let (words, place) = (Words::of(*kind), thought(id, *count, *kind));
        if !*is_streaming {
            *is_streaming = true;
            let part = output::reasoning_part(*kind, "");
            frames.raw(words.added, place, ("part", &part), out);
        }
        text.push_str(delta);
        frames.string(words.delta, place, ("delta", delta), out);
    }

    /// Keeps vendor data of the open reasoning item.
    pub(super) fn add_data(&mut self, opaque: &Opaque) {
        if let Some(Open { body: Body::Reasoning { data, .. }, .. }) = &mut self.open {
            data.push(opaque.clone());
        }
    }

    /// Writes vendor data of the item that comes next: into the reasoning that led to it, if that has none
    /// of its own, else as an item of nothing else.
    pub(super) fn data_before(&mut self, opaque: &Opaque, out: &mut Vec<u8>) {
        if let Some(Open { body: Body::Reasoning { data, .. }, .. }) = &mut self.open
            && data.is_empty()
        {
            data.push(opaque.clone());
            return;
        }
        self.begin_reasoning(ReasoningKind::Summary, opaque.item.as_deref(), out);
        self.add_data(opaque);
    }

    /// Writes vendor data of the item that is open, as an item of nothing else behind it.
    pub(super) fn data_after(&mut self, opaque: Vec<Opaque>, out: &mut Vec<u8>) {
        self.begin_reasoning(ReasoningKind::Summary, None, out);
        if let Some(Open { body: Body::Reasoning { data, .. }, .. }) = &mut self.open {
            *data = opaque;
        }
        self.close(Status::Completed, out);
    }

    /// Begins a call.
    pub(super) fn begin_call(&mut self, call: Call, out: &mut Vec<u8>) {
        self.begin(None, Body::Call { call, input: String::new(), is_streaming: true }, out);
    }

    /// Writes more of the open call's input.
    pub(super) fn input(&mut self, delta: &str, out: &mut Vec<u8>) {
        let Self { frames, open, count, .. } = self;
        let Some(Open { id, body: Body::Call { call, input, .. } }) = open else { return };
        input.push_str(delta);
        let kind = if call.is_custom {
            "response.custom_tool_call_input.delta"
        } else {
            "response.function_call_arguments.delta"
        };
        frames.string(kind, whole(id, *count), ("delta", delta), out);
    }

    /// Ends the open call's input. Clients parse arguments: none must read as an empty object.
    pub(super) fn end_input(&mut self, out: &mut Vec<u8>) {
        if let Some(Open { body: Body::Call { call, input, .. }, .. }) = &self.open
            && !call.is_custom
            && input.trim_ascii().is_empty()
        {
            self.input("{}", out);
        }
        self.end_content(out);
    }

    /// Writes a search of the provider's.
    pub(super) fn web_search(&mut self, query: &str, out: &mut Vec<u8>) {
        self.begin(None, Body::WebSearch(query.to_owned()), out);
        self.progress("response.web_search_call.in_progress", out);
        self.progress("response.web_search_call.searching", out);
        self.progress("response.web_search_call.completed", out);
        self.close(Status::Completed, out);
    }

    /// Writes a picture.
    pub(super) fn image(&mut self, mime: &str, data: &str, out: &mut Vec<u8>) {
        let body = Body::Image { mime: mime.to_owned(), data: data.to_owned() };
        self.begin(None, body, out);
        self.progress("response.image_generation_call.in_progress", out);
        self.progress("response.image_generation_call.generating", out);
        self.progress("response.image_generation_call.completed", out);
        self.close(Status::Completed, out);
    }

    /// Ends what is open inside the item; the item stays open.
    pub(super) fn end_content(&mut self, out: &mut Vec<u8>) {
        let Self { frames, open, count, .. } = self;
        let Some(Open { id, body }) = open else { return };
        match body {
            Body::Message { content: done, parts, part } => {
                let Some(part) = part.take() else { return };
                if !done.is_empty() {
                    done.push(b',');
                }
                let place = content(id, *count, *parts - 1);
                done.extend_from_slice(&part.end(place, frames, out));
            }
            Body::Reasoning { kind, text, is_streaming, .. } => {
                if !std::mem::take(is_streaming) {
                    return;
                }
                let (words, place) = (Words::of(*kind), thought(id, *count, *kind));
                frames.string(words.text_done, place, ("text", text), out);
                let part = output::reasoning_part(*kind, text);
                frames.raw(words.part_done, place, ("part", &part), out);
            }
            Body::Call { call, input, is_streaming } => {
                if !std::mem::take(is_streaming) {
                    return;
                }
                let place = whole(id, *count);
                if call.is_custom {
                    let kind = "response.custom_tool_call_input.done";
                    frames.string(kind, place, ("input", input), out);
                    return;
                }
                frames.at("response.function_call_arguments.done", place, out, |out| {
                    out.extend_from_slice(b",\"name\":");
                    json::string(&call.name, out);
                    out.extend_from_slice(b",\"arguments\":");
                    json::string(input, out);
                });
            }
            Body::WebSearch(_) | Body::Image { .. } => {}
        }
    }

    /// Ends the open item, if there is one.
    pub(super) fn close(&mut self, status: Status, out: &mut Vec<u8>) {
        self.end_content(out);
        let Some(mut open) = self.open.take() else { return };
        let item = open.json(status, self.seal.as_ref());
        self.frames.item("response.output_item.done", self.count, &item, out);
        if self.count > 0 {
            self.done.push(b',');
        }
        self.done.extend_from_slice(&item);
        self.count += 1;
    }

    fn begin(&mut self, id: Option<String>, body: Body, out: &mut Vec<u8>) {
        self.close(Status::Completed, out);
        let id = id.unwrap_or_else(|| ids::made(body.prefix(), &self.seed, self.count));
        let mut open = Open { id, body };
        let item = open.json(Status::InProgress, None);
        self.frames.item("response.output_item.added", self.count, &item, out);
        self.open = Some(open);
    }

    fn progress(&mut self, kind: &str, out: &mut Vec<u8>) {
        if let Some(open) = &self.open {
            self.frames.at(kind, whole(&open.id, self.count), out, |_| {});
        }
    }
}

impl Open {
    /// Returns the item as it stands; vendor data is taken out of it.
    fn json(&mut self, status: Status, seal: Option<&Seal>) -> Vec<u8> {
        let id = &self.id;
        match &mut self.body {
            Body::Message { content, .. } => output::message(id, status, content),
            Body::Reasoning { kind, text, data, .. } => {
                let encrypted = seal.map(|seal| encrypted::content(std::mem::take(data), id, seal));
                output::reasoning(id, status, (*kind, text), encrypted.as_deref())
            }
            Body::Call { call, input, .. } => output::call(id, status, call, input),
            Body::WebSearch(query) => output::web_search(id, status, query),
            Body::Image { mime, data } => output::image(id, status, mime, data),
        }
    }
}

impl Body {
    /// Returns what ids of such items begin with.
    const fn prefix(&self) -> &'static str {
        match self {
            Self::Message { .. } => "msg_",
            Self::Reasoning { .. } => "rs_",
            Self::Call { call, .. } if call.is_custom => "ctc_",
            Self::Call { .. } => "fc_",
            Self::WebSearch(_) => "ws_",
            Self::Image { .. } => "ig_",
        }
    }
}

/// The events of a reasoning item's text.
struct Words {
    added: &'static str,
    delta: &'static str,
    text_done: &'static str,
    part_done: &'static str,
}

impl Words {
    const fn of(kind: ReasoningKind) -> Self {
        match kind {
            ReasoningKind::Summary => Self {
                added: "response.reasoning_summary_part.added",
                delta: "response.reasoning_summary_text.delta",
                text_done: "response.reasoning_summary_text.done",
                part_done: "response.reasoning_summary_part.done",
            },
            ReasoningKind::Raw => Self {
                added: "response.content_part.added",
                delta: "response.reasoning_text.delta",
                text_done: "response.reasoning_text.done",
                part_done: "response.content_part.done",
            },
        }
    }
}

const fn whole(item: &str, output: usize) -> Place<'_> {
    Place { item, output, part: None }
}

const fn content(item: &str, output: usize, part: usize) -> Place<'_> {
    Place { item, output, part: Some(("content_index", part)) }
}

const fn thought(item: &str, output: usize, kind: ReasoningKind) -> Place<'_> {
    let member = match kind {
        ReasoningKind::Summary => "summary_index",
        ReasoningKind::Raw => "content_index",
    };
    Place { item, output, part: Some((member, 0)) }
}
