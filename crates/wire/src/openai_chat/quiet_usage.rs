//! Takes out of a Chat stream the usage that the gateway asked for and the client did not.
//!
//! Without `stream_options.include_usage` OpenAI ends a stream without a word on tokens, so the gateway
//! asks for it in every stream. A client that did not ask must not see it: the last chunk, which has no
//! choices, would break code that reads `choices[0]`. Every other byte goes through as it came.

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::raw_members::even_null;

/// Most bytes of an event that is not complete yet. A stream whose events are longer is passed on as it
/// is: pictures and sound come in events of megabytes, and they carry no usage.
const MAX_PENDING_BYTES: usize = 256 * 1024;

/// The member as it stands in every chunk but the last.
const LAST_MEMBER: &[u8] = b",\"usage\":null";

/// The end of such a chunk's event.
const LAST_OF_EVENT: &[u8] = b",\"usage\":null}\n\n";

/// What is left of it.
const END_OF_EVENT: &[u8] = b"}\n\n";

/// Finds the word; made once, because a stream asks for it at every event.
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("usage"));

/// The filter of one stream. Bytes come out in whole events.
#[derive(Debug, Default)]
pub(crate) struct QuietUsage {
    pending: BytesMut,
    /// Whether the middle of an event that is too long was passed on.
    in_long_event: bool,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "even_null")]
    usage: Option<&'a RawValue>,
}

/// What is done to an event.
enum Deed {
    Keep,
    Drop,
    /// Leave out these bytes.
    Cut(std::ops::Range<usize>),
}

impl QuietUsage {
    /// Takes the next bytes and appends what may go on, as one piece.
    pub(crate) fn push(&mut self, chunk: &Bytes, out: &mut Vec<Bytes>) {
        if self.pending.is_empty() && !self.in_long_event {
            if let Some(before) = lone_event(chunk) {
                out.push([before, END_OF_EVENT].concat().into());
                return;
            }
            if is_plain(chunk) {
                out.push(chunk.clone());
                return;
            }
            let mut kept = BytesMut::with_capacity(chunk.len());
            let rest = self.take_events(chunk, &mut kept);
            self.pending.extend_from_slice(rest);
            self.hand_on(kept, out);
            return;
        }
        self.pending.extend_from_slice(chunk);
        let whole = self.pending.split();
        let mut kept = BytesMut::with_capacity(whole.len());
        let rest = self.take_events(&whole, &mut kept);
        self.pending.extend_from_slice(rest);
        self.hand_on(kept, out);
    }

    /// Says that no more bytes come, and appends what is left.
    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) {
        let rest = self.pending.split();
        let mut kept = BytesMut::with_capacity(rest.len());
        keep(&rest, self.in_long_event, &mut kept);
        if !kept.is_empty() {
            out.push(kept.freeze());
        }
    }

    /// Keeps what may go on of all whole events, and returns the rest.
    fn take_events<'b>(&mut self, mut bytes: &'b [u8], kept: &mut BytesMut) -> &'b [u8] {
        while let Some(end) = event_end(bytes) {
            let (event, rest) = bytes.split_at(end);
            keep(event, std::mem::take(&mut self.in_long_event), kept);
            bytes = rest;
        }
        bytes
    }

    fn hand_on(&mut self, mut kept: BytesMut, out: &mut Vec<Bytes>) {
        if self.pending.len() > MAX_PENDING_BYTES {
            self.in_long_event = true;
            kept.unsplit(self.pending.split());
        }
        if !kept.is_empty() {
            out.push(kept.freeze());
        }
    }
}

/// Returns what stands before the usage of a piece that is one event, as most are, whose usage is empty and
/// its last member. That it is a member needs no reading: behind it nothing but the outermost object ends.
fn lone_event(chunk: &[u8]) -> Option<&[u8]> {
    let before = chunk.strip_suffix(LAST_OF_EVENT)?;
    let is_one_line = before.starts_with(b"data:") && memchr::memchr(b'\n', before).is_none();
    is_one_line.then_some(before)
}

/// Tells whether a piece is whole events of which none speaks of usage.
fn is_plain(chunk: &[u8]) -> bool {
    (chunk.ends_with(b"\n\n") || chunk.ends_with(b"\n\r\n")) && USAGE.find(chunk).is_none()
}

/// Finds the end of the first event, its blank line included.
fn event_end(bytes: &[u8]) -> Option<usize> {
    for newline in memchr::memchr_iter(b'\n', bytes) {
        match &bytes[newline + 1..] {
            [b'\n', ..] => return Some(newline + 2),
            [b'\r', b'\n', ..] => return Some(newline + 3),
            _ => {}
        }
    }
    None
}

/// Appends an event without what must not go on. `is_rest`: its beginning has gone on already.
fn keep(event: &[u8], is_rest: bool, kept: &mut BytesMut) {
    match if is_rest { Deed::Keep } else { deed(event) } {
        Deed::Keep => kept.extend_from_slice(event),
        Deed::Drop => {}
        Deed::Cut(range) => {
            kept.extend_from_slice(&event[..range.start]);
            kept.extend_from_slice(&event[range.end..]);
        }
    }
}

