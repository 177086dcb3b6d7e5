//! Writes turns as items.
//!
//! One canonical turn may be several items: what the model did in one step stays in its order, and the
//! results of a user's turn stand before the rest of it.

use super::Writing;
use super::body::{Content, Item, OwnItem, Part};
use super::call_ids::fitted;
use super::reasoning::Thoughts;
use super::{media, names, results, tools};
use crate::WireFormat;
use crate::chat::{CallKind, PartKind, Role, Turn};
use crate::field_names::Field;
use crate::openai_call_ids::CallIds;
use crate::server_text::server_text;

/// Writes all turns.
pub(super) fn write<'a>(writing: &mut Writing<'a, '_>) -> Vec<Item<'a>> {
    let request = writing.request;
    let mut input = Input { items: Vec::new(), calls: CallIds::new(fitted), media: Vec::new() };
    for turn in &request.turns {
        if turn.name.is_some() {
            writing.drop(Field::TURN_NAME, "Responses has no names of participants");
        }
        match turn.role {
            Role::System => input.instructions("system", turn, writing),
            Role::Developer => input.instructions("developer", turn, writing),
            Role::User | Role::Tool => input.user(turn, writing),
            Role::Assistant => input.assistant(turn, writing),
        }
    }
    if request.turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
        let detail = "most models begin a new message instead of going on with the last one";
        writing.approximate(Field::MESSAGES, detail);
    }
    if !input.media.is_empty() {
        let why = "only a user may send media, and no turn of theirs follows";
        writing.drop(Field::ASSISTANT_MEDIA, why);
    }
    input.items
}

struct Input<'a> {
    items: Vec<Item<'a>>,
    calls: CallIds,
    /// What the assistant drew or wrote as files; it goes into the next message of the user.
    media: Vec<Part<'a>>,
}

impl<'a> Input<'a> {
    fn instructions(&mut self, role: &'static str, turn: &'a Turn, writing: &mut Writing<'a, '_>) {
        let mut parts = Vec::new();
        for part in &turn.parts {
            match &part.kind {
                PartKind::Text(_) => parts.extend(media::part(part, writing)),
                _ => writing.drop(names::SYSTEM, "only text can be an instruction"),
            }
        }
        self.message(role, parts);
    }

    fn user(&mut self, turn: &'a Turn, writing: &mut Writing<'a, '_>) {
        let mut rest = std::mem::take(&mut self.media);
        for part in &turn.parts {
            let PartKind::ToolResult { call, name, parts, is_error } = &part.kind else {
                rest.extend(media::part(part, writing));
                continue;
            };
            let output = results::output(parts, part.cache.as_ref(), *is_error, writing);
            let (call_id, kind) = self.calls.answered(call, name.as_deref());
            self.push(match kind {
                CallKind::Function => OwnItem::FunctionCallOutput { call_id, output },
                CallKind::Custom => OwnItem::CustomToolCallOutput { call_id, output },
            });
        }
        self.message("user", rest);
    }

    fn assistant(&mut self, turn: &'a Turn, writing: &mut Writing<'a, '_>) {
        let mut texts = Vec::new();
        let mut thoughts = Thoughts::default();
        for part in &turn.parts {
            if let PartKind::Reasoning(text) = &part.kind {
                self.message("assistant", std::mem::take(&mut texts));
                thoughts.add(text, part.opaque.as_ref(), writing);
                continue;
            }
            if part.opaque.is_some() {
                writing.drop(Field::SIGNATURE, "only its own vendor can read it");
            }
            match &part.kind {
                PartKind::Text(text) if text.is_empty() => {}
                PartKind::Text(text) => {
                    self.items.extend(thoughts.take(writing));
                    texts.push(Part::OutputText { text: text.into() });
                }
                PartKind::Refusal(refusal) => {
                    self.items.extend(thoughts.take(writing));
                    texts.push(Part::Refusal { refusal });
                }
                PartKind::ToolCall { id, name, kind, arguments } => {
                    self.message("assistant", std::mem::take(&mut texts));
                    self.items.extend(thoughts.take(writing));
                    self.call(id, name, *kind, arguments, writing);
                }
                PartKind::Server { format: WireFormat::OpenAiResponses, raw } => {
                    self.message("assistant", std::mem::take(&mut texts));
                    self.items.extend(thoughts.take(writing));
                    self.items.push(Item::Raw(raw));
                }
                PartKind::Server { raw, .. } => {
                    if let Some(text) = server_text(raw.get(), writing) {
                        self.items.extend(thoughts.take(writing));
                        texts.push(Part::OutputText { text: text.into() });
                    }
                }
                PartKind::Image(_) | PartKind::Document(_) => {
                    let why = "media of the assistant are sent in the next message of the user";
                    writing.approximate(Field::ASSISTANT_MEDIA, why);
                    self.media.extend(media::part(part, writing));
                }
                _ => writing.drop(Field::ASSISTANT_MEDIA, "only a user may send media"),
            }
        }
        self.message("assistant", texts);
        thoughts.leave(writing);
    }

    fn call(
        &mut self,
        id: &str,
        name: &'a str,
        kind: CallKind,
        arguments: &'a str,
        writing: &mut Writing<'a, '_>,
    ) {
        let call_id = self.calls.asked(id, name, kind);
        let name = tools::sent_name(name, writing);
        self.push(match kind {
            CallKind::Function => {
                let is_empty = arguments.trim_ascii().is_empty();
                let arguments = if is_empty { "{}" } else { arguments };
                OwnItem::FunctionCall { call_id, name, arguments }
            }
            CallKind::Custom => OwnItem::CustomToolCall { call_id, name, input: arguments },
        });
    }

    /// Adds a message, unless it says nothing.
    fn message(&mut self, role: &'static str, parts: Vec<Part<'a>>) {
        if !parts.is_empty() {
            self.push(OwnItem::Message { role, content: Content::of(parts) });
        }
    }

    fn push(&mut self, item: OwnItem<'a>) {
        self.items.push(Item::Own(item));
    }
}
