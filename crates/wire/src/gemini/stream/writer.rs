//! Writes a reply stream for a client.
//!
//! Google's SDK takes every line that does not begin with `data: ` as JSON, so there are no comments,
//! no event names and no end marker. A call goes out whole when it is complete; the reason of the end
//! waits for the last numbers and goes out with them in the last event of its candidate.

use std::io::Write;

use serde_json::Value;

use super::choices::found_or_added;
use crate::api_error::{ApiError, UpstreamError};
use crate::chat::Opaque;
use crate::codec::{EventWriter, ReplyContext};
use crate::envelope::Seal;
use crate::event::{Event, Finish, PartHead, ReasoningKind, Usage};
use crate::gemini::carry::Carry;
use crate::gemini::sources::Sources;
use crate::gemini::{emit, error, finish, logprobs};

/// Members that mark a part of Google's own tools; the only raw parts a client may get.
const SERVER_PARTS: [&str; 4] =
    ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"];

/// Writer of one reply stream.
pub(in crate::gemini) struct Writer {
    framing: Framing,
    model: String,
    id: String,
    tail: Vec<u8>,
    seal: Seal,
    /// Whether what sources back is quoted, for which the text is kept.
    quotes: bool,
    choices: Vec<Choice>,
    usage: Usage,
    begun: bool,
    done: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Framing {
    Events,
    Array,
}

#[derive(Default)]
struct Choice {
    index: u16,
    wrote: bool,
    parts: Vec<Pending>,
    carry: Carry,
    sources: Sources,
    logprobs: Vec<Value>,
    finish: Option<Ended>,
}

/// A part under way that is not text: text needs no memory.
struct Pending {
    part: u32,
    held: Held,
    /// Vendor data of the part.
    own: Vec<Opaque>,
}

/// What is kept until the part ends, because its signature or the rest of it may follow.
enum Held {
    /// Thoughts go out as they come, and once more in the envelope that carries their data.
    Thought {
        kind: ReasoningKind,
        text: String,
    },
    Call {
        id: String,
        name: String,
        arguments: String,
    },
    Media {
        mime: String,
        data: String,
    },
}

struct Ended {
    reason: Finish,
    native: String,
    detail: Option<String>,
}

impl Writer {
    /// Makes a writer for one reply.
    pub(in crate::gemini) fn new(context: &ReplyContext) -> Self {
        Self {
            framing: if context.json_array { Framing::Array } else { Framing::Events },
            model: context.model.clone(),
            id: context.id.clone(),
            tail: emit::tail(&context.model, &context.id),
            seal: context.seal.clone(),
            quotes: context.aftercare.server_tools,
            choices: Vec::new(),
            usage: Usage::default(),
            begun: false,
            done: false,
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(match (self.framing, self.begun) {
            (Framing::Events, _) => b"data: ".as_slice(),
            (Framing::Array, false) => b"[",
            (Framing::Array, true) => b",\r\n",
        });
        self.begun = true;
    }

    fn end(&self, out: &mut Vec<u8>) {
        if self.framing == Framing::Events {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    /// Writes an event with one part.
    fn part(&mut self, choice: u16, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
        self.choice(choice).wrote = true;
        self.begin(out);
        out.extend_from_slice(b"{\"candidates\":[{\"content\":{\"parts\":[");
        content(out);
        out.extend_from_slice(b"],\"role\":\"model\"},\"index\":");
        // Writing to a vector cannot fail.
        let _ = write!(out, "{choice}}}]");
        out.extend_from_slice(&self.tail);
        self.end(out);
    }

    fn start_part(&mut self, choice: u16, part: u32, head: &PartHead, out: &mut Vec<u8>) {
        let held = match head {
            PartHead::Text | PartHead::Refusal => return,
            PartHead::Reasoning(kind) => Held::Thought { kind: *kind, text: String::new() },
            PartHead::ToolCall { id, name, .. } => {
                Held::Call { id: id.clone(), name: name.clone(), arguments: String::new() }
            }
            PartHead::Media { mime, data } => {
                Held::Media { mime: mime.clone(), data: data.clone() }
            }
            PartHead::Server { raw, query } => {
                if let Some(query) = query {
                    self.choice(choice).sources.query(query);
                }
                if is_google(raw) {
                    self.part(choice, out, |out| out.extend_from_slice(raw.to_string().as_bytes()));
                }
                return;
            }
        };
        self.choice(choice).parts.push(Pending { part, held, own: Vec::new() });
    }

    fn end_part(&mut self, choice: u16, part: u32, out: &mut Vec<u8>) {
        let parts = &mut self.choice(choice).parts;
        let Some(place) = parts.iter().position(|pending| pending.part == part) else { return };
        let Pending { held, own, .. } = parts.remove(place);
        if let Held::Thought { kind, text } = held {
            self.choice(choice).carry.thought(&text, kind, own);
            return;
        }
        let signature = self.signature(choice, &own);
        let signature = signature.as_deref();
        match held {
            Held::Thought { .. } => {}
            Held::Call { id, name, arguments } => {
                let call = emit::Call { id: &id, name: &name, arguments: &arguments, signature };
                self.part(choice, out, |out| emit::call_part(call, out));
            }
            Held::Media { mime, data } => {
                self.part(choice, out, |out| emit::media_part(&mime, &data, signature, out));
            }
        }
    }

    /// Keeps the data of a held part; others go out at once on an empty part, as Google itself does
    /// when the text is already on its way.
    fn sign(&mut self, choice: u16, part: u32, opaque: &Opaque, out: &mut Vec<u8>) {
        let native = emit::signature(opaque);
        let parts = &mut self.choice(choice).parts;
        let pending = parts.iter_mut().find(|pending| pending.part == part);
        match (pending, native) {
            (Some(Pending { held: Held::Thought { .. }, .. }), Some(native)) => {
                self.part(choice, out, |out| emit::text_part("", true, Some(native), out));
            }
            (Some(pending), _) => pending.own.push(opaque.clone()),
            (None, _) => {
                let signature = self.signature(choice, std::slice::from_ref(opaque));
                if let Some(signature) = signature {
                    self.part(choice, out, |out| {
                        emit::text_part("", false, Some(&signature), out);
                    });
                }
            }
        }
    }

    /// Returns the signature of the next part of an answer.
    fn signature(&mut self, choice: u16, own: &[Opaque]) -> Option<String> {
        found(&mut self.choices, choice, self.quotes).carry.signature(own, &self.seal)
    }

    fn text(&mut self, choice: u16, part: u32, delta: &str, out: &mut Vec<u8>) {
        let signature = self.signature(choice, &[]);
        self.choice(choice).sources.text(part, delta);
        self.part(choice, out, |out| emit::text_part(delta, false, signature.as_deref(), out));
    }

    fn thought(&mut self, choice: u16, part: u32, delta: &str, out: &mut Vec<u8>) {
        let parts = &mut self.choice(choice).parts;
        let pending = parts.iter_mut().find(|pending| pending.part == part);
        if let Some(Pending { held: Held::Thought { text, .. }, .. }) = pending {
            text.push_str(delta);
        }
        self.part(choice, out, |out| emit::text_part(delta, true, None, out));
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        for mut choice in std::mem::take(&mut self.choices) {
            let Some(ended) = choice.finish.take() else { continue };
            self.begin(out);
            out.push(b'{');
            let word = finish::write(ended.reason, &ended.native);
            let blocked = finish::blocked_prompt(ended.reason, &ended.native);
            let detail = ended.detail.as_deref();
            if let Some(word) = blocked.filter(|_| !choice.wrote) {
                emit::prompt_feedback(word, detail, out);
            } else {
                // An empty text part, because users of the SDK index into the parts.
                out.extend_from_slice(b"\"candidates\":[{\"content\":{\"parts\":[");
                let signature = choice.carry.signature(&[], &self.seal);
                emit::text_part("", false, signature.as_deref(), out);
                out.extend_from_slice(b"],\"role\":\"model\"}");
                emit::finish(word, detail, out);
                choice.sources.write(out);
                logprobs::write(&choice.logprobs, out);
                let _ = write!(out, ",\"index\":{}}}]", choice.index);
            }
            emit::usage(&self.usage, out);
            out.extend_from_slice(&self.tail);
            self.end(out);
        }
        self.close(out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.framing == Framing::Array {
            out.extend_from_slice(if self.begun { b"]".as_slice() } else { b"[]" });
        }
        self.done = true;
    }

    fn fail(&mut self, body: &Value, out: &mut Vec<u8>) {
        self.begin(out);
        out.extend_from_slice(body.to_string().as_bytes());
        self.end(out);
        self.close(out);
    }

    fn choice(&mut self, index: u16) -> &mut Choice {
        found(&mut self.choices, index, self.quotes)
    }
}

/// Returns what is kept of one answer.
fn found(choices: &mut Vec<Choice>, index: u16, quotes: bool) -> &mut Choice {
    let is_it = |choice: &Choice| choice.index == index;
    found_or_added(choices, is_it, || {
        let sources = if quotes { Sources::quoting() } else { Sources::default() };
        Choice { index, sources, ..Choice::default() }
    })
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.done {
            return;
        }
        match event {
            Event::Start { id, model, .. } => {
                let id = if id.is_empty() { &self.id } else { id };
                let model = if model.is_empty() { &self.model } else { model };
                self.tail = emit::tail(model, id);
            }
            Event::PartStart { choice, part, head } => self.start_part(*choice, *part, head, out),
            Event::Text { choice, part, delta } if !delta.is_empty() => {
                self.text(*choice, *part, delta, out);
            }
            Event::Reasoning { choice, part, delta } if !delta.is_empty() => {
                self.thought(*choice, *part, delta, out);
            }
            Event::Arguments { choice, part, delta } => {
                let parts = &mut self.choice(*choice).parts;
                let pending = parts.iter_mut().find(|pending| pending.part == *part);
                if let Some(Pending { held: Held::Call { arguments, .. }, .. }) = pending {
                    arguments.push_str(delta);
                }
            }
            Event::Opaque { choice, part, opaque } => {
                self.sign(*choice, *part, opaque, out);
            }
            Event::PartEnd { choice, part } => self.end_part(*choice, *part, out),
            Event::Usage(usage) => self.usage.merge(usage),
            Event::Finish { choice, reason, native, detail, .. } => {
                let ended =
                    Ended { reason: *reason, native: native.clone(), detail: detail.clone() };
                self.choice(*choice).finish = Some(ended);
            }
            Event::Cite { choice, part, citation } => {
                self.choice(*choice).sources.cite(*part, citation);
            }
            Event::Logprobs { choice, tokens } => {
                self.choice(*choice).logprobs.extend_from_slice(tokens);
            }
            Event::Text { .. } | Event::Reasoning { .. } | Event::Ping => {}
            Event::Error(failure) => self.fail(&error_body(failure), out),
            Event::End => self.finish(out),
        }
    }

    /// A blank line, the only sign of life this format's readers bear; blanks are legal in JSON too.
    fn ping(&mut self, out: &mut Vec<u8>) {
        if !self.done {
            out.extend_from_slice(b"\r\n");
        }
    }

    fn error(&mut self, failure: &ApiError, out: &mut Vec<u8>) {
        if self.done {
            return;
        }
        let word = error::word_for(failure.kind, failure.status);
        let body = error::body(failure.status, &failure.message, word, failure.retry_after);
        self.fail(&body, out);
    }
}

/// Makes the body for an error that a provider's stream ended with.
pub(in crate::gemini) fn error_body(failure: &UpstreamError) -> Value {
    let word = error::word_for(failure.kind, failure.status);
    error::body(failure.status, &failure.message, word, failure.retry_after)
}

/// Tells whether a raw part is one of Google's own.
pub(in crate::gemini) fn is_google(raw: &Value) -> bool {
    SERVER_PARTS.iter().any(|name| raw.get(name).is_some())
}
