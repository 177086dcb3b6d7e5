//! Turns the objects of a reply, in order, into events.

use serde_json::Value;
use serde_json::value::RawValue;

use super::choices::found_or_added;
use super::chunk::{Candidate, Chunk, FunctionCall, Part, Word};
use super::partial::Partial;
use crate::api_error::UpstreamError;
use crate::chat::{CallKind, Opaque, OpaqueKind, Vendor};
use crate::event::{Event, Finish, PartHead, ReasoningKind};
use crate::gemini::letters::PartLetters;
use crate::gemini::sources::{self, Found};
use crate::gemini::usage::Counts;
use crate::gemini::{error, finish, logprobs};
use crate::mend;
use crate::text::Text;

/// Members of a part that say something about it but are no content.
const BESIDE: [&str; 6] = [
    "thought",
    "thoughtSignature",
    "thought_signature",
    "videoMetadata",
    "mediaResolution",
    "partMetadata",
];

/// The state of one reply.
#[derive(Default)]
pub(super) struct Fold {
    started: bool,
    counts: Counts,
    choices: Vec<Choice>,
    blocked: Option<(String, Option<String>)>,
}

#[derive(Default)]
struct Choice {
    index: u16,
    next_part: u32,
    open: Option<Open>,
    /// Visible text by part, for sources whose spans count the bytes of all of it.
    texts: PartLetters,
    cited: Vec<Found>,
    calls_seen: bool,
    finish: Option<String>,
    message: Option<String>,
}

struct Open {
    part: u32,
    kind: Kind,
}

enum Kind {
    Text,
    Reasoning,
    Call(Box<Partial>),
}

impl Fold {
    /// Tells whether any part of a reply was seen.
    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    /// Takes one object.
    ///
    /// # Errors
    ///
    /// The error that ends the reply: the one inside the object, or that it cannot be read.
    pub(super) fn object(
        &mut self,
        object: &[u8],
        out: &mut Vec<Event>,
    ) -> Result<(), UpstreamError> {
        let mended = mend::lone_surrogates_of_texts(object);
        let object = mended.as_deref().unwrap_or(object);
        let chunk: Chunk<'_> = std::str::from_utf8(object)
            .map_err(|fault| fault.to_string())
            .and_then(|text| serde_json::from_str(text).map_err(|fault| fault.to_string()))
            .map_err(|fault| {
                UpstreamError::truncated(format!("the provider sent an unreadable event: {fault}"))
            })?;
        if chunk.error.is_some() {
            let body: Value = serde_json::from_slice(object).unwrap_or_default();
            return Err(error::from_value(None, &body));
        }
        self.start(&chunk, out);
        self.count(&chunk, out);
        if let Some(feedback) = &chunk.prompt_feedback
            && let Some(reason) = &feedback.block_reason
        {
            let word = spell(reason, finish::block_of);
            let message = feedback.block_reason_message.as_ref().map(|text| text.0.to_string());
            self.blocked = Some((word, message));
        }
        for (place, candidate) in chunk.candidates.iter().flatten().enumerate() {
            self.candidate(place, candidate, object, out);
        }
        Ok(())
    }

    /// Ends the reply. `whole` says that the body is one JSON reply whose end was seen, so that a
    /// missing finish reason does not mean that something is missing.
    pub(super) fn end(&mut self, whole: bool, out: &mut Vec<Event>) {
        for choice in &mut self.choices {
            choice.close(out);
        }
        if self.choices.is_empty() {
            self.end_without_answer(out);
            return;
        }
        if let Some((word, detail)) = self.blocked.take() {
            // The prompt was blocked while answers were under way: that is why they end.
            for choice in self.choices.iter_mut().filter(|choice| choice.finish.is_none()) {
                choice.finish = Some(format!("{}{word}", finish::BLOCKED_PROMPT));
                choice.message.clone_from(&detail);
            }
        }
        let unfinished = self.choices.iter().any(|choice| choice.finish.is_none());
        if unfinished && !whole {
            let message = "upstream closed the stream before it was complete";
            out.push(Event::Error(UpstreamError::truncated(message)));
            return;
        }
        for choice in &mut self.choices {
            let native = choice.finish.take().unwrap_or_default();
            out.push(Event::Finish {
                choice: choice.index,
                reason: finish::read(&native, choice.calls_seen),
                native,
                stop_sequence: None,
                detail: choice.message.take(),
            });
        }
        out.push(Event::End);
    }

    /// Ends a reply that has no answer at all: the prompt was blocked, or it is no reply.
    fn end_without_answer(&mut self, out: &mut Vec<Event>) {
        if let Some((word, detail)) = self.blocked.take() {
            out.push(Event::Finish {
                choice: 0,
                reason: Finish::ContentFilter,
                native: format!("{}{word}", finish::BLOCKED_PROMPT),
                stop_sequence: None,
                detail,
            });
            out.push(Event::End);
            return;
        }
        let message = if self.started {
            "upstream closed the stream before it was complete"
        } else {
            "upstream answered with success but without a reply"
        };
        out.push(Event::Error(UpstreamError::truncated(message)));
    }

