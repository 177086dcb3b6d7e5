//! Applies an [`Aftercare`] to the events of one reply, between its reader and its writer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::custom_input::CustomInput;
use super::nulls::Nulls;
use super::stop::{Found, StopScan};
use super::{Aftercare, OptionalMembers};
use crate::chat::CallKind;
use crate::event::{Event, Finish, PartHead};

/// The stage of one reply.
#[derive(Debug)]
pub struct Mender {
    aftercare: Aftercare,
    /// Parts that are not passed on as they came, by choice and part.
    parts: BTreeMap<(u16, u32), Mended>,
    /// JSON that loses nulls before anything else is done to it, by choice and part.
    nulls: BTreeMap<(u16, u32), Json>,
    /// Scans of visible text by choice; empty if no stop sequence is looked for.
    scans: BTreeMap<u16, StopScan>,
    /// Answers whose only calls were answers in disguise.
    disguised: BTreeMap<u16, Disguise>,
    is_cut: bool,
}

/// How a part is changed.
#[derive(Debug)]
enum Mended {
    /// A function call that the client knows as a custom tool's.
    Custom(CustomInput),
    /// A call whose arguments are the answer's text.
    Answer,
    /// Visible text that is scanned for stop sequences.
    Scanned,
}

/// JSON that loses nulls.
#[derive(Debug)]
struct Json {
    nulls: Nulls,
    place: Place,
}

/// Where JSON stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the answer's text.
    Answer,
    /// In the arguments of a call.
    Arguments,
}

impl Json {
    fn new(optional: &Arc<OptionalMembers>, place: Place) -> Self {
        Self { nulls: Nulls::new(Arc::clone(optional)), place }
    }
}

/// What calls an answer has.
#[derive(Clone, Copy, Debug, Default)]
struct Disguise {
    answers: usize,
    calls: usize,
}

impl Mender {
    /// Makes the stage, or `None` if there is nothing to do.
    pub fn new(aftercare: &Aftercare) -> Option<Self> {
        (!aftercare.is_empty()).then(|| Self {
            aftercare: aftercare.clone(),
            parts: BTreeMap::new(),
            nulls: BTreeMap::new(),
            scans: BTreeMap::new(),
            disguised: BTreeMap::new(),
            is_cut: false,
        })
    }

    /// Tells whether the answer was cut at a stop sequence: the provider need not go on.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Takes one event and appends what becomes of it.
    pub fn mend(&mut self, event: Event, out: &mut Vec<Event>) {
        if self.is_cut {
            // What the provider counted is worth having; the answer itself has ended.
            if matches!(event, Event::Usage(_)) {
                out.push(event);
            }
            return;
        }
        match event {
            Event::PartStart { choice, part, head } => self.start(choice, part, head, out),
            Event::Text { choice, part, delta } => {
                if let Some(delta) = self.without_nulls(choice, part, delta) {
                    self.text(choice, part, delta, out);
                }
            }
            Event::Reasoning { .. } if self.aftercare.hide_reasoning => {}
            Event::Arguments { choice, part, delta } => {
                if let Some(delta) = self.without_nulls(choice, part, delta) {
                    self.arguments(choice, part, delta, out);
                }
            }
            Event::PartEnd { choice, part } => self.end(choice, part, out),
            Event::Finish { choice, reason, native, stop_sequence, detail } => {
                let disguise = self.disguised.get(&choice).copied().unwrap_or_default();
                let only_answers = disguise.answers > 0 && disguise.calls == 0;
                let reason = match reason {
                    Finish::ToolCalls if only_answers => Finish::Stop,
                    other => other,
                };
                out.push(Event::Finish { choice, reason, native, stop_sequence, detail });
            }
            other => out.push(other),
        }
    }

    fn start(&mut self, choice: u16, part: u32, head: PartHead, out: &mut Vec<Event>) {
        if let (PartHead::Text, Some(optional)) = (&head, &self.aftercare.optional_in_answer) {
            self.nulls.insert((choice, part), Json::new(optional, Place::Answer));
        }
        let head = match head {
            PartHead::ToolCall { id, name, kind } => self.call(choice, part, id, name, kind),
            PartHead::Text if !self.aftercare.stop.is_empty() => {
                self.parts.insert((choice, part), Mended::Scanned);
                PartHead::Text
            }
            other => other,
        };
        out.push(Event::PartStart { choice, part, head });
    }

