//! Writes events as chunks for a client of this format.
//!
//! The text delta is the hot path: its bytes are put together by hand around one escaped string.

use std::io::Write;

use serde_json::{Value, json};

use super::finish::{self, RefusalText};
use super::{END_MARKER, details, sources, usage};
use crate::api_error::ApiError;
use crate::by_number::ByNumber;
use crate::chat::{CallKind, Opaque, Vendor};
use crate::codec::{EventWriter, ReplyContext};
use crate::event::{Citation, Event, Finish, PartHead, Usage};
use crate::ids;
use crate::json;
use crate::openai_chat::error;

/// Writer of one stream.
#[derive(Debug)]
pub(crate) struct ChatWriter {
    context: ReplyContext,
    /// `data: {"id":…,"choices":[`, the same in every chunk; empty until the reply has begun.
    head: Vec<u8>,
    id: String,
    usage: Usage,
    answers: ByNumber<u16, Answer>,
    done: bool,
}

/// What was sent of one answer.
#[derive(Debug, Default)]
struct Answer {
    /// Characters of visible text so far: positions of sources count from the first one.
    characters: u64,
    calls: usize,
    refused: bool,
    details: usize,
    parts: ByNumber<u32, Sent>,
}

/// What was sent of one part.
#[derive(Debug)]
enum Sent {
    Text { start: u64, citations: Vec<Citation> },
    Refusal,
    Reasoning { text: String },
    Call { position: usize, kind: CallKind, has_arguments: bool },
    Nothing,
}

impl ChatWriter {
    /// Makes the writer of one reply.
    pub(crate) fn new(context: &ReplyContext) -> Self {
        Self {
            context: context.clone(),
            head: Vec::new(),
            id: String::new(),
            usage: Usage::default(),
            answers: ByNumber::default(),
            done: false,
        }
    }

