//! One item of the output while it arrives: a message, reasoning, a call, a provider's own tool.
//!
//! What the deltas gave counts. Everything that says it again, whole, only fills their gaps.

use serde_json::Value;

use super::call::Call;
use super::heard::Heard;
use super::wire::{list, string};
use super::{logprobs, media, sources};
use crate::chat::{CallKind, Opaque, OpaqueKind, Vendor};
use crate::event::{Citation, Event, PartHead, ReasoningKind};

/// Where events go, and the number of the next part.
#[derive(Debug)]
pub(super) struct Emit<'o> {
    pub(super) out: &'o mut Vec<Event>,
    pub(super) next_part: &'o mut u32,
}

impl Emit<'_> {
    /// Gives an event.
    pub(super) fn push(&mut self, event: Event) {
        self.out.push(event);
    }

    /// Begins a part and returns its number.
    pub(super) fn start(&mut self, head: PartHead) -> u32 {
        let part = *self.next_part;
        *self.next_part += 1;
        self.push(Event::PartStart { choice: 0, part, head });
        part
    }
}

/// What an item is.
#[derive(Debug)]
pub(super) enum ItemKind {
    /// Text and refusals of the assistant.
    Message,
    /// Reasoning.
    Reasoning,
    /// A call of a client's tool.
    Call(Call),
    /// Anything else; told once it is whole.
    Other,
}

/// What a text of an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// Visible text.
    Text,
    /// A refusal.
    Refusal,
    /// A summary of reasoning.
    Summary,
    /// Reasoning itself.
    Raw,
}

impl TextKind {
    fn head(self) -> PartHead {
        match self {
            Self::Text => PartHead::Text,
            Self::Refusal => PartHead::Refusal,
            Self::Summary => PartHead::Reasoning(ReasoningKind::Summary),
            Self::Raw => PartHead::Reasoning(ReasoningKind::Raw),
        }
    }

    const fn is_reasoning(self) -> bool {
        matches!(self, Self::Summary | Self::Raw)
    }

    /// Returns what an entry of `content` or `summary` is, or `None` if it has no text.
    fn of(entry: &Value) -> Option<Self> {
        match string(entry, "type") {
            "output_text" | "text" => Some(Self::Text),
            "refusal" => Some(Self::Refusal),
            "summary_text" => Some(Self::Summary),
            "reasoning_text" => Some(Self::Raw),
            _ => None,
        }
    }
}

/// One text of an item.
#[derive(Debug)]
struct Piece {
    index: u64,
    kind: TextKind,
    /// The number of its part, shared by all pieces of one kind of reasoning.
    part: Option<u32>,
    heard: Heard,
    sources: usize,
    logprobs: usize,
    /// Whether all of its text came; its sources may still come with the item.
    complete: bool,
    ended: bool,
}

/// One item.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) index: Option<u64>,
    pub(super) id: String,
    pub(super) kind: ItemKind,
    /// Whether it was matched with an item of the last event.
    pub(super) claimed: bool,
    /// The item as it was first shown, for one that is never shown again.
    pub(super) first: Value,
    pieces: Vec<Piece>,
    /// Whether its encrypted form was passed on.
    sealed: bool,
    ended: bool,
}

impl Item {
    /// Makes an item of which only its type is known.
    pub(super) fn new(index: Option<u64>, kind: &str) -> Self {
        let kind = match kind {
            "message" => ItemKind::Message,
            "reasoning" => ItemKind::Reasoning,
            "function_call" => ItemKind::Call(Call::new(CallKind::Function)),
            "custom_tool_call" => ItemKind::Call(Call::new(CallKind::Custom)),
            _ => ItemKind::Other,
        };
        Self {
            index,
            id: String::new(),
            kind,
            claimed: false,
            first: Value::Null,
            pieces: Vec::new(),
            sealed: false,
            ended: false,
        }
    }

    /// Tells whether this can be the same item by its type, and for calls by their id.
    pub(super) fn may_be(&self, item: &Value) -> bool {
        match (&self.kind, string(item, "type")) {
            (ItemKind::Message, "message") | (ItemKind::Reasoning, "reasoning") => true,
            (ItemKind::Call(call), "function_call" | "custom_tool_call") => call.may_be(item),
            (ItemKind::Other, kind) => self.first.is_null() || string(&self.first, "type") == kind,
            _ => false,
        }
    }

    /// Tells whether it holds refusal text.
    pub(super) fn is_refusal(&self) -> bool {
        self.pieces.iter().any(|piece| piece.kind == TextKind::Refusal && piece.part.is_some())
    }

