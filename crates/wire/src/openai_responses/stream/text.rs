//! The open part of a message: text with its sources and token probabilities, or a refusal.

use serde_json::{Value, json};

use super::frames::{Frames, Place};
use crate::event::Citation;
use crate::json;
use crate::openai_responses::output;

/// Which of the two parts of a message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// Text.
    Answer,
    /// A refusal.
    Refusal,
}

/// An open part of a message.
#[derive(Debug)]
pub(super) struct TextPart {
    kind: TextKind,
    text: String,
    /// The sources that were sent, with commas between.
    annotations: Vec<u8>,
    next_annotation: usize,
    /// Sources of the whole part, whose length is known at its end.
    of_whole: Vec<Citation>,
    /// The tokens that were sent, with commas between.
    logprobs: Vec<u8>,
}

impl TextPart {
    /// Begins a part.
    pub(super) fn begin(
        kind: TextKind,
        place: Place<'_>,
        frames: &mut Frames,
        out: &mut Vec<u8>,
    ) -> Self {
        let part = Self {
            kind,
            text: String::new(),
            annotations: Vec::new(),
            next_annotation: 0,
            of_whole: Vec::new(),
            logprobs: Vec::new(),
        };
        frames.raw("response.content_part.added", place, ("part", &part.json()), out);
        part
    }

    /// Writes more text, and the probabilities that came with it.
    pub(super) fn delta(
        &mut self,
        (delta, tokens): (&str, &[Value]),
        place: Place<'_>,
        frames: &mut Frames,
        out: &mut Vec<u8>,
    ) {
        self.text.push_str(delta);
        if self.kind == TextKind::Refusal {
            frames.string("response.refusal.delta", place, ("delta", delta), out);
            return;
        }
        let before = self.logprobs.len();
        for token in tokens {
            push(&mut self.logprobs, |list| json::value(token, list));
        }
        let added = &self.logprobs[before..];
        let added = added.strip_prefix(b",").unwrap_or(added);
        frames.at("response.output_text.delta", place, out, |out| {
            out.extend_from_slice(b",\"delta\":");
            json::string(delta, out);
            put_logprobs(added, out);
        });
    }

    /// Writes a source, at once if it is known what it backs.
    pub(super) fn cite(
        &mut self,
        citation: &Citation,
        place: Place<'_>,
        frames: &mut Frames,
        out: &mut Vec<u8>,
    ) {
        match citation.span {
            _ if self.kind == TextKind::Refusal => {}
            Some(span) => self.annotate(citation, span, place, frames, out),
            None => self.of_whole.push(citation.clone()),
        }
    }

    /// Ends the part and returns it as it stands in the message.
    pub(super) fn end(
        mut self,
        place: Place<'_>,
        frames: &mut Frames,
        out: &mut Vec<u8>,
    ) -> Vec<u8> {
        let of_whole = std::mem::take(&mut self.of_whole);
        if !of_whole.is_empty() {
            let length = u64::try_from(self.text.chars().count()).unwrap_or(u64::MAX);
            for citation in &of_whole {
                self.annotate(citation, (0, length), place, frames, out);
            }
        }
        match self.kind {
            TextKind::Answer => frames.at("response.output_text.done", place, out, |out| {
                out.extend_from_slice(b",\"text\":");
                json::string(&self.text, out);
                put_logprobs(&self.logprobs, out);
            }),
            TextKind::Refusal => {
                frames.string("response.refusal.done", place, ("refusal", &self.text), out);
            }
        }
        let part = self.json();
        frames.raw("response.content_part.done", place, ("part", &part), out);
        part
    }

    fn annotate(
        &mut self,
        citation: &Citation,
        span: (u64, u64),
        place: Place<'_>,
        frames: &mut Frames,
        out: &mut Vec<u8>,
    ) {
        let annotation = annotation(citation, span);
        frames.at("response.output_text.annotation.added", place, out, |out| {
            out.extend_from_slice(b",\"annotation_index\":");
            json::value(&self.next_annotation, out);
            out.extend_from_slice(b",\"annotation\":");
            json::value(&annotation, out);
        });
        self.next_annotation += 1;
        push(&mut self.annotations, |list| json::value(&annotation, list));
    }

    fn json(&self) -> Vec<u8> {
        match self.kind {
            TextKind::Answer => output::output_text(&self.text, &self.annotations, &self.logprobs),
            TextKind::Refusal => output::text_part("refusal", "refusal", &self.text),
        }
    }
}

/// A source as this format writes it. What is not on the web can only be named.
fn annotation(citation: &Citation, (start, end): (u64, u64)) -> Value {
    let title = citation.title.as_deref().unwrap_or_default();
    if citation.url.is_empty() {
        let file =
            citation.raw.as_ref().and_then(|raw| raw["file_id"].as_str()).unwrap_or_default();
        return json!({"type": "file_citation", "file_id": file, "filename": title, "index": start});
    }
    json!({
        "type": "url_citation",
        "url": citation.url,
        "title": title,
        "start_index": start,
        "end_index": end,
    })
}

fn put_logprobs(tokens: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"logprobs\":[");
    out.extend_from_slice(tokens);
    out.push(b']');
}

/// Appends to a list that has commas between its values.
fn push(list: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    if !list.is_empty() {
        list.push(b',');
    }
    value(list);
}