fn deed(event: &[u8]) -> Deed {
    if USAGE.find(event).is_none() {
        return Deed::Keep;
    }
    let Some((start, data)) = only_data(event) else { return Deed::Keep };
    // As OpenAI and most others write it: the last member of the outermost object, which needs no reading.
    if let Some(before) = data.strip_suffix(b"}").and_then(|data| data.strip_suffix(LAST_MEMBER)) {
        return Deed::Cut(start + before.len()..start + before.len() + LAST_MEMBER.len());
    }
    let Ok(data) = std::str::from_utf8(data) else { return Deed::Keep };
    let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(data) else { return Deed::Keep };
    let no_choices = chunk.choices.is_some_and(|raw| {
        raw.get().strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]")
    });
    match chunk.usage {
        Some(usage) if usage.get() != "null" && no_choices => Deed::Drop,
        Some(usage) if usage.get() == "null" => member(data, usage.get())
            .map_or(Deed::Keep, |range| Deed::Cut(start + range.start..start + range.end)),
        _ => Deed::Keep,
    }
}

/// Returns the data of an event that has one data line, and where it begins.
fn only_data(event: &[u8]) -> Option<(usize, &[u8])> {
    let mut found = None;
    let mut at = 0;
    while at < event.len() {
        let end = memchr::memchr(b'\n', &event[at..]).map_or(event.len(), |end| at + end + 1);
        let line = &event[at..end];
        if let Some(rest) = line.strip_prefix(b"data:") {
            let data = rest.trim_ascii();
            let lead = rest.len() - rest.trim_ascii_start().len();
            let start = at + b"data:".len() + lead;
            if found.replace((start, data)).is_some() {
                return None;
            }
        }
        at = end;
    }
    found
}

/// Returns where the member with this value stands, its name and one comma included.
fn member(object: &str, value: &str) -> Option<std::ops::Range<usize>> {
    let value_start = value.as_ptr() as usize - object.as_ptr() as usize;
    let name = object[..value_start].rfind("\"usage\"")?;
    let before = object[..name].trim_end();
    let end = value_start + value.len();
    if before.ends_with(',') {
        return Some(before.len() - 1..end);
    }
    let after = object[end..].trim_start();
    let comma = usize::from(after.starts_with(','));
    Some(name..object.len() - after.len() + comma)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"usage\"}}],\"usage\":null}\n\n\
        : keep-alive\n\n\
        data: {\"usage\": null ,\"id\":\"a\",\"choices\":[{\"index\":0}]}\r\n\r\n\
        data: {\"choices\":[],\"prompt_filter_results\":[],\"usage\":null}\n\n\
        data: {\"id\":\"a\",\"choices\": [ ],\"usage\":{\"prompt_tokens\":1}}\n\n\
        data: {\"id\":\"a\",\"choices\":[{\"index\":0}],\"usage\":{\"prompt_tokens\":1}}\n\n\
        data: [DONE]\n\n";

    const QUIET: &str = "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"usage\"}}]}\n\n\
        : keep-alive\n\n\
        data: {\"id\":\"a\",\"choices\":[{\"index\":0}]}\r\n\r\n\
        data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n\
        data: {\"id\":\"a\",\"choices\":[{\"index\":0}],\"usage\":{\"prompt_tokens\":1}}\n\n\
        data: [DONE]\n\n";

    fn quiet<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> String {
        let (mut filter, mut out) = (QuietUsage::default(), Vec::new());
        for piece in pieces {
            filter.push(&Bytes::copy_from_slice(piece), &mut out);
        }
        filter.finish(&mut out);
        String::from_utf8(out.concat()).unwrap()
    }

    #[test]
    fn only_usage_that_nobody_asked_for_goes_at_any_cut() {
        assert_eq!(quiet([STREAM.as_bytes()]), QUIET);
        let events = || STREAM.split_inclusive("\n\n").map(str::as_bytes);
        assert_eq!(quiet(events()), QUIET, "event by event");
        assert!(events().any(|event| lone_event(event).is_some()));
        for length in 1..STREAM.len() {
            assert_eq!(quiet(STREAM.as_bytes().chunks(length)), QUIET, "pieces of {length}");
        }
    }

    #[test]
    fn what_is_no_chunk_or_not_complete_stays() {
        for text in [
            "data: {\"error\":{\"message\":\"usage limit\"}}\n\n",
            "data: not json but usage\n\n",
            "data: {\"usage\":null\n\n",
            "data: {\"choices\":[],\ndata: \"usage\":{}}\n\n",
            "{\"usage\":null}",
        ] {
            assert_eq!(quiet([text.as_bytes()]), text);
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_passed_on_as_it_comes() {
        let long = format!("data: {{\"a\":\"{}\",\"usage\":null}}\n\n", "x".repeat(600_000));
        let text = format!("{long}data: {{\"choices\":[],\"usage\":{{}}}}\n\n");

        assert_eq!(quiet(text.as_bytes().chunks(50_000)), long);
    }
}