    /// Takes more characters of one of its texts.
    pub(super) fn add(&mut self, kind: TextKind, index: u64, delta: &str, emit: &mut Emit<'_>) {
        if delta.is_empty() {
            return;
        }
        let at = self.piece(kind, index);
        if self.pieces[at].ended {
            return;
        }
        let part = self.start(at, emit);
        self.pieces[at].heard.add(delta);
        emit.push(text_event(kind, part, delta.to_owned()));
    }

    /// Takes one of its texts whole, of which only what the deltas left out is new.
    pub(super) fn fill(&mut self, kind: TextKind, index: u64, whole: &str, emit: &mut Emit<'_>) {
        let at = self.piece(kind, index);
        let missing = self.pieces[at].heard.rest(whole);
        self.add(kind, index, missing, emit);
    }

    /// Takes log probabilities of newest tokens.
    pub(super) fn add_logprobs(&mut self, index: u64, tokens: &[Value], emit: &mut Emit<'_>) {
        if !tokens.is_empty() {
            let at = self.piece(TextKind::Text, index);
            self.pieces[at].logprobs += tokens.len();
            emit.push(Event::Logprobs { choice: 0, tokens: logprobs::entries(tokens) });
        }
    }

    /// Takes the log probabilities of a whole text, of which only those not yet seen are new.
    pub(super) fn fill_logprobs(&mut self, index: u64, all: &[Value], emit: &mut Emit<'_>) {
        let at = self.piece(TextKind::Text, index);
        let new = all.get(self.pieces[at].logprobs..).unwrap_or_default();
        self.add_logprobs(index, new, emit);
    }

    /// Takes a source of one of its texts. One of a text that has ended goes to an empty one, where its
    /// span would say nothing.
    pub(super) fn cite(&mut self, index: u64, annotation: &Value, emit: &mut Emit<'_>) {
        let at = self.piece(TextKind::Text, index);
        if !annotation.is_object() {
            return;
        }
        self.pieces[at].sources += 1;
        let citation = sources::citation(annotation);
        if self.pieces[at].ended {
            let part = emit.start(TextKind::Text.head());
            let citation = Citation { span: None, ..citation };
            emit.push(Event::Cite { choice: 0, part, citation });
            emit.push(Event::PartEnd { choice: 0, part });
        } else {
            let part = self.start(at, emit);
            emit.push(Event::Cite { choice: 0, part, citation });
        }
    }

    /// Takes an entry of `content` or `summary` whole.
    pub(super) fn fill_entry(&mut self, index: u64, entry: &Value, emit: &mut Emit<'_>) {
        let Some(kind) = TextKind::of(entry) else { return };
        let kind = match (kind, &self.kind) {
            (TextKind::Text, ItemKind::Reasoning) => TextKind::Raw,
            (kind, _) => kind,
        };
        let text = if kind == TextKind::Refusal { "refusal" } else { "text" };
        self.fill(kind, index, string(entry, text), emit);
        if kind == TextKind::Text {
            self.fill_logprobs(index, list(entry, "logprobs"), emit);
            let at = self.piece(kind, index);
            for annotation in list(entry, "annotations").iter().skip(self.pieces[at].sources) {
                self.cite(index, annotation, emit);
            }
        }
    }

    /// Notes that one text of a message is complete: it ends with the next one or with its item, which may
    /// name more sources. Reasoning ends with its item, which has the encrypted form.
    pub(super) fn complete_text(&mut self, index: u64) {
        for piece in &mut self.pieces {
            piece.complete |= piece.index == index && !piece.kind.is_reasoning();
        }
    }

    /// Ends the texts that are complete.
    fn end_complete(&mut self, emit: &mut Emit<'_>) {
        for piece in self.pieces.iter_mut().filter(|piece| piece.complete && !piece.ended) {
            if let Some(part) = piece.part {
                piece.ended = true;
                emit.push(Event::PartEnd { choice: 0, part });
            }
        }
    }

    /// Takes the whole item and ends it. An item that has ended can still gain parts it had not.
    pub(super) fn end(&mut self, item: &Value, emit: &mut Emit<'_>) {
        match &mut self.kind {
            ItemKind::Call(call) => call.end(item, emit),
            ItemKind::Other => {
                if !self.ended {
                    let part = emit.start(media::head(item));
                    emit.push(Event::PartEnd { choice: 0, part });
                }
            }
            ItemKind::Message => {
                if let Value::String(text) = &item["content"] {
                    self.fill(TextKind::Text, 0, text, emit);
                }
                self.fill_list(list(item, "content"), emit);
            }
            ItemKind::Reasoning => {
                self.fill_list(list(item, "summary"), emit);
                self.fill_list(list(item, "content"), emit);
                self.seal(item, emit);
            }
        }
        self.ended = true;
        self.end_pieces(emit);
    }