    fn start(&mut self, id: &str, model: &str, created: Option<u64>) {
        if !self.head.is_empty() {
            return;
        }
        let or = |said: &str, fallback: &str| {
            if said.is_empty() { fallback.to_owned() } else { said.to_owned() }
        };
        self.id = or(id, &self.context.id);
        let model = or(model, &self.context.model);
        let created = created.unwrap_or(self.context.created);
        self.head.extend_from_slice(b"data: {\"id\":");
        json::string(&self.id, &mut self.head);
        let fixed =
            format!(",\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":");
        self.head.extend_from_slice(fixed.as_bytes());
        json::string(&model, &mut self.head);
        self.head.extend_from_slice(b",\"choices\":[");
    }

    /// Makes sure that the role chunk of an answer was sent.
    fn begin(&mut self, choice: u16, out: &mut Vec<u8>) {
        self.start("", "", None);
        if self.answers.get(choice).is_some() {
            return;
        }
        self.answers.insert(choice, Answer::default());
        self.chunk(choice, out, |out| {
            out.extend_from_slice(b"\"role\":\"assistant\",\"content\":\"\"");
        });
    }

    /// Appends a chunk around the members of its `delta`.
    fn chunk(&self, choice: u16, out: &mut Vec<u8>, members: impl FnOnce(&mut Vec<u8>)) {
        self.open_choice(choice, out);
        members(out);
        out.extend_from_slice(b"},\"finish_reason\":null}]");
        self.close_chunk(out);
    }

    fn open_choice(&self, choice: u16, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        if choice == 0 {
            out.extend_from_slice(b"{\"index\":0,\"delta\":{");
        } else {
            put(out, format_args!("{{\"index\":{choice},\"delta\":{{"));
        }
    }

    fn close_chunk(&self, out: &mut Vec<u8>) {
        let end: &[u8] =
            if self.context.include_usage { b",\"usage\":null}\n\n" } else { b"}\n\n" };
        out.extend_from_slice(end);
    }

    /// Appends a chunk whose `delta` has one string.
    fn string(&self, choice: u16, member: &[u8], text: &str, out: &mut Vec<u8>) {
        self.chunk(choice, out, |out| {
            out.extend_from_slice(member);
            json::string(text, out);
        });
    }

    fn part_start(&mut self, choice: u16, part: u32, head: &PartHead, out: &mut Vec<u8>) {
        self.begin(choice, out);
        let reply = self.id.clone();
        let Some(answer) = self.answers.get_mut(choice) else { return };
        let sent = match head {
            PartHead::Text => Sent::Text { start: answer.characters, citations: Vec::new() },
            PartHead::Refusal => {
                answer.refused = true;
                Sent::Refusal
            }
            PartHead::ToolCall { kind, .. } => {
                answer.calls += 1;
                Sent::Call { position: answer.calls - 1, kind: *kind, has_arguments: false }
            }
            PartHead::Reasoning(_) => Sent::Reasoning { text: String::new() },
            PartHead::Media { .. } | PartHead::Server { .. } => Sent::Nothing,
        };
        match (head, &sent) {
            (PartHead::ToolCall { id, name, kind }, Sent::Call { position, .. }) => {
                let position = *position;
                self.chunk(choice, out, |out| put_call(position, id, name, *kind, out));
            }
            (PartHead::Media { mime, data }, _) => {
                self.chunk(choice, out, |out| put_media(mime, data, &reply, out));
            }
            _ => {}
        }
        if let Some(answer) = self.answers.get_mut(choice) {
            answer.parts.insert(part, sent);
        }
    }

    fn text(&mut self, choice: u16, part: u32, delta: &str, out: &mut Vec<u8>) {
        if delta.is_empty() {
            return;
        }
        let Some(answer) = self.answers.get_mut(choice) else { return };
        let member: &[u8] = match answer.parts.get(part) {
            Some(Sent::Text { .. }) => {
                answer.characters += count(delta);
                b"\"content\":"
            }
            Some(Sent::Refusal) => b"\"refusal\":",
            _ => return,
        };
        self.string(choice, member, delta, out);
    }

    fn reasoning(&mut self, choice: u16, part: u32, delta: &str, out: &mut Vec<u8>) {
        if delta.is_empty() {
            return;
        }
        let sent = self.answers.get_mut(choice).and_then(|answer| answer.parts.get_mut(part));
        if let Some(Sent::Reasoning { text }) = sent {
            text.push_str(delta);
        }
        self.string(choice, b"\"reasoning_content\":", delta, out);
    }

    fn cite(&mut self, choice: u16, part: u32, citation: &Citation) {
        let sent = self.answers.get_mut(choice).and_then(|answer| answer.parts.get_mut(part));
        if let Some(Sent::Text { citations, .. }) = sent {
            citations.push(citation.clone());
        }
    }

    fn logprobs(&mut self, choice: u16, tokens: &[Value], out: &mut Vec<u8>) {
        self.begin(choice, out);
        self.open_choice(choice, out);
        out.extend_from_slice(b"},\"logprobs\":{\"content\":");
        json::value(tokens, out);
        out.extend_from_slice(b",\"refusal\":null},\"finish_reason\":null}]");
        self.close_chunk(out);
    }

    fn arguments(&mut self, choice: u16, part: u32, delta: &str, out: &mut Vec<u8>) {
        let sent = self.answers.get_mut(choice).and_then(|answer| answer.parts.get_mut(part));
        let Some(Sent::Call { position, kind, has_arguments }) = sent else { return };
        if delta.is_empty() {
            return;
        }
        *has_arguments |= !delta.trim_ascii().is_empty();
        let (position, kind) = (*position, *kind);
        self.chunk(choice, out, |out| put_arguments(position, delta, kind, out));
    }

    fn part_end(&mut self, choice: u16, part: u32, out: &mut Vec<u8>) {
        let Some(answer) = self.answers.get_mut(choice) else { return };
        let characters = answer.characters;
        match answer.parts.remove(part) {
            // Clients parse the joined fragments: no arguments must read as an empty object.
            Some(Sent::Call { position, kind: CallKind::Function, has_arguments: false }) => {
                let kind = CallKind::Function;
                self.chunk(choice, out, |out| put_arguments(position, "{}", kind, out));
            }
            // The end of a source that backs the whole part is known only now.
            Some(Sent::Text { start, citations }) if !citations.is_empty() => {
                let length = characters.saturating_sub(start);
                let of = |citation| sources::annotation(citation, start, length);
                let annotations: Vec<Value> = citations.iter().filter_map(of).collect();
                if !annotations.is_empty() {
                    self.list(choice, b"\"annotations\":", &annotations, out);
                }
            }
            _ => {}
        }
    }

    /// Appends a chunk whose `delta` has one list.
    fn list(&self, choice: u16, member: &[u8], entries: &[Value], out: &mut Vec<u8>) {
        self.chunk(choice, out, |out| {
            out.extend_from_slice(member);
            json::value(entries, out);
        });
    }

    fn opaque(&mut self, choice: u16, part: u32, opaque: &Opaque, out: &mut Vec<u8>) {
        let Some(answer) = self.answers.get_mut(choice) else { return };
        let sent = answer.parts.get(part);
        if let (Some(Sent::Call { position, .. }), Vendor::Google) = (sent, opaque.vendor) {
            let position = *position;
            let extra = details::call_signature(&opaque.data);
            self.chunk(choice, out, |out| {
                put(
                    out,
                    format_args!(
                        "\"tool_calls\":[{{\"index\":{position},\"extra_content\":{extra}}}]"
                    ),
                );
            });
            return;
        }
        let text = match sent {
            Some(Sent::Reasoning { text }) => text.as_str(),
            _ => "",
        };
        let entries = details::entries(text, opaque, answer.details);
        answer.details += entries.len();
        if !entries.is_empty() {
            self.list(choice, b"\"reasoning_details\":", &entries, out);
        }
    }

    fn finish(&mut self, choice: u16, reason: Finish, out: &mut Vec<u8>) {
        self.begin(choice, out);
        let refused = self.answers.get(choice).is_some_and(|answer| answer.refused);
        let refusal = if refused { RefusalText::Sent } else { RefusalText::Absent };
        let word = finish::write(reason, refusal);
        self.open_choice(choice, out);
        put(out, format_args!("}},\"finish_reason\":\"{word}\"}}]"));
        self.close_chunk(out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.context.include_usage && !self.usage.is_empty() {
            self.start("", "", None);
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b"],\"usage\":");
            usage::write(&self.usage, out);
            out.extend_from_slice(b"}\n\n");
        }
        self.done = true;
        out.extend_from_slice(END_MARKER);
    }

    fn fail(&mut self, body: &[u8], out: &mut Vec<u8>) {
        self.done = true;
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(body);
        out.extend_from_slice(b"\n\n");
        out.extend_from_slice(END_MARKER);
    }
}

impl EventWriter for ChatWriter {
    fn write(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.done {
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                self.start(id, model, *created);
                self.begin(0, out);
            }
            Event::PartStart { choice, part, head } => self.part_start(*choice, *part, head, out),
            Event::Text { choice, part, delta } => self.text(*choice, *part, delta, out),
            Event::Reasoning { choice, part, delta } => {
                self.reasoning(*choice, *part, delta, out);
            }
            Event::Arguments { choice, part, delta } => {
                self.arguments(*choice, *part, delta, out);
            }
            Event::Opaque { choice, part, opaque } => self.opaque(*choice, *part, opaque, out),
            Event::PartEnd { choice, part } => self.part_end(*choice, *part, out),
            Event::Usage(usage) => self.usage.merge(usage),
            Event::Finish { choice, reason, .. } => {
                self.finish(*choice, *reason, out);
            }
            Event::Cite { choice, part, citation } => self.cite(*choice, *part, citation),
            Event::Logprobs { choice, tokens } => self.logprobs(*choice, tokens, out),
            Event::Ping => self.ping(out),
            Event::Error(error) => self.fail(&error::write_upstream(error), out),
            Event::End => self.end(out),
        }
    }