    fn call(
        &mut self,
        choice: u16,
        part: u32,
        id: String,
        name: String,
        kind: CallKind,
    ) -> PartHead {
        let disguise = self.disguised.entry(choice).or_default();
        if self.aftercare.answer_tool.as_deref() == Some(&*name) {
            disguise.answers += 1;
            self.parts.insert((choice, part), Mended::Answer);
            return PartHead::Text;
        }
        disguise.calls += 1;
        let name = self.aftercare.names.get(&name).cloned().unwrap_or(name);
        if let Some(optional) = self.aftercare.optional_arguments.get(&name) {
            self.nulls.insert((choice, part), Json::new(optional, Place::Arguments));
        }
        if kind == CallKind::Function && self.aftercare.custom.contains(&name) {
            self.parts.insert((choice, part), Mended::Custom(CustomInput::default()));
            return PartHead::ToolCall { id, name, kind: CallKind::Custom };
        }
        PartHead::ToolCall { id, name, kind }
    }

    /// Returns what may go on of JSON that loses nulls; `None` if nothing may yet.
    fn without_nulls(&mut self, choice: u16, part: u32, delta: String) -> Option<String> {
        match self.nulls.get_mut(&(choice, part)) {
            Some(json) => Some(json.nulls.push(&delta)).filter(|delta| !delta.is_empty()),
            None => Some(delta),
        }
    }

    fn text(&mut self, choice: u16, part: u32, delta: String, out: &mut Vec<Event>) {
        if !matches!(self.parts.get(&(choice, part)), Some(Mended::Scanned)) {
            out.push(Event::Text { choice, part, delta });
            return;
        }
        let found = self.scans.entry(choice).or_default().push(&delta, &self.aftercare.stop);
        self.scanned(choice, part, found, out);
    }

    fn scanned(&mut self, choice: u16, part: u32, found: Found, out: &mut Vec<Event>) {
        if !found.shown.is_empty() {
            out.push(Event::Text { choice, part, delta: found.shown });
        }
        if let Some(sequence) = found.sequence {
            self.cut(choice, part, sequence, out);
        }
    }

    /// Ends the answer before a stop sequence. Other answers of the same reply end with it: they were
    /// asked for with the same sequence, and the provider is told to stop.
    fn cut(&mut self, choice: u16, part: u32, sequence: usize, out: &mut Vec<Event>) {
        self.is_cut = true;
        out.push(Event::PartEnd { choice, part });
        out.push(Event::Finish {
            choice,
            reason: Finish::StopSequence,
            native: "stop".to_owned(),
            stop_sequence: self.aftercare.stop.get(sequence).cloned(),
            detail: None,
        });
        out.push(Event::End);
    }

    fn arguments(&mut self, choice: u16, part: u32, delta: String, out: &mut Vec<Event>) {
        match self.parts.get_mut(&(choice, part)) {
            None | Some(Mended::Scanned) => out.push(Event::Arguments { choice, part, delta }),
            Some(Mended::Answer) => out.push(Event::Text { choice, part, delta }),
            Some(Mended::Custom(input)) => {
                let delta = input.push(&delta);
                if !delta.is_empty() {
                    out.push(Event::Arguments { choice, part, delta });
                }
            }
        }
    }

    fn end(&mut self, choice: u16, part: u32, out: &mut Vec<Event>) {
        if let Some(Json { nulls, place }) = self.nulls.remove(&(choice, part)) {
            let rest = nulls.finish();
            match place {
                _ if rest.is_empty() => {}
                Place::Answer => self.text(choice, part, rest, out),
                Place::Arguments => self.arguments(choice, part, rest, out),
            }
            if self.is_cut {
                return;
            }
        }
        match self.parts.remove(&(choice, part)) {
            Some(Mended::Custom(input)) => {
                let delta = input.finish();
                if !delta.is_empty() {
                    out.push(Event::Arguments { choice, part, delta });
                }
            }
            Some(Mended::Scanned) => {
                let scan = self.scans.remove(&choice).unwrap_or_default();
                let found = { scan }.finish(&self.aftercare.stop);
                self.scanned(choice, part, found, out);
                if self.is_cut {
                    return;
                }
            }
            Some(Mended::Answer) | None => {}
        }
        out.push(Event::PartEnd { choice, part });
    }
}