    fn start(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        let says_something = chunk.candidates.is_some()
            || chunk.prompt_feedback.is_some()
            || chunk.usage_metadata.is_some()
            || chunk.response_id.is_some();
        if !says_something {
            return;
        }
        self.started = true;
        out.push(Event::Start {
            id: Text::or_empty(chunk.response_id.as_ref()).to_owned(),
            model: Text::or_empty(chunk.model_version.as_ref()).to_owned(),
            created: chunk.create_time.as_ref().and_then(|time| unix_seconds(&time.0)),
        });
    }

    fn count(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) {
        let Some(newer) = &chunk.usage_metadata else { return };
        let before = self.counts;
        self.counts.merge(newer);
        if self.counts != before {
            out.push(Event::Usage(self.counts.read()));
        }
    }

    fn candidate(
        &mut self,
        place: usize,
        candidate: &Candidate<'_>,
        object: &[u8],
        out: &mut Vec<Event>,
    ) {
        let index = candidate.index.unwrap_or_else(|| u16::try_from(place).unwrap_or(u16::MAX));
        let choice = self.choice(index);
        let parts = candidate.content.as_ref().and_then(|content| content.parts.as_ref());
        let sources = sources_of(candidate);
        for (number, part) in parts.into_iter().flatten().enumerate() {
            // Sources come with the last event of an answer, and spans need their text still open.
            if !sources.is_empty() && !part.is_more_text() && choice.has_open_text() {
                choice.cite(&sources, out);
            }
            let raw = || raw_part(object, place, number);
            choice.part(part, raw, out);
        }
        choice.cite(&sources, out);
        if let Some(result) = candidate.logprobs_result.and_then(value_of) {
            let tokens = logprobs::read(&result);
            if !tokens.is_empty() {
                out.push(Event::Logprobs { choice: index, tokens });
            }
        }
        if let Some(reason) = &candidate.finish_reason {
            let word = spell(reason, finish::word_of);
            if word != finish::UNSPECIFIED {
                choice.finish = Some(word);
            }
        }
        if let Some(message) = &candidate.finish_message {
            choice.message = Some(message.0.to_string());
        }
    }

    fn choice(&mut self, index: u16) -> &mut Choice {
        let is_it = |choice: &Choice| choice.index == index;
        found_or_added(&mut self.choices, is_it, || Choice { index, ..Choice::default() })
    }
}

impl Choice {
    fn part(&mut self, part: &Part<'_>, raw: impl FnOnce() -> Option<Value>, out: &mut Vec<Event>) {
        let signature = part.thought_signature.as_ref();
        if let Some(call) = &part.function_call {
            self.call(call, signature, out);
        } else if let Some(text) = &part.text {
            self.text(&text.0, part.thought == Some(true), signature, out);
        } else if let Some(media) = &part.inline_data {
            let head = PartHead::Media {
                mime: Text::or_empty(media.mime_type.as_ref()).to_owned(),
                data: Text::or_empty(media.data.as_ref()).to_owned(),
            };
            self.whole(head, signature, out);
        } else if let Some(raw) = raw() {
            let is_content = |name: &String| !BESIDE.contains(&name.as_str());
            if raw.as_object().is_some_and(|members| members.keys().any(is_content)) {
                self.whole(PartHead::Server { raw, query: None }, None, out);
            } else if signature.is_some() {
                self.text("", part.thought == Some(true), signature, out);
            }
        }
    }

    fn text(
        &mut self,
        text: &str,
        thought: bool,
        signature: Option<&Text<'_>>,
        out: &mut Vec<Event>,
    ) {
        if text.is_empty() && signature.is_none() {
            return;
        }
        let fits = match &self.open {
            Some(Open { kind: Kind::Text, .. }) => !thought,
            Some(Open { kind: Kind::Reasoning, .. }) => thought,
            _ => false,
        };
        // A signature on an empty part belongs to that part and to no text before it.
        if !fits || text.is_empty() {
            let (head, kind) = if thought {
                (PartHead::Reasoning(ReasoningKind::Summary), Kind::Reasoning)
            } else {
                (PartHead::Text, Kind::Text)
            };
            self.begin(head, kind, out);
        }
        let Some(Open { part, .. }) = self.open else { return };
        let (choice, delta) = (self.index, text.to_owned());
        if !thought {
            self.texts.add(part, text);
        }
        if !text.is_empty() {
            out.push(if thought {
                Event::Reasoning { choice, part, delta }
            } else {
                Event::Text { choice, part, delta }
            });
        }
        if let Some(signature) = signature {
            self.sign(part, signature, out);
            self.close(out);
        }
    }

