//! Turns chunks, or one whole reply, into canonical events.
//!
//! An answer's finish is held back until the end of the reply is certain: providers repeat it, correct
//! it, or send an error after it, and a finish that was passed on cannot be taken back. So usage, which
//! comes after the finish on the wire, comes before it here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::calls::{Calls, Fragment, Shape};
use super::chunk::{Choice, Chunk, Content, ContentPart, Delta, ReasoningDetail, WireUsage};
use super::{finish, sources, usage};
use crate::api_error::{ErrorKind, UpstreamError};
use crate::chat::{Opaque, OpaqueKind, Vendor};
use crate::data_url;
use crate::event::{Citation, Event, Finish, PartHead, ReasoningKind, Usage};
use crate::text::Text;

/// What streamed sound is: OpenAI streams no other format.
const STREAMED_SOUND: &str = "audio/pcm;rate=24000";

/// State of one reply.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    id: String,
    model: String,
    created: Option<u64>,
    started: bool,
    closed: bool,
    usage: Usage,
    /// Sources said at the top of the reply; they belong to the first answer.
    sources: Vec<Citation>,
    choices: Vec<Answer>,
}

/// How the body of a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The end marker came, or the body was a whole reply.
    Marked,
    /// The body ended.
    Body,
}

/// State of one answer.
#[derive(Debug, Default)]
struct Answer {
    index: u16,
    next_part: u32,
    /// The open part that is not a call.
    open: Option<(u32, Kind)>,
    calls: Calls,
    refused: bool,
    /// Whether reasoning came in a member of its own, so that the text of details is the same again.
    had_plain: bool,
    /// Whether reasoning is a summary.
    is_summary: bool,
    /// Sound that came in pieces, each base64 of its own.
    sound: Vec<u8>,
    finish: Option<(String, Option<String>)>,
}

/// What an open part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Refusal,
}

impl Assembly {
    /// Tells whether `End` or `Error` was given.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Tells whether any chunk of an answer came.
    pub(crate) const fn is_started(&self) -> bool {
        self.started
    }

    /// Takes one chunk that is no error.
    pub(crate) fn take(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) {
        self.note_head(chunk);
        for choice in chunk.choices.iter().flatten() {
            self.start(out);
            self.take_choice(choice, out);
            if self.closed {
                return;
            }
            self.take_usage(choice.usage.as_ref(), out);
        }
        self.take_usage(chunk.x_groq.as_ref().and_then(|groq| groq.usage.as_ref()), out);
        self.take_usage(chunk.usage.as_ref(), out);
        if self.sources.is_empty() && (chunk.citations.is_some() || chunk.search_results.is_some())
        {
            self.sources = sources::of_chunk(chunk);
        }
    }