    /// Ends an item that is shown nowhere whole, with what is known of it.
    pub(super) fn end_as_it_is(&mut self, first: &Value, emit: &mut Emit<'_>) {
        let is_unknown = first.is_null() && matches!(self.kind, ItemKind::Other);
        if !self.ended && !is_unknown {
            self.end(first, emit);
        }
        self.end_pieces(emit);
    }

    /// Takes all entries of a list. Indexes of streams do not always start at 0; then the entries
    /// belong to the texts of their kind in order.
    fn fill_list(&mut self, entries: &[Value], emit: &mut Emit<'_>) {
        let kinds: Vec<Option<TextKind>> = entries.iter().map(TextKind::of).collect();
        let fits = |piece: &Piece| {
            let place = usize::try_from(piece.index).unwrap_or(usize::MAX);
            !kinds.contains(&Some(piece.kind)) || kinds.get(place) == Some(&Some(piece.kind))
        };
        let by_index = self.pieces.iter().all(fits);
        for (place, entry) in entries.iter().enumerate() {
            let Some(kind) = kinds[place] else { continue };
            let before = kinds[..place].iter().filter(|known| **known == Some(kind)).count();
            let mut known: Vec<u64> =
                self.pieces.iter().filter(|p| p.kind == kind).map(|p| p.index).collect();
            known.sort_unstable();
            let position = place as u64;
            let index = match known.get(before) {
                Some(&index) if !by_index => index,
                None if !by_index => known.last().map_or(position, |last| last + 1),
                _ => position,
            };
            self.fill_entry(index, entry, emit);
        }
    }

    /// Passes the encrypted form on, on the item's first part; one without text if it has none.
    fn seal(&mut self, item: &Value, emit: &mut Emit<'_>) {
        let encrypted = string(item, "encrypted_content");
        if encrypted.is_empty() || self.sealed {
            return;
        }
        self.sealed = true;
        let id = Some(string(item, "id")).filter(|id| !id.is_empty());
        let opaque = Opaque {
            item: id.map(str::to_owned),
            ..Opaque::new(Vendor::OpenAi, OpaqueKind::Redacted, encrypted)
        };
        let open = self.pieces.iter().filter(|piece| !piece.ended).find_map(|piece| piece.part);
        let part = open.unwrap_or_else(|| emit.start(TextKind::Summary.head()));
        emit.push(Event::Opaque { choice: 0, part, opaque });
        if open.is_none() {
            emit.push(Event::PartEnd { choice: 0, part });
        }
    }

    fn end_pieces(&mut self, emit: &mut Emit<'_>) {
        let mut ended = Vec::new();
        for piece in &mut self.pieces {
            let Some(part) = piece.part.filter(|_| !piece.ended) else { continue };
            piece.ended = true;
            if !ended.contains(&part) {
                ended.push(part);
                emit.push(Event::PartEnd { choice: 0, part });
            }
        }
    }

    /// Returns the place of a text, which may be new.
    fn piece(&mut self, kind: TextKind, index: u64) -> usize {
        let same = |piece: &Piece| piece.kind == kind && piece.index == index;
        self.pieces.iter().position(same).unwrap_or_else(|| {
            let (heard, part) = (Heard::default(), None);
            let piece = Piece {
                index,
                kind,
                part,
                heard,
                sources: 0,
                logprobs: 0,
                complete: false,
                ended: false,
            };
            self.pieces.push(piece);
            self.pieces.len() - 1
        })
    }

    /// Returns the part of a text, which may have to begin. Summaries of an item are paragraphs of one
    /// part.
    fn start(&mut self, at: usize, emit: &mut Emit<'_>) -> u32 {
        if let Some(part) = self.pieces[at].part {
            return part;
        }
        let kind = self.pieces[at].kind;
        let shared = kind.is_reasoning().then(|| {
            let open = |piece: &&Piece| piece.kind == kind && !piece.ended;
            self.pieces.iter().filter(open).find_map(|piece| piece.part)
        });
        let part = if let Some(part) = shared.flatten() {
            emit.push(text_event(kind, part, "\n\n".to_owned()));
            part
        } else {
            self.end_complete(emit);
            emit.start(kind.head())
        };
        self.pieces[at].part = Some(part);
        part
    }
}

fn text_event(kind: TextKind, part: u32, delta: String) -> Event {
    if kind.is_reasoning() {
        Event::Reasoning { choice: 0, part, delta }
    } else {
        Event::Text { choice: 0, part, delta }
    }
}
