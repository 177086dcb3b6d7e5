//! The tool calls of one answer while their fragments arrive.
//!
//! Fragments belong together by `index`, but providers bend that: some send index 0 for every call and
//! another id, some send no index, some repeat id and name on every fragment, some start at 1.

use std::borrow::Cow;

use super::chunk::{Function, ToolCall};
use crate::chat::{CallKind, Opaque, OpaqueKind, Vendor};
use crate::event::{Event, PartHead};
use crate::text::{Text, characters};

/// Index under which the legacy `function_call` is kept; no provider counts so far.
const LEGACY: u64 = u64::MAX;

/// One call as far as it is known.
#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    kind: CallKind,
    /// Our part number once the call was announced.
    part: Option<u32>,
    /// Characters that came before the name.
    waiting: String,
    /// A signature that came before the name.
    signature: Option<String>,
    ended: bool,
}

/// Whether calls come in fragments or whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// In `delta`: fragments must be put together.
    #[default]
    Fragment,
    /// In `message`: each entry is a call of its own, whatever its id and index.
    Whole,
}

/// One fragment, whatever member it came in.
#[derive(Debug, Default)]
pub(super) struct Fragment<'a> {
    index: Option<u64>,
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
    signature: Option<Cow<'a, str>>,
    kind: CallKind,
    shape: Shape,
}

impl<'a> Fragment<'a> {
    /// Reads an entry of `tool_calls`.
    pub(super) fn of_call(call: &'a ToolCall<'a>, shape: Shape) -> Self {
        let mut fragment = Self {
            index: call.index.0,
            id: Cow::Borrowed(Text::or_empty(call.id.as_ref())),
            signature: signature(call),
            shape,
            ..Self::default()
        };
        if let Some(function) = &call.function {
            fragment.name = Cow::Borrowed(Text::or_empty(function.name.as_ref()));
            fragment.arguments = characters(function.arguments);
        } else if let Some(custom) = &call.custom {
            fragment.name = Cow::Borrowed(Text::or_empty(custom.name.as_ref()));
            fragment.arguments = Cow::Borrowed(Text::or_empty(custom.input.as_ref()));
            fragment.kind = CallKind::Custom;
        }
        fragment
    }

    /// Reads the legacy `function_call`.
    pub(super) fn of_function(function: &'a Function<'a>) -> Self {
        Self {
            index: Some(LEGACY),
            name: Cow::Borrowed(Text::or_empty(function.name.as_ref())),
            arguments: characters(function.arguments),
            ..Self::default()
        }
    }
}

fn signature<'a>(call: &'a ToolCall<'a>) -> Option<Cow<'a, str>> {
    let google = call.extra_content.as_ref()?.google.as_ref()?;
    let signature = Text::or_empty(google.thought_signature.as_ref());
    (!signature.is_empty()).then_some(Cow::Borrowed(signature))
}

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
}

impl Calls {
    /// Tells whether any call was announced.
    pub(super) fn any(&self) -> bool {
        self.calls.iter().any(|call| call.part.is_some())
    }

    /// Takes a fragment; `next_part` is the number of the next part of this answer.
    pub(super) fn take(
        &mut self,
        fragment: &Fragment<'_>,
        choice: u16,
        next_part: &mut u32,
        out: &mut Vec<Event>,
    ) {
        let place = self.place(fragment);
        let call = &mut self.calls[place];
        if call.id.is_empty() && call.part.is_none() {
            call.id.push_str(&fragment.id);
        }
        if call.name.is_empty() {
            call.name.push_str(&fragment.name);
        }
        if call.part.is_none() && !call.name.is_empty() {
            call.announce(choice, next_part, out);
        }
        call.add(fragment, choice, out);
    }

    /// Ends all calls; one that never got a name is announced without.
    pub(super) fn end(&mut self, choice: u16, next_part: &mut u32, out: &mut Vec<Event>) {
        for call in self.calls.iter_mut().filter(|call| !call.ended) {
            call.ended = true;
            let nothing = call.id.is_empty() && call.waiting.is_empty();
            if call.part.is_none() && !nothing {
                call.announce(choice, next_part, out);
            }
            if let Some(part) = call.part {
                out.push(Event::PartEnd { choice, part });
            }
        }
    }

    /// Finds the call a fragment belongs to, or adds one.
    fn place(&mut self, fragment: &Fragment<'_>) -> usize {
        let known = match fragment.index {
            Some(_) => self.calls.iter().rposition(|call| call.index == fragment.index),
            None if fragment.id.is_empty() && fragment.name.is_empty() => {
                self.calls.len().checked_sub(1)
            }
            None if fragment.id.is_empty() => None,
            None => self.calls.iter().rposition(|call| call.id == fragment.id),
        };
        let same = |place: &usize| {
            let call = &self.calls[*place];
            let other_id = !fragment.id.is_empty() && !call.id.is_empty() && call.id != fragment.id;
            !call.ended && !other_id
        };
        if let Some(place) = known.filter(same).filter(|_| fragment.shape == Shape::Fragment) {
            return place;
        }
        self.calls.push(Call {
            index: fragment.index,
            id: String::new(),
            name: String::new(),
            kind: fragment.kind,
            part: None,
            waiting: String::new(),
            signature: None,
            ended: false,
        });
        self.calls.len() - 1
    }
}

impl Call {
    fn announce(&mut self, choice: u16, next_part: &mut u32, out: &mut Vec<Event>) {
        let part = *next_part;
        *next_part += 1;
        self.part = Some(part);
        let head =
            PartHead::ToolCall { id: self.id.clone(), name: self.name.clone(), kind: self.kind };
        out.push(Event::PartStart { choice, part, head });
        if let Some(signature) = self.signature.take() {
            out.push(signed(choice, part, signature));
        }
        if !self.waiting.is_empty() {
            let delta = std::mem::take(&mut self.waiting);
            out.push(Event::Arguments { choice, part, delta });
        }
    }

    fn add(&mut self, fragment: &Fragment<'_>, choice: u16, out: &mut Vec<Event>) {
        let signature = fragment.signature.as_ref().map(|signature| signature.to_string());
        let Some(part) = self.part else {
            self.waiting.push_str(&fragment.arguments);
            self.signature = signature.or(self.signature.take());
            return;
        };
        if let Some(signature) = signature {
            out.push(signed(choice, part, signature));
        }
        if !fragment.arguments.is_empty() {
            let delta = fragment.arguments.to_string();
            out.push(Event::Arguments { choice, part, delta });
        }
    }
}

fn signed(choice: u16, part: u32, data: String) -> Event {
    let opaque = Opaque::new(Vendor::Google, OpaqueKind::Signature, data);
    Event::Opaque { choice, part, opaque }
}