    /// Ends the reply with an error, unless it has ended.
    pub(crate) fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if !self.closed {
            self.closed = true;
            out.push(Event::Error(error));
        }
    }

    /// Ends the reply, unless it has ended: with `End` if it is complete, else with `Error`.
    pub(crate) fn end(&mut self, ending: Ending, out: &mut Vec<Event>) {
        if self.closed {
            return;
        }
        if let Some(message) = self.what_is_missing(ending) {
            self.fail(UpstreamError::truncated(message), out);
            return;
        }
        self.closed = true;
        if let Some(first) = self.choices.first_mut() {
            first.cite(std::mem::take(&mut self.sources), out);
        }
        for answer in &mut self.choices {
            answer.close(out);
        }
        out.push(Event::End);
    }

    fn what_is_missing(&self, ending: Ending) -> Option<&'static str> {
        if !self.started {
            return Some("the upstream's reply holds no answer");
        }
        let finished = |answer: &Answer| answer.finish.is_some();
        let says = |answer: &Answer| answer.next_part > 0 || !answer.sound.is_empty();
        let complete = match ending {
            Ending::Marked => self.choices.iter().any(|a| finished(a) || says(a)),
            Ending::Body => !self.choices.is_empty() && self.choices.iter().all(finished),
        };
        (!complete).then_some("the upstream closed the stream before it was complete")
    }

    fn note_head(&mut self, chunk: &Chunk<'_>) {
        if self.started {
            return;
        }
        if self.id.is_empty() {
            self.id.push_str(Text::or_empty(chunk.id.as_ref()));
        }
        if self.model.is_empty() {
            self.model.push_str(Text::or_empty(chunk.model.as_ref()));
        }
        self.created = self.created.or(chunk.created.0.filter(|&created| created > 0));
    }

    fn start(&mut self, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            let (id, model) = (std::mem::take(&mut self.id), std::mem::take(&mut self.model));
            out.push(Event::Start { id, model, created: self.created });
        }
    }

    fn take_usage(&mut self, wire: Option<&WireUsage>, out: &mut Vec<Event>) {
        let Some(wire) = wire else { return };
        let newest = usage::read(wire);
        let mut merged = self.usage;
        merged.merge(&newest);
        if merged != self.usage {
            self.start(out);
            self.usage = merged;
            out.push(Event::Usage(merged));
        }
    }

    fn take_choice(&mut self, choice: &Choice<'_>, out: &mut Vec<Event>) {
        let index = u16::try_from(choice.index.0.unwrap_or(0)).unwrap_or(u16::MAX);
        let place = match self.choices.binary_search_by_key(&index, |answer| answer.index) {
            Ok(place) => place,
            Err(place) => {
                if self.choices.is_empty() {
                    // Hardly any reply has a second answer.
                    self.choices.reserve_exact(1);
                }
                self.choices.insert(place, Answer { index, ..Answer::default() });
                place
            }
        };
        let answer = &mut self.choices[place];
        // Perplexity repeats the whole text in `message` beside each `delta`: the deltas win.
        match (&choice.delta, &choice.message) {
            (Some(delta), _) => answer.take(delta, Shape::Fragment, out),
            (None, Some(message)) => answer.take(message, Shape::Whole, out),
            (None, None) => {}
        }
        if let Some(raw) = choice.logprobs {
            answer.take_logprobs(raw, out);
        }
        let native = Text::or_empty(choice.finish_reason.as_ref());
        if native.is_empty() {
            return;
        }
        match finish::read(native) {
            finish::Word::Finish(_) => answer.note_finish(native, choice),
            word => self.fail(failed(native, word), out),
        }
    }
}

fn failed(native: &str, word: finish::Word) -> UpstreamError {
    let message = format!("the upstream ended its answer with `{native}`");
    let mut error = UpstreamError::server(502, message);
    if word == finish::Word::Overloaded {
        error.kind = ErrorKind::Overloaded;
        error.status = 503;
    }
    error.native_code.push_str(native);
    error
}

impl Answer {
    fn take(&mut self, delta: &Delta<'_>, shape: Shape, out: &mut Vec<Event>) {
        self.take_reasoning(delta, shape, out);
        match &delta.content {
            None => {}
            Some(Content::Text(text)) => self.add(Kind::Text, text, out),
            Some(Content::Parts(parts)) => {
                parts.iter().for_each(|part| self.take_part(part, out));
            }
        }
        if let Some(raw) = delta.annotations {
            self.cite(sources::of_annotations(raw), out);
        }
        self.add(Kind::Refusal, Text::or_empty(delta.refusal.as_ref()), out);
        for image in delta.images.iter().flatten() {
            let url =
                image.image_url.as_ref().map_or("", |image| Text::or_empty(image.url.as_ref()));
            if let Some((mime, data)) = data_url::split(url) {
                self.add_media(mime, data, out);
            }
        }
        if let Some(audio) = &delta.audio {
            self.take_audio(Text::or_empty(audio.data.as_ref()), shape, out);
        }
        for call in delta.tool_calls.iter().flatten() {
            self.take_call(&Fragment::of_call(call, shape), out);
        }
        if let Some(function) = &delta.function_call {
            self.take_call(&Fragment::of_function(function), out);
        }
    }

