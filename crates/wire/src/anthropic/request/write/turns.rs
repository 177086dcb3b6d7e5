//! The conversation: system prompt, and messages of alternating roles.
//!
//! Neighbours of one role are joined, results of a step stand first in the user message behind it and
//! in the order of the calls, and nothing empty is sent, since the API refuses all else. System turns
//! inside the conversation stay at their place: lifted to the top they would change the beginning of
//! every later request.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use super::body::{Block, Message, OwnBlock};
use super::call_ids::CallIds;
use super::tools::TOOL_NAMES;
use super::{Writing, cache, media, names, results};
use crate::WireFormat;
use crate::argument_object::{Was, argument_object};
use crate::chat::{CallKind, Opaque, OpaqueKind, Part, PartKind, Role, Turn, Vendor};
use crate::custom_tool;
use crate::field_names::Field;
use crate::server_text::server_text;

/// The system prompt and the messages.
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) messages: Vec<Message<'a>>,
}

/// A message in the making.
struct Draft<'a> {
    role: &'static str,
    /// Results of tools with the place of their call in the message before.
    results: Vec<(usize, Block<'a>)>,
    blocks: Vec<Block<'a>>,
    /// The places of the calls in `blocks`, by their ids.
    calls: HashMap<String, usize>,
}

struct Drafts<'a, 'w, 'n> {
    writing: &'w mut Writing<'a, 'n>,
    list: Vec<Draft<'a>>,
    ids: CallIds,
    /// Media of assistant turns, which go into the next user message.
    media: Vec<Block<'a>>,
}

/// Writes the conversation.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>) -> Conversation<'a> {
    let turns = &writing.request.turns;
    let is_said = |turn: &Turn| {
        let mut texts = turn.parts.iter();
        texts.any(|part| matches!(&part.kind, PartKind::Text(text) if !text.trim().is_empty()))
    };
    let leading = turns.iter().take_while(|turn| turn.role.is_instructions()).count();
    // A model that is given instructions only answers the last of them.
    let asking = (leading == turns.len()).then(|| turns.iter().rposition(is_said)).flatten();
    let leading = asking.unwrap_or(leading);
    let mut system = Vec::new();
    for (index, turn) in turns[..leading].iter().enumerate() {
        system_blocks(writing, turn, index, &mut system);
    }
    // Only Chat counts system turns among the messages.
    let is_counted = matches!(writing.request.origin, None | Some(WireFormat::OpenAiChat));
    let first = if is_counted { leading } else { 0 };
    let mut drafts =
        Drafts { writing, list: Vec::new(), ids: CallIds::default(), media: Vec::new() };
    if let Some(asking) = asking {
        drafts.add_parts("user", &turns[asking], first);
        let why = "there are instructions only; the last are sent as the user's message";
        drafts.writing.approximate(Field::MESSAGES, why);
        return Conversation { system, messages: drafts.finish() };
    }
    for (index, turn) in turns[leading..].iter().enumerate() {
        drafts.add(turn, first + index);
    }
    Conversation { system, messages: drafts.finish() }
}

/// Appends the text of a system turn; nothing else can stand there.
fn system_blocks<'a>(
    writing: &mut Writing<'a, '_>,
    turn: &'a Turn,
    index: usize,
    blocks: &mut Vec<Block<'a>>,
) {
    for (place, part) in turn.parts.iter().enumerate() {
        match &part.kind {
            PartKind::Text(text) if text.trim().is_empty() => {}
            PartKind::Text(text) => {
                let cache_control = part.cache.as_ref().map(cache::mark);
                let text = Some(Cow::Borrowed(&**text));
                blocks.push(
                    OwnBlock { kind: "text", text, cache_control, ..OwnBlock::default() }.into(),
                );
            }
            _ => {
                let path = path(writing, index, place);
                writing.refused.add(path, "instructions can be text only");
            }
        }
    }
}

/// Returns the client's path of a part.
fn path(writing: &Writing<'_, '_>, turn: usize, part: usize) -> String {
    let list = Field::MESSAGES.name(writing.request);
    let parts = if list == "contents" { "parts" } else { "content" };
    format!("{list}[{turn}].{parts}[{part}]")
}

impl<'a> Drafts<'a, '_, '_> {
    fn add(&mut self, turn: &'a Turn, index: usize) {
        if turn.name.is_some() {
            self.writing.drop(Field::TURN_NAME, "the Messages API does not name speakers");
        }
        if turn.role.is_instructions() {
            self.add_system(turn, index);
            return;
        }
        let role = if turn.role == Role::Assistant { "assistant" } else { "user" };
        self.add_parts(role, turn, index);
    }

    fn add_parts(&mut self, role: &'static str, turn: &'a Turn, index: usize) {
        for (place, part) in turn.parts.iter().enumerate() {
            self.add_part(role, part, (index, place));
        }
    }