    fn ping(&mut self, out: &mut Vec<u8>) {
        if !self.done {
            out.extend_from_slice(b": keep-alive\n\n");
        }
    }

    fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if !self.done {
            self.fail(&error::write(error), out);
        }
    }
}

/// Counts the characters of a text, as positions in this format do.
pub(crate) fn count(text: &str) -> u64 {
    // A byte that goes on with a character begins with the bits 10.
    let begins = |byte: &u8| (*byte & 0xc0) != 0x80;
    u64::try_from(text.as_bytes().iter().filter(|byte| begins(byte)).count()).unwrap_or(u64::MAX)
}

fn put_call(position: usize, id: &str, name: &str, kind: CallKind, out: &mut Vec<u8>) {
    put(out, format_args!("\"tool_calls\":[{{\"index\":{position},\"id\":"));
    json::string(id, out);
    let (head, end): (&[u8], &[u8]) = match kind {
        CallKind::Function => {
            (b",\"type\":\"function\",\"function\":{\"name\":", b",\"arguments\":\"\"}}]")
        }
        CallKind::Custom => (b",\"type\":\"custom\",\"custom\":{\"name\":", b",\"input\":\"\"}}]"),
    };
    out.extend_from_slice(head);
    json::string(name, out);
    out.extend_from_slice(end);
}

fn put_arguments(position: usize, delta: &str, kind: CallKind, out: &mut Vec<u8>) {
    put(out, format_args!("\"tool_calls\":[{{\"index\":{position},"));
    let head: &[u8] = match kind {
        CallKind::Function => b"\"function\":{\"arguments\":",
        CallKind::Custom => b"\"custom\":{\"input\":",
    };
    out.extend_from_slice(head);
    json::string(delta, out);
    out.extend_from_slice(b"}}]");
}

/// Pictures go out as OpenRouter sends them, sound as OpenAI does.
fn put_media(mime: &str, data: &str, reply: &str, out: &mut Vec<u8>) {
    let members = if mime.starts_with("audio/") {
        json!({"audio": {"id": ids::made("audio_", reply, 0), "data": data}})
    } else {
        json!({"images": [{"type": "image_url", "image_url": {"url": format!("data:{mime};base64,{data}")}}]})
    };
    let text = members.to_string();
    out.extend_from_slice(&text.as_bytes()[1..text.len() - 1]);
}

fn put(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(arguments);
}