    fn take_reasoning(&mut self, delta: &Delta<'_>, shape: Shape, out: &mut Vec<Event>) {
        let details = delta.reasoning_details.as_deref().unwrap_or_default();
        let plain = [
            Text::or_empty(delta.reasoning_content.as_ref()),
            Text::or_empty(delta.reasoning.as_ref()),
        ]
        .into_iter()
        .find(|text| !text.is_empty());
        self.is_summary |=
            details.iter().any(|detail| !Text::or_empty(detail.summary.as_ref()).is_empty());
        // Blocks that are signed one by one count for more than their texts in one, if they are all of it.
        let told: usize =
            details.iter().map(|detail| Text::or_empty(detail.text.as_ref()).len()).sum();
        let are_signed = shape == Shape::Whole
            && details.iter().any(is_signed_text)
            && plain.is_none_or(|plain| told >= plain.len());
        if let Some(plain) = plain.filter(|_| !are_signed) {
            self.had_plain = true;
            self.add(Kind::Reasoning, plain, out);
        }
        for detail in details {
            if !self.had_plain {
                self.add(Kind::Reasoning, Text::or_empty(detail.text.as_ref()), out);
                self.add(Kind::Reasoning, Text::or_empty(detail.summary.as_ref()), out);
            }
            self.take_opaque(detail, out);
        }
    }

    fn take_opaque(&mut self, detail: &ReasoningDetail<'_>, out: &mut Vec<Event>) {
        let Some(vendor) = vendor(Text::or_empty(detail.format.as_ref())) else { return };
        let (signature, encrypted) =
            (Text::or_empty(detail.signature.as_ref()), Text::or_empty(detail.data.as_ref()));
        if !signature.is_empty() {
            let opaque = Opaque::new(vendor, OpaqueKind::Signature, signature);
            self.add_opaque(opaque, out);
            // A signature is the last of its block; whatever follows is another one.
            if vendor == Vendor::Anthropic {
                self.end_open(out);
            }
        }
        if encrypted.is_empty() {
            return;
        }
        match vendor {
            // Google's signatures travel as encrypted reasoning.
            Vendor::Google => {
                self.add_opaque(Opaque::new(vendor, OpaqueKind::Signature, encrypted), out);
            }
            // OpenAI's belong to the summary before them.
            Vendor::OpenAi => {
                let id = Text::or_empty(detail.id.as_ref());
                let item = Some(id.to_owned()).filter(|id| !id.is_empty());
                let opaque = Opaque::new(vendor, OpaqueKind::Redacted, encrypted);
                self.add_opaque(Opaque { item, ..opaque }, out);
                self.end_open(out);
            }
            // Redacted blocks stand alone.
            Vendor::Anthropic | Vendor::Plain => {
                self.end_open(out);
                self.add_opaque(Opaque::new(vendor, OpaqueKind::Redacted, encrypted), out);
                self.end_open(out);
            }
        }
    }

    /// Gives vendor data to the open part of reasoning, or to one that is opened for it.
    fn add_opaque(&mut self, opaque: Opaque, out: &mut Vec<Event>) {
        let part = self.open(Kind::Reasoning, out);
        out.push(Event::Opaque { choice: self.index, part, opaque });
    }

    /// Gives sources to the open part of text, or to one that is opened for them.
    fn cite(&mut self, citations: Vec<Citation>, out: &mut Vec<Event>) {
        for citation in citations {
            let part = self.open(Kind::Text, out);
            out.push(Event::Cite { choice: self.index, part, citation });
        }
    }

    fn take_logprobs(&self, raw: &RawValue, out: &mut Vec<Event>) {
        let Ok(mut said) = serde_json::from_str::<Map<String, Value>>(raw.get()) else { return };
        let mut tokens = Vec::new();
        for name in ["content", "refusal"] {
            if let Some(Value::Array(more)) = said.remove(name) {
                tokens.extend(more);
            }
        }
        if !tokens.is_empty() {
            out.push(Event::Logprobs { choice: self.index, tokens });
        }
    }

    fn take_audio(&mut self, data: &str, shape: Shape, out: &mut Vec<Event>) {
        if shape == Shape::Whole {
            // The format was the client's wish; the reply does not repeat it.
            let mime = data_url::sniffed(data).unwrap_or("audio/wav");
            self.add_media(mime, data, out);
        } else if let Ok(piece) = STANDARD.decode(data) {
            self.sound.extend_from_slice(&piece);
        }
    }

    fn take_part(&mut self, part: &ContentPart<'_>, out: &mut Vec<Event>) {
        match &part.thinking {
            Some(Content::Text(thought)) => self.add(Kind::Reasoning, thought, out),
            Some(Content::Parts(thoughts)) => {
                for thought in thoughts {
                    self.add(Kind::Reasoning, Text::or_empty(thought.text.as_ref()), out);
                }
            }
            None => {}
        }
        self.add(Kind::Text, Text::or_empty(part.text.as_ref()), out);
        self.add(Kind::Refusal, Text::or_empty(part.refusal.as_ref()), out);
    }