    fn call(
        &mut self,
        call: &FunctionCall<'_>,
        signature: Option<&Text<'_>>,
        out: &mut Vec<Event>,
    ) {
        let name = Text::or_empty(call.name.as_ref());
        let under_way = matches!(&self.open, Some(Open { kind: Kind::Call(_), .. }));
        if name.is_empty() && !under_way {
            return;
        }
        if !name.is_empty() {
            let id = Text::or_empty(call.id.as_ref()).to_owned();
            let head = PartHead::ToolCall { id, name: name.to_owned(), kind: CallKind::Function };
            self.begin(head, Kind::Call(Box::default()), out);
            self.calls_seen = true;
        }
        let choice = self.index;
        if let (Some(Open { part, .. }), Some(signature)) = (&self.open, signature) {
            self.sign(*part, signature, out);
        }
        let Some(Open { part, kind: Kind::Call(partial) }) = &mut self.open else { return };
        let part = *part;
        if let Some(pieces) = &call.partial_args {
            let mut delta = String::new();
            for piece in pieces {
                partial.take(piece, &mut delta);
            }
            if !delta.is_empty() {
                out.push(Event::Arguments { choice, part, delta });
            }
        }
        if call.will_continue == Some(true) {
            return;
        }
        if call.partial_args.is_none() && !name.is_empty() {
            let delta = call.args.map_or("{}", |args| args.get()).to_owned();
            out.push(Event::Arguments { choice, part, delta });
            self.open = None;
            out.push(Event::PartEnd { choice, part });
        } else {
            self.close(out);
        }
    }

    fn has_open_text(&self) -> bool {
        matches!(self.open, Some(Open { kind: Kind::Text, .. }))
    }

    /// Adds sources to the text they back, each once. A source of a text that has ended goes, without
    /// its span, to the text under way or to an empty one.
    fn cite(&mut self, sources: &[Found], out: &mut Vec<Event>) {
        for found in sources {
            if self.cited.contains(found) {
                continue;
            }
            self.cited.push(found.clone());
            if !self.has_open_text() {
                self.begin(PartHead::Text, Kind::Text, out);
            }
            let Some(Open { part, .. }) = self.open else { return };
            let mut citation = found.citation.clone();
            citation.span = found.bytes.and_then(|bytes| self.span_in(part, bytes));
            out.push(Event::Cite { choice: self.index, part, citation });
        }
    }

    /// Returns bytes of the whole text as code points of one part, if they begin there.
    fn span_in(&self, part: u32, (from, to): (usize, usize)) -> Option<(u64, u64)> {
        let (_, base, letters) = self.texts.placed().find(|(number, base, letters)| {
            *number == part && (*base..base + letters.bytes()).contains(&from)
        })?;
        let points = |byte: usize| letters.code_points(byte.saturating_sub(base));
        Some((points(from), points(to)))
    }

    /// Adds a part that comes complete.
    fn whole(&mut self, head: PartHead, signature: Option<&Text<'_>>, out: &mut Vec<Event>) {
        let part = self.begin(head, Kind::Text, out);
        if let Some(signature) = signature {
            self.sign(part, signature, out);
        }
        self.close(out);
    }

    fn begin(&mut self, head: PartHead, kind: Kind, out: &mut Vec<Event>) -> u32 {
        self.close(out);
        let part = self.next_part;
        self.next_part += 1;
        self.open = Some(Open { part, kind });
        out.push(Event::PartStart { choice: self.index, part, head });
        part
    }

    fn sign(&self, part: u32, signature: &Text<'_>, out: &mut Vec<Event>) {
        let opaque = Opaque::new(Vendor::Google, OpaqueKind::Signature, signature.0.to_string());
        out.push(Event::Opaque { choice: self.index, part, opaque });
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let Some(Open { part, kind }) = self.open.take() else { return };
        let choice = self.index;
        if let Kind::Call(mut partial) = kind {
            let mut delta = String::new();
            partial.finish(&mut delta);
            out.push(Event::Arguments { choice, part, delta });
        }
        out.push(Event::PartEnd { choice, part });
    }
}

/// Returns all that a candidate says of its sources.
fn sources_of(candidate: &Candidate<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(metadata) = candidate.grounding_metadata.and_then(value_of) {
        found.extend(sources::grounding(&metadata));
    }
    if let Some(metadata) = candidate.citation_metadata.and_then(value_of) {
        found.extend(sources::citations(&metadata));
    }
    found
}

fn value_of(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// Returns one part as it was written, for the rare kinds that are kept whole.
fn raw_part(object: &[u8], candidate: usize, part: usize) -> Option<Value> {
    let mut whole: Value = serde_json::from_slice(object).ok()?;
    let parts =
        whole.get_mut("candidates")?.get_mut(candidate)?.get_mut("content")?.get_mut("parts")?;
    Some(parts.get_mut(part)?.take())
}

fn spell(word: &Word<'_>, by_number: fn(u64) -> String) -> String {
    match word {
        Word::Name(name) => name.0.to_string(),
        Word::Number(number) => by_number(*number),
    }
}

/// Reads the seconds of an RFC 3339 time in UTC, the only form this format has.
fn unix_seconds(time: &str) -> Option<u64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !time.ends_with('Z') || year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    // Years are counted from March so that the leap day is the last one of a year.
    let (shifted_year, shifted_month) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = shifted_year * 365 + shifted_year / 4 - shifted_year / 100
        + shifted_year / 400
        + (shifted_month * 153 + 2) / 5
        + day;
    let days_since_epoch = days.checked_sub(719_469)?;
    Some(((days_since_epoch * 24 + hour) * 60 + minute) * 60 + second)
}