    /// Adds a system turn at its place: as a message of that role where model and API take it, else
    /// as text of the user that says what it is.
    fn add_system(&mut self, turn: &'a Turn, index: usize) {
        let mut blocks = Vec::new();
        system_blocks(self.writing, turn, index, &mut blocks);
        let is_legal = self.list.last().is_some_and(|last| last.role != "assistant");
        if self.writing.facts.system_inside && is_legal {
            for block in blocks {
                self.push("system", block);
            }
            return;
        }
        for block in blocks {
            let Block::Own(mut own) = block else { continue };
            let text = own.text.take().unwrap_or_default();
            own.text = Some(Cow::Owned(format!("<system>\n{text}\n</system>")));
            self.writing.approximate(
                names::SYSTEM_INSIDE,
                "instructions inside the conversation are sent as marked text of the user",
            );
            self.push("user", Block::Own(own));
        }
    }

    fn push(&mut self, role: &'static str, block: Block<'a>) {
        let mut moved = if role == "user" { std::mem::take(&mut self.media) } else { Vec::new() };
        let draft = self.last_of(role);
        draft.blocks.append(&mut moved);
        draft.blocks.push(block);
    }

    /// Returns the last message if it has this role, else a new one.
    fn last_of(&mut self, role: &'static str) -> &mut Draft<'a> {
        let is_new = self.list.last().is_none_or(|last| last.role != role);
        if is_new {
            self.list.push(Draft {
                role,
                results: Vec::new(),
                blocks: Vec::new(),
                calls: HashMap::new(),
            });
        }
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// Adds a part; `place` is that of its turn, and its own in it.
    fn add_part(&mut self, role: &'static str, part: &'a Part, place: (usize, usize)) {
        let path = |drafts: &Self| path(drafts.writing, place.0, place.1);
        let cache = || part.cache.as_ref().map(cache::mark);
        match &part.kind {
            PartKind::Text(text) => {
                self.note_foreign(part.opaque.as_ref());
                self.add_text(role, text, cache());
            }
            PartKind::Refusal(text) => {
                self.writing.approximate(Field::REFUSAL, "sent as text");
                self.add_text(role, text, cache());
            }
            PartKind::Image(image) => {
                let path = path(self);
                let block = media::image(self.writing, image, &path);
                self.add_media(role, block, part);
            }
            PartKind::Document(document) => {
                let path = path(self);
                let block = media::document(self.writing, document, &path);
                self.add_media(role, block, part);
            }
            PartKind::Audio(_) => {
                let path = path(self);
                self.writing.refused.add(path, "the Messages API takes no sound");
            }
            PartKind::Video(_) => {
                let path = path(self);
                self.writing.refused.add(path, "the Messages API takes no video");
            }
            PartKind::ToolCall { id, name, kind, arguments } => {
                self.note_foreign(part.opaque.as_ref());
                let input = self.input(*kind, arguments);
                self.add_call(id, name, input, part);
            }
            PartKind::ToolResult { call, name, parts, is_error } => {
                let path = path(self);
                let content = results::content(self.writing, parts, &path);
                let id = self.ids.result(call, name.as_deref());
                let mut block = results::block(id, content, *is_error);
                block.cache_control = cache();
                self.add_result(block);
            }
            PartKind::Reasoning(text) => self.add_reasoning(role, text, part.opaque.as_ref()),
            PartKind::Server { format, raw } => {
                if *format == WireFormat::Anthropic {
                    self.push(role, Block::Raw(raw));
                } else if let Some(text) = server_text(raw.get(), self.writing) {
                    self.push(role, Block::text(text));
                }
            }
        }
    }

    fn add_text(
        &mut self,
        role: &'static str,
        text: &'a str,
        cache_control: Option<serde_json::Value>,
    ) {
        if !text.trim().is_empty() {
            let text = Some(Cow::Borrowed(text));
            let block = OwnBlock { kind: "text", text, cache_control, ..OwnBlock::default() };
            self.push(role, block.into());
        }
    }

    fn add_media(&mut self, role: &'static str, block: Option<Block<'a>>, part: &Part) {
        let Some(mut block) = block else { return };
        if let Some(mark) = block.cache_mark() {
            *mark = part.cache.as_ref().map(cache::mark);
        }
        if role == "assistant" {
            let why = "media of the assistant are sent in the next message of the user";
            self.writing.approximate(Field::ASSISTANT_MEDIA, why);
            self.media.push(block);
        } else {
            self.push(role, block);
        }
    }

    /// Returns the input of a call as an object.
    fn input(&mut self, kind: CallKind, arguments: &str) -> Option<Box<RawValue>> {
        if kind == CallKind::Custom {
            let why = "the text of a custom tool is put in an object";
            self.writing.approximate(Field::ARGUMENTS, why);
            return RawValue::from_string(custom_tool::arguments(arguments)).ok();
        }
        let object = argument_object(arguments);
        if object.was != Was::Object {
            self.writing.approximate(
                Field::ARGUMENTS,
                "arguments that are no JSON object were put into one",
            );
        }
        RawValue::from_string(object.json.into_owned()).ok()
    }

    fn add_call(&mut self, id: &str, name: &'a str, input: Option<Box<RawValue>>, part: &Part) {
        let id = self.ids.call(id, name);
        let block = OwnBlock {
            kind: "tool_use",
            id: Some(id.clone()),
            name: Some(TOOL_NAMES.legal(name)),
            input,
            cache_control: part.cache.as_ref().map(cache::mark),
            ..OwnBlock::default()
        };
        let draft = self.last_of("assistant");
        let place = draft.calls.len();
        draft.calls.insert(id, place);
        draft.blocks.push(block.into());
    }

    /// Adds a result to the message right behind the last assistant message.
    fn add_result(&mut self, block: OwnBlock<'a>) {
        let id = block.tool_use_id.clone().unwrap_or_default();
        let assistant = self.list.iter().rposition(|draft| draft.role == "assistant");
        let behind = assistant.map_or(0, |place| place + 1);
        let place_of_call = assistant
            .and_then(|place| self.list[place].calls.get(&id).copied())
            .unwrap_or(usize::MAX);
        let is_there = self.list.get(behind).is_some_and(|draft| draft.role == "user");
        if !is_there {
            let draft = Draft {
                role: "user",
                results: Vec::new(),
                blocks: Vec::new(),
                calls: HashMap::new(),
            };
            self.list.insert(behind, draft);
        }
        let draft = &mut self.list[behind];
        draft.results.push((place_of_call, block.into()));
        draft.blocks.append(&mut self.media);
    }

    /// Adds reasoning that this vendor signed. All other it would refuse.
    fn add_reasoning(&mut self, role: &'static str, text: &'a str, opaque: Option<&'a Opaque>) {
        let target = self.writing.target;
        let own =
            opaque.filter(|data| target.reads(data, Vendor::Anthropic) && role == "assistant");
        let Some(own) = own else {
            if !text.is_empty() || opaque.is_some() {
                let why = "reasoning without this vendor's signature is refused by it";
                self.writing.drop(Field::REASONING, why);
            }
            return;
        };
        let block = match own.kind {
            OpaqueKind::Signature => OwnBlock {
                kind: "thinking",
                thinking: Some(text),
                signature: Some(&own.data),
                ..OwnBlock::default()
            },
            OpaqueKind::Redacted => {
                OwnBlock { kind: "redacted_thinking", data: Some(&own.data), ..OwnBlock::default() }
            }
        };
        self.push(role, block.into());
    }

    /// Notes another vendor's data on a part that can go without it.
    fn note_foreign(&mut self, opaque: Option<&Opaque>) {
        if opaque.is_some_and(|opaque| opaque.vendor != Vendor::Anthropic) {
            self.writing.drop(Field::SIGNATURE, "another vendor's signature means nothing here");
        }
    }

    fn finish(mut self) -> Vec<Message<'a>> {
        if !self.media.is_empty() {
            let why = "media of the assistant at the end of the conversation cannot be sent";
            self.writing.drop(Field::ASSISTANT_MEDIA, why);
        }
        self.trim_end();
        self.refuse_prefill();
        let Some(first) = self.list.first() else {
            // Where a part was refused, that is what there is to say.
            if self.writing.refused.is_empty() {
                let field = Field::MESSAGES.name(self.writing.request);
                self.writing.refused.add(field, "nothing is left to send: there is no text in it");
            }
            return Vec::new();
        };
        let mut messages = Vec::with_capacity(self.list.len() + 1);
        if first.role == "assistant" {
            let why = "the first message must be the user's; one with a full stop was put before";
            self.writing.approximate(Field::MESSAGES, why);
            messages.push(Message { role: "user", content: vec![Block::text(".")] });
        }
        messages.extend(self.list.into_iter().map(|draft| {
            let mut results = draft.results;
            results.sort_by_key(|(place, _)| *place);
            let mut content: Vec<Block<'a>> = results.into_iter().map(|(_, block)| block).collect();
            content.extend(draft.blocks);
            Message { role: draft.role, content }
        }));
        messages
    }

    /// Refuses a text of the assistant at the end if the model would not go on from it. An own client is
    /// told so by the provider.
    fn refuse_prefill(&mut self) {
        let is_own = self.writing.request.origin == Some(WireFormat::Anthropic);
        let is_prefill = self.list.last().is_some_and(|last| {
            let ends_in_text = last.blocks.last().is_some_and(|block| block.kind() == "text");
            last.role == "assistant" && ends_in_text
        });
        if is_prefill && !is_own && !self.writing.facts.prefill {
            let field = Field::MESSAGES.name(self.writing.request);
            let why = "the last turn is the assistant's, and the model does not go on from one; end \
                       with the user's";
            self.writing.refused.add(field, why);
        }
    }

    /// Trims the text an answer is to go on from: it must not end in white space.
    fn trim_end(&mut self) {
        let Some(last) = self.list.last_mut().filter(|last| last.role == "assistant") else {
            return;
        };
        if let Some(Block::Own(block)) = last.blocks.last_mut()
            && block.kind == "text"
            && let Some(text) = &mut block.text
        {
            let end = text.trim_end().len();
            match text {
                Cow::Borrowed(text) => *text = &text[..end],
                Cow::Owned(text) => text.truncate(end),
            }
        }
    }
}