    fn take_call(&mut self, fragment: &Fragment<'_>, out: &mut Vec<Event>) {
        self.end_open(out);
        self.calls.take(fragment, self.index, &mut self.next_part, out);
    }

    /// Adds characters to the open part of this kind, or opens one.
    fn add(&mut self, kind: Kind, delta: &str, out: &mut Vec<Event>) {
        if delta.is_empty() {
            return;
        }
        let part = self.open(kind, out);
        let (choice, delta) = (self.index, delta.to_owned());
        out.push(match kind {
            Kind::Text | Kind::Refusal => Event::Text { choice, part, delta },
            Kind::Reasoning => Event::Reasoning { choice, part, delta },
        });
    }

    fn add_media(&mut self, mime: &str, data: &str, out: &mut Vec<Event>) {
        if data.is_empty() {
            return;
        }
        self.end_open(out);
        let (choice, part) = (self.index, self.next_part);
        self.next_part += 1;
        let head = PartHead::Media { mime: mime.to_owned(), data: data.to_owned() };
        out.push(Event::PartStart { choice, part, head });
        out.push(Event::PartEnd { choice, part });
    }

    fn open(&mut self, kind: Kind, out: &mut Vec<Event>) -> u32 {
        if let Some((part, open)) = self.open {
            if open == kind {
                return part;
            }
            self.end_open(out);
        }
        let part = self.next_part;
        self.next_part += 1;
        self.open = Some((part, kind));
        self.refused |= kind == Kind::Refusal;
        let head = match kind {
            Kind::Text => PartHead::Text,
            Kind::Reasoning if self.is_summary => PartHead::Reasoning(ReasoningKind::Summary),
            Kind::Reasoning => PartHead::Reasoning(ReasoningKind::Raw),
            Kind::Refusal => PartHead::Refusal,
        };
        out.push(Event::PartStart { choice: self.index, part, head });
        part
    }

    fn end_open(&mut self, out: &mut Vec<Event>) {
        if let Some((part, _)) = self.open.take() {
            out.push(Event::PartEnd { choice: self.index, part });
        }
    }

    /// Keeps the finish; the first one that says something stays.
    fn note_finish(&mut self, native: &str, choice: &Choice<'_>) {
        if self.finish.is_some() {
            return;
        }
        let matched = choice.stop_reason.and_then(|raw| serde_json::from_str(raw.get()).ok());
        self.finish = Some((native.to_owned(), matched));
    }

    /// Ends all parts and gives the finish.
    fn close(&mut self, out: &mut Vec<Event>) {
        self.end_open(out);
        self.calls.end(self.index, &mut self.next_part, out);
        let sound = STANDARD.encode(std::mem::take(&mut self.sound));
        self.add_media(STREAMED_SOUND, &sound, out);
        let (native, matched) = self.finish.take().unwrap_or_default();
        let said = match finish::read(&native) {
            finish::Word::Finish(said) if !native.is_empty() => said,
            _ => Finish::Stop,
        };
        let held = finish::Held {
            calls: self.calls.any(),
            refusal: self.refused,
            stop_sequence: matched.is_some(),
        };
        let reason = held.reason(said);
        let stop_sequence = matched.filter(|_| reason == Finish::StopSequence);
        let detail = None;
        out.push(Event::Finish { choice: self.index, reason, native, stop_sequence, detail });
    }
}

fn is_signed_text(detail: &ReasoningDetail<'_>) -> bool {
    !Text::or_empty(detail.text.as_ref()).is_empty()
        && !Text::or_empty(detail.signature.as_ref()).is_empty()
}

/// Returns the maker of opaque data by OpenRouter's name for its form.
pub(crate) fn vendor(format: &str) -> Option<Vendor> {
    if format.starts_with("anthropic") {
        Some(Vendor::Anthropic)
    } else if format.starts_with("google") {
        Some(Vendor::Google)
    } else if format.starts_with("openai") {
        Some(Vendor::OpenAi)
    } else {
        None
    }
}
